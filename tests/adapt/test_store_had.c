/* The memory of what domains had, on the real store; and what a database of
 * the first version becomes. */
#include "config.h"

#include <sqlite3.h>
#include <stdio.h>

#include "tests/adapt/store_world.h"

/* The tables of version 1, as they were released. */
static const char version_1[] =
    "CREATE TABLE msg(id INTEGER PRIMARY KEY, arrived INTEGER NOT NULL,"
    " flags INTEGER NOT NULL, size INTEGER NOT NULL, spool INTEGER NOT NULL,"
    " sender TEXT NOT NULL, envid TEXT NOT NULL, client TEXT NOT NULL);"
    "CREATE TABLE body(msg INTEGER PRIMARY KEY REFERENCES msg(id),"
    " data BLOB NOT NULL);"
    "CREATE TABLE dest(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " next_hop TEXT NOT NULL UNIQUE, bucket INTEGER NOT NULL);"
    "CREATE TABLE rcpt(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " msg INTEGER NOT NULL REFERENCES msg(id), dest INTEGER NOT NULL,"
    " next_try INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,"
    " held INTEGER NOT NULL DEFAULT 0, notify INTEGER NOT NULL,"
    " delayed INTEGER NOT NULL DEFAULT 0, addr TEXT NOT NULL,"
    " orcpt TEXT NOT NULL, dsn TEXT NOT NULL DEFAULT '',"
    " rule TEXT NOT NULL DEFAULT '', mx TEXT NOT NULL DEFAULT '',"
    " reply TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX rcpt_msg ON rcpt(msg);"
    "CREATE INDEX rcpt_next ON rcpt(next_try) WHERE held = 0;"
    "CREATE TABLE sts(domain TEXT PRIMARY KEY, id TEXT NOT NULL,"
    " fetched INTEGER NOT NULL, expires INTEGER NOT NULL, body BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE dane_seen(domain TEXT PRIMARY KEY, bucket INTEGER NOT NULL,"
    " seen INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id = 0x5758534c; PRAGMA user_version = 1;"
    "INSERT INTO dane_seen VALUES('old.example', 7, 50);"
    "INSERT INTO dane_seen VALUES('older.example', 8, 40);"
    "INSERT INTO sts VALUES('old.example', 'id1', 5, 9, 'text');";

static void
on_had(void *arg, int err, const struct had_entry *v, size_t n)
{
	struct world *w = arg;

	for (size_t i = 0; i < n; i++)
		(void)buf_addf(&w->log, "%s via=%s %lld %lld %lld %lld\n",
		    v[i].domain, v[i].via, (long long)v[i].dane,
		    (long long)v[i].sts, (long long)v[i].seen,
		    (long long)v[i].gone);
	w->n_rows = n;
	world_answer(w, err);
}

static void
load(struct world *w, unsigned shard, unsigned shards, const char *after,
    size_t limit)
{
	world_started(
	    w, store_had_load(w->s, shard, shards, after, limit, on_had, w));
	t_err("load", world_wait(w), 0);
}

static size_t
lines(const struct world *w)
{
	struct str rest = buf_str(&w->log), line;
	size_t n = 0;

	while (str_cut(&rest, '\n', &line))
		n += line.n > 0;
	return n;
}

static void
put_had(struct world *w, const char *domain, const char *via, int64_t first)
{
	struct had_entry e = {.dane = first,
	    .sts = first + 1,
	    .seen = first + 2,
	    .gone = first + 3};

	(void)snprintf(e.domain, sizeof(e.domain), "%s", domain);
	(void)snprintf(e.via, sizeof(e.via), "%s", via);
	world_started(w, store_had_put(w->s, &e, on_done, w));
	t_err("put", world_wait(w), 0);
}

static void
test_had(void **state)
{
	struct world *w = world_new();

	(void)state;
	t_err(w->text, world_open(w), 0);
	put_had(w, "b.example", "b.example", 10);
	put_had(w, "a.example", "gw.example", 20);
	put_had(w, "b.example", "b.example", 30);
	put_had(w, "c.example", "", 40);
	world_reopen(w);
	buf_reset(&w->log);
	load(w, 0, 1, "", 10);
	t_is("replaced, in order", buf_str(&w->log),
	    "a.example via=gw.example 20 21 22 23\n"
	    "b.example via=b.example 30 31 32 33\n"
	    "c.example via= 40 41 42 43\n");
	buf_reset(&w->log);
	load(w, 0, 1, "", 2);
	t_int("a page", (int64_t)w->n_rows, 2);
	load(w, 0, 1, "b.example", 2);
	t_int("the last page", (int64_t)w->n_rows, 1);
	t_int("each once", (int64_t)lines(w), 3);
	buf_reset(&w->log);
	for (unsigned shard = 0; shard < 4; shard++)
		load(w, shard, 4, "", 10);
	t_int("each in one shard", (int64_t)lines(w), 3);
	world_close(w);
	world_free(w);
}

static void
test_drop(void **state)
{
	struct world *w = world_new();

	(void)state;
	t_err(w->text, world_open(w), 0);
	put_had(w, "a.example", "a.example", 10);
	put_had(w, "b.example", "b.example", 10);
	world_started(w, store_had_drop(w->s, "a.example", on_done, w));
	t_err("drop", world_wait(w), 0);
	world_started(w, store_had_drop(w->s, "x.example", on_done, w));
	t_err("what is not there", world_wait(w), 0);
	world_reopen(w);
	buf_reset(&w->log);
	load(w, 0, 1, "", 10);
	t_is("the other one stays", buf_str(&w->log),
	    "b.example via=b.example 10 11 12 13\n");
	world_close(w);
	world_free(w);
}

/* Nothing that version 1 knew is lost; what it did not know is not made up. */
static void
test_from_version_1(void **state)
{
	struct world *w = world_new();
	char path[256];
	sqlite3 *db;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/queue.db", w->dir);
	t_int("open", sqlite3_open(path, &db), SQLITE_OK);
	t_int(
	    "tables", sqlite3_exec(db, version_1, NULL, NULL, NULL), SQLITE_OK);
	t_int("close", sqlite3_close(db), SQLITE_OK);
	t_err(w->text, world_open(w), 0);
	buf_reset(&w->log);
	load(w, 0, 1, "", 10);
	t_is("DANE-58 kept", buf_str(&w->log),
	    "old.example via= 50 0 50 0\nolder.example via= 40 0 40 0\n");
	buf_reset(&w->log);
	world_started(w, store_sts_get(w->s, "old.example", on_sts, w));
	t_err("policy", world_wait(w), 0);
	t_cstr("STS-41 kept", w->sts.id, "id1");
	put_had(w, "old.example", "old.example", 60);
	world_reopen(w);
	buf_reset(&w->log);
	load(w, 0, 1, "old.example", 10);
	t_is("no second time", buf_str(&w->log),
	    "older.example via= 40 0 40 0\n");
	world_close(w);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_had),
	    cmocka_unit_test(test_drop),
	    cmocka_unit_test(test_from_version_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
