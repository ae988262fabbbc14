/* The world of test_decide: a table of DNS answers, and MTA-STS made here. */
#ifndef TESTS_ADAPT_DECIDE_WORLD_H
#define TESTS_ADAPT_DECIDE_WORLD_H

#include "tests/unit/t.h"

#include <stdlib.h>

#include "relay/decide/decide.h"
#include "relay/model/msg.h"
#include "relay/net/loop.h"
#include "sts/sts_lookup.h"
#include "tests/adapt/tabledns.h"

/* ---- MTA-STS, answered by the test ---- */

struct sts {
	struct loop *loop;
	struct sts_verdict verdict;
	char mx[1][DOMAIN_MAX];
	bool silent;
	int64_t delay; /* ms to an answer */
	int asked, canceled;
	char domain[DOMAIN_MAX];
};

struct sts_lookup {
	struct sts *sts;
	struct timer *timer;
	sts_lookup_fn *fn;
	void *arg;
};

static void
sts_fire(void *arg)
{
	struct sts_lookup l = *(struct sts_lookup *)arg;

	timer_free(l.timer);
	free(arg);
	l.fn(l.arg, &l.sts->verdict);
}

struct sts_lookup *
sts_lookup_start(
    struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg)
{
	struct sts_lookup *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	s->asked++;
	snprintf(s->domain, sizeof(s->domain), "%s", domain);
	l->sts = s;
	l->fn = fn;
	l->arg = arg;
	l->timer = timer_new(s->loop, sts_fire, l);
	if (!s->silent)
		timer_start(l->timer, s->delay);
	return l;
}

void
sts_lookup_cancel(struct sts_lookup *l)
{
	if (!l)
		return;
	l->sts->canceled++;
	timer_free(l->timer);
	free(l);
}

/* ---- the world ---- */

struct world {
	struct loop *loop;
	struct tabledns dns;
	struct sts sts;
	struct rng rng;
	struct options options;
	struct opt_site site;
	struct decide_opts opts;
	struct decide *decide;
	struct route *route;
	enum dns_state dns_state;
	unsigned dns_turns, forgets;
	bool had, had_sts, held, free_on_event;
	const char *had_via; /* NULL: the domain itself */
	unsigned seen; /* HAD_ bits */
	char seen_via[DOMAIN_MAX];
	int had_set, had_gone, ends;
	int n4, n6; /* addresses of the last host */
	uint32_t flags;
	struct outcome end;
	char log[2000];
};

static enum dns_state
dns_state(void *arg)
{
	return ((struct world *)arg)->dns_state;
}

static bool
had(void *arg, const char *domain, struct had_entry *out)
{
	struct world *w = arg;

	if (!w->had)
		return false;
	*out = (struct had_entry){.dane = w->had_sts ? 0 : 10,
	    .sts = w->had_sts ? 10 : 0,
	    .seen = 20};
	out->gone = w->had_gone > 0;
	snprintf(out->domain, sizeof(out->domain), "%s", domain);
	snprintf(
	    out->via, sizeof(out->via), "%s", w->had_via ? w->had_via : domain);
	return true;
}

static void
had_seen(void *arg, const char *domain, const char *via, unsigned what)
{
	struct world *w = arg;

	snprintf(w->seen_via, sizeof(w->seen_via), "%s", via);
	t_bool("known by its domain", domain[0] != '\0', true);
	w->had_set += what == HAD_DANE;
	w->seen |= what;
}

static void
had_gone(void *arg, const char *domain, bool held)
{
	struct world *w = arg;

	(void)domain;
	w->had_gone++;
	w->held = held;
}

/* Our own address is 192.0.2.99. */
static bool
own_addr(void *arg, const struct rr_addr *a)
{
	(void)arg;
	return a->family == 4 && a->ip[0] == 192 && a->ip[3] == 99;
}

