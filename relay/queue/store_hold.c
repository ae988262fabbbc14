/*
 * Messages that are held: no shard gets to see their rows until they are
 * released. Holding is done while the store opens, before any thread runs, so
 * that no shard can have them in memory.
 */
#include "config.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/queue/store_job.h"

#define HOLD_DSN "4.3.0"
#define HOLD_RULE "POISON"
#define HOLD_TEXT "held: the relay crashed at least twice while working on it"

static const char sql_hold[] = "UPDATE rcpt SET held = 1, dsn = '" HOLD_DSN
			       "', rule = '" HOLD_RULE "',"
			       " mx = '', reply = '" HOLD_TEXT
			       "' WHERE msg = ?1 AND held = 0";
static const char sql_there[] = "SELECT count(*) FROM msg WHERE id = ?1";
static const char sql_sender[] = "SELECT sender FROM msg WHERE id = ?1";
static const char sql_release[] =
    "UPDATE rcpt SET held = 0, next_try = ?2 WHERE msg = ?1 AND held <> 0";

/* ---- at start ---- */

static NODISCARD int
is_there(struct db *db, uint64_t msg, bool *yes)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql_there, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)msg);
	rc = db_step(db, st);
	if (rc != 1)
		return rc == 0 ? ERR_INTERNAL : rc;
	*yes = db_col_int(st, 0) != 0;
	db_reset(st);
	return 0;
}

static NODISCARD int
hold(struct db *db, uint64_t msg, int64_t *rows)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql_hold, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)msg);
	rc = db_step(db, st);
	*rows = rc == 0 ? db_changes(db) : 0;
	return rc;
}

static void
tell_held(struct db *db, const struct store_opts *o, const struct work_entry *e)
{
	struct sqlite3_stmt *st;
	struct log_line l;
	char qid[MSG_QID_MAX];
	char sender[ADDR_MAX] = "";

	msg_qid(e->msg, qid);
	if (db_stmt(db, sql_sender, &st) == 0) {
		db_bind_int(st, 1, (int64_t)e->msg);
		if (db_step(db, st) == 1) {
			db_col_text(st, 0, sender, sizeof(sender));
			db_reset(st);
		}
	}
	metrics_add(o->metrics, METRIC_POISON_HELD, 1);
	log_begin(&l, o->log, LOG_WARN, "held");
	log_cstr(&l, "qid", qid);
	log_cstr(&l, "from", sender);
	log_cstr(&l, "rule", HOLD_RULE);
	log_int(&l, "crashes", e->crashes);
	log_cstr(&l, "text", HOLD_TEXT "; see waxseal queue list");
	log_end(&l);
}

int
store_hold_open(struct db *db, const struct store_opts *o)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->n_work; i++) {
		struct work_entry *e = &o->work[i];
		bool there = false;
		int64_t rows = 0;

		rc = is_there(db, e->msg, &there);
		if (rc == 0 && there && (e->flags & WORK_HOLD) != 0)
			rc = hold(db, e->msg, &rows);
		if (rc == 0 && rows > 0)
			tell_held(db, o, e);
		if (rc == 0 && !there)
			e->msg = 0;
	}
	return rc;
}

/* ---- release ---- */

struct job_release {
	struct job job;
	uint64_t msg;
	int64_t now;
	uint64_t n;
	store_count_fn *fn;
};

static struct job_release *
release_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_release, job);
}

static int
release_run(const struct job_env *env, struct job *j)
{
	struct job_release *r = release_of(j);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_release, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)r->msg);
	db_bind_int(st, 2, r->now);
	rc = db_step(env->db, st);
	r->n = rc == 0 ? (uint64_t)db_changes(env->db) : 0;
	return rc;
}

static void
release_answer(struct job *j)
{
	const struct job_release *r = release_of(j);

	r->fn(j->arg, j->err, j->err == 0 ? r->n : 0);
}

static void
release_free(struct job *j)
{
	free(release_of(j));
}

static const struct job_ops release_ops = {
    .run = release_run,
    .answer = release_answer,
    .free = release_free,
};

struct job *
store_release_new(uint64_t msg, int64_t now, store_count_fn *fn)
{
	struct job_release *r = xcalloc(1, sizeof(*r));

	r->job.ops = &release_ops;
	r->job.write = true;
	r->msg = msg;
	r->now = now;
	r->fn = fn;
	return &r->job;
}
