/*
 * Messages and recipients go in and out. One kind of job changes them: the
 * results of an attempt, new messages, or both, in one transaction, so that a
 * recipient never leaves the queue without the bounce that it owes.
 *
 * The row of a message goes with its last recipient; its spool file after the
 * commit. A result for a row that is gone is no error (QUE-08): a job may come
 * twice when its first answer was an error.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/queue/body.h"
#include "relay/queue/store_job.h"

static const char sql_msg_put[] =
    "INSERT INTO msg(id, arrived, flags, size, spool, sender, envid, client)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char sql_body_put[] = "INSERT INTO body(msg, data) VALUES(?1, ?2)";
static const char sql_dest_get[] = "SELECT id FROM dest WHERE next_hop = ?1";
static const char sql_dest_put[] =
    "INSERT INTO dest(next_hop, bucket) VALUES(?1, ?2) RETURNING id";
static const char sql_rcpt_put[] =
    "INSERT INTO rcpt(msg, dest, next_try, notify, addr, orcpt)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6) RETURNING id";
static const char sql_rcpt_del[] =
    "DELETE FROM rcpt WHERE id = ?1 AND msg = ?2";
static const char sql_rcpt_left[] = "SELECT 1 FROM rcpt WHERE msg = ?1 LIMIT 1";
static const char sql_body_del[] = "DELETE FROM body WHERE msg = ?1";
static const char sql_msg_del[] =
    "DELETE FROM msg WHERE id = ?1 RETURNING spool";
static const char sql_rcpt_retry[] =
    "UPDATE rcpt SET tries = ?3, next_try = ?4, dsn = ?5, rule = ?6, mx = ?7,"
    " reply = ?8, delayed = max(delayed, ?9) WHERE id = ?1 AND msg = ?2";
static const char sql_spool[] = "SELECT spool FROM msg WHERE id = ?1";

struct put_item {
	struct msg *msg; /* counted */
	struct rcpt_in *rcpts;
	size_t n;
	int64_t next_try;
	uint64_t id;
	bool spool; /* the body is a file */
	bool written; /* the file is there, made by this job */
};

struct job_change {
	struct job job;
	bool new_mail;
	struct store_result *results;
	size_t n_results;
	struct put_item *puts;
	size_t n_puts;
	struct rcpt **out;
	size_t n_out;
	struct receipt_proof *proof; /* owned, or NULL */
	uint64_t *gone; /* messages whose spool files go after the commit */
	size_t n_gone;
	store_put_fn *fn;
};

static struct job_change *
change_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_change, job);
}

/* Runs a statement that gives one number: RETURNING or a look-up. */
static int
one_number(struct db *db, struct sqlite3_stmt *st, int64_t *out)
{
	int rc = db_step(db, st);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return ERR_NOTFOUND;
	*out = db_col_int(st, 0);
	/* On to the end: only then a RETURNING statement is done. */
	rc = db_step(db, st);
	if (rc == 1) {
		db_reset(st);
		return ERR_INTERNAL;
	}
	return rc;
}

static int
dest_id(struct db *db, const char *next_hop, int64_t *out)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql_dest_get, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, next_hop);
	rc = one_number(db, st, out);
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = db_stmt(db, sql_dest_put, &st);
	if (rc != 0)
		return rc;
	db_bind_text(st, 1, next_hop);
	db_bind_int(st, 2, msg_bucket(str_of(next_hop)));
	return one_number(db, st, out);
}

static int
put_msg_row(struct db *db, const struct put_item *p)
{
	struct sqlite3_stmt *st;
	struct str body = blob_str(p->msg->body);
	int rc = db_stmt(db, sql_msg_put, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)p->id);
	db_bind_int(st, 2, p->msg->arrived);
	db_bind_int(st, 3, p->msg->flags);
	db_bind_int(st, 4, (int64_t)body.n);
	db_bind_int(st, 5, p->spool);
	db_bind_text(st, 6, p->msg->sender);
	db_bind_text(st, 7, p->msg->envid);
	db_bind_text(st, 8, p->msg->client);
	rc = db_step(db, st);
	if (rc != 0 || p->spool)
		return rc;
	rc = db_stmt(db, sql_body_put, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)p->id);
	db_bind_blob(st, 2, body);
	return db_step(db, st);
}

static struct rcpt *
queued(const struct put_item *p, const struct rcpt_in *in, int64_t id,
    int64_t dest)
{
	struct rcpt *r = xcalloc(1, sizeof(*r));

	r->id = (uint64_t)id;
	r->dest = (uint64_t)dest;
	r->notify = in->notify;
	r->next_try = p->next_try;
	memcpy(r->next_hop, in->next_hop, sizeof(r->next_hop));
	memcpy(r->addr, in->addr, sizeof(r->addr));
	memcpy(r->orcpt, in->orcpt, sizeof(r->orcpt));
	r->msg = msg_ref(p->msg);
	return r;
}

