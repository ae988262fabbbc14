/*
 * A route: the MX set, then host by host, best preference first. For each
 * host addresses and TLSA are asked when its turn comes. MTA-STS is asked
 * once: beside the first host if it must be anyway, else when TLSA leaves the
 * decision to it. The judgement is relay/policy's.
 *
 *	MX --> WALK --> LOOK --> STS --> AHEAD --> WAIT --> WALK ...
 *
 * Calling back comes last: a step that must go on by itself puts itself off
 * to the next round of the loop first, so that the caller may free the route
 * from within.
 *
 * RFC 5321 5.1, RFC 7672 2.2, RFC 8461 5.1.
 */
#include "config.h"

#include "relay/decide/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dane/dane_lookup.h"
#include "relay/base/buf.h"
#include "relay/decide/plan.h"
#include "relay/decide/route_addr.h"
#include "relay/decide/route_mx.h"
#include "relay/decide/route_state.h"
#include "relay/decide/route_watch.h"
#include "relay/dns/dns_tap.h"
#include "relay/dns/mx.h"
#include "relay/policy/nexthop.h"
#include "relay/policy/site_policy.h"
#include "relay/policy/tls_policy.h"
#include "sts/sts_lookup.h"

#define MX_TIMEOUT_MS 60000
#define STEPS_MAX (2 * MX_HOSTS_MAX + 16)

struct decide {
	struct decide_opts o;
};

struct route {
	struct decide *d;
	char domain[DOMAIN_MAX]; /* as addressed */
	char policy[DOMAIN_MAX]; /* domain of MTA-STS: STS-27 */
	uint32_t flags;
	const struct opt_site *site;
	struct route_notes notes; /* none: no function is set */
	struct dns *dns; /* that of d, or a tap of it for the notes */
	enum route_state state;
	struct timer *timer;
	struct dns_query *q_mx;
	struct mx_set mx;
	size_t at; /* of mx.hosts */
	uint16_t port;
	bool exempt; /* an explicit next hop: any address goes */
	struct rr_addr literal; /* of MX_LITERAL */
	int early_err; /* what was asked for can't be a next hop */

	struct route_host host; /* the one at work or handed out */
	struct dane_lookup *dane;
	struct dane_verdict verdict;
	bool sts_asked, sts_known;
	struct sts_lookup *sts;
	struct sts_verdict sts_verdict;

	struct plan_skips skips;
	size_t given; /* hosts handed out */
	struct route_watch watch;
	unsigned steps;
	route_fn *fn;
	void *arg;
};

static void
route_set_state(struct route *r, enum route_state to)
{
	if (!route_state_legal(r->state, to))
		BUG("route %d -> %d", (int)r->state, (int)to);
	r->state = to;
}

static const struct options *
options_of(const struct route *r)
{
	return r->d->o.options;
}

static int64_t
now_s(const struct route *r)
{
	return clock_real_s(&r->d->o.clock);
}

/* ---- events ---- */

static void
note_mx(const struct route *r)
{
	if (r->notes.mx)
		r->notes.mx(r->notes.arg, r->policy, &r->mx);
}

static void
route_end(struct route *r, const struct outcome *o)
{
	struct route_event ev = {.kind = ROUTE_END, .outcome = o};

	timer_stop(r->timer);
	route_set_state(r, ROUTE_ST_OVER);
	r->fn(r->arg, &ev);
}

static void
route_end_with(struct route *r, enum outcome_class cls, const char *dsn,
    const char *rule, const char *text)
{
	struct outcome o;

	outcome_init(&o, cls);
	outcome_set(&o, cls, dsn, rule, "%s: %s", r->domain, text);
	o.host_fault = true;
	route_end(r, &o);
}

/* The walk goes on in the next round of the loop. */
static void
route_walk_later(struct route *r)
{
	route_set_state(r, ROUTE_ST_WALK);
	timer_start(r->timer, 0);
}

static void
route_skip(struct route *r, struct plan_skip *k)
{
	struct route_event ev = {.kind = ROUTE_SKIP, .host = &r->host};
	struct outcome o;

	memcpy(k->host, r->host.host, sizeof(k->host));
	plan_skip_add(&r->skips, k);
	outcome_init(&o, OUT_DEFERRED);
	outcome_set(&o, k->permanent ? OUT_BOUNCED : OUT_DEFERRED, k->dsn,
	    k->rule, "%s: %s", k->host, k->reason);
	o.by = k->by;
	o.by_policy = k->by_policy;
	o.host_fault = true;
	ev.outcome = &o;
	r->at++;
	route_walk_later(r);
	r->fn(r->arg, &ev);
}

