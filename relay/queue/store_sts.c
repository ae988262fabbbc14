/*
 * The MTA-STS cache as its shard looks after it: which entries are to be
 * fetched again, and the end of those that nobody needs.
 *
 * RFC 8461 3.3, 10.2.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/model/msg.h"
#include "relay/queue/store_job.h"

#define SCAN_ROWS 2000 /* of one look: the reader has other work too */

static const char sql_sts_drop[] =
    "DELETE FROM sts WHERE domain = ?1 AND expires < ?2";
static const char sql_sts_scan[] =
    "SELECT domain, id, fetched, expires FROM sts WHERE domain > ?1"
    " ORDER BY domain LIMIT ?2";

struct job_sts_drop {
	struct job job;
	char domain[DOMAIN_MAX];
	int64_t before;
	store_done_fn *fn;
};

static int
sts_drop_run(const struct job_env *env, struct job *j)
{
	const struct job_sts_drop *d = CONTAINER_OF(
	    j, struct job_sts_drop, job);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_sts_drop, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, d->domain);
	db_bind_int(st, 2, d->before);
	return db_step(env->db, st);
}

static void
sts_drop_answer(struct job *j)
{
	const struct job_sts_drop *d = CONTAINER_OF(
	    j, struct job_sts_drop, job);

	if (d->fn)
		d->fn(j->arg, j->err);
}

static void
sts_drop_free(struct job *j)
{
	free(CONTAINER_OF(j, struct job_sts_drop, job));
}

struct job *
store_sts_drop_new(const char *domain, int64_t before, store_done_fn *fn)
{
	static const struct job_ops ops = {
	    .run = sts_drop_run,
	    .answer = sts_drop_answer,
	    .free = sts_drop_free,
	};
	struct job_sts_drop *d = xcalloc(1, sizeof(*d));

	d->job.ops = &ops;
	d->job.write = true;
	d->job.lazy = true;
	(void)snprintf(d->domain, sizeof(d->domain), "%s", domain);
	d->before = before;
	d->fn = fn;
	return &d->job;
}

struct job_sts_scan {
	struct job job;
	struct store_sts_scan q;
	struct sts_entry *rows;
	struct store_sts_page page;
	store_sts_page_fn *fn;
};

/* Takes e up when it is due, or over and done with. */
static void
sts_scan_take(struct job_sts_scan *s, const struct sts_entry *e)
{
	int64_t due = sts_entry_due(e);

	if (msg_bucket(str_of(e->domain)) % s->q.shards != s->q.shard)
		return;
	if (e->expires <= s->q.now && e->expires + STS_KEEP_S > s->q.now)
		return;
	if (e->expires > s->q.now && due > s->q.now) {
		if (due < s->page.next_due)
			s->page.next_due = due;
		return;
	}
	s->rows[s->page.n++] = *e;
}

static int
sts_scan_run(const struct job_env *env, struct job *j)
{
	struct job_sts_scan *s = CONTAINER_OF(j, struct job_sts_scan, job);
	struct sqlite3_stmt *st;
	size_t seen = 0;
	int rc = db_stmt(env->db, sql_sts_scan, &st);

	if (rc != 0)
		return rc;
	db_bind_text(st, 1, s->q.after);
	db_bind_int(st, 2, SCAN_ROWS);
	while (s->page.n < s->q.limit && (rc = db_step(env->db, st)) == 1) {
		struct sts_entry e = {.body = NULL};

		db_col_text(st, 0, e.domain, sizeof(e.domain));
		db_col_text(st, 1, e.id, sizeof(e.id));
		e.fetched = db_col_int(st, 2);
		e.expires = db_col_int(st, 3);
		memcpy(s->page.last, e.domain, sizeof(e.domain));
		seen++;
		sts_scan_take(s, &e);
	}
	db_reset(st);
	s->page.more = s->page.n == s->q.limit || seen == SCAN_ROWS;
	return rc < 0 ? rc : 0;
}

static void
sts_scan_answer(struct job *j)
{
	const struct job_sts_scan *s = CONTAINER_OF(
	    j, struct job_sts_scan, job);

	s->fn(j->arg, j->err, j->err == 0 ? &s->page : NULL);
}

static void
sts_scan_free(struct job *j)
{
	struct job_sts_scan *s = CONTAINER_OF(j, struct job_sts_scan, job);

	free(s->rows);
	free(s);
}

struct job *
store_sts_scan_new(const struct store_sts_scan *q, store_sts_page_fn *fn)
{
	static const struct job_ops ops = {
	    .run = sts_scan_run,
	    .answer = sts_scan_answer,
	    .free = sts_scan_free,
	};
	struct job_sts_scan *s = xcalloc(1, sizeof(*s));

	s->job.ops = &ops;
	s->q = *q;
	s->rows = xcalloc(q->limit, sizeof(*s->rows));
	s->page.rows = s->rows;
	s->page.next_due = INT64_MAX;
	s->fn = fn;
	return &s->job;
}
