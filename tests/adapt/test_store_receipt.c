/*
 * Receipts: one for each recipient that a host took, written with its fate,
 * kept as long as is asked for; and the way from a queue that had none.
 */
#include "config.h"

#include <sqlite3.h>

#include "relay/queue/db.h"
#include "tests/adapt/store_world.h"

#define AT 1800000100

static const char version_1[] =
    "CREATE TABLE msg("
    " id INTEGER PRIMARY KEY,"
    " arrived INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " spool INTEGER NOT NULL,"
    " sender TEXT NOT NULL,"
    " envid TEXT NOT NULL,"
    " client TEXT NOT NULL);"
    "CREATE TABLE body("
    " msg INTEGER PRIMARY KEY REFERENCES msg(id),"
    " data BLOB NOT NULL);"
    "CREATE TABLE dest("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " next_hop TEXT NOT NULL UNIQUE,"
    " bucket INTEGER NOT NULL);"
    "CREATE TABLE rcpt("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " msg INTEGER NOT NULL REFERENCES msg(id),"
    " dest INTEGER NOT NULL,"
    " next_try INTEGER NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0,"
    " held INTEGER NOT NULL DEFAULT 0,"
    " notify INTEGER NOT NULL,"
    " delayed INTEGER NOT NULL DEFAULT 0,"
    " addr TEXT NOT NULL,"
    " orcpt TEXT NOT NULL,"
    " dsn TEXT NOT NULL DEFAULT '',"
    " rule TEXT NOT NULL DEFAULT '',"
    " mx TEXT NOT NULL DEFAULT '',"
    " reply TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX rcpt_msg ON rcpt(msg);"
    "CREATE INDEX rcpt_next ON rcpt(next_try) WHERE held = 0;"
    "CREATE TABLE sts("
    " domain TEXT PRIMARY KEY,"
    " id TEXT NOT NULL,"
    " fetched INTEGER NOT NULL,"
    " expires INTEGER NOT NULL,"
    " body BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE dane_seen("
    " domain TEXT PRIMARY KEY,"
    " bucket INTEGER NOT NULL,"
    " seen INTEGER NOT NULL) WITHOUT ROWID;";

struct seen {
	struct world *w;
	struct receipt v[16];
	size_t n;
	uint64_t dropped;
};

static int
setup(void **state)
{
	struct world *w = world_new();

	*state = w;
	return world_open(w);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	world_close(w);
	world_free(w);
	return 0;
}

static void
on_receipts(void *arg, int err, const struct receipt *v, size_t n)
{
	struct seen *s = arg;

	t_bool("room", n <= T_COUNT(s->v), true);
	for (size_t i = 0; i < n; i++) {
		s->v[i] = v[i];
		receipt_proof_copy(&s->v[i].p, &v[i].p);
	}
	s->n = n;
	world_answer(s->w, err);
}

static void
on_dropped(void *arg, int err, uint64_t n)
{
	struct seen *s = arg;

	s->dropped = n;
	world_answer(s->w, err);
}

static void
drop_seen(struct seen *s)
{
	for (size_t i = 0; i < s->n; i++)
		receipt_proof_clear(&s->v[i].p);
	s->n = 0;
}

static void
look(struct seen *s, uint64_t msg, uint64_t after, size_t limit)
{
	drop_seen(s);
	world_started(
	    s->w, store_receipts(s->w->s, msg, after, limit, on_receipts, s));
	t_err("receipts", world_wait(s->w), 0);
}

static uint64_t
drop_before(struct seen *s, int64_t before, size_t limit)
{
	world_started(
	    s->w, store_receipts_drop(s->w->s, before, limit, on_dropped, s));
	t_err("drop", world_wait(s->w), 0);
	return s->dropped;
}

static void
proof_init(struct receipt_proof *p, int64_t at)
{
	*p = (struct receipt_proof){.at = at,
	    .mx = "mx.example.com",
	    .addr = "192.0.2.9",
	    .port = 25,
	    .flags = RECEIPT_CERT,
	    .policy = "dane",
	    .rule = "DANE-11",
	    .level = "dane",
	    .mx_set = "secure",
	    .proof = "dane-ee",
	    .tls = "TLSv1.3",
	    .cipher = "TLS_AES_256_GCM_SHA384",
	    .tlsa = "3 1 1 aa"};
	memset(p->cert, 1, sizeof(p->cert));
	memset(p->spki, 2, sizeof(p->spki));
	p->tlsa_set = xstrdup("_25._tcp.mx.example.com. TLSA 3 1 1 aa\n");
}

