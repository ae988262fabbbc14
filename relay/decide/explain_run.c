/*
 * One route, watched to its end. Decides nothing: each answer, verdict, plan
 * and skip is the route's own, in the order in which it came. What comes
 * between two hosts belongs to the second.
 */
#include "config.h"

#include "relay/decide/explain_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa_why.h"
#include "relay/base/buf.h"
#include "relay/dns/mx.h"
#include "relay/policy/site_policy.h"
#include "sts/sts_state.h"

struct explain_run {
	struct decide *decide;
	struct route *route;
	struct timer *timer; /* the end of the time, then fn */
	struct explain e;
	/* Of the host that comes next. */
	struct rr_set *sets[EXPLAIN_ANSWERS_MAX];
	char names[EXPLAIN_ANSWERS_MAX][DOMAIN_MAX];
	enum rr_type types[EXPLAIN_ANSWERS_MAX];
	size_t n;
	struct dane_verdict dane;
	bool judged;
	explain_run_fn *fn;
	void *arg;
};

static void
forget_answers(struct explain_run *r)
{
	for (size_t i = 0; i < r->n; i++)
		rr_set_unref(r->sets[i]);
	r->n = 0;
	dane_verdict_clear(&r->dane);
	r->judged = false;
}

/* ---- what the route sees ---- */

static void
on_answer(
    void *arg, const char *name, enum rr_type type, const struct rr_set *set)
{
	struct explain_run *r = arg;

	if (type == RR_MX) {
		r->e.asked_mx = true;
		explain_put(&r->e, &r->e.mx, name, type, set);
	} else if (r->n < EXPLAIN_ANSWERS_MAX) {
		r->sets[r->n] = set ? rr_set_dup(set) : NULL;
		(void)snprintf(r->names[r->n], sizeof(r->names[0]), "%s", name);
		r->types[r->n++] = type;
	}
}

static void
on_mx(void *arg, const char *policy, const struct mx_set *mx)
{
	struct explain_run *r = arg;

	(void)snprintf(r->e.policy, sizeof(r->e.policy), "%s", policy);
	r->e.has_mx = mx->result == MX_HOSTS;
	r->e.security = mx->security;
	r->e.self_dropped = mx->self_dropped;
}

static void
on_dane(void *arg, const struct dane_verdict *v)
{
	struct explain_run *r = arg;

	dane_verdict_clear(&r->dane);
	r->dane = *v;
	r->dane.tlsa = rr_tlsa_dup(v->tlsa, v->n_tlsa);
	r->judged = true;
}

static void
on_sts(void *arg, const struct sts_verdict *v)
{
	struct explain_run *r = arg;
	struct explain_sts *s = &r->e.sts;
	struct explain_answer *txt = &s->txt;
	char name[DOMAIN_MAX + 16];

	s->known = true;
	s->source = v->source;
	s->mode = v->policy.mode;
	memcpy(s->id, v->id, sizeof(s->id));
	s->rule = v->rule;
	memcpy(s->text, v->text, sizeof(s->text));
	s->max_age = v->policy.max_age;
	s->fetched = v->fetched;
	s->expires = v->expires;
	s->no_store = v->seen.no_store;
	s->store_err = v->seen.store_err;
	s->n_mx = v->policy.n_mx;
	free(s->mx);
	s->mx = xcalloc(s->n_mx + 1, sizeof(*s->mx));
	if (s->n_mx > 0)
		memcpy(s->mx, v->policy.mx, s->n_mx * sizeof(*s->mx));
	if (!v->seen.asked || s->has_txt)
		return;
	s->has_txt = true;
	s->txt_records = v->seen.records;
	(void)snprintf(name, sizeof(name), "_mta-sts.%s", r->e.policy);
	(void)snprintf(txt->name, sizeof(txt->name), "%.*s",
	    (int)sizeof(txt->name) - 1, name);
	txt->type = RR_TXT;
	txt->status = v->seen.txt;
	txt->why = v->seen.why;
	txt->secure = v->seen.secure;
	txt->total = v->seen.records;
	if (v->seen.records == 0)
		return;
	txt->records = xcalloc(1, sizeof(*txt->records));
	txt->records[0] = xstrdup(v->seen.record);
	txt->n = 1;
}

/* ---- the hosts ---- */

static void
put_tlsa(struct explain *e, struct explain_host *h, const struct rr_set *set,
    const struct dane_verdict *v)
{
	struct buf text;

	if (set->status != RR_OK || !set->secure || set->n == 0)
		return;
	buf_init(&text, 3 * RR_TLSA_MAX);
	h->tlsa = xrealloc(h->tlsa, (h->n_tlsa + set->n) * sizeof(*h->tlsa));
	for (size_t i = 0; i < set->n; i++) {
		const struct tlsa_why *why = tlsa_why(
		    &set->u.tlsa[i], v->tlsa, v->n_tlsa);
		struct explain_tlsa *t = &h->tlsa[h->n_tlsa];

		buf_reset(&text);
		rr_tlsa_text(&text, &set->u.tlsa[i]);
		if (!explain_take_room(e, text.n))
			break;
		h->n_tlsa++;
		t->text = str_dup(buf_str(&text));
		t->rule = why ? why->rule : NULL;
		t->why = why ? why->text : NULL;
	}
	buf_clear(&text);
}

