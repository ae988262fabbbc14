/* Asks all that DANE wants to know of one host: dane_policy on real DNS. */
#ifndef DANE_DANE_LOOKUP_H
#define DANE_DANE_LOOKUP_H

#include <stdbool.h>

#include "dane/dane_policy.h"
#include "relay/dns/dns.h"
#include "relay/model/verdicts.h"
#include "relay/net/timer.h"

struct dane_lookup;

struct dane_host {
	enum dane_addr addr_state;
	const struct rr_addr *addrs; /* IPv6 first, then IPv4; borrowed */
	size_t n_addrs;
	bool addrs_secure; /* of the addresses that are used */
	enum rr_why why; /* when addr_state is FAIL */
	const struct dane_verdict *verdict; /* borrowed */
};

typedef void dane_lookup_fn(void *arg, const struct dane_host *host);

/* fn runs exactly once, later, unless canceled; within timeout_ms in any case
 * (then: verdict FAILED, DANE-59). */
struct dane_lookup *dane_lookup_start(struct loop *loop, struct dns *dns,
    const char *host, unsigned port, bool on, int64_t timeout_ms,
    dane_lookup_fn *fn, void *arg);
void dane_lookup_cancel(struct dane_lookup *l); /* NULL is fine */

#endif
