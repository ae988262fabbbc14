/*
 * What a route learns of its domain's promises over all its hosts, and whether
 * they can be believed and are still there: DANE-58 and the downgrade watch.
 */
#ifndef RELAY_DECIDE_ROUTE_WATCH_H
#define RELAY_DECIDE_ROUTE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/decide/decide.h"
#include "relay/dns/mx.h"
#include "relay/policy/downgrade.h"

#define ROUTE_HOST_TIMEOUT_MS 20000 /* DANE-59: one host, all its questions */

/* Embedded in its route. Private to route_watch.c. */
struct route_watch {
	const struct decide_opts *o;
	const char *domain, *via; /* borrowed: destination, policy domain */
	const struct opt_site *site;
	const struct mx_set *mx; /* borrowed */
	uint16_t port;
	bool quiet;
	unsigned turns; /* of the resolver's trust, at the start */
	unsigned forgets; /* of the memory, at the start */
	struct downgrade_hosts hosts;
	enum downgrade_has sts;
	struct dane_lookup *ahead;
	void (*fn)(void *arg);
	void *arg;
};

/* All pointers must outlive the watch; *via and *mx may be filled later, but
 * before the first host. quiet: nothing is remembered or logged. */
void route_watch_init(struct route_watch *w, const struct decide_opts *o,
    const char *domain, const char *via, const struct opt_site *site,
    const struct mx_set *mx, bool quiet);
void route_watch_clear(struct route_watch *w); /* also cancels */

/* Nobody validates, or did not at some time since the start: an answer that
 * was believed then proves nothing. kind: what DANE says of the host at hand,
 * DANE_NONE when there is none. */
bool route_watch_untrusted(const struct route_watch *w, enum dane_kind kind);
/* The domain is known to use DANE. */
bool route_watch_had_dane(const struct route_watch *w);
/* Untrusted, and this domain is one where that matters. */
bool route_watch_blind(const struct route_watch *w, enum dane_kind kind);

/* Host number i of the set was looked at. */
void route_watch_host(struct route_watch *w, size_t i, enum dane_kind kind);
void route_watch_sts(struct route_watch *w, const struct sts_verdict *v);
/* What is known now; of a host that is about to be judged. */
enum downgrade route_watch_judge(
    const struct route_watch *w, enum dane_kind kind);
/* After DOWNGRADE_LOOK: looks at the hosts that were not looked at, until one
 * has records or fails; then fn, later, once, unless cleared. */
void route_watch_look(
    struct route_watch *w, uint16_t port, void (*fn)(void *arg), void *arg);
/* The last word for the host at hand: notes what is gone. */
bool route_watch_downgraded(const struct route_watch *w, enum dane_kind kind);

#endif