static void
route_give(struct route *r)
{
	struct route_event ev = {.kind = ROUTE_HOST, .host = &r->host};

	r->at++;
	r->given++;
	route_set_state(r, ROUTE_ST_WAIT);
	r->fn(r->arg, &ev);
}

static void
route_no_more(struct route *r)
{
	struct outcome o;

	if (r->given > 0) {
		route_end_with(r, OUT_DEFERRED, "4.4.1", "SMTP-16",
		    "no more hosts to try");
		return;
	}
	plan_no_host(&r->skips, r->domain, &o);
	route_end(r, &o);
}

/* ---- judging a host ---- */

static void
route_judge(struct route *r)
{
	const struct options *opt = options_of(r);
	bool untrusted = route_watch_untrusted(&r->watch, r->verdict.kind);
	struct tls_policy_in in = {.site = r->site,
	    .now = now_s(r),
	    .mx = r->mx.security,
	    .dane_insecure_mx = opt->dane.insecure_mx,
	    .dane = &r->verdict,
	    .sts = &r->sts_verdict,
	    .msg_flags = r->flags,
	    .untrusted = untrusted,
	    .untrusted_had_dane = untrusted && route_watch_had_dane(&r->watch),
	    .downgraded = route_watch_downgraded(&r->watch, r->verdict.kind),
	    .host = r->host.host,
	    .next_hop = r->policy,
	    .expanded = r->mx.expanded,
	    .min = opt->tls.min,
	    .opportunistic_min = opt->tls.opportunistic_min};
	struct tls_verdict v;

	tls_plan_clear(&r->host.plan);
	tls_policy_decide(&in, &r->host.plan, &v);
	r->host.seen.dane = r->verdict.kind;
	r->host.seen.sts = r->sts_verdict.source;
	r->host.seen.sts_mode = r->sts_verdict.policy.mode;
	r->host.seen.verdict = r->sts_known ? &r->sts_verdict : NULL;
	if (v.kind == TLS_SEND) {
		route_give(r);
		return;
	}
	route_skip(r,
	    &(struct plan_skip){.rule = v.rule,
		.dsn = v.dsn,
		.reason = v.reason,
		.by = v.by,
		.by_policy = true});
}

static void
on_ahead(void *arg)
{
	route_judge(arg);
}

/* All of this host is known, which may not be enough to judge by. */
static void
route_weigh(struct route *r)
{
	if (route_watch_judge(&r->watch, r->verdict.kind) != DOWNGRADE_LOOK) {
		route_judge(r);
		return;
	}
	route_set_state(r, ROUTE_ST_AHEAD);
	route_watch_look(&r->watch, r->port, on_ahead, r);
}

/* Whatever TLSA records say, they do not decide alone. */
static bool
needs_sts_anyway(const struct route *r)
{
	return r->mx.security == MX_INSECURE ||
	    site_policy_require(r->site, now_s(r)) == SITE_STS;
}

/* Not where DANE alone decides, whatever STS would say. */
static bool
needs_sts(const struct route *r)
{
	if (r->sts_known || !r->d->o.sts)
		return false;
	/* Who takes notes wants to see it all the same. */
	if (r->notes.sts)
		return true;
	if (r->verdict.kind == DANE_FAILED)
		return false;
	return r->verdict.kind != DANE_USABLE || needs_sts_anyway(r);
}

static void
on_sts(void *arg, const struct sts_verdict *v)
{
	struct route *r = arg;

	r->sts = NULL;
	r->sts_known = true;
	sts_verdict_clear(&r->sts_verdict);
	sts_verdict_copy(&r->sts_verdict, v);
	route_watch_sts(&r->watch, v);
	if (r->notes.sts)
		r->notes.sts(r->notes.arg, v);
	if (r->state == ROUTE_ST_STS)
		route_weigh(r);
}

/* Once a route. */
static void
ask_sts(struct route *r)
{
	struct sts *sts = r->d->o.sts;

	if (!sts || r->sts_asked)
		return;
	r->sts_asked = true;
	r->sts = sts_lookup_start(sts, r->policy, on_sts, r);
}

/* ---- addresses ---- */

