/*
 * The memory of what domains had, in the table dane_seen, which is named by
 * the first thing that stood in it. Losing the last few writes in a crash costs
 * a line in the log or a lookup, so these jobs force no commit; but a drop is
 * somebody's word and is answered when it is on disk, as all are.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/model/msg.h"
#include "relay/queue/store_job.h"

static const char sql_put[] =
    "INSERT INTO dane_seen(domain, bucket, via, dane, sts, seen, gone)"
    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(domain) DO UPDATE SET"
    " via = ?3, dane = ?4, sts = ?5, seen = ?6, gone = ?7";
static const char sql_drop[] = "DELETE FROM dane_seen WHERE domain = ?1";
static const char sql_load[] =
    "SELECT domain, via, dane, sts, seen, gone FROM dane_seen"
    " WHERE bucket % ?1 = ?2 AND domain > ?3 ORDER BY domain LIMIT ?4";

struct job_had {
	struct job job;
	struct had_entry entry; /* to write; its domain alone: to drop */
	store_done_fn *done_fn;
	/* To load. */
	unsigned shard, shards;
	size_t limit, n, cap;
	struct had_entry *v;
	store_had_fn *fn;
};

static struct job_had *
had_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_had, job);
}

static void
had_free(struct job *j)
{
	free(had_of(j)->v);
	free(had_of(j));
}

static void
had_answer(struct job *j)
{
	const struct job_had *h = had_of(j);

	if (h->done_fn)
		h->done_fn(j->arg, j->err);
}

static int
had_put_run(const struct job_env *env, struct job *j)
{
	const struct had_entry *e = &had_of(j)->entry;
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_put, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, e->domain);
	db_bind_int(st, 2, msg_bucket(str_of(e->domain)));
	db_bind_text(st, 3, e->via);
	db_bind_int(st, 4, e->dane);
	db_bind_int(st, 5, e->sts);
	db_bind_int(st, 6, e->seen);
	db_bind_int(st, 7, e->gone);
	return db_step(env->db, st);
}

static const struct job_ops had_put_ops = {
    .run = had_put_run,
    .answer = had_answer,
    .free = had_free,
};

struct job *
store_had_put_new(const struct had_entry *e, store_done_fn *fn)
{
	struct job_had *h = xcalloc(1, sizeof(*h));

	h->job.ops = &had_put_ops;
	h->job.write = true;
	h->job.lazy = true;
	h->entry = *e;
	h->done_fn = fn;
	return &h->job;
}

static int
had_drop_run(const struct job_env *env, struct job *j)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_drop, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, had_of(j)->entry.domain);
	return db_step(env->db, st);
}

static const struct job_ops had_drop_ops = {
    .run = had_drop_run,
    .answer = had_answer,
    .free = had_free,
};

struct job *
store_had_drop_new(const char *domain, store_done_fn *fn)
{
	struct job_had *h = xcalloc(1, sizeof(*h));

	h->job.ops = &had_drop_ops;
	h->job.write = true;
	(void)snprintf(h->entry.domain, sizeof(h->entry.domain), "%s", domain);
	h->done_fn = fn;
	return &h->job;
}

static void
had_row(struct job_had *h, struct sqlite3_stmt *st)
{
	struct had_entry *e;

	if (h->n == h->cap) {
		h->cap = h->cap > 0 ? h->cap * 2 : 16;
		h->v = xrealloc(h->v, h->cap * sizeof(*h->v));
	}
	e = &h->v[h->n++];
	memset(e, 0, sizeof(*e));
	db_col_text(st, 0, e->domain, sizeof(e->domain));
	db_col_text(st, 1, e->via, sizeof(e->via));
	e->dane = db_col_int(st, 2);
	e->sts = db_col_int(st, 3);
	e->seen = db_col_int(st, 4);
	e->gone = db_col_int(st, 5);
}

static int
had_load_run(const struct job_env *env, struct job *j)
{
	struct job_had *h = had_of(j);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_load, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, h->shards);
	db_bind_int(st, 2, h->shard);
	db_bind_text(st, 3, h->entry.domain);
	db_bind_int(st, 4, (int64_t)h->limit);
	while ((rc = db_step(env->db, st)) == 1)
		had_row(h, st);
	return rc;
}

static void
had_load_answer(struct job *j)
{
	struct job_had *h = had_of(j);

	h->fn(j->arg, j->err, h->v, j->err == 0 ? h->n : 0);
}

static const struct job_ops had_load_ops = {
    .run = had_load_run,
    .answer = had_load_answer,
    .free = had_free,
};

struct job *
store_had_load_new(unsigned shard, unsigned shards, const char *after,
    size_t limit, store_had_fn *fn)
{
	struct job_had *h = xcalloc(1, sizeof(*h));

	h->job.ops = &had_load_ops;
	h->shard = shard;
	h->shards = shards;
	h->limit = limit;
	(void)snprintf(h->entry.domain, sizeof(h->entry.domain), "%s", after);
	h->fn = fn;
	return &h->job;
}
