/*
 * What the reader thread reads: pages of recipients for the schedulers,
 * bodies, listings, numbers. Each is one statement, so each sees one moment
 * of the queue.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/map.h"
#include "relay/queue/body.h"
#include "relay/queue/store_job.h"

static const char sql_page[] =
    "SELECT r.id, r.dest, d.next_hop, r.addr, r.notify, r.orcpt, r.tries,"
    " r.next_try, m.id, m.arrived, m.flags, m.size, m.sender, m.envid,"
    " m.client FROM rcpt r INDEXED BY rcpt_next"
    " CROSS JOIN dest d ON d.id = r.dest"
    " CROSS JOIN msg m ON m.id = r.msg"
    " WHERE r.held = 0 AND r.next_try >= ?1"
    " AND (r.next_try > ?1 OR r.id > ?2) AND d.bucket % ?3 = ?4"
    " ORDER BY r.next_try, r.id LIMIT ?5";
static const char sql_body[] =
    "SELECT m.size, m.spool, b.data FROM msg m"
    " LEFT JOIN body b ON b.msg = m.id WHERE m.id = ?1";
static const char sql_spool[] = "SELECT spool FROM msg WHERE id = ?1";
static const char sql_list[] =
    "SELECT m.id, r.id, m.arrived, r.next_try, r.tries, m.size, r.held,"
    " m.sender, r.addr, d.next_hop, r.dsn, r.rule, r.mx, r.reply"
    " FROM rcpt r CROSS JOIN msg m ON m.id = r.msg"
    " CROSS JOIN dest d ON d.id = r.dest"
    " WHERE r.id > ?1 ORDER BY r.id LIMIT ?2";
static const char sql_list_msg[] =
    "SELECT m.id, r.id, m.arrived, r.next_try, r.tries, m.size, r.held,"
    " m.sender, r.addr, d.next_hop, r.dsn, r.rule, r.mx, r.reply"
    " FROM rcpt r CROSS JOIN msg m ON m.id = r.msg"
    " CROSS JOIN dest d ON d.id = r.dest"
    " WHERE r.id > ?1 AND r.msg = ?3 ORDER BY r.id LIMIT ?2";
static const char sql_stats[] =
    "SELECT m.n, r.n, r.late, r.dests, m.bytes, m.oldest, r.held FROM"
    " (SELECT count(*) AS n, coalesce(sum(size), 0) AS bytes,"
    " coalesce(min(arrived), 0) AS oldest FROM msg) m,"
    " (SELECT count(*) AS n, count(nullif(tries, 0)) AS late,"
    " count(nullif(held, 0)) AS held, count(DISTINCT dest) AS dests"
    " FROM rcpt) r";

/* ---- a page of recipients ---- */

struct job_page {
	struct job job;
	unsigned shard, shards;
	int64_t after_next_try;
	uint64_t after_id;
	size_t limit;
	struct rcpt **out;
	size_t n;
	store_page_fn *fn;
};

static struct job_page *
page_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_page, job);
}

/* The message of a row; recipients of one message share it. */
static struct msg *
page_msg(struct map *seen, struct sqlite3_stmt *st)
{
	uint64_t id = (uint64_t)db_col_int(st, 8);
	struct str key = str_n((const char *)&id, sizeof(id));
	struct msg *m = map_get(seen, key);

	if (m)
		return msg_ref(m);
	m = msg_new();
	m->id = id;
	m->arrived = db_col_int(st, 9);
	m->flags = (uint32_t)db_col_int(st, 10);
	m->size = (size_t)db_col_int(st, 11);
	db_col_text(st, 12, m->sender, sizeof(m->sender));
	db_col_text(st, 13, m->envid, sizeof(m->envid));
	db_col_text(st, 14, m->client, sizeof(m->client));
	(void)map_put(seen, key, m);
	return m;
}

static struct rcpt *
page_rcpt(struct map *seen, struct sqlite3_stmt *st)
{
	struct rcpt *r = xcalloc(1, sizeof(*r));

	r->id = (uint64_t)db_col_int(st, 0);
	r->dest = (uint64_t)db_col_int(st, 1);
	db_col_text(st, 2, r->next_hop, sizeof(r->next_hop));
	db_col_text(st, 3, r->addr, sizeof(r->addr));
	r->notify = (uint32_t)db_col_int(st, 4);
	db_col_text(st, 5, r->orcpt, sizeof(r->orcpt));
	r->tries = (uint32_t)db_col_int(st, 6);
	r->next_try = db_col_int(st, 7);
	r->msg = page_msg(seen, st);
	return r;
}