static enum route_guard
take_addrs(struct route *r, const struct rr_addr *v, size_t n)
{
	enum route_guard why;

	r->host.n_addrs = route_addr_take(
	    &r->d->o, r->exempt, v, n, r->host.addrs, &why);
	return why;
}

static void
skip_guarded(struct route *r, enum route_guard why)
{
	struct plan_skip k;

	route_addr_skip(why, &k);
	route_skip(r, &k);
}

static void
on_host(void *arg, const struct dane_host *h)
{
	struct route *r = arg;
	enum route_guard why;
	bool blind = route_watch_blind(&r->watch, DANE_NONE);

	r->dane = NULL;
	switch (h->addr_state) {
	case DANE_ADDR_NONE: /* DANE-23 */
		route_watch_host(&r->watch, r->at, DANE_NONE);
		route_skip(r,
		    &(struct plan_skip){.dsn = blind ? "4.4.4" : "5.4.4",
			.rule = "DANE-23",
			.reason = "host has no address",
			.permanent = !blind});
		return;
	case DANE_ADDR_FAIL: /* DANE-06 */
		route_watch_host(&r->watch, r->at, DANE_FAILED);
		route_skip(r,
		    &(struct plan_skip){.dsn = "4.4.3",
			.rule = "DANE-06",
			.reason = "address lookup failed"});
		return;
	case DANE_ADDR_OK:
		break;
	}
	route_watch_host(&r->watch, r->at, h->verdict->kind);
	why = take_addrs(r, h->addrs, h->n_addrs);
	if (r->host.n_addrs == 0) {
		skip_guarded(r, why);
		return;
	}
	dane_verdict_clear(&r->verdict);
	if (r->notes.dane)
		r->notes.dane(r->notes.arg, h->verdict);
	r->verdict = *h->verdict;
	r->verdict.tlsa = rr_tlsa_dup(h->verdict->tlsa, h->verdict->n_tlsa);
	if (needs_sts(r)) {
		route_set_state(r, ROUTE_ST_STS);
		ask_sts(r);
	} else {
		route_weigh(r);
	}
}

/* ---- walking the hosts ---- */

static void
look_at_literal(struct route *r)
{
	enum route_guard why = take_addrs(r, &r->literal, 1);

	dane_verdict_clear(&r->verdict);
	if (r->host.n_addrs == 0)
		skip_guarded(r, why);
	else
		route_judge(r);
}

static void
look_at_host(struct route *r)
{
	const struct options *opt = options_of(r);
	struct decide_opts *o = &r->d->o;
	/* DANE-17: TLSA of hosts of an insecure set only if configured. */
	bool on = opt->dane.on &&
	    (r->mx.security != MX_INSECURE || opt->dane.insecure_mx);

	route_set_state(r, ROUTE_ST_LOOK);
	r->dane = dane_lookup_start(o->loop, r->dns, r->host.host, r->port, on,
	    ROUTE_HOST_TIMEOUT_MS, on_host, r);
	if (needs_sts_anyway(r))
		ask_sts(r);
}

static void
route_walk(struct route *r)
{
	const struct mx_host *m;

	if (r->at >= r->mx.n) {
		route_no_more(r);
		return;
	}
	if (++r->steps > STEPS_MAX) {
#ifdef WAXSEAL_TEST_BUILD
		BUG("route to %s does not end", r->domain);
#endif
		route_end_with(
		    r, OUT_DEFERRED, "4.3.0", "STEP-BUDGET", "too many hosts");
		return;
	}
	m = &r->mx.hosts[r->at]; /* in order, one by one: STS-39, DANE-20 */
	tls_plan_clear(&r->host.plan);
	memset(&r->host, 0, sizeof(r->host));
	tls_plan_init(&r->host.plan);
	memcpy(r->host.host, m->name, sizeof(r->host.host)); /* DANE-18 */
	r->host.pref = m->pref;
	r->host.port = r->port;
	r->host.mx = r->mx.security;
	if (r->mx.security == MX_LITERAL)
		look_at_literal(r);
	else
		look_at_host(r);
}

/* ---- the MX set ---- */

