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

struct sts_opts {
	struct loop *loop;
	struct dns *dns;
	struct http *http;
	/* NULL: there is none, so that nothing is known of policies fetched
	 * before and nothing is kept; verdicts say so (seen.no_store). */
	struct store *store;
	struct clock clock;
	struct log *log;
	struct metrics *metrics;
	struct rng *rng; /* hash seed */
	bool on;
	bool allow_private;
	int64_t txt_timeout_ms; /* 0: 20 s; STS-40 */
	int64_t fetch_timeout_ms; /* 0: 60 s */
};

struct sts *sts_new(const struct sts_opts *o);
/* Lookups under way end without a callback. dns, http and store must still be
 * there. NULL is fine. */
void sts_free(struct sts *s);

typedef void sts_lookup_fn(void *arg, const struct sts_verdict *v);
/* fn exactly once, later, unless canceled. v borrowed for the call. */
struct sts_lookup *sts_lookup_start(
    struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg);
void sts_lookup_cancel(struct sts_lookup *l); /* NULL is fine */

#endif