static int64_t
now(void *arg)
{
	(void)arg;
	return 1000;
}

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	t_err("loop", loop_new(&w->loop), 0);
	tabledns_init(&w->dns, w->loop);
	w->sts.loop = w->loop;
	sts_verdict_init(&w->sts.verdict);
	rng_init_seed(&w->rng, 1);
	w->dns_state = DNS_STATE_OK;
	memcpy(w->options.hostname, "relay.example", 14);
	w->options.dane.on = true;
	w->options.dane.insecure_mx = true;
	w->options.tls.min = TLS_V1_2;
	w->options.tls.opportunistic_min = TLS_V1_0;
	w->options.deliver.port = 25;
	w->opts = (struct decide_opts){.loop = w->loop,
	    .dns = &w->dns.dns,
	    .dns_state = dns_state,
	    .dns_state_arg = w,
	    .dns_turns = &w->dns_turns,
	    .had = had,
	    .had_seen = had_seen,
	    .had_gone = had_gone,
	    .had_arg = w,
	    .had_forgets = &w->forgets,
	    .own_addr = own_addr,
	    .own_addr_arg = w,
	    .sts = &w->sts,
	    .options = &w->options,
	    .clock = {.mono_ms = now, .real_s = now},
	    .rng = &w->rng};
	w->decide = decide_new(&w->opts);
}

static void
world_clear(struct world *w)
{
	route_free(w->route);
	decide_free(w->decide);
	t_int("no question left", (int64_t)w->dns.open, 0);
	tabledns_clear(&w->dns);
	loop_free(w->loop);
}

static inline void
world_site(struct world *w, enum site_require require, const char *nexthop)
{
	memcpy(w->site.domain, "a.example", 10);
	w->site.require = require;
	free(w->site.nexthop);
	w->site.nexthop = nexthop ? xstrdup(nexthop) : NULL;
	w->options.sites = &w->site;
	w->options.n_sites = 1;
}

static inline void
world_sts(struct world *w, enum sts_mode mode, const char *mx)
{
	w->sts.verdict.source = STS_FRESH;
	w->sts.verdict.policy.mode = mode;
	w->sts.verdict.policy.mx = w->sts.mx;
	w->sts.verdict.policy.n_mx = 1;
	snprintf(w->sts.mx[0], DOMAIN_MAX, "%s", mx);
}

static void
note_event(struct world *w, const struct route_event *ev)
{
	size_t n = strlen(w->log);
	char *p = w->log + n;
	size_t room = sizeof(w->log) - n;

	switch (ev->kind) {
	case ROUTE_HOST:
		w->n4 = w->n6 = 0;
		for (size_t i = 0; i < ev->host->n_addrs; i++) {
			if (ev->host->addrs[i].family == 4)
				w->n4++;
			else
				w->n6++;
		}
		snprintf(p, room, "%s:%u/%s/%s ", ev->host->host,
		    (unsigned)ev->host->port,
		    tls_level_str(ev->host->plan.level), ev->host->plan.rule);
		break;
	case ROUTE_SKIP:
		snprintf(p, room, "-%s/%s ", ev->host->host, ev->outcome->rule);
		break;
	case ROUTE_END:
		snprintf(p, room, "%s/%s/%s",
		    outcome_class_str(ev->outcome->cls), ev->outcome->dsn,
		    ev->outcome->rule);
		w->ends++;
		w->end = *ev->outcome;
		break;
	}
}

static void
on_event(void *arg, const struct route_event *ev)
{
	struct world *w = arg;

	t_int("nothing after the end", w->ends, 0);
	note_event(w, ev);
	if (w->free_on_event) {
		route_free(w->route);
		w->route = NULL;
		return;
	}
	if (ev->kind == ROUTE_HOST)
		route_next(w->route);
}

static void
run(struct world *w, const char *next_hop)
{
	struct route_req req = {.next_hop = next_hop, .msg_flags = w->flags};

	route_free(w->route);
	w->log[0] = '\0';
	w->ends = 0;
	w->route = route_start(w->decide, &req, on_event, w);
	t_cstr("never at once", w->log, "");
	loop_run(w->loop);
}

#define MX(w, secure, ...) \
	tabledns_mx(&(w)->dns, "a.example", (const char *[]){__VA_ARGS__}, \
	    sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), secure)

static inline void
secure_host(struct world *w, const char *host, const char *ip, const char *tlsa)
{
	tabledns_addr(&w->dns, host, ip, true);
	if (tlsa)
		tabledns_tlsa(&w->dns, tlsa, 3, true);
}

#endif
