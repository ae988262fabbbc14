/*
 * A route: the MX set, then host by host, best preference first. For each
 * host addresses and TLSA are asked when its turn comes; MTA-STS is asked
 * once, beside the first host. The judgement is relay/policy's.
 *
 *	MX --> WALK --> LOOK --> STS --> WAIT --> WALK ...
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
#include "relay/dns/mx.h"
#include "relay/policy/nexthop.h"
#include "relay/policy/site_policy.h"
#include "relay/policy/tls_policy.h"
#include "sts/sts_lookup.h"

#define MX_TIMEOUT_MS 60000
#define HOST_TIMEOUT_MS 20000 /* DANE-59: one host, all its questions */
#define STEPS_MAX (2 * MX_HOSTS_MAX + 16)

enum route_state {
	ROUTE_ST_MX, /* asking for the MX set */
	ROUTE_ST_WALK, /* about to take the next host */
	ROUTE_ST_LOOK, /* asking for addresses and TLSA of a host */
	ROUTE_ST_STS, /* all is known but MTA-STS */
	ROUTE_ST_WAIT, /* a host was handed out */
	ROUTE_ST_OVER
};

struct decide {
	struct decide_opts o;
};

struct route {
	struct decide *d;
	char domain[DOMAIN_MAX]; /* as addressed */
	char policy[DOMAIN_MAX]; /* domain of MTA-STS: STS-27 */
	uint32_t flags;
	const struct opt_site *site;
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
	unsigned steps, turns;
	route_fn *fn;
	void *arg;
};

static void
route_set_state(struct route *r, enum route_state to)
{
	static const bool legal[][6] = {
	    [ROUTE_ST_MX] = {[ROUTE_ST_WALK] = true, [ROUTE_ST_OVER] = true},
	    [ROUTE_ST_WALK] = {[ROUTE_ST_WALK] = true,
		[ROUTE_ST_LOOK] = true,
		[ROUTE_ST_WAIT] = true,
		[ROUTE_ST_OVER] = true},
	    [ROUTE_ST_LOOK] = {[ROUTE_ST_WALK] = true,
		[ROUTE_ST_STS] = true,
		[ROUTE_ST_WAIT] = true},
	    [ROUTE_ST_STS] = {[ROUTE_ST_WALK] = true, [ROUTE_ST_WAIT] = true},
	    [ROUTE_ST_WAIT] = {[ROUTE_ST_WALK] = true},
	    [ROUTE_ST_OVER] = {false},
	};

	if (!legal[r->state][to])
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
route_end(struct route *r, const struct outcome *o)
{
	struct route_event ev = {.kind = ROUTE_END, .outcome = o};

	timer_stop(r->timer);
	route_set_state(r, ROUTE_ST_OVER);
	r->fn(r->arg, &ev);
}

static void
route_end_with(struct route *r, enum outcome_class cls, const char *dsn,
    const char *rule, const char *text, const char *detail)
{
	struct outcome o;

	outcome_init(&o, cls);
	outcome_set(&o, cls, dsn, rule, "%s: %s%s%s", r->domain, text,
	    detail[0] ? ": " : "", detail);
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
		    "no more hosts to try", "");
		return;
	}
	plan_no_host(&r->skips, r->domain, &o);
	route_end(r, &o);
}

/* ---- judging a host ---- */

/* DANE-58: the absence of TLSA proves nothing. An answer that nobody validated
 * stays so, however well the resolver was before and is later. */
static bool
is_untrusted(struct route *r)
{
	const struct decide_opts *o = &r->d->o;
	enum dns_state st;

	if (!o->dns_state || !o->options->dane.on)
		return false;
	st = o->dns_state(o->dns_state_arg);
	/* Before the first canary only a secure answer is good. */
	return st == DNS_STATE_UNTRUSTED || *o->dns_turns != r->turns ||
	    (st == DNS_STATE_UNKNOWN && r->verdict.kind == DANE_NONE);
}

static bool
had_dane(const struct route *r)
{
	const struct decide_opts *o = &r->d->o;

	return o->had_dane && o->had_dane(o->had_dane_arg, r->domain);
}

