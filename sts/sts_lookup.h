/* "What does MTA-STS say for this domain?": cache, TXT, fetch. */
#ifndef STS_STS_LOOKUP_H
#define STS_STS_LOOKUP_H

#include <stdbool.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/dns/dns.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"
#include "sts/sts_state.h"

struct http;
struct sts; /* one a shard: memory of failures, coalescing */
struct sts_lookup; /* one question */

typedef void sts_lookup_fn(void *arg, const struct sts_verdict *v);

/* How to ask the shard that a domain belongs to. */
struct sts_away {
	/* NULL: can't be asked now. Else fn exactly once, later, unless
	 * canceled; v is NULL when that shard does not answer any more. */
	void *(*ask)(
	    void *arg, const char *domain, sts_lookup_fn *fn, void *fn_arg);
	void (*cancel)(void *question);
	void *arg;
};

struct sts_opts {
	struct loop *loop;
	struct dns *dns;
	struct http *http;
	/* NULL: there is none, so that nothing is known of policies fetched
	 * before and nothing is kept; verdicts say so (seen.no_store). Then only
	 * sts_lookup_start may be called. */
	struct store *store;
	struct clock clock;
	struct log *log;
	struct metrics *metrics;
	struct rng *rng; /* hash seed */
	bool on;
	bool allow_private;
	unsigned shard, shards; /* which entries are ours: bucket mod shards */
	struct sts_away away; /* ask NULL: all are */
	int64_t txt_timeout_ms; /* 0: 20 s; STS-40 */
	int64_t fetch_timeout_ms; /* 0: 60 s */
};

struct sts *sts_new(const struct sts_opts *o);
/* Lookups under way end without a callback. dns, http and store must still be
 * there. NULL is fine. */
void sts_free(struct sts *s);

/* The loop runs: from now on stored policies are fetched again when they are
 * due (STS-25). Once. */
void sts_start(struct sts *s);

/* Any domain. fn exactly once, later, unless canceled. v borrowed for the call.
 * Another shard that does not answer is STS_STORE_ERROR: what it keeps is not
 * known. */
struct sts_lookup *sts_lookup_start(
    struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg);
void sts_lookup_cancel(struct sts_lookup *l); /* NULL is fine */

/*
 * Fetches the policy now, whatever failed before and however young the cached
 * one is; domain must be one of this shard's. fn as above: STS_FRESH: fetched
 * and stored just now; STS_CACHED: the fetch failed or there was nothing to
 * fetch (text says why), this one stays in force; STS_UNOBTAINABLE: failed and
 * none is cached; STS_NO_POLICY: no record, nothing cached.
 */
struct sts_lookup *sts_refresh_now(
    struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg);

/*
 * Forgets the domain, which must be one of this shard's: the stored entry and
 * what is remembered of it. Who is waiting is answered by what was; questions
 * that are asked of this struct when fn has run know nothing of it, those of
 * another shard when theirs that wait are answered. fn(arg, err) exactly
 * once, later; ERR_FULL and what the store says: nothing is forgotten. There
 * is no way to cancel it but sts_free.
 */
void sts_forget(
    struct sts *s, const char *domain, store_done_fn *fn, void *arg);

#endif