/* Ends n recipients of w from the first on; receipt: a host took them. */
static int
end(struct world *w, size_t n, bool receipt, const struct receipt_proof *p)
{
	struct store_result v[8];
	struct store_finish f = {.results = v, .n = n, .proof = p};

	t_bool("room", n <= T_COUNT(v), true);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct store_result){.rcpt = w->rcpts[i]->id,
		    .msg = w->rcpts[i]->msg->id,
		    .fate = STORE_DONE,
		    .dsn = "2.0.0",
		    .reply = "250 2.0.0 queued as 77",
		    .receipt = receipt};
	return finish(w, &f);
}

static void
test_written(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p;
	const struct receipt *r;

	t_err("put", put(w, 5, "example.com", 2, 100), 0);
	proof_init(&p, AT);
	snprintf(p.sts, sizeof(p.sts), "cached");
	snprintf(p.sts_mode, sizeof(p.sts_mode), "testing");
	snprintf(p.sts_id, sizeof(p.sts_id), "2026");
	snprintf(p.sts_mx, sizeof(p.sts_mx), "*.example.com");
	snprintf(p.sts_audit, sizeof(p.sts_audit), "ok");
	p.sts_text = xstrdup("version: STSv1\n");
	t_err("end", end(w, 2, true, &p), 0);
	get_stats(w);
	t_int("the queue is empty", (int64_t)w->stats.rcpts, 0);
	world_reopen(w);
	look(&s, 5, 0, 10);
	t_int("one a recipient", (int64_t)s.n, 2);
	r = &s.v[1];
	t_int("message", (int64_t)r->msg, 5);
	t_int("row", (int64_t)r->rcpt, (int64_t)w->rcpts[1]->id);
	t_int("arrived", r->arrived, 1800000000);
	t_cstr("sender", r->sender, "s@example.org");
	t_cstr("recipient", r->addr, "r1@example.com");
	t_cstr("next hop", r->next_hop, "example.com");
	t_cstr("dsn", r->dsn, "2.0.0");
	t_cstr("reply", r->reply, "250 2.0.0 queued as 77");
	t_int("at", r->p.at, AT);
	t_cstr("mx", r->p.mx, p.mx);
	t_cstr("addr", r->p.addr, p.addr);
	t_int("port", r->p.port, 25);
	t_int("flags", r->p.flags, RECEIPT_CERT);
	t_cstr("policy", r->p.policy, p.policy);
	t_cstr("rule", r->p.rule, p.rule);
	t_cstr("level", r->p.level, p.level);
	t_cstr("MX set", r->p.mx_set, p.mx_set);
	t_cstr("proof", r->p.proof, p.proof);
	t_cstr("tls", r->p.tls, p.tls);
	t_cstr("cipher", r->p.cipher, p.cipher);
	t_int("cert", memcmp(r->p.cert, p.cert, TLS_SHA256), 0);
	t_int("key", memcmp(r->p.spki, p.spki, TLS_SHA256), 0);
	t_cstr("record", r->p.tlsa, p.tlsa);
	t_cstr("records", r->p.tlsa_set, p.tlsa_set);
	t_cstr("sts", r->p.sts, p.sts);
	t_cstr("sts mode", r->p.sts_mode, p.sts_mode);
	t_cstr("sts id", r->p.sts_id, p.sts_id);
	t_cstr("sts mx", r->p.sts_mx, p.sts_mx);
	t_cstr("sts audit", r->p.sts_audit, p.sts_audit);
	t_cstr("sts text", r->p.sts_text, p.sts_text);
	look(&s, 5, 0, 1);
	t_int("a page", (int64_t)s.n, 1);
	t_cstr("the first", s.v[0].addr, "r0@example.com");
	look(&s, 5, s.v[0].rcpt, 1);
	t_cstr("the next", s.v[0].addr, "r1@example.com");
	look(&s, 5, s.v[0].rcpt, 1);
	t_int("the end", (int64_t)s.n, 0);
	look(&s, 6, 0, 10);
	t_int("another message", (int64_t)s.n, 0);
	receipt_proof_clear(&p);
}