static int
page_run(const struct job_env *env, struct job *j)
{
	static const uint8_t seed[16]; /* ids are ours: no need to hide it */
	struct job_page *p = page_of(j);
	struct map *seen;
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_page, &st);

	if (rc != 0)
		return rc;
	seen = map_new(seed);
	p->out = xcalloc(p->limit, sizeof(struct rcpt *));
	db_bind_int(st, 1, p->after_next_try);
	db_bind_int(st, 2, (int64_t)p->after_id);
	db_bind_int(st, 3, p->shards);
	db_bind_int(st, 4, p->shard);
	db_bind_int(st, 5, (int64_t)p->limit);
	while ((rc = db_step(env->db, st)) == 1 && p->n < p->limit)
		p->out[p->n++] = page_rcpt(seen, st);
	map_free(seen, NULL);
	return rc;
}

static void
page_drop(struct job_page *p)
{
	for (size_t i = 0; i < p->n; i++)
		rcpt_free(p->out[i]);
	free(p->out);
	p->out = NULL;
	p->n = 0;
}

static void
page_undo(const struct job_env *env, struct job *j)
{
	(void)env;
	page_drop(page_of(j));
}

static void
page_answer(struct job *j)
{
	struct job_page *p = page_of(j);
	struct rcpt **out = p->out;
	size_t n = p->n;

	p->out = NULL;
	p->n = 0;
	p->fn(j->arg, j->err, out, n);
}

static void
page_free(struct job *j)
{
	page_drop(page_of(j));
	free(page_of(j));
}

static const struct job_ops page_ops = {
    .run = page_run,
    .undo = page_undo,
    .answer = page_answer,
    .free = page_free,
};

struct job *
store_page_new(unsigned shard, unsigned shards, int64_t after_next_try,
    uint64_t after_id, size_t limit, store_page_fn *fn)
{
	struct job_page *p = xcalloc(1, sizeof(*p));

	p->job.ops = &page_ops;
	p->shard = shard;
	p->shards = shards;
	p->after_next_try = after_next_try;
	p->after_id = after_id;
	p->limit = limit;
	p->fn = fn;
	return &p->job;
}

/* ---- a body ---- */

struct job_body {
	struct job job;
	uint64_t msg;
	struct blob *body;
	store_body_fn *fn;
};

static struct job_body *
body_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_body, job);
}

/* The file of a row: the message may have gone since the row was read. */
static int
read_spool(struct db *db, struct job_body *b, uint64_t size)
{
	struct sqlite3_stmt *st;
	int rc = body_read(db->dir, b->msg, size, &b->body);

	if (rc != ERR_NOTFOUND)
		return rc;
	rc = db_stmt(db, sql_spool, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)b->msg);
	rc = db_step(db, st);
	if (rc != 1)
		return rc == 0 ? ERR_NOTFOUND : rc;
	db_reset(st);
	return ERR_CORRUPT;
}

static int
body_run(const struct job_env *env, struct job *j)
{
	struct job_body *b = body_of(j);
	struct sqlite3_stmt *st;
	struct str data;
	uint64_t size;
	bool spool;
	int rc = db_stmt(env->db, sql_body, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)b->msg);
	rc = db_step(env->db, st);
	if (rc != 1)
		return rc == 0 ? ERR_NOTFOUND : rc;
	size = (uint64_t)db_col_int(st, 0);
	spool = db_col_int(st, 1) != 0;
	data = db_col_blob(st, 2);
	rc = 0;
	if (!spool && data.n != size)
		rc = ERR_CORRUPT;
	else if (!spool)
		b->body = blob_new(data);
	db_reset(st);
	return spool ? read_spool(env->db, b, size) : rc;
}

static void
body_answer(struct job *j)
{
	struct job_body *b = body_of(j);
	struct blob *body = b->body;

	b->body = NULL;
	b->fn(j->arg, j->err, body);
}

static void
body_free(struct job *j)
{
	blob_unref(body_of(j)->body);
	free(body_of(j));
}

static const struct job_ops body_ops = {
    .run = body_run,
    .answer = body_answer,
    .free = body_free,
};

struct job *
store_body_new(uint64_t msg_id, store_body_fn *fn)
{
	struct job_body *b = xcalloc(1, sizeof(*b));

	b->job.ops = &body_ops;
	b->msg = msg_id;
	b->fn = fn;
	return &b->job;
}