static void
put_dane(struct explain_run *r, struct explain_host *h)
{
	h->judged = true;
	h->dane = r->dane.kind;
	h->dane_why = r->dane.why;
	h->dane_rule = r->dane.rule;
	memcpy(h->dane_base, r->dane.base, sizeof(h->dane_base));
	for (size_t i = 0; i < r->n; i++) {
		if (r->types[i] == RR_TLSA && r->sets[i] &&
		    (r->dane.kind == DANE_USABLE ||
			r->dane.kind == DANE_UNUSABLE))
			put_tlsa(&r->e, h, r->sets[i], &r->dane);
	}
}

/* The host of an event, with all that was learnt since the last one. */
static struct explain_host *
put_host(struct explain_run *r, const struct route_host *from)
{
	struct explain_host *h = explain_add_host(&r->e);

	if (h) {
		memcpy(h->name, from->host, sizeof(h->name));
		h->pref = from->pref;
		h->port = from->port;
		for (size_t i = 0; i < r->n; i++)
			explain_put(&r->e, &h->answers[h->n_answers++],
			    r->names[i], r->types[i], r->sets[i]);
		if (r->judged)
			put_dane(r, h);
	}
	forget_answers(r);
	return h;
}

static void
on_route(void *arg, const struct route_event *ev)
{
	struct explain_run *r = arg;
	struct explain_host *h = NULL;

	switch (ev->kind) {
	case ROUTE_HOST:
		h = put_host(r, ev->host);
		if (h) {
			h->tried = true;
			h->n_addrs = ev->host->n_addrs;
			memcpy(h->addrs, ev->host->addrs, sizeof(h->addrs));
			tls_plan_copy(&h->plan, &ev->host->plan);
		}
		route_next(r->route);
		break;
	case ROUTE_SKIP:
		h = put_host(r, ev->host);
		if (h)
			h->skip = *ev->outcome;
		break;
	case ROUTE_END:
		r->e.ended = true;
		r->e.end = *ev->outcome;
		timer_start(r->timer, 0);
		break;
	}
}

/* ---- begin and end ---- */

static const char *
require_str(enum site_require r)
{
	switch (r) {
	case SITE_DEFAULT:
		break;
	case SITE_OPPORTUNISTIC:
		return "opportunistic";
	case SITE_AUDIT:
		return "audit";
	case SITE_ENCRYPTED:
		return "encrypted";
	case SITE_VERIFIED:
		return "verified";
	case SITE_STS:
		return "sts";
	case SITE_DANE:
		return "dane";
	}
	return "";
}

static const char *
continuity_str(enum site_continuity c)
{
	switch (c) {
	case CONTINUITY_HOLD:
		return "hold";
	case CONTINUITY_LOG:
		return "log";
	case CONTINUITY_DEFAULT:
		break;
	}
	return "";
}

/* The rule in force; without one, a rule that has ended: it is why somebody
 * wonders. */
static void
put_site(struct explain *e, const struct options *o)
{
	const struct opt_site *site = options_site_at(o, e->domain, e->now);
	struct explain_site *s = &e->site;

	s->in_force = site != NULL;
	if (!site)
		site = options_site_at(o, e->domain, 0);
	if (!site)
		return;
	s->any = true;
	memcpy(s->domain, site->domain, sizeof(s->domain));
	s->require = require_str(site->require);
	s->continuity = continuity_str(site->continuity);
	s->holds = site->continuity == CONTINUITY_HOLD;
	s->nexthop = xstrdup(site->nexthop);
	s->reason = xstrdup(site->reason);
	s->author = xstrdup(site->author);
	s->expires = site->expires_s;
}

static void
on_timer(void *arg)
{
	struct explain_run *r = arg;
	const struct decide_opts *o = decide_options(r->decide);

	if (o->dns_state)
		r->e.resolver = dns_state_str(o->dns_state(o->dns_state_arg));
	r->fn(r->arg, &r->e);
}

struct explain_run *
explain_run_start(struct decide *d, const char *next_hop, uint16_t port,
    explain_run_fn *fn, void *arg)
{
	const struct decide_opts *o = decide_options(d);
	struct explain_run *r = xcalloc(1, sizeof(*r));
	const struct route_notes notes = {.answer = on_answer,
	    .mx = on_mx,
	    .dane = on_dane,
	    .sts = on_sts,
	    .arg = r};
	const struct route_req req = {
	    .next_hop = next_hop, .port = port, .notes = &notes, .quiet = true};

	r->decide = d;
	explain_init(&r->e);
	dane_verdict_init(&r->dane);
	r->fn = fn;
	r->arg = arg;
	(void)snprintf(r->e.domain, sizeof(r->e.domain), "%s", next_hop);
	(void)snprintf(r->e.policy, sizeof(r->e.policy), "%s", next_hop);
	r->e.port = port ? port : o->options->deliver.port;
	r->e.now = clock_real_s(&o->clock);
	r->e.dane_on = o->options->dane.on;
	r->e.sts_on = o->options->sts.on;
	r->e.no_memory = !o->had;
	put_site(&r->e, o->options);
	r->timer = timer_new(o->loop, on_timer, r);
	timer_start(r->timer, EXPLAIN_RUN_MS);
	r->route = route_start(d, &req, on_route, r);
	return r;
}

void
explain_run_free(struct explain_run *r)
{
	if (!r)
		return;
	route_free(r->route);
	timer_free(r->timer);
	forget_answers(r);
	explain_clear(&r->e);
	free(r);
}
