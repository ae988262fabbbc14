/*
 * A connection to SQLite. Settings: WAL with synchronous=FULL, so that a
 * commit that returned survives a loss of power; no memory map, so that an
 * I/O error is an error and not a SIGBUS; checkpoints only where the store
 * asks for them.
 */
#include "config.h"

#include "relay/queue/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/buf.h"

#define BUSY_MS 1000 /* another program has the lock: wait that long */

/* errno of the last system call that failed on the database or its log; by the
 * time SQLite returns, others may have changed errno itself. */
static int
system_errno(const struct db *db)
{
	sqlite3_file *log = NULL;
	int e = 0;

	(void)sqlite3_file_control(
	    db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	if (log && log->pMethods)
		(void)log->pMethods->xFileControl(
		    log, SQLITE_FCNTL_LAST_ERRNO, &e);
	if (e == 0)
		(void)sqlite3_file_control(
		    db->sql, "main", SQLITE_FCNTL_LAST_ERRNO, &e);
	return e != 0 ? e : sqlite3_system_errno(db->sql);
}

static int
io_error(const struct db *db)
{
	int e = system_errno(db);

	/* SQLite itself tells only ENOSPC. */
	if (e == ENOSPC || e == EDQUOT || e == EFBIG)
		return ERR_FULL;
	if (e == EACCES || e == EPERM || e == EROFS)
		return ERR_PERM;
	return ERR_IO;
}

int
db_error(const struct db *db)
{
	switch (sqlite3_errcode(db->sql) & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ERR_PERM;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return io_error(db);
	case SQLITE_CONSTRAINT:
		return ERR_EXISTS;
	case SQLITE_TOOBIG:
		return ERR_TOOBIG;
	case SQLITE_INTERRUPT:
		return ERR_CANCELED;
	default:
		return ERR_INTERNAL;
	}
}

const char *
db_errmsg(const struct db *db)
{
	return db->sql ? sqlite3_errmsg(db->sql) : "no memory";
}

bool
db_idle(const struct db *db)
{
	return sqlite3_get_autocommit(db->sql) != 0;
}

static int
note_wal(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct db *db = arg;

	(void)sql;
	(void)name;
	db->wal_pages = pages;
	db->logged = true;
	return SQLITE_OK;
}

int
db_open(struct db *db, const char *dir, bool for_writing)
{
	struct buf path;
	int rc;

	*db = (struct db){.dir = dir};
	buf_init(&path, 4096);
	(void)buf_addf(&path, "%s/" DB_FILE, dir);
	if (path.full) {
		buf_clear(&path);
		return ERR_TOOBIG;
	}
	rc = sqlite3_open_v2(path.p, &db->sql,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	buf_clear(&path);
	if (!db->sql)
		return ERR_IO;
	if (rc != SQLITE_OK)
		return db_error(db);
	(void)sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	/* A file that somebody damaged on purpose must not run code. */
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(
	    db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	rc = db_exec(db,
	    "PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA foreign_keys = ON;"
	    "PRAGMA mmap_size = 0;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA cache_size = -16000;"
	    "PRAGMA journal_size_limit = 67108864;"
	    "PRAGMA wal_autocheckpoint = 0");
	if (rc == 0 && !for_writing)
		rc = db_exec(db, "PRAGMA query_only = ON");
	return rc;
}

void
db_watch(struct db *db)
{
	(void)sqlite3_wal_hook(db->sql, note_wal, db);
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < db->n; i++)
		(void)sqlite3_finalize(db->stmt[i]);
	db->n = 0;
	if (db->sql && sqlite3_close(db->sql) != SQLITE_OK)
		BUG("database closed with statements open");
	db->sql = NULL;
}

int
db_exec(struct db *db, const char *sql)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return db_error(db);
}

int
db_int(struct db *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &st, NULL) != SQLITE_OK)
		return db_error(db);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		rc = 0;
	} else {
		rc = rc == SQLITE_DONE ? ERR_NOTFOUND : db_error(db);
	}
	(void)sqlite3_finalize(st);
	return rc;
}

int
db_stmt(struct db *db, const char *sql, struct sqlite3_stmt **out)
{
	sqlite3_stmt *st = NULL;

	for (size_t i = 0; i < db->n; i++) {
		if (db->text[i] == sql) {
			*out = db->stmt[i];
			return 0;
		}
	}
	if (db->n == DB_STMTS)
		BUG("too many statements");
	if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &st,
		NULL) != SQLITE_OK)
		return db_error(db);
	db->text[db->n] = sql;
	db->stmt[db->n++] = st;
	*out = st;
	return 0;
}

void
db_reset(struct sqlite3_stmt *st)
{
	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
}

int
db_step(struct db *db, struct sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	int err = 0;

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE) {
		err = db_error(db);
		if (err == 0)
			err = ERR_INTERNAL;
	}
	db_reset(st);
	return err;
}

int64_t
db_changes(const struct db *db)
{
	return sqlite3_changes(db->sql);
}

/* Binding fails only for a wrong index or without memory. */
static void
check_bound(int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_TOOBIG)
		BUG("sqlite3_bind: %d", rc);
}

void
db_bind_int(struct sqlite3_stmt *st, int at, int64_t v)
{
	check_bound(sqlite3_bind_int64(st, at, v));
}

void
db_bind_null(struct sqlite3_stmt *st, int at)
{
	check_bound(sqlite3_bind_null(st, at));
}

void
db_bind_text(struct sqlite3_stmt *st, int at, const char *s)
{
	check_bound(sqlite3_bind_text64(
	    st, at, s, (sqlite3_uint64)strlen(s), SQLITE_STATIC, SQLITE_UTF8));
}

void
db_bind_blob(struct sqlite3_stmt *st, int at, struct str s)
{
	/* A NULL pointer would bind NULL and not an empty value. */
	check_bound(sqlite3_bind_blob64(
	    st, at, s.p ? s.p : "", (sqlite3_uint64)s.n, SQLITE_STATIC));
}

int64_t
db_col_int(struct sqlite3_stmt *st, int at)
{
	return sqlite3_column_int64(st, at);
}

void
db_col_text(struct sqlite3_stmt *st, int at, char *out, size_t size)
{
	struct str s = db_col_blob(st, at);

	if (s.n >= size)
		s.n = size - 1;
	if (s.n > 0)
		memcpy(out, s.p, s.n);
	out[s.n] = '\0';
}

struct str
db_col_blob(struct sqlite3_stmt *st, int at)
{
	/* The order matters: the length is that of the converted value. */
	const char *p = sqlite3_column_blob(st, at);
	int n = sqlite3_column_bytes(st, at);

	return str_n(p, p && n > 0 ? (size_t)n : 0);
}

void
db_checkpoint(struct db *db)
{
	/* Errors show at the next commit; a busy one is tried again later. */
	(void)sqlite3_wal_checkpoint_v2(
	    db->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
