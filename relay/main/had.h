/*
 * Downgrade memory of one shard: what its destinations were seen to have, and
 * which of them have it no more. In memory for the answer, in the store for
 * the next run. DANE-58, CONTINUITY.
 */
#ifndef RELAY_MAIN_HAD_H
#define RELAY_MAIN_HAD_H

#include <stdbool.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"

struct had;

struct had_opts {
	struct store *store;
	struct rng *rng; /* hash seed */
	struct clock clock;
	struct log *log;
	struct metrics *metrics;
};

struct had *had_new(const struct had_opts *o);
/* NULL is fine. The store must still be open. */
void had_free(struct had *h);
/* Reads the stored ones; asks again until the store answers; then done_fn,
 * once. On the loop's thread. */
void had_load(struct had *h, struct loop *loop, unsigned shard, unsigned shards,
    void (*done_fn)(void *arg), void *arg);

/* arg of the next three: the struct had. They are those of decide_opts. */

/* false: nothing is known of the domain, *out is not written. */
bool had_get(void *arg, const char *domain, struct had_entry *out);
/* It has what now (HAD_ bits), by the records of via. Written at most once a
 * day, unless something is new. */
void had_seen(void *arg, const char *domain, const char *via, unsigned what);
/* It has nothing any more. Logged and counted when that is new; held: mail
 * waits for it (continuity = hold). */
void had_gone(void *arg, const char *domain, bool held);

/*
 * Forgets the domain, here and in the store: what it had is not missed any
 * more. fn (may be NULL) when that is on disk, or with an error; then it may
 * be back after a restart. ERR_FULL: the store takes no more jobs, nothing
 * was done.
 */
NODISCARD int had_forget(
    struct had *h, const char *domain, store_done_fn *fn, void *arg);

struct decide_opts;
/* Sets all that o has of this memory. */
void had_serve(struct had *h, struct decide_opts *o);

#endif
