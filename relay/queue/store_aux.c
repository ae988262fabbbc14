/*
 * The MTA-STS cache (RFC 8461 5.1) and the memory of domains that had secure
 * TLSA records. Losing the last few writes in a crash only costs a fetch or a
 * lookup, so these jobs force no commit.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/model/msg.h"
#include "relay/queue/store_job.h"

static const char sql_sts_get[] =
    "SELECT id, fetched, expires, body FROM sts WHERE domain = ?1";
static const char sql_sts_put[] =
    "INSERT INTO sts(domain, id, fetched, expires, body)"
    " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(domain) DO UPDATE SET"
    " id = ?2, fetched = ?3, expires = ?4, body = ?5";
static const char sql_dane_put[] =
    "INSERT INTO dane_seen(domain, bucket, seen) VALUES(?1, ?2, ?3)"
    " ON CONFLICT(domain) DO UPDATE SET seen = ?3";
static const char sql_dane_load[] =
    "SELECT domain FROM dane_seen WHERE bucket % ?1 = ?2 ORDER BY domain";

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

/* ---- downgrade memory ---- */

struct job_dane {
	struct job job;
	char domain[DOMAIN_MAX];
	int64_t now;
	unsigned shard, shards;
	char **domains;
	size_t n, cap;
	store_dane_fn *fn;
	store_done_fn *done_fn;
};

static struct job_dane *
dane_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_dane, job);
}

static void
dane_free(struct job *j)
{
	struct job_dane *d = dane_of(j);

	for (size_t i = 0; i < d->n; i++)
		free(d->domains[i]);
	free(d->domains);
	free(d);
}

static int
dane_put_run(const struct job_env *env, struct job *j)
{
	const struct job_dane *d = dane_of(j);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_dane_put, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, d->domain);
	db_bind_int(st, 2, msg_bucket(str_of(d->domain)));
	db_bind_int(st, 3, d->now);
	return db_step(env->db, st);
}

static void
dane_put_answer(struct job *j)
{
	const struct job_dane *d = dane_of(j);

	if (d->done_fn)
		d->done_fn(j->arg, j->err);
}

static const struct job_ops dane_put_ops = {
    .run = dane_put_run,
    .answer = dane_put_answer,
    .free = dane_free,
};

struct job *
store_dane_put_new(const char *domain, int64_t now, store_done_fn *fn)
{
	struct job_dane *d = xcalloc(1, sizeof(*d));

	d->job.ops = &dane_put_ops;
	d->job.write = true;
	d->job.lazy = true;
	(void)snprintf(d->domain, sizeof(d->domain), "%s", domain);
	d->now = now;
	d->done_fn = fn;
	return &d->job;
}

static void
dane_add(struct job_dane *d, struct str domain)
{
	if (d->n == d->cap) {
		d->cap = d->cap > 0 ? d->cap * 2 : 64;
		d->domains = xrealloc(d->domains, d->cap * sizeof(char *));
	}
	d->domains[d->n++] = str_dup(domain);
}

static int
dane_load_run(const struct job_env *env, struct job *j)
{
	struct job_dane *d = dane_of(j);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_dane_load, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, d->shards);
	db_bind_int(st, 2, d->shard);
	while ((rc = db_step(env->db, st)) == 1)
		dane_add(d, db_col_blob(st, 0));
	return rc;
}

static void
dane_load_answer(struct job *j)
{
	struct job_dane *d = dane_of(j);

	d->fn(j->arg, j->err, (const char *const *)d->domains,
	    j->err == 0 ? d->n : 0);
}

static const struct job_ops dane_load_ops = {
    .run = dane_load_run,
    .answer = dane_load_answer,
    .free = dane_free,
};

struct job *
store_dane_load_new(unsigned shard, unsigned shards, store_dane_fn *fn)
{
	struct job_dane *d = xcalloc(1, sizeof(*d));

	d->job.ops = &dane_load_ops;
	d->shard = shard;
	d->shards = shards;
	d->fn = fn;
	return &d->job;
}