static void
on_mx(void *arg, struct rr_set *set)
{
	struct route *r = arg;
	const struct decide_opts *o = &r->d->o;
	struct outcome end;

	r->q_mx = NULL;
	timer_stop(r->timer);
	mx_set_build(set, r->domain, o->options->hostname, o->rng, &r->mx);
	note_mx(r);
	if (route_mx_end(&r->mx, r->domain,
		route_watch_blind(&r->watch, DANE_NONE), &end)) {
		route_end(r, &end);
		return;
	}
	route_set_state(r, ROUTE_ST_WALK);
	route_walk(r);
}

static void
on_timer(void *arg)
{
	struct route *r = arg;

	if (r->early_err) {
		route_end_with(r, OUT_BOUNCED, "5.1.3", "SMTP-14",
		    "next hop is neither a domain nor an address");
		return;
	}
	if (r->state == ROUTE_ST_MX) {
		dns_cancel(r->dns, r->q_mx);
		r->q_mx = NULL;
		route_end_with(r, OUT_DEFERRED, "4.4.3", "DANE-59",
		    "MX lookup failed: timeout");
		return;
	}
	route_walk(r);
}

/* A set of one host that nobody has to be asked for. */
static void
set_single(struct route *r, const struct nexthop *n)
{
	r->mx.result = MX_HOSTS;
	r->mx.security = n->literal ? MX_LITERAL : MX_NEXTHOP;
	r->mx.hosts = xcalloc(1, sizeof(*r->mx.hosts));
	r->mx.n = 1;
	memcpy(r->mx.hosts[0].name, n->host, sizeof(n->host));
	r->literal = n->addr;
	r->port = n->port;
	memcpy(r->policy, n->host, sizeof(n->host));
	note_mx(r);
	route_walk_later(r);
}

static void
route_begin(struct route *r)
{
	const char *said = r->site ? r->site->nexthop : NULL;
	struct nexthop n;

	r->exempt = said != NULL;
	if (!said && r->domain[0] == '[')
		said = r->domain;
	if (said) {
		r->early_err = nexthop_parse(str_of(said), r->port, &n);
		if (r->early_err)
			timer_start(r->timer, 0);
		else
			set_single(r, &n);
		return;
	}
	timer_start(r->timer, MX_TIMEOUT_MS);
	r->q_mx = dns_ask(r->dns, r->domain, RR_MX, on_mx, r);
}

/* ---- the contract ---- */

struct decide *
decide_new(const struct decide_opts *o)
{
	struct decide *d = xcalloc(1, sizeof(*d));

	d->o = *o;
	return d;
}

void
decide_free(struct decide *d)
{
	free(d);
}

const struct decide_opts *
decide_options(const struct decide *d)
{
	return &d->o;
}

struct route *
route_start(
    struct decide *d, const struct route_req *req, route_fn *fn, void *arg)
{
	struct route *r = xcalloc(1, sizeof(*r));

	r->d = d;
	snprintf(r->domain, sizeof(r->domain), "%s", req->next_hop);
	memcpy(r->policy, r->domain, sizeof(r->policy));
	r->flags = req->msg_flags;
	r->port = req->port ? req->port : d->o.options->deliver.port;
	r->dns = d->o.dns;
	if (req->notes) {
		r->notes = *req->notes;
		r->dns = dns_tap_new(d->o.dns, r->notes.answer, r->notes.arg);
	}
	r->site = options_site_at(
	    d->o.options, r->domain, clock_real_s(&d->o.clock));
	route_watch_init(&r->watch, &d->o, r->domain, r->policy, r->site,
	    &r->mx, req->quiet);
	r->fn = fn;
	r->arg = arg;
	r->timer = timer_new(d->o.loop, on_timer, r);
	dane_verdict_init(&r->verdict);
	sts_verdict_init(&r->sts_verdict);
	tls_plan_init(&r->host.plan);
	route_begin(r);
	return r;
}

void
route_next(struct route *r)
{
	if (r->state != ROUTE_ST_WAIT)
		BUG("route_next without a host");
	route_walk_later(r);
}

void
route_free(struct route *r)
{
	if (!r)
		return;
	timer_free(r->timer);
	dns_cancel(r->dns, r->q_mx);
	dane_lookup_cancel(r->dane);
	sts_lookup_cancel(r->sts);
	if (r->dns != r->d->o.dns)
		dns_tap_free(r->dns);
	route_watch_clear(&r->watch);
	mx_set_clear(&r->mx);
	dane_verdict_clear(&r->verdict);
	sts_verdict_clear(&r->sts_verdict);
	tls_plan_clear(&r->host.plan);
	free(r);
}
