/*
 * The schema. user_version counts the steps taken; each step runs once, and
 * all that are missing run in one transaction, so that a crash leaves the old
 * version or the new one. A step that was released is never changed.
 *
 * Ids of messages are chosen by the caller (msg_pick_id); ids of recipients
 * and destinations are never used twice, not even after their rows are gone.
 * rcpt.dest has no foreign key: rows of dest are removed in bulk at start,
 * without an index that each new message would have to pay for.
 */
#include "config.h"

#include "relay/queue/schema.h"

#include <sqlite3.h>
#include <string.h>

#define APPLICATION_ID 0x5758534c /* "WXSL" */
#define STEPS_PER_LOOK 100000 /* of SQLite's machine, between clocks */

static const char *const steps[SCHEMA_VERSION] = {
    "CREATE TABLE msg("
    " id INTEGER PRIMARY KEY,"
    " arrived INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " spool INTEGER NOT NULL," /* 1: the body is a file in spool/ */
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
    " delayed INTEGER NOT NULL DEFAULT 0," /* a delay DSN was sent */
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
    " seen INTEGER NOT NULL) WITHOUT ROWID;",
    /* What a domain had besides TLSA, since when, and when it was gone. */
    "ALTER TABLE dane_seen ADD COLUMN via TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE dane_seen ADD COLUMN dane INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dane_seen ADD COLUMN sts INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE dane_seen ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;"
    "UPDATE dane_seen SET dane = seen;",
};

/* A file without our mark is taken only when there is nothing in it. */
static int
check_owner(struct db *db, int64_t version)
{
	int64_t mark = 0;
	int64_t tables = 0;
	int rc = db_int(db, "PRAGMA application_id", &mark);

	if (rc != 0 || mark == APPLICATION_ID)
		return rc;
	rc = db_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != 0)
		return rc;
	return mark == 0 && version == 0 && tables == 0 ? 0 : ERR_CORRUPT;
}

static int
set_version(struct db *db)
{
	/* A pragma takes no parameters, so the numbers are written out. */
	static const char sql[] = "PRAGMA application_id = 0x5758534c;"
				  "PRAGMA user_version = 2";

	_Static_assert(SCHEMA_VERSION == 2, "user_version in the text above");
	return db_exec(db, sql);
}

static int
migrate(struct db *db)
{
	int64_t version = 0;
	int rc = db_int(db, "PRAGMA user_version", &version);

	if (rc != 0)
		return rc;
	if (version > SCHEMA_VERSION)
		return ERR_VERSION;
	rc = check_owner(db, version);
	if (rc != 0 || version == SCHEMA_VERSION)
		return rc;
	if (version < 0)
		return ERR_CORRUPT;
	for (int64_t v = version; rc == 0 && v < SCHEMA_VERSION; v++)
		rc = db_exec(db, steps[v]);
	return rc == 0 ? set_version(db) : rc;
}

int
schema_prepare(struct db *db)
{
	/* IMMEDIATE: whoever writes to the file besides us shows up now. */
	int rc = db_exec(db, "BEGIN IMMEDIATE");

	if (rc != 0)
		return rc;
	rc = migrate(db);
	if (rc == 0)
		rc = db_exec(db, "COMMIT");
	if (rc != 0 && !db_idle(db))
		(void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

struct deadline {
	const struct clock *clock;
	int64_t at;
};

static int
is_over(void *arg)
{
	const struct deadline *d = arg;

	return clock_mono_ms(d->clock) >= d->at;
}

int
schema_check(struct db *db, int64_t ms, const struct clock *clock)
{
	struct deadline d = {clock, clock_mono_ms(clock) + ms};
	sqlite3_stmt *st = NULL;
	int rc = 0;

	sqlite3_progress_handler(db->sql, STEPS_PER_LOOK, is_over, &d);
	if (sqlite3_prepare_v2(
		db->sql, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK)
		rc = db_error(db);
	else if (sqlite3_step(st) != SQLITE_ROW)
		rc = db_error(db);
	else if (!str_eq(db_col_blob(st, 0), STR("ok")))
		rc = ERR_CORRUPT;
	(void)sqlite3_finalize(st);
	sqlite3_progress_handler(db->sql, 0, NULL, NULL);
	/* Out of time: what was looked at is fine. */
	return rc == ERR_CANCELED ? 0 : rc;
}
