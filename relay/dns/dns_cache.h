/*
 * Cache and coalescing in front of another struct dns, and the canary.
 * TTLs and caps: RESOLVER.md 1.4.
 */
#ifndef RELAY_DNS_DNS_CACHE_H
#define RELAY_DNS_DNS_CACHE_H

#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/dns/dns.h"
#include "relay/net/timer.h"

struct dns_cache_opts {
	struct dns *upstream; /* not owned */
	struct metrics *metrics;
	struct rng *rng; /* hash seed */
	unsigned entries; /* 0: 10000 */
	int64_t canary_ms; /* 0: 30000 */
	/* "dead" and "unknown" never, "untrusted" only when external:
	 * managed turns untrusted into dead. */
	bool managed;
	bool trust_ad; /* false: every answer is insecure */
	void (*on_state)(void *arg, enum dns_state from, enum dns_state to);
	void *arg;
};

/* ERR_CONFIG: no upstream, no rng. Asks the canary at once. */
NODISCARD int dns_cache_new(
    struct loop *loop, const struct dns_cache_opts *o, struct dns **out);
/*
 * While the canary says DEAD each question is answered RR_FAIL with
 * RR_WHY_UNREACHABLE (managed and answering without AD: RR_WHY_UNTRUSTED) at
 * once; while UNTRUSTED no answer is secure. UNKNOWN holds questions back
 * until the first canary ended, managed also through the first 5 s of a
 * resolver that does not listen yet.
 */
enum dns_state dns_cache_state(const struct dns *d);
/* Drops waiters without a callback. Not from within a callback of it. The
 * upstream must still be open. */
void dns_cache_free(struct dns *d);

#endif
