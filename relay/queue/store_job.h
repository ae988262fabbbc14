/*
 * Jobs of the store: made by the client side on a loop, carried out by a
 * store thread, answered on the loop. Private to relay/queue/store*.c.
 */
#ifndef RELAY_QUEUE_STORE_JOB_H
#define RELAY_QUEUE_STORE_JOB_H

#include <stdbool.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/net/mailbox.h"
#include "relay/queue/db.h"
#include "relay/queue/store.h"

struct job;

/* What a thread knows while it carries out a job. */
struct job_env {
	struct db *db;
	bool low_disk; /* below min_free: no new mail */
	/* Writer: the commit itself failed. The next start may find it done,
	 * so that undo must not take away what it needs; spool files go to
	 * doubtful (ids as bytes), to be removed once that can't be. */
	bool in_doubt;
	struct buf *doubtful;
};

struct job_ops {
	/* Store thread. In the writer inside a transaction: may run into an
	 * error at any point, the caller rolls back. */
	int (*run)(const struct job_env *env, struct job *j);
	/* Reader, before the writer's run: what must not hold up commits.
	 * NULL: the job goes straight to its thread. */
	int (*prepare)(const struct job_env *env, struct job *j);
	/* Writer, after the commit. May be NULL. */
	void (*committed)(const struct job_env *env, struct job *j);
	/* Store thread: the job failed in prepare, run or commit; undoes what
	 * these did outside of the database. May be NULL. */
	void (*undo)(const struct job_env *env, struct job *j);
	/* Loop: hands the result to the callback. NULL: nobody waits. */
	void (*answer)(struct job *j);
	void (*free)(struct job *j);
};

struct job {
	struct mail_node node; /* first */
	const struct job_ops *ops;
	struct mailbox *reply; /* gets the job back */
	struct list here; /* loop: jobs of this client under way */
	void *arg; /* of the callback */
	bool forgotten; /* loop: no callback */
	bool write; /* for the writer */
	bool lazy; /* forces no commit */
	bool spool; /* prepare is wanted */
	int err;
};

/* The job that was posted with this node. */
struct job *job_of(struct mail_node *node);

/* ---- store_msg.c ---- */
/* A change: results of attempts, messages, or both. new_mail: from a client,
 * refused on a low disk; else it may wait for another commit. fn is also that
 * of store_finish, which is the same type. now: for ids that must be made. */
struct job *store_change_new(
    const struct store_finish *f, bool new_mail, int64_t now, store_put_fn *fn);
/* At start, before the threads: orphans in spool/, destinations of nobody. */
NODISCARD int store_msg_sweep(struct db *db, unsigned *removed);

/* ---- store_hold.c ---- */
/* At start, before the threads: o->work, as store.h says. */
NODISCARD int store_hold_open(struct db *db, const struct store_opts *o);
struct job *store_release_new(uint64_t msg, int64_t now, store_count_fn *fn);

/* ---- store_read.c ---- */
struct job *store_page_new(unsigned shard, unsigned shards,
    int64_t after_next_try, uint64_t after_id, size_t limit, store_page_fn *fn);
struct job *store_body_new(uint64_t msg_id, store_body_fn *fn);
struct job *store_list_new(
    uint64_t msg, uint64_t after, size_t limit, store_list_fn *fn);
struct job *store_stats_new(store_stats_fn *fn);

/* ---- store_sts.c ---- */
struct job *store_sts_drop_new(
    const char *domain, int64_t before, store_done_fn *fn);
struct job *store_sts_scan_new(
    const struct store_sts_scan *q, store_sts_page_fn *fn);

/* ---- store_aux.c ---- */
struct job *store_sts_get_new(const char *domain, store_sts_fn *fn);
struct job *store_sts_put_new(const struct sts_entry *e, store_done_fn *fn);

/* ---- store_had.c ---- */
struct job *store_had_load_new(unsigned shard, unsigned shards,
    const char *after, size_t limit, store_had_fn *fn);
struct job *store_had_put_new(const struct had_entry *e, store_done_fn *fn);
struct job *store_had_drop_new(const char *domain, store_done_fn *fn);

#endif
