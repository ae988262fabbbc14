/*
 * The durable queue: typed jobs in, completions out, no SQL in sight. One
 * struct store_hub a process (writer and reader thread), one struct store a
 * loop. Every done_fn runs exactly once, on the loop that asked, later, never
 * inside the call; after store_close it never runs.
 */
#ifndef RELAY_QUEUE_STORE_H
#define RELAY_QUEUE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/clock.h"
#include "relay/base/err.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/model/had_entry.h"
#include "relay/model/msg.h"
#include "relay/model/store_row.h"
#include "relay/model/sts_entry.h"
#include "relay/model/work_entry.h"

struct loop;
struct store_hub;
struct store;

struct store_opts {
	const char *state_dir;
	int64_t commit_delay_ms; /* most that a job under load waits */
	uint64_t min_free; /* bytes of disk below which puts are ERR_FULL */
	struct clock clock;
	struct log *log;
	struct metrics *metrics; /* counters of the store threads */
	/* What poison_judge left, n_work entries: a message with WORK_HOLD is
	 * held before anything else happens, which is logged, and entries of
	 * messages that are not in the queue any more get msg 0. */
	struct work_entry *work;
	size_t n_work;
};

/*
 * Opens, migrates, starts both threads. text: one line that names the file
 * and what to do. ERR_CORRUPT, ERR_VERSION (newer schema), ERR_BUSY (locked
 * by another program), ERR_PERM, ERR_FULL, ERR_UNSUPPORTED (file system where
 * WAL is unsafe), ERR_IO.
 */
NODISCARD int store_hub_open(
    const struct store_opts *o, struct store_hub **out, char text[256]);
/* Commits what is queued, joins the threads. Every struct store must be
 * closed before. */
void store_hub_close(struct store_hub *hub);
/* Any thread: 0, or the error the store is in now, with its text. Commits,
 * reading and large bodies each are in the error of their last job. */
int store_hub_state(struct store_hub *hub, char text[256]);

/* Handle of one loop; credits: jobs it may have under way. */
NODISCARD int store_open(struct store_hub *hub, struct loop *loop,
    size_t credits, struct store **out);
/* No callback after this. Waits until the jobs already handed over are carried
 * out and committed. NULL is fine. */
void store_close(struct store *s);
/* Callbacks with this arg do not run any more; their jobs are carried out. */
void store_forget(struct store *s, const void *arg);

typedef void store_done_fn(void *arg, int err);
/* fn(arg, 0) on this loop, in a later round, without the threads and without
 * a credit: for an answer that must not come inside a call. */
void store_later(struct store *s, store_done_fn *fn, void *arg);

/* ---- a new message (intake, and DSNs) ---- */

struct store_put {
	struct msg *msg; /* counted by the job; body set; its id is
				     * kept, or made and written before the
				     * callback when it is 0 */
	const struct rcpt_in *rcpts; /* copied */
	size_t n_rcpts;
	int64_t next_try;
};

/* rcpts: an array of n recipients as queued, msg set and counted, to be taken
 * over one by one (each is freed with rcpt_free); the array itself is the
 * callee's, from malloc. err != 0: nothing was stored. ERR_EXISTS (the id is
 * in use: pick another one), ERR_FULL (disk), ERR_IO, ERR_BUSY, ERR_CORRUPT,
 * ERR_PERM. */
typedef void store_put_fn(void *arg, int err, struct rcpt **rcpts, size_t n);
/* ERR_FULL: no credit; nothing will be called. The same with all below. */
NODISCARD int store_put(
    struct store *s, const struct store_put *p, store_put_fn *fn, void *arg);

/* ---- what an attempt came to ---- */

enum store_fate {
	STORE_DONE, /* sent, bounced or expired: the row goes */
	STORE_RETRY, /* deferred: tries, next_try, reply are kept */
	STORE_RELEASED /* nothing happened (shutdown): row as it was */
};

struct store_result {
	uint64_t rcpt, msg;
	enum store_fate fate;
	uint32_t tries;
	int64_t next_try;
	char dsn[12];
	char rule[16];
	char mx[DOMAIN_MAX];
	char reply[512];
	bool delayed_sent; /* a delay DSN has been made */
};

struct store_finish {
	const struct store_result *results; /* copied */
	size_t n;
	/* DSN messages, stored in the same transaction; or none. Each has one
	 * recipient set. Copied / counted as in store_put. */
	const struct store_put *dsns;
	size_t n_dsns;
};

