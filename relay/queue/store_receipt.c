/*
 * Receipts: what was proven when a message went out, one a recipient. They are
 * written by the job that takes the recipient from the queue, from the row
 * that it is about to delete, so that there is one receipt for each recipient
 * that a host took, whatever crashes, and none for one that still waits.
 *
 * A TLSA set or a policy may have thousands of bytes and is the same for all
 * mail to a host; such texts are kept once.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/map.h"
#include "relay/queue/store_job.h"

#define TEXT_AGE_S 86400 /* that "used" may be behind */

static const char sql_put[] =
    "INSERT OR REPLACE INTO receipt SELECT r.msg, r.id, ?3, m.arrived,"
    " m.sender, r.addr, d.next_hop, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,"
    " ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26"
    " FROM rcpt r CROSS JOIN msg m ON m.id = r.msg"
    " CROSS JOIN dest d ON d.id = r.dest WHERE r.id = ?1 AND r.msg = ?2";
static const char sql_text_get[] =
    "SELECT id, used FROM receipt_text WHERE hash = ?1 AND text = ?2";
static const char sql_text_put[] =
    "INSERT INTO receipt_text(hash, text, used) VALUES(?1, ?2, ?3)"
    " RETURNING id";
static const char sql_text_used[] =
    "UPDATE receipt_text SET used = ?2 WHERE id = ?1";
static const char sql_list[] =
    "SELECT r.rcpt, r.at, r.arrived, r.sender, r.addr, r.next_hop, r.mx, r.ip,"
    " r.port, r.flags, r.policy, r.rule, r.level, r.mx_set, r.proof, r.tls,"
    " r.cipher, r.cert, r.spki, r.tlsa, a.text, r.sts, r.sts_mode, r.sts_id,"
    " r.sts_mx, r.sts_audit, b.text, r.dsn, r.reply FROM receipt r"
    " LEFT JOIN receipt_text a ON a.id = r.tlsa_set"
    " LEFT JOIN receipt_text b ON b.id = r.sts_text"
    " WHERE r.msg = ?1 AND r.rcpt > ?2 ORDER BY r.rcpt LIMIT ?3";
static const char sql_drop[] =
    "DELETE FROM receipt WHERE (msg, rcpt) IN (SELECT msg, rcpt FROM receipt"
    " INDEXED BY receipt_at WHERE at < ?1 ORDER BY at LIMIT ?2)";
static const char sql_drop_text[] =
    "DELETE FROM receipt_text WHERE id IN (SELECT id FROM receipt_text"
    " INDEXED BY receipt_text_used WHERE used < ?1 ORDER BY used LIMIT ?2)";

/* ---- writing ---- */

static NODISCARD int
text_new(
    struct db *db, int64_t hash, const char *text, int64_t now, int64_t *id)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql_text_put, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, hash);
	db_bind_text(st, 2, text);
	db_bind_int(st, 3, now);
	rc = db_step(db, st);
	if (rc != 1)
		return rc == 0 ? ERR_INTERNAL : rc;
	*id = db_col_int(st, 0);
	/* To the end: only then a RETURNING statement is done. */
	rc = db_step(db, st);
	return rc == 1 ? ERR_INTERNAL : rc;
}

static NODISCARD int
text_touch(struct db *db, int64_t id, int64_t now)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql_text_used, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, id);
	db_bind_int(st, 2, now);
	return db_step(db, st);
}

/* The row of a text, made if need be; 0 for none. */
static NODISCARD int
text_row(struct db *db, const char *text, int64_t now, int64_t *id)
{
	static const uint8_t seed[16]; /* a forged collision costs a look */
	struct sqlite3_stmt *st;
	int64_t hash, used;
	int rc;

	*id = 0;
	if (!text)
		return 0;
	hash = (int64_t)map_hash(seed, text, strlen(text));
	rc = db_stmt(db, sql_text_get, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, hash);
	db_bind_text(st, 2, text);
	rc = db_step(db, st);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return text_new(db, hash, text, now, id);
	*id = db_col_int(st, 0);
	used = db_col_int(st, 1);
	db_reset(st);
	return used < now - TEXT_AGE_S ? text_touch(db, *id, now) : 0;
}

static void
bind_row(struct sqlite3_stmt *st, int at, int64_t id)
{
	if (id != 0)
		db_bind_int(st, at, id);
	else
		db_bind_null(st, at);
}

