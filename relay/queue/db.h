/*
 * A connection to the database, as little of SQLite as the store needs. One
 * thread at a time. Private to relay/queue/{schema,store_*}.c.
 */
#ifndef RELAY_QUEUE_DB_H
#define RELAY_QUEUE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

struct sqlite3;
struct sqlite3_stmt;

#define DB_STMTS 48 /* different statements of one connection */
#define DB_FILE "queue.db"

struct db {
	struct sqlite3 *sql;
	const char *dir; /* state_dir, borrowed */
	size_t n; /* statements kept */
	const char *text[DB_STMTS];
	struct sqlite3_stmt *stmt[DB_STMTS];
	int wal_pages; /* in the log after the last commit */
	bool logged; /* set by each commit that wrote to the log */
};

/*
 * Opens dir/queue.db, which must exist, and sets up the connection. *db is
 * filled in either way; db_close it. ERR_CORRUPT, ERR_BUSY, ERR_PERM,
 * ERR_FULL, ERR_IO.
 */
NODISCARD int db_open(struct db *db, const char *dir, bool for_writing);
void db_close(struct db *db);
/* Keeps wal_pages and logged up to date from here on: *db must not move any
 * more. */
void db_watch(struct db *db);

/* Text of the last error of SQLite on this connection. */
const char *db_errmsg(const struct db *db);
/* Last SQLite result as an enum err; ERR_INTERNAL for a misuse. */
int db_error(const struct db *db);
/* No transaction is open: SQLite may end one by itself on an error. */
bool db_idle(const struct db *db);

/* Runs SQL without results. */
NODISCARD int db_exec(struct db *db, const char *sql);
/* First column of the first row; ERR_NOTFOUND. */
NODISCARD int db_int(struct db *db, const char *sql, int64_t *out);

/* A kept statement: sql must be the same literal at each call, its address is
 * the key. */
NODISCARD int db_stmt(
    struct db *db, const char *sql, struct sqlite3_stmt **out);
/* 1: a row; 0: done (the statement is reset); or an error (reset too). */
NODISCARD int db_step(struct db *db, struct sqlite3_stmt *st);
/* Ends a statement before it is done; forgets what is bound. */
void db_reset(struct sqlite3_stmt *st);
/* Rows changed by the last statement. */
int64_t db_changes(const struct db *db);

void db_bind_int(struct sqlite3_stmt *st, int at, int64_t v);
void db_bind_null(struct sqlite3_stmt *st, int at);
/* Bytes are borrowed until the statement is reset. */
void db_bind_text(struct sqlite3_stmt *st, int at, const char *s);
void db_bind_blob(struct sqlite3_stmt *st, int at, struct str s);

int64_t db_col_int(struct sqlite3_stmt *st, int at);
/* Copies text, cut to fit, with a NUL. */
void db_col_text(struct sqlite3_stmt *st, int at, char *out, size_t size);
/* Valid until the next step. */
struct str db_col_blob(struct sqlite3_stmt *st, int at);

/* Copies the log into the database as far as nobody is in the way. */
void db_checkpoint(struct db *db);

#endif