/* rcpts: recipients of the DSNs, as in store_put. On error nothing of the job
 * was stored: the caller keeps the recipients and tries the job again. */
typedef void store_finish_fn(void *arg, int err, struct rcpt **rcpts, size_t n);
NODISCARD int store_finish(struct store *s, const struct store_finish *f,
    store_finish_fn *fn, void *arg);

/* ---- held messages ---- */

/* n: rows, 0 when no such message is held. Its recipients are due now; their
 * shards must page. ERR_IO and the like: nothing changed. */
typedef void store_count_fn(void *arg, int err, uint64_t n);
NODISCARD int store_release(
    struct store *s, uint64_t msg, store_count_fn *fn, void *arg);

/* ---- reading ---- */

/*
 * Recipients of the destinations whose bucket mod shards == shard, not held,
 * ordered by (next_try, id), beginning behind (after_next_try, after_id): a
 * page of at most limit. Bodies are not loaded. n < limit: that was all.
 * Ownership as in store_put.
 */
typedef void store_page_fn(void *arg, int err, struct rcpt **rcpts, size_t n);
NODISCARD int store_page(struct store *s, unsigned shard, unsigned shards,
    int64_t after_next_try, uint64_t after_id, size_t limit, store_page_fn *fn,
    void *arg);

/* Body of a message; body's count is the callee's. ERR_NOTFOUND, ERR_CORRUPT,
 * ERR_IO. */
typedef void store_body_fn(void *arg, int err, struct blob *body);
NODISCARD int store_body(
    struct store *s, uint64_t msg_id, store_body_fn *fn, void *arg);

/* ---- MTA-STS cache and downgrade memory ---- */

/* entry is borrowed for the call; ERR_NOTFOUND. */
typedef void store_sts_fn(void *arg, int err, const struct sts_entry *entry);
NODISCARD int store_sts_get(
    struct store *s, const char *domain, store_sts_fn *fn, void *arg);
/* Inserts or replaces. fn may be NULL. */
NODISCARD int store_sts_put(
    struct store *s, const struct sts_entry *e, store_done_fn *fn, void *arg);
/* Removes the entry of a domain if it expires before then, seconds since
 * 1970; INT64_MAX: in any case. fn may be NULL. */
NODISCARD int store_sts_drop(struct store *s, const char *domain,
    int64_t before, store_done_fn *fn, void *arg);

/* A look through the entries whose bucket mod shards == shard, by domain,
 * beginning behind after ("": at the first). */
struct store_sts_scan {
	unsigned shard, shards;
	char after[DOMAIN_MAX];
	int64_t now; /* seconds since 1970 */
	size_t limit; /* rows to hand out */
};

struct store_sts_page {
	/* Those that are due (sts_entry_due) or expired STS_KEEP_S ago.
	 * Borrowed for the call, without body. */
	const struct sts_entry *rows;
	size_t n;
	bool more; /* go on behind last */
	char last[DOMAIN_MAX];
	int64_t next_due; /* of those seen that are not yet; INT64_MAX */
};

typedef void store_sts_page_fn(
    void *arg, int err, const struct store_sts_page *page);
NODISCARD int store_sts_scan(struct store *s, const struct store_sts_scan *q,
    store_sts_page_fn *fn, void *arg);

/* What domains of this shard had, ordered by domain, behind after ("": from
 * the first), at most limit. n < limit: that was all. Borrowed for the call. */
typedef void store_had_fn(
    void *arg, int err, const struct had_entry *v, size_t n);
NODISCARD int store_had_load(struct store *s, unsigned shard, unsigned shards,
    const char *after, size_t limit, store_had_fn *fn, void *arg);
/* Inserts or replaces. fn may be NULL. */
NODISCARD int store_had_put(
    struct store *s, const struct had_entry *e, store_done_fn *fn, void *arg);
/* Forgets; a domain that is not there is fine. fn may be NULL. */
NODISCARD int store_had_drop(
    struct store *s, const char *domain, store_done_fn *fn, void *arg);

/* ---- listing; struct store_row and store_stats are in the model ---- */

typedef void store_list_fn(
    void *arg, int err, const struct store_row *rows, size_t n);
/* Recipients ordered by row, behind after_rcpt. msg 0: all messages. */
NODISCARD int store_list(struct store *s, uint64_t msg, uint64_t after_rcpt,
    size_t limit, store_list_fn *fn, void *arg);

typedef void store_stats_fn(void *arg, int err, const struct store_stats *st);
NODISCARD int store_stats(struct store *s, store_stats_fn *fn, void *arg);

#endif