static struct str
digest(const struct receipt_proof *p, const uint8_t sum[TLS_SHA256])
{
	bool there = (p->flags & RECEIPT_CERT) != 0;

	return str_n((const char *)sum, there ? TLS_SHA256 : 0);
}

static void
bind_proof(struct sqlite3_stmt *st, const struct receipt_proof *p,
    const struct receipt_texts *texts)
{
	db_bind_int(st, 3, p->at);
	db_bind_text(st, 4, p->mx);
	db_bind_text(st, 5, p->addr);
	db_bind_int(st, 6, p->port);
	db_bind_int(st, 7, p->flags);
	db_bind_text(st, 8, p->policy);
	db_bind_text(st, 9, p->rule);
	db_bind_text(st, 10, p->level);
	db_bind_text(st, 11, p->mx_set);
	db_bind_text(st, 12, p->proof);
	db_bind_text(st, 13, p->tls);
	db_bind_text(st, 14, p->cipher);
	db_bind_blob(st, 15, digest(p, p->cert));
	db_bind_blob(st, 16, digest(p, p->spki));
	db_bind_text(st, 17, p->tlsa);
	bind_row(st, 18, texts->tlsa_set);
	db_bind_text(st, 19, p->sts);
	db_bind_text(st, 20, p->sts_mode);
	db_bind_text(st, 21, p->sts_id);
	db_bind_text(st, 22, p->sts_mx);
	db_bind_text(st, 23, p->sts_audit);
	bind_row(st, 24, texts->sts_text);
}

int
store_receipt_put(struct db *db, const struct receipt_proof *p,
    const struct store_result *r, struct receipt_texts *texts)
{
	struct sqlite3_stmt *st;
	int rc = 0;

	if (!texts->known) {
		rc = text_row(db, p->tlsa_set, p->at, &texts->tlsa_set);
		if (rc == 0)
			rc = text_row(db, p->sts_text, p->at, &texts->sts_text);
		texts->known = rc == 0;
	}
	if (rc == 0)
		rc = db_stmt(db, sql_put, &st);
	if (rc != 0)
		return rc;
	db_bind_int(st, 1, (int64_t)r->rcpt);
	db_bind_int(st, 2, (int64_t)r->msg);
	bind_proof(st, p, texts);
	db_bind_text(st, 25, r->dsn);
	db_bind_text(st, 26, r->reply);
	return db_step(db, st);
}

/* ---- reading ---- */

struct job_receipts {
	struct job job;
	uint64_t msg, after;
	size_t limit;
	struct receipt *v;
	size_t n;
	store_receipts_fn *fn;
};

static struct job_receipts *
receipts_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_receipts, job);
}

static char *
col_dup(struct sqlite3_stmt *st, int at)
{
	struct str s = db_col_blob(st, at);

	return s.n > 0 ? str_dup(s) : NULL;
}

static void
col_digest(struct sqlite3_stmt *st, int at, uint8_t out[TLS_SHA256])
{
	struct str s = db_col_blob(st, at);

	if (s.n == TLS_SHA256)
		memcpy(out, s.p, TLS_SHA256);
}

static void
read_proof(struct sqlite3_stmt *st, struct receipt_proof *p)
{
	p->at = db_col_int(st, 1);
	db_col_text(st, 6, p->mx, sizeof(p->mx));
	db_col_text(st, 7, p->addr, sizeof(p->addr));
	p->port = (uint16_t)db_col_int(st, 8);
	p->flags = (uint32_t)db_col_int(st, 9);
	db_col_text(st, 10, p->policy, sizeof(p->policy));
	db_col_text(st, 11, p->rule, sizeof(p->rule));
	db_col_text(st, 12, p->level, sizeof(p->level));
	db_col_text(st, 13, p->mx_set, sizeof(p->mx_set));
	db_col_text(st, 14, p->proof, sizeof(p->proof));
	db_col_text(st, 15, p->tls, sizeof(p->tls));
	db_col_text(st, 16, p->cipher, sizeof(p->cipher));
	col_digest(st, 17, p->cert);
	col_digest(st, 18, p->spki);
	db_col_text(st, 19, p->tlsa, sizeof(p->tlsa));
	p->tlsa_set = col_dup(st, 20);
	db_col_text(st, 21, p->sts, sizeof(p->sts));
	db_col_text(st, 22, p->sts_mode, sizeof(p->sts_mode));
	db_col_text(st, 23, p->sts_id, sizeof(p->sts_id));
	db_col_text(st, 24, p->sts_mx, sizeof(p->sts_mx));
	db_col_text(st, 25, p->sts_audit, sizeof(p->sts_audit));
	p->sts_text = col_dup(st, 26);
}