/* ---- a listing ---- */

struct job_list {
	struct job job;
	uint64_t msg, after;
	size_t limit;
	struct store_row *rows;
	size_t n;
	store_list_fn *fn;
};

static struct job_list *
list_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_list, job);
}

static void
list_row(struct sqlite3_stmt *st, struct store_row *r)
{
	bool held = db_col_int(st, 6) != 0;

	r->msg = (uint64_t)db_col_int(st, 0);
	r->rcpt = (uint64_t)db_col_int(st, 1);
	r->arrived = db_col_int(st, 2);
	r->next_try = db_col_int(st, 3);
	r->tries = (uint32_t)db_col_int(st, 4);
	r->size = (size_t)db_col_int(st, 5);
	(void)snprintf(
	    r->state, sizeof(r->state), "%s", held ? "held" : "queued");
	db_col_text(st, 7, r->sender, sizeof(r->sender));
	db_col_text(st, 8, r->addr, sizeof(r->addr));
	db_col_text(st, 9, r->next_hop, sizeof(r->next_hop));
	db_col_text(st, 10, r->dsn, sizeof(r->dsn));
	db_col_text(st, 11, r->rule, sizeof(r->rule));
	db_col_text(st, 12, r->mx, sizeof(r->mx));
	db_col_text(st, 13, r->reply, sizeof(r->reply));
}

static int
list_run(const struct job_env *env, struct job *j)
{
	struct job_list *l = list_of(j);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, l->msg ? sql_list_msg : sql_list, &st);

	if (rc != 0)
		return rc;
	l->rows = xcalloc(l->limit, sizeof(*l->rows));
	db_bind_int(st, 1, (int64_t)l->after);
	db_bind_int(st, 2, (int64_t)l->limit);
	if (l->msg)
		db_bind_int(st, 3, (int64_t)l->msg);
	while ((rc = db_step(env->db, st)) == 1 && l->n < l->limit)
		list_row(st, &l->rows[l->n++]);
	return rc;
}

static void
list_answer(struct job *j)
{
	struct job_list *l = list_of(j);

	l->fn(j->arg, j->err, l->rows, j->err == 0 ? l->n : 0);
}

static void
list_free(struct job *j)
{
	free(list_of(j)->rows);
	free(list_of(j));
}

static const struct job_ops list_ops = {
    .run = list_run,
    .answer = list_answer,
    .free = list_free,
};

struct job *
store_list_new(uint64_t msg, uint64_t after, size_t limit, store_list_fn *fn)
{
	struct job_list *l = xcalloc(1, sizeof(*l));

	l->job.ops = &list_ops;
	l->msg = msg;
	l->after = after;
	l->limit = limit;
	l->fn = fn;
	return &l->job;
}

/* ---- numbers ---- */

struct job_stats {
	struct job job;
	struct store_stats stats;
	store_stats_fn *fn;
};

static struct job_stats *
stats_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_stats, job);
}

static int
stats_run(const struct job_env *env, struct job *j)
{
	struct store_stats *s = &stats_of(j)->stats;
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_stats, &st);

	if (rc != 0)
		return rc;
	rc = db_step(env->db, st);
	if (rc != 1)
		return rc == 0 ? ERR_INTERNAL : rc;
	s->msgs = (uint64_t)db_col_int(st, 0);
	s->rcpts = (uint64_t)db_col_int(st, 1);
	s->deferred = (uint64_t)db_col_int(st, 2);
	s->dests = (uint64_t)db_col_int(st, 3);
	s->bytes = (uint64_t)db_col_int(st, 4);
	s->oldest = db_col_int(st, 5);
	s->held = (uint64_t)db_col_int(st, 6);
	db_reset(st);
	return 0;
}

static void
stats_answer(struct job *j)
{
	struct job_stats *s = stats_of(j);

	s->fn(j->arg, j->err, &s->stats);
}

static void
stats_free(struct job *j)
{
	free(stats_of(j));
}

static const struct job_ops stats_ops = {
    .run = stats_run,
    .answer = stats_answer,
    .free = stats_free,
};

struct job *
store_stats_new(store_stats_fn *fn)
{
	struct job_stats *s = xcalloc(1, sizeof(*s));

	s->job.ops = &stats_ops;
	s->fn = fn;
	return &s->job;
}