/* In clear there is one too: that is what it then says. */
static void
test_clear(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p = {.at = AT, .policy = "none", .proof = "none"};

	t_err("put", put(w, 5, "example.com", 1, 100), 0);
	t_err("end", end(w, 1, true, &p), 0);
	look(&s, 5, 0, 10);
	t_int("one", (int64_t)s.n, 1);
	t_cstr("no TLS", s.v[0].p.tls, "");
	t_int("no certificate", s.v[0].p.flags, 0);
	t_cstr("no records", s.v[0].p.tlsa_set, NULL);
	t_cstr("no policy", s.v[0].p.sts_text, NULL);
	drop_seen(&s);
}

/* A job whose answer was lost comes again: QUE-08. */
static void
test_once(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p;

	t_err("put", put(w, 5, "example.com", 2, 100), 0);
	proof_init(&p, AT);
	t_err("end", end(w, 1, true, &p), 0);
	p.at += 60;
	t_err("again", end(w, 1, true, &p), 0);
	look(&s, 5, 0, 10);
	t_int("one", (int64_t)s.n, 1);
	t_int("that of the first time", s.v[0].p.at, AT);
	receipt_proof_clear(&p);
	drop_seen(&s);
}

/* Nobody took these. */
static void
test_none(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p;

	t_err("put", put(w, 5, "example.com", 3, 100), 0);
	proof_init(&p, AT);
	t_err("bounced", end(w, 1, false, &p), 0);
	look(&s, 5, 0, 10);
	t_int("bounced", (int64_t)s.n, 0);
	t_err("deferred", finish_one(w, w->rcpts[1], STORE_RETRY), 0);
	t_err("not wanted", finish_one(w, w->rcpts[2], STORE_DONE), 0);
	look(&s, 5, 0, 10);
	t_int("deferred", (int64_t)s.n, 0);
	receipt_proof_clear(&p);
}

/* A job that fails leaves no receipt and no text, and its recipients. */
static void
test_atomic(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p;
	struct rcpt_in in = {.addr = "s@x.example", .next_hop = "x.example"};
	struct store_put dsn = {.rcpts = &in, .n_rcpts = 1};
	struct store_result v;
	struct store_finish f = {
	    .results = &v, .n = 1, .dsns = &dsn, .n_dsns = 1, .proof = &p};

	t_err("put", put(w, 5, "example.com", 1, 100), 0);
	proof_init(&p, AT);
	v = (struct store_result){.rcpt = w->rcpts[0]->id,
	    .msg = 5,
	    .fate = STORE_DONE,
	    .receipt = true};
	dsn.msg = msg_new();
	dsn.msg->id = 5; /* is in use */
	dsn.msg->body = make_body(1, 50);
	t_err("fails", finish(w, &f), ERR_EXISTS);
	msg_unref(dsn.msg);
	look(&s, 5, 0, 10);
	t_int("no receipt", (int64_t)s.n, 0);
	get_stats(w);
	t_int("it waits", (int64_t)w->stats.rcpts, 1);
	t_err("then well", end(w, 1, true, &p), 0);
	look(&s, 5, 0, 10);
	t_int("one", (int64_t)s.n, 1);
	receipt_proof_clear(&p);
	drop_seen(&s);
}