static void
read_receipt(struct sqlite3_stmt *st, uint64_t msg, struct receipt *r)
{
	r->msg = msg;
	r->rcpt = (uint64_t)db_col_int(st, 0);
	r->arrived = db_col_int(st, 2);
	db_col_text(st, 3, r->sender, sizeof(r->sender));
	db_col_text(st, 4, r->addr, sizeof(r->addr));
	db_col_text(st, 5, r->next_hop, sizeof(r->next_hop));
	db_col_text(st, 27, r->dsn, sizeof(r->dsn));
	db_col_text(st, 28, r->reply, sizeof(r->reply));
	read_proof(st, &r->p);
}

static int
receipts_run(const struct job_env *env, struct job *j)
{
	struct job_receipts *l = receipts_of(j);
	struct sqlite3_stmt *st;
	int rc = db_stmt(env->db, sql_list, &st);

	if (rc != 0)
		return rc;
	l->v = xcalloc(l->limit, sizeof(*l->v));
	db_bind_int(st, 1, (int64_t)l->msg);
	db_bind_int(st, 2, (int64_t)l->after);
	db_bind_int(st, 3, (int64_t)l->limit);
	while ((rc = db_step(env->db, st)) == 1 && l->n < l->limit)
		read_receipt(st, l->msg, &l->v[l->n++]);
	return rc;
}

static void
receipts_answer(struct job *j)
{
	struct job_receipts *l = receipts_of(j);

	l->fn(j->arg, j->err, l->v, j->err == 0 ? l->n : 0);
}

static void
receipts_free(struct job *j)
{
	struct job_receipts *l = receipts_of(j);

	for (size_t i = 0; i < l->n; i++)
		receipt_proof_clear(&l->v[i].p);
	free(l->v);
	free(l);
}

static const struct job_ops receipts_ops = {
    .run = receipts_run,
    .answer = receipts_answer,
    .free = receipts_free,
};

struct job *
store_receipts_new(
    uint64_t msg, uint64_t after, size_t limit, store_receipts_fn *fn)
{
	struct job_receipts *l = xcalloc(1, sizeof(*l));

	l->job.ops = &receipts_ops;
	l->msg = msg;
	l->after = after;
	l->limit = limit;
	l->fn = fn;
	return &l->job;
}

/* ---- dropping old ones ---- */

struct job_drop {
	struct job job;
	int64_t before;
	size_t limit;
	uint64_t n;
	store_count_fn *fn;
};

static struct job_drop *
drop_of(struct job *j)
{
	return CONTAINER_OF(j, struct job_drop, job);
}

static NODISCARD int
drop_rows(
    struct db *db, const char *sql, int64_t before, size_t limit, uint64_t *n)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql, &st);

	if (rc != 0)
		return rc;
	db_bind_int(st, 1, before);
	db_bind_int(st, 2, (int64_t)limit);
	rc = db_step(db, st);
	*n = rc == 0 ? (uint64_t)db_changes(db) : 0;
	return rc;
}

static int
drop_run(const struct job_env *env, struct job *j)
{
	struct job_drop *d = drop_of(j);
	uint64_t texts = 0;
	int rc = drop_rows(env->db, sql_drop, d->before, d->limit, &d->n);

	/* No receipt is left that could name them. */
	if (rc == 0 && d->n < d->limit)
		rc = drop_rows(env->db, sql_drop_text, d->before - TEXT_AGE_S,
		    d->limit, &texts);
	return rc;
}

static void
drop_answer(struct job *j)
{
	const struct job_drop *d = drop_of(j);

	d->fn(j->arg, j->err, j->err == 0 ? d->n : 0);
}

static void
drop_free(struct job *j)
{
	free(drop_of(j));
}

static const struct job_ops drop_ops = {
    .run = drop_run,
    .answer = drop_answer,
    .free = drop_free,
};

struct job *
store_receipts_drop_new(int64_t before, size_t limit, store_count_fn *fn)
{
	struct job_drop *d = xcalloc(1, sizeof(*d));

	d->job.ops = &drop_ops;
	d->job.write = true;
	d->job.lazy = true;
	d->before = before;
	d->limit = limit;
	d->fn = fn;
	return &d->job;
}
