/*
 * "How may mail for this domain be sent?" One answer for all who ask: a route
 * that yields hosts on demand, best preference first, each with a tls_plan or
 * with the reason to pass it over. STS and DANE are looked up here, lazily,
 * and judged by relay/policy.
 */
#ifndef RELAY_DECIDE_DECIDE_H
#define RELAY_DECIDE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/clock.h"
#include "relay/base/rng.h"
#include "relay/dns/dns.h"
#include "relay/model/had_entry.h"
#include "relay/model/options.h"
#include "relay/model/outcome.h"
#include "relay/model/tls_plan.h"
#include "relay/model/verdicts.h"
#include "relay/net/timer.h"

struct mx_set; /* relay/dns/mx.h */
struct sts; /* sts/sts_lookup.h */
struct sts_verdict; /* sts/sts_state.h */
struct decide; /* one a shard */
struct route; /* one question under way */

struct decide_opts {
	struct loop *loop;
	struct dns *dns;
	/* NULL: never untrusted. State of the resolver, for DANE-58. */
	enum dns_state (*dns_state)(void *arg);
	void *dns_state_arg;
	/* Goes up when it begins or ceases to be untrusted. With dns_state. */
	const unsigned *dns_turns;
	/* The shard's memory of what domains had (relay/main/had.h); NULL:
	 * none. had: false when nothing is known. had_seen: it has what (HAD_
	 * bits) by the records of via. had_gone: it has none of it any more;
	 * held: its mail waits. */
	bool (*had)(void *arg, const char *domain, struct had_entry *out);
	void (*had_seen)(
	    void *arg, const char *domain, const char *via, unsigned what);
	void (*had_gone)(void *arg, const char *domain, bool held);
	void *had_arg;
	/* Goes up when a domain is forgotten; NULL: never. */
	const unsigned *had_forgets;
	/* Is this one of the machine's own addresses? NULL: none is. */
	bool (*own_addr)(void *arg, const struct rr_addr *addr);
	void *own_addr_arg;
	struct sts *sts; /* NULL: MTA-STS is not looked at */
	const struct options *options;
	struct clock clock;
	struct rng *rng;
};

struct decide *decide_new(const struct decide_opts *o);
void decide_free(struct decide *d); /* no route may be left */
/* What it was made with. */
const struct decide_opts *decide_options(const struct decide *d);

/*
 * Who wants to know how a route comes to its hosts: waxseal explain. All that
 * is passed is borrowed for the call; none of these may free the route. The
 * route then waits for MTA-STS at every host, also where DANE alone decides.
 */
struct route_notes {
	/* An answer to a question of the route (not of MTA-STS); NULL: it did
	 * not come in time, or nobody waits for it any more. */
	void (*answer)(void *arg, const char *name, enum rr_type type,
	    const struct rr_set *set);
	/* policy: the domain whose MTA-STS policy applies (STS-27). */
	void (*mx)(void *arg, const char *policy, const struct mx_set *mx);
	/* Of the host whose ROUTE_HOST or ROUTE_SKIP comes next. */
	void (*dane)(void *arg, const struct dane_verdict *v);
	void (*sts)(void *arg, const struct sts_verdict *v);
	void *arg;
};

struct route_req {
	const char *next_hop; /* canonical domain, or "[ip]" */
	uint32_t msg_flags; /* enum msg_flags */
	bool quiet; /* somebody only asks: nothing is remembered or logged */
	uint16_t port; /* 0: as configured; a nexthop may name another */
	/* NULL: nobody takes notes. Else all must be set; copied. */
	const struct route_notes *notes;
};

#define ROUTE_ADDRS_MAX 16

/* A host that may be tried. Borrowed for the call; copy what you keep. */
struct route_host {
	char host[DOMAIN_MAX];
	uint16_t pref, port;
	struct rr_addr addrs[ROUTE_ADDRS_MAX]; /* allowed ones, in order */
	size_t n_addrs;
	struct tls_plan plan;
	enum mx_security mx;
	struct tls_verdict_view {
		enum dane_kind dane;
		enum sts_source sts;
		enum sts_mode sts_mode;
		/* What was judged by, as long as the route; NULL: nobody had
		 * to wait for it. */
		const struct sts_verdict *verdict;
	} seen; /* for explain and log */
};

enum route_event_kind {
	ROUTE_HOST, /* a host that may be tried */
	ROUTE_SKIP, /* a host passed over: host->host, outcome says why;
		     * route_next is not needed, the route goes on itself */
	ROUTE_END /* no (more) hosts; outcome says what that means when no
		     * host was tried or all that were tried failed softly */
};

struct route_event {
	enum route_event_kind kind;
	const struct route_host *host;
	const struct outcome *outcome;
};

typedef void route_fn(void *arg, const struct route_event *ev);

/*
 * Starts; the first ROUTE_HOST or ROUTE_END comes later. After ROUTE_HOST the
 * caller says route_next for more. After ROUTE_END only route_free is left.
 * ROUTE_END carries: null MX -> bounced 5.1.10 (NMX-01); NXDOMAIN -> bounced
 * 5.1.2; we are the best MX -> bounced 5.4.6 (SMTP-17); MX lookup error ->
 * deferred 4.4.3; hosts all skipped -> see plan.h; hosts tried -> deferred,
 * for the caller to replace by what it saw.
 */
struct route *route_start(
    struct decide *d, const struct route_req *req, route_fn *fn, void *arg);
void route_next(struct route *r);
void route_free(struct route *r); /* also cancels; NULL is fine */

#endif
