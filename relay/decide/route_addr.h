/* Which addresses of a host a route may use. */
#ifndef RELAY_DECIDE_ROUTE_ADDR_H
#define RELAY_DECIDE_ROUTE_ADDR_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/decide/decide.h"
#include "relay/decide/plan.h"

enum route_guard { ROUTE_GUARD_FINE, ROUTE_GUARD_PRIVATE, ROUTE_GUARD_OWN };

/*
 * Copies the allowed ones of n addresses to out, IPv6 before IPv4, neither
 * family crowding out the other (SMTP-30); returns how many, at most
 * ROUTE_ADDRS_MAX. exempt: an explicit next hop, all are allowed. *why: what
 * kept an address out, FINE when nothing did.
 */
size_t route_addr_take(const struct decide_opts *o, bool exempt,
    const struct rr_addr *v, size_t n, struct rr_addr out[ROUTE_ADDRS_MAX],
    enum route_guard *why);
/* A host that the guard left without an address. */
void route_addr_skip(enum route_guard why, struct plan_skip *k);

#endif