/* Nor may mail bounce by what nobody validated, where DANE is a promise. */
static bool
is_blind(struct route *r)
{
	enum site_require site = site_policy_require(r->site, now_s(r));

	return is_untrusted(r) &&
	    (site == SITE_DANE || site == SITE_VERIFIED ||
		(had_dane(r) &&
		    !site_policy_logs_continuity(r->site, now_s(r))));
}

static void
note_dane(const struct route *r)
{
	const struct decide_opts *o = &r->d->o;
	bool found = r->verdict.kind == DANE_USABLE ||
	    r->verdict.kind == DANE_UNUSABLE;
	bool safe = r->mx.security == MX_SECURE ||
	    r->mx.security == MX_IMPLICIT || r->mx.security == MX_NEXTHOP;

	if (found && safe && o->had_dane_set)
		o->had_dane_set(o->had_dane_arg, r->domain);
}

static void
route_judge(struct route *r)
{
	const struct options *opt = options_of(r);
	bool untrusted = is_untrusted(r);
	struct tls_policy_in in = {.site = r->site,
	    .now = now_s(r),
	    .mx = r->mx.security,
	    .dane_insecure_mx = opt->dane.insecure_mx,
	    .dane = &r->verdict,
	    .sts = &r->sts_verdict,
	    .msg_flags = r->flags,
	    .untrusted = untrusted,
	    .untrusted_had_dane = untrusted && had_dane(r),
	    .host = r->host.host,
	    .next_hop = r->policy,
	    .expanded = r->mx.expanded,
	    .min = opt->tls.min,
	    .opportunistic_min = opt->tls.opportunistic_min};
	struct tls_verdict v;

	note_dane(r);
	tls_plan_clear(&r->host.plan);
	tls_policy_decide(&in, &r->host.plan, &v);
	r->host.seen.dane = r->verdict.kind;
	r->host.seen.sts = r->sts_verdict.source;
	r->host.seen.sts_mode = r->sts_verdict.policy.mode;
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

/* DANE alone decides, whatever STS would say: no need to wait for it. */
static bool
needs_sts(const struct route *r)
{
	if (r->sts_known || !r->sts)
		return false;
	if (r->verdict.kind == DANE_FAILED)
		return false;
	return r->verdict.kind != DANE_USABLE ||
	    r->mx.security == MX_INSECURE ||
	    site_policy_require(r->site, now_s(r)) == SITE_STS;
}

static void
on_sts(void *arg, const struct sts_verdict *v)
{
	struct route *r = arg;

	r->sts = NULL;
	r->sts_known = true;
	sts_verdict_clear(&r->sts_verdict);
	sts_verdict_copy(&r->sts_verdict, v);
	if (r->state == ROUTE_ST_STS)
		route_judge(r);
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
	struct plan_skip k = {.dsn = "4.4.4",
	    .rule = "ADDR-PRIVATE",
	    .reason = "host has no public address",
	    .by_policy = true};

	if (why == ROUTE_GUARD_OWN) {
		k.dsn = "4.4.6";
		k.rule = "SMTP-17";
		k.reason = "host is this machine";
	}
	route_skip(r, &k);
}

static void
on_host(void *arg, const struct dane_host *h)
{
	struct route *r = arg;
	enum route_guard why;
	bool blind = is_blind(r);

	r->dane = NULL;
	switch (h->addr_state) {
	case DANE_ADDR_NONE: /* DANE-23 */
		route_skip(r,
		    &(struct plan_skip){.dsn = blind ? "4.4.4" : "5.4.4",
			.rule = "DANE-23",
			.reason = "host has no address",
			.permanent = !blind});
		return;
	case DANE_ADDR_FAIL: /* DANE-06 */
		route_skip(r,
		    &(struct plan_skip){.dsn = "4.4.3",
			.rule = "DANE-06",
			.reason = "address lookup failed"});
		return;
	case DANE_ADDR_OK:
		break;
	}
	why = take_addrs(r, h->addrs, h->n_addrs);
	if (r->host.n_addrs == 0) {
		skip_guarded(r, why);
		return;
	}
	dane_verdict_clear(&r->verdict);
	r->verdict = *h->verdict;
	r->verdict.tlsa = rr_tlsa_dup(h->verdict->tlsa, h->verdict->n_tlsa);
	if (needs_sts(r))
		route_set_state(r, ROUTE_ST_STS);
	else
		route_judge(r);
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
	r->dane = dane_lookup_start(o->loop, o->dns, r->host.host, r->port, on,
	    HOST_TIMEOUT_MS, on_host, r);
	if (o->sts && !r->sts_asked) {
		r->sts_asked = true;
		r->sts = sts_lookup_start(o->sts, r->policy, on_sts, r);
	}
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
		route_end_with(r, OUT_DEFERRED, "4.3.0", "STEP-BUDGET",
		    "too many hosts", "");
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

	r->q_mx = NULL;
	timer_stop(r->timer);
	mx_set_build(set, r->domain, o->options->hostname, o->rng, &r->mx);
	if (is_blind(r) && r->mx.result != MX_HOSTS &&
	    r->mx.result != MX_FAIL) {
		route_end_with(r, OUT_DEFERRED, "4.7.5", "DANE-58",
		    "resolver does not validate", "");
		return;
	}
	switch (r->mx.result) {
	case MX_HOSTS:
		route_set_state(r, ROUTE_ST_WALK);
		route_walk(r);
		return;
	case MX_NULL: /* RFC 7505 */
		route_end_with(r, OUT_BOUNCED, "5.1.10", "NMX-01",
		    "domain does not accept mail (null MX)", "");
		return;
	case MX_NO_DOMAIN: /* RFC 5321 5.1 */
		route_end_with(r, OUT_BOUNCED, "5.1.2", "SMTP-14",
		    "domain does not exist", "");
		return;
	case MX_SELF:
		route_end_with(r, OUT_BOUNCED, "5.4.6", "SMTP-17",
		    "this relay is the best MX host of the domain", "");
		return;
	case MX_FAIL:
		break;
	}
	/* RFC 7672 2.1.2: nothing else is tried */
	route_end_with(r, OUT_DEFERRED, "4.4.3", "DANE-05", "MX lookup failed",
	    rr_why_str(r->mx.why));
}

static void
on_timer(void *arg)
{
	struct route *r = arg;

	if (r->early_err) {
		route_end_with(r, OUT_BOUNCED, "5.1.3", "SMTP-14",
		    "next hop is neither a domain nor an address", "");
		return;
	}
	if (r->state == ROUTE_ST_MX) {
		dns_cancel(r->d->o.dns, r->q_mx);
		r->q_mx = NULL;
		route_end_with(r, OUT_DEFERRED, "4.4.3", "DANE-59",
		    "MX lookup failed", rr_why_str(RR_WHY_TIMEOUT));
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
	route_walk_later(r);
}

static void
route_begin(struct route *r)
{
	const struct options *opt = options_of(r);
	const char *said = r->site ? r->site->nexthop : NULL;
	struct nexthop n;

	r->port = opt->deliver.port;
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
	r->q_mx = dns_ask(r->d->o.dns, r->domain, RR_MX, on_mx, r);
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

struct route *
route_start(
    struct decide *d, const struct route_req *req, route_fn *fn, void *arg)
{
	struct route *r = xcalloc(1, sizeof(*r));

	r->d = d;
	snprintf(r->domain, sizeof(r->domain), "%s", req->next_hop);
	memcpy(r->policy, r->domain, sizeof(r->policy));
	r->flags = req->msg_flags;
	if (d->o.dns_state)
		r->turns = *d->o.dns_turns;
	r->site = options_site(d->o.options, r->domain);
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
	dns_cancel(r->d->o.dns, r->q_mx);
	dane_lookup_cancel(r->dane);
	sts_lookup_cancel(r->sts);
	mx_set_clear(&r->mx);
	dane_verdict_clear(&r->verdict);
	sts_verdict_clear(&r->sts_verdict);
	tls_plan_clear(&r->host.plan);
	free(r);
}
