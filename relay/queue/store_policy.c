/*
 * The MTA-STS cache as a whole: read in pages, so that it can be shown and
 * taken to another host, and filled from one (STS-44: an entry keeps the time
 * of its fetch wherever it goes).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/queue/store_job.h"

#define PAGE_BYTES (256u * 1024u) /* of texts, after which a page ends */

static const char sql_list[] =
    "SELECT domain, id, fetched, expires, body FROM sts WHERE domain > ?1"
    " ORDER BY domain LIMIT ?2";
static const char sql_one[] =
    "SELECT domain, id, fetched, expires, body FROM sts WHERE domain = ?1"
    " LIMIT ?2";
/* One that was fetched at the same time or later is worth more. */
static const char sql_import[] =
    "INSERT INTO sts(domain, id, fetched, expires, body)"
    " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(domain) DO UPDATE SET"
    " id = ?2, fetched = ?3, expires = ?4, body = ?5 WHERE fetched < ?3";

/* ---- a page ---- */

struct job_policies {
	struct job job;
	char domain[DOMAIN_MAX];
	bool one; /* domain alone; else what is behind it */
	size_t limit, n;
	struct sts_entry *v;
	bool more;
	store_policies_fn *fn;
};

static struct job_policies *
policies_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_policies, job);
}

static void
read_entry(struct sqlite3_stmt *st, struct sts_entry *e)
{
	struct str body = db_col_blob(st, 4);

	e->body = str_dup(body);
	e->body_len = body.n;
	db_col_text(st, 0, e->domain, sizeof(e->domain));
	db_col_text(st, 1, e->id, sizeof(e->id));
	e->fetched = db_col_int(st, 2);
	e->expires = db_col_int(st, 3);
}

static int
policies_run(const struct job_env *env, struct job *j)
{
	struct job_policies *p = policies_of(j);
	struct sqlite3_stmt *st;
	size_t bytes = 0;
	int rc = db_stmt(env->db, p->one ? sql_one : sql_list, &st);

	if (rc != 0)
		return rc;
	p->v = xcalloc(p->limit, sizeof(*p->v));
	db_bind_text(st, 1, p->domain);
	db_bind_int(st, 2, (int64_t)p->limit);
	while (bytes < PAGE_BYTES && (rc = db_step(env->db, st)) == 1) {
		read_entry(st, &p->v[p->n]);
		bytes += p->v[p->n++].body_len;
	}
	if (rc < 0)
		return rc;
	/* Not stepped to its end: the page is as full as it may be. */
	p->more = !p->one && (rc == 1 || p->n == p->limit);
	if (rc == 1)
		db_reset(st);
	return 0;
}

static void
policies_answer(struct job *j)
{
	struct job_policies *p = policies_of(j);

	p->fn(j->arg, j->err, p->v, j->err == 0 ? p->n : 0, p->more);
}

static void
policies_free(struct job *j)
{
	struct job_policies *p = policies_of(j);

	for (size_t i = 0; i < p->n; i++)
		sts_entry_clear(&p->v[i]);
	free(p->v);
	free(p);
}

static const struct job_ops policies_ops = {
    .run = policies_run,
    .answer = policies_answer,
    .free = policies_free,
};

struct job *
store_policies_new(
    const char *domain, bool one, size_t limit, store_policies_fn *fn)
{
	struct job_policies *p = xcalloc(1, sizeof(*p));

	p->job.ops = &policies_ops;
	(void)snprintf(p->domain, sizeof(p->domain), "%s", domain);
	p->one = one;
	p->limit = limit;
	p->fn = fn;
	return &p->job;
}

/* ---- from another host ---- */

struct job_import {
	struct job job;
	struct sts_entry entry; /* owned */
	uint64_t n;
	store_count_fn *fn;
};

static struct job_import *
import_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_import, job);
}

static int
import_run(const struct job_env *env, struct job *j)
{
	struct job_import *i = import_of(j);
	const struct sts_entry *e = &i->entry;
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_import, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, e->domain);
	db_bind_text(st, 2, e->id);
	db_bind_int(st, 3, e->fetched);
	db_bind_int(st, 4, e->expires);
	db_bind_blob(st, 5, str_n(e->body, e->body_len));
	rc = db_step(env->db, st);
	i->n = rc == 0 ? (uint64_t)db_changes(env->db) : 0;
	return rc;
}

static void
import_answer(struct job *j)
{
	const struct job_import *i = import_of(j);

	i->fn(j->arg, j->err, j->err == 0 ? i->n : 0);
}

static void
import_free(struct job *j)
{
	sts_entry_clear(&import_of(j)->entry);
	free(import_of(j));
}

static const struct job_ops import_ops = {
    .run = import_run,
    .answer = import_answer,
    .free = import_free,
};

struct job *
store_policy_import_new(const struct sts_entry *e, store_count_fn *fn)
{
	struct job_import *i = xcalloc(1, sizeof(*i));

	i->job.ops = &import_ops;
	i->job.write = true;
	sts_entry_copy(&i->entry, e);
	i->fn = fn;
	return &i->job;
}
