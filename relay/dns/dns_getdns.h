/*
 * getdns in STUB mode towards validating resolvers, AD bit, UDP with TCP on
 * truncation, two contexts an upstream, own libuv glue, retry and cap. No
 * cache. RESOLVER.md says why each setting is as it is.
 */
#ifndef RELAY_DNS_DNS_GETDNS_H
#define RELAY_DNS_DNS_GETDNS_H

#include <stddef.h>

#include "relay/base/metrics.h"
#include "relay/dns/dns.h"
#include "relay/model/options.h"
#include "relay/net/timer.h"

struct dns_getdns_opts {
	const struct opt_addr_port *upstreams; /* copied */
	size_t n_upstreams;
	const char *appdata_dir; /* getdns writes there, if anywhere */
	struct metrics *metrics;
	int64_t timeout_ms; /* of one try; 0: 2000 */
	unsigned tries; /* 0: 3 */
	unsigned cap; /* in flight; 0: 256 */
};

/* ERR_DNS, ERR_CONFIG. *out is freed by dns_getdns_close. */
NODISCARD int dns_getdns_open(
    struct loop *loop, const struct dns_getdns_opts *o, struct dns **out);
/* Unanswered questions are dropped without a callback. Handles close in later
 * rounds of the loop. */
void dns_getdns_close(struct dns *d);

#endif