static int
put_rcpt(struct db *db, struct job_change *c, const struct put_item *p,
    const struct rcpt_in *in)
{
	struct sqlite3_stmt *st;
	int64_t dest = 0;
	int64_t id = 0;
	int rc = dest_id(db, in->next_hop, &dest);

	if (rc == 0)
		rc = db_stmt(db, sql_rcpt_put, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)p->id);
	db_bind_int(st, 2, dest);
	db_bind_int(st, 3, p->next_try);
	db_bind_int(st, 4, in->notify);
	db_bind_text(st, 5, in->addr);
	db_bind_text(st, 6, in->orcpt);
	rc = one_number(db, st, &id);
	if (rc == 0)
		c->out[c->n_out++] = queued(p, in, id, dest);
	return rc;
}

static int
put_item(struct db *db, struct job_change *c, const struct put_item *p)
{
	int rc = put_msg_row(db, p);

	for (size_t i = 0; rc == 0 && i < p->n; i++)
		rc = put_rcpt(db, c, p, &p->rcpts[i]);
	return rc;
}

/* The message too when that was its last recipient. */
static int
drop_msg(struct db *db, struct job_change *c, uint64_t msg)
{
	struct sqlite3_stmt *st;
	int64_t n = 0;
	int rc = db_stmt(db, sql_rcpt_left, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)msg);
	rc = one_number(db, st, &n);
	if (rc != ERR_NOTFOUND)
		return rc; /* somebody is left, or an error */
	rc = db_stmt(db, sql_body_del, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)msg);
	rc = db_step(db, st);
	if (rc == 0)
		rc = db_stmt(db, sql_msg_del, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)msg);
	rc = one_number(db, st, &n);
	if (rc == 0 && n != 0)
		c->gone[c->n_gone++] = msg;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

static int
finish_done(struct db *db, struct job_change *c, const struct store_result *r,
    struct receipt_texts *texts)
{
	struct sqlite3_stmt *st;
	int rc = 0;

	if (c->proof && r->receipt)
		rc = store_receipt_put(db, c->proof, r, texts);
	if (rc == 0)
		rc = db_stmt(db, sql_rcpt_del, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)r->rcpt);
	db_bind_int(st, 2, (int64_t)r->msg);
	rc = db_step(db, st);
	if (rc != 0 || db_changes(db) == 0)
		return rc;
	return drop_msg(db, c, r->msg);
}

static int
finish_retry(struct db *db, const struct store_result *r)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql_rcpt_retry, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)r->rcpt);
	db_bind_int(st, 2, (int64_t)r->msg);
	db_bind_int(st, 3, r->tries);
	db_bind_int(st, 4, r->next_try);
	db_bind_text(st, 5, r->dsn);
	db_bind_text(st, 6, r->rule);
	db_bind_text(st, 7, r->mx);
	db_bind_text(st, 8, r->reply);
	db_bind_int(st, 9, r->delayed_sent);
	return db_step(db, st);
}

static int
finish_result(struct db *db, struct job_change *c, const struct store_result *r,
    struct receipt_texts *texts)
{
	switch (r->fate) {
	case STORE_DONE:
		return finish_done(db, c, r, texts);
	case STORE_RETRY:
		return finish_retry(db, r);
	case STORE_RELEASED:
		return 0;
	}
	BUG("fate %d", (int)r->fate);
}

static int
change_run(const struct job_env *env, struct job *j)
{
	struct job_change *c = change_of(j);
	/* Known anew each time: rows that this found may be rolled back. */
	struct receipt_texts texts = {0};
	int rc = 0;

	/* Results and bounces go on: they make room in the end. */
	if (c->new_mail && env->low_disk)
		return ERR_FULL;
	for (size_t i = 0; rc == 0 && i < c->n_puts; i++)
		rc = put_item(env->db, c, &c->puts[i]);
	for (size_t i = 0; rc == 0 && i < c->n_results; i++)
		rc = finish_result(env->db, c, &c->results[i], &texts);
	return rc;
}

static int
change_prepare(const struct job_env *env, struct job *j)
{
	struct job_change *c = change_of(j);
	int rc = 0;

	if (c->new_mail && env->low_disk)
		return ERR_FULL;
	for (size_t i = 0; rc == 0 && i < c->n_puts; i++) {
		struct put_item *p = &c->puts[i];

		if (!p->spool)
			continue;
		rc = body_write(env->db->dir, p->id, blob_str(p->msg->body));
		p->written = rc == 0;
	}
	return rc;
}

static void
change_committed(const struct job_env *env, struct job *j)
{
	const struct job_change *c = change_of(j);

	for (size_t i = 0; i < c->n_gone; i++)
		body_remove(env->db->dir, c->gone[i]);
}

