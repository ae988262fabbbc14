/*
 * The MTA-STS cache (RFC 8461 5.1). Losing the last few writes in a crash only
 * costs a fetch, so these jobs force no commit.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/queue/store_job.h"

static const char sql_sts_get[] =
    "SELECT id, fetched, expires, body FROM sts WHERE domain = ?1";
static const char sql_sts_put[] =
    "INSERT INTO sts(domain, id, fetched, expires, body)"
    " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(domain) DO UPDATE SET"
    " id = ?2, fetched = ?3, expires = ?4, body = ?5";

/* ---- one entry of the MTA-STS cache, to read or to write ---- */

struct job_sts {
	struct job job;
	struct sts_entry entry; /* owned */
	store_sts_fn *got_fn;
	store_done_fn *done_fn;
};

static struct job_sts *
sts_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_sts, job);
}

static void
sts_free(struct job *j)
{
	free(sts_of(j)->entry.body);
	free(sts_of(j));
}

static int
sts_get_run(const struct job_env *env, struct job *j)
{
	struct sts_entry *e = &sts_of(j)->entry;
	struct sqlite3_stmt *st;
	struct str body;
	int rc = db_stmt(env->db, sql_sts_get, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, e->domain);
	rc = db_step(env->db, st);
	if (rc != 1)
		return rc == 0 ? ERR_NOTFOUND : rc;
	db_col_text(st, 0, e->id, sizeof(e->id));
	e->fetched = db_col_int(st, 1);
	e->expires = db_col_int(st, 2);
	body = db_col_blob(st, 3);
	e->body = str_dup(body);
	e->body_len = body.n;
	/* e->domain is bound until here. */
	db_reset(st);
	return 0;
}

static void
sts_get_answer(struct job *j)
{
	struct job_sts *s = sts_of(j);

	s->got_fn(j->arg, j->err, j->err == 0 ? &s->entry : NULL);
}

static const struct job_ops sts_get_ops = {
    .run = sts_get_run,
    .answer = sts_get_answer,
    .free = sts_free,
};

struct job *
store_sts_get_new(const char *domain, store_sts_fn *fn)
{
	struct job_sts *s = xcalloc(1, sizeof(*s));

	s->job.ops = &sts_get_ops;
	(void)snprintf(s->entry.domain, sizeof(s->entry.domain), "%s", domain);
	s->got_fn = fn;
	return &s->job;
}

static int
sts_put_run(const struct job_env *env, struct job *j)
{
	const struct sts_entry *e = &sts_of(j)->entry;
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_sts_put, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, e->domain);
	db_bind_text(st, 2, e->id);
	db_bind_int(st, 3, e->fetched);
	db_bind_int(st, 4, e->expires);
	db_bind_blob(st, 5, str_n(e->body, e->body_len));
	return db_step(env->db, st);
}

static void
sts_put_answer(struct job *j)
{
	struct job_sts *s = sts_of(j);

	if (s->done_fn)
		s->done_fn(j->arg, j->err);
}

static const struct job_ops sts_put_ops = {
    .run = sts_put_run,
    .answer = sts_put_answer,
    .free = sts_free,
};

struct job *
store_sts_put_new(const struct sts_entry *e, store_done_fn *fn)
{
	struct job_sts *s = xcalloc(1, sizeof(*s));

	s->job.ops = &sts_put_ops;
	s->job.write = true;
	s->job.lazy = true;
	s->entry = *e;
	s->entry.body = str_dup(str_n(e->body, e->body_len));
	s->done_fn = fn;
	return &s->job;
}