static int64_t
number(const struct world *w, const char *sql)
{
	char path[256];
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	(void)snprintf(path, sizeof(path), "%s/queue.db", w->dir);
	t_int("open", sqlite3_open(path, &db), SQLITE_OK);
	t_int(sql, sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	t_int(sql, sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	t_int("close", sqlite3_close(db), SQLITE_OK);
	return n;
}

static const char texts[] = "SELECT count(*) FROM receipt_text";
static const char receipts[] = "SELECT count(*) FROM receipt";

/* Mail of a day names one text; a text that is still used stays. */
static void
test_dropped(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p;

	for (unsigned i = 0; i < 6; i++) {
		world_drop_rcpts(w);
		t_err("put", put(w, 10 + i, "example.com", 1, 100), 0);
		/* Two days before AT to three days after it. */
		proof_init(&p, AT + ((int64_t)i - 2) * 86401);
		t_err("end", end(w, 1, true, &p), 0);
		receipt_proof_clear(&p);
	}
	t_int("receipts", number(w, receipts), 6);
	t_int("one text", number(w, texts), 1);
	t_int("bounded", (int64_t)drop_before(&s, AT, 1), 1);
	look(&s, 10, 0, 10);
	t_int("the oldest", (int64_t)s.n, 0);
	t_int("the other", (int64_t)drop_before(&s, AT, 10), 1);
	t_int("no more", (int64_t)drop_before(&s, AT, 10), 0);
	look(&s, 12, 0, 10);
	t_int("not older than that", (int64_t)s.n, 1);
	t_cstr("with its text", s.v[0].p.tlsa_set,
	    "_25._tcp.mx.example.com. TLSA 3 1 1 aa\n");
	t_int("all but one", (int64_t)drop_before(&s, AT + 3 * 86401, 10), 3);
	look(&s, 15, 0, 10);
	t_bool("the last has its text", s.v[0].p.tlsa_set != NULL, true);
	t_int("all", (int64_t)drop_before(&s, INT64_MAX / 2, 10), 1);
	t_int("receipts", number(w, receipts), 0);
	t_int("texts", number(w, texts), 0);
	drop_seen(&s);
}

/* The text of a host that changes its records, and back. */
static void
test_texts(void **state)
{
	struct world *w = *state;
	struct seen s = {.w = w};
	struct receipt_proof p;

	for (unsigned i = 0; i < 4; i++) {
		world_drop_rcpts(w);
		t_err("put", put(w, 10 + i, "example.com", 1, 100), 0);
		proof_init(&p, AT);
		p.tlsa_set[0] = (char)('a' + i % 2);
		t_err("end", end(w, 1, true, &p), 0);
		receipt_proof_clear(&p);
	}
	t_int("two texts", number(w, texts), 2);
	for (unsigned i = 0; i < 4; i++) {
		look(&s, 10 + i, 0, 1);
		t_int("its own", s.v[0].p.tlsa_set[0], 'a' + (int)(i % 2));
	}
	drop_seen(&s);
}

/* What a receipt costs on the disk. */
static void
test_size(void **state)
{
	static const char pages[] =
	    "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'receipt%'";
	struct world *w = *state;
	struct receipt_proof p;
	int64_t n;

	for (unsigned i = 0; i < 500; i++) {
		world_drop_rcpts(w);
		/* As ids are: they grow. */
		t_err("put",
		    put(w, ((uint64_t)i << 31) + 7, "example.com", 1, 100), 0);
		proof_init(&p, AT + i);
		t_err("end", end(w, 1, true, &p), 0);
		receipt_proof_clear(&p);
	}
	if (sqlite3_compileoption_used("ENABLE_DBSTAT_VTAB") == 0)
		skip();
	n = number(w, pages) / 500;
	print_message("%lld bytes a receipt, indexes and all\n", (long long)n);
	t_bool("some hundred bytes", n < 600, true);
}

/* A queue of the first version, with mail in it. */
static void
test_migration(void **state)
{
	struct world *w = world_new();
	struct seen s = {.w = w};
	struct receipt_proof p;
	char path[256];
	sqlite3 *db = NULL;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/queue.db", w->dir);
	t_int("open", sqlite3_open(path, &db), SQLITE_OK);
	t_int(
	    "tables", sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
	t_int("mail",
	    sqlite3_exec(db,
		"PRAGMA application_id = 0x5758534c; PRAGMA user_version = 1;"
		"INSERT INTO dest VALUES(3, 'example.com', 5);"
		"INSERT INTO msg VALUES(5, 1800000000, 0, 4, 0, 's@x', '', '');"
		"INSERT INTO body VALUES(5, 'body');"
		"INSERT INTO rcpt(msg, dest, next_try, notify, addr, orcpt)"
		" VALUES(5, 3, 0, 0, 'r@example.com', '')",
		NULL, NULL, NULL),
	    SQLITE_OK);
	t_int("close", sqlite3_close(db), SQLITE_OK);
	t_err(w->text, world_open(w), 0);
	world_started(w, store_page(w->s, 0, 1, INT64_MIN, 0, 10, on_rcpts, w));
	t_err("page", world_wait(w), 0);
	t_int("the mail is there", (int64_t)w->n, 1);
	proof_init(&p, AT);
	t_err("end", end(w, 1, true, &p), 0);
	look(&s, 5, 0, 10);
	t_int("and gets a receipt", (int64_t)s.n, 1);
	t_cstr("of its own", s.v[0].addr, "r@example.com");
	world_reopen(w);
	receipt_proof_clear(&p);
	drop_seen(&s);
	world_close(w);
	world_free(w);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_written),
	    CASE(test_clear),
	    CASE(test_once),
	    CASE(test_none),
	    CASE(test_atomic),
	    CASE(test_dropped),
	    CASE(test_texts),
	    CASE(test_size),
	    cmocka_unit_test(test_migration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