static void
drop_out(struct job_change *c)
{
	for (size_t i = 0; i < c->n_out; i++)
		rcpt_free(c->out[i]);
	c->n_out = 0;
}

/* A file whose job failed: now, or when it is sure that the job stays so. One
 * too many for the list is found by the next start. */
static void
drop_file(const struct job_env *env, uint64_t id)
{
	if (env->in_doubt)
		(void)buf_add(env->doubtful, &id, sizeof(id));
	else
		body_remove(env->db->dir, id);
}

static void
change_undo(const struct job_env *env, struct job *j)
{
	struct job_change *c = change_of(j);

	drop_out(c);
	c->n_gone = 0;
	for (size_t i = 0; i < c->n_puts; i++) {
		if (c->puts[i].written)
			drop_file(env, c->puts[i].id);
		c->puts[i].written = false;
	}
}

static void
change_answer(struct job *j)
{
	struct job_change *c = change_of(j);
	struct rcpt **out = c->out;
	size_t n = c->n_out;

	if (!c->fn)
		return;
	for (size_t i = 0; j->err == 0 && i < c->n_puts; i++)
		c->puts[i].msg->id = c->puts[i].id;
	c->out = NULL;
	c->n_out = 0;
	if (j->err != 0) {
		free(out);
		out = NULL;
	}
	c->fn(j->arg, j->err, out, j->err == 0 ? n : 0);
}

static void
change_free(struct job *j)
{
	struct job_change *c = change_of(j);

	drop_out(c);
	free(c->out);
	free(c->gone);
	if (c->proof)
		receipt_proof_clear(c->proof);
	free(c->proof);
	free(c->results);
	for (size_t i = 0; i < c->n_puts; i++) {
		msg_unref(c->puts[i].msg);
		free(c->puts[i].rcpts);
	}
	free(c->puts);
	free(c);
}

static const struct job_ops change_ops = {
    .run = change_run,
    .prepare = change_prepare,
    .committed = change_committed,
    .undo = change_undo,
    .answer = change_answer,
    .free = change_free,
};

static void
take_put(struct put_item *to, const struct store_put *p, int64_t now)
{
	struct rng rng;

	if (!p->msg->body)
		BUG("message without a body");
	to->msg = msg_ref(p->msg);
	to->next_try = p->next_try;
	to->n = p->n_rcpts;
	to->rcpts = xcalloc(p->n_rcpts, sizeof(*to->rcpts));
	if (p->n_rcpts > 0)
		memcpy(to->rcpts, p->rcpts, p->n_rcpts * sizeof(*to->rcpts));
	to->id = p->msg->id;
	if (to->id == 0) {
		rng_init_system(&rng);
		to->id = msg_pick_id(now, &rng);
	}
	to->spool = blob_str(p->msg->body).n > BODY_INLINE_MAX;
}

struct job *
store_change_new(
    const struct store_finish *f, bool new_mail, int64_t now, store_put_fn *fn)
{
	struct job_change *c = xcalloc(1, sizeof(*c));
	size_t n_out = 0;

	c->job.ops = &change_ops;
	c->job.write = true;
	c->job.lazy = !new_mail;
	c->new_mail = new_mail;
	c->fn = fn;
	c->n_results = f->n;
	c->results = xcalloc(f->n, sizeof(*c->results));
	c->gone = xcalloc(f->n, sizeof(*c->gone));
	if (f->n > 0)
		memcpy(c->results, f->results, f->n * sizeof(*c->results));
	if (f->proof) {
		c->proof = xcalloc(1, sizeof(*c->proof));
		receipt_proof_copy(c->proof, f->proof);
	}
	c->n_puts = f->n_dsns;
	c->puts = xcalloc(f->n_dsns, sizeof(*c->puts));
	for (size_t i = 0; i < f->n_dsns; i++) {
		take_put(&c->puts[i], &f->dsns[i], now);
		n_out += c->puts[i].n;
		if (c->puts[i].spool)
			c->job.spool = true;
	}
	c->out = xcalloc(n_out, sizeof(struct rcpt *));
	return &c->job;
}

/* ---- at start ---- */

static int
has_file(void *arg, uint64_t id, bool *yes)
{
	struct db *db = arg;
	struct sqlite3_stmt *st;
	int64_t spool = 0;
	int rc = db_stmt(db, sql_spool, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)id);
	rc = one_number(db, st, &spool);
	*yes = spool != 0;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int
store_msg_sweep(struct db *db, unsigned *removed)
{
	int rc = db_exec(
	    db, "DELETE FROM dest WHERE id NOT IN (SELECT dest FROM rcpt)");

	return rc == 0 ? body_sweep(db->dir, has_file, db, removed) : rc;
}
