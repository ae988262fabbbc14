/*
 * The guard of MX addresses: whoever writes an MX set must not make us talk
 * to our own network, or to ourselves.
 */
#include "config.h"

#include "relay/decide/route_addr.h"

#include "relay/base/ipclass.h"

struct taking {
	const struct decide_opts *o;
	bool exempt;
	struct rr_addr *out;
	size_t n;
	enum route_guard why;
};

static enum route_guard
guard(const struct taking *t, const struct rr_addr *a)
{
	const struct decide_opts *o = t->o;

	if (t->exempt || o->options->deliver.allow_private)
		return ROUTE_GUARD_FINE;
	if (ipclass_is_special(a->family, a->ip))
		return ROUTE_GUARD_PRIVATE;
	if (o->own_addr && o->own_addr(o->own_addr_arg, a))
		return ROUTE_GUARD_OWN;
	return ROUTE_GUARD_FINE;
}

/* Takes the allowed addresses of one family until out holds max. */
static void
take_family(struct taking *t, const struct rr_addr *v, size_t n,
    unsigned family, size_t max)
{
	for (size_t i = 0; i < n && t->n < max; i++) {
		enum route_guard g;

		if (v[i].family != family)
			continue;
		g = guard(t, &v[i]);
		if (g == ROUTE_GUARD_FINE)
			t->out[t->n++] = v[i];
		else
			t->why = g;
	}
}

size_t
route_addr_take(const struct decide_opts *o, bool exempt,
    const struct rr_addr *v, size_t n, struct rr_addr out[ROUTE_ADDRS_MAX],
    enum route_guard *why)
{
	struct taking t = {.o = o, .exempt = exempt, .out = out};
	size_t keep = 0; /* places for IPv4 */

	for (size_t i = 0; i < n && keep < ROUTE_ADDRS_MAX / 2; i++)
		keep += v[i].family == 4;
	take_family(&t, v, n, 6, ROUTE_ADDRS_MAX - keep);
	take_family(&t, v, n, 4, ROUTE_ADDRS_MAX);
	*why = t.why;
	return t.n;
}

void
route_addr_skip(enum route_guard why, struct plan_skip *k)
{
	*k = (struct plan_skip){.dsn = "4.4.4",
	    .rule = "ADDR-PRIVATE",
	    .reason = "host has no public address",
	    .by_policy = true};
	if (why == ROUTE_GUARD_OWN) {
		k->dsn = "4.4.6";
		k->rule = "SMTP-17";
		k->reason = "host is this machine";
	}
}
