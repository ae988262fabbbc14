/*
 * The watch of one route. A route looks at its hosts one by one and stops at
 * the first that takes the mail. That a domain has no TLSA records at all can
 * only be said of all hosts, so when it had some, or a policy, the others are
 * looked at before the first is used; nobody else pays for that.
 *
 * RFC 7672 2.2.2 for whose records count; OPERATING.md, "Downgrade watch".
 */
#include "config.h"

#include "relay/decide/route_watch.h"

#include <string.h>

#include "dane/dane_lookup.h"
#include "relay/policy/site_policy.h"

void
route_watch_init(struct route_watch *w, const struct decide_opts *o,
    const char *domain, const char *via, const struct opt_site *site,
    const struct mx_set *mx, bool quiet)
{
	memset(w, 0, sizeof(*w));
	w->o = o;
	w->domain = domain;
	w->via = via;
	w->site = site;
	w->mx = mx;
	w->quiet = quiet;
	w->sts = DOWNGRADE_UNKNOWN;
	if (o->dns_state)
		w->turns = *o->dns_turns;
	if (o->had_forgets)
		w->forgets = *o->had_forgets;
}

void
route_watch_clear(struct route_watch *w)
{
	dane_lookup_cancel(w->ahead);
	w->ahead = NULL;
}

static int64_t
now_s(const struct route_watch *w)
{
	return clock_real_s(&w->o->clock);
}

/* ---- DANE-58 ---- */

bool
route_watch_untrusted(const struct route_watch *w, enum dane_kind kind)
{
	const struct decide_opts *o = w->o;
	enum dns_state st;

	if (!o->dns_state || !o->options->dane.on)
		return false;
	st = o->dns_state(o->dns_state_arg);
	/* Before the first canary only a secure answer is good. */
	return st == DNS_STATE_UNTRUSTED || *o->dns_turns != w->turns ||
	    (st == DNS_STATE_UNKNOWN && kind == DANE_NONE);
}

/* HAD_ bits that count here; *known: it was found gone before. */
static unsigned
had(const struct route_watch *w, bool *known)
{
	const struct decide_opts *o = w->o;
	struct had_entry e;

	*known = false;
	if (!o->had || !o->had(o->had_arg, w->domain, &e))
		return 0;
	*known = e.gone != 0;
	return downgrade_had(
	    &e, w->via, o->options->dane.on, o->sts && o->options->sts.on);
}

bool
route_watch_had_dane(const struct route_watch *w)
{
	bool known;

	return (had(w, &known) & HAD_DANE) != 0;
}

bool
route_watch_blind(const struct route_watch *w, enum dane_kind kind)
{
	enum site_require site = site_policy_require(w->site, now_s(w));

	return route_watch_untrusted(w, kind) &&
	    (site == SITE_DANE || site == SITE_VERIFIED ||
		(route_watch_had_dane(w) &&
		    !site_policy_logs_continuity(w->site, now_s(w))));
}

/* ---- what is seen ---- */

static void
note(const struct route_watch *w, unsigned what)
{
	const struct decide_opts *o = w->o;

	/* What was on its way when somebody had it forgotten comes too late. */
	if (o->had_forgets && *o->had_forgets != w->forgets)
		return;
	if (o->had_seen && !w->quiet)
		o->had_seen(o->had_arg, w->domain, w->via, what);
}

void
route_watch_host(struct route_watch *w, size_t i, enum dane_kind kind)
{
	downgrade_host(&w->hosts, i, kind);
	if (kind != DANE_USABLE && kind != DANE_UNUSABLE)
		return;
	if (downgrade_dane(&w->hosts, w->mx->n, w->mx->security) ==
	    DOWNGRADE_HAS)
		note(w, HAD_DANE);
}

void
route_watch_sts(struct route_watch *w, const struct sts_verdict *v)
{
	w->sts = downgrade_sts(v);
	if (w->sts == DOWNGRADE_HAS)
		note(w, HAD_STS);
}

/* ---- what is gone ---- */

enum downgrade
route_watch_judge(const struct route_watch *w, enum dane_kind kind)
{
	const struct options *opt = w->o->options;
	struct downgrade_in in = {.sts = w->sts};

	if (w->mx->security == MX_LITERAL)
		return DOWNGRADE_NONE;
	in.had = had(w, &in.known);
	in.holds = site_policy_holds_continuity(w->site, now_s(w));
	if (!opt->dane.on)
		in.dane = DOWNGRADE_HAS_NOT;
	else if (route_watch_untrusted(w, kind))
		in.dane = DOWNGRADE_UNKNOWN;
	else
		in.dane = downgrade_dane(&w->hosts, w->mx->n, w->mx->security);
	if (!w->o->sts || !opt->sts.on)
		in.sts = DOWNGRADE_HAS_NOT;
	return downgrade_judge(&in);
}

static void look_next(struct route_watch *w);

static void
on_look(void *arg, const struct dane_host *h)
{
	struct route_watch *w = arg;
	enum dane_kind kind = DANE_NONE;

	w->ahead = NULL;
	if (h->addr_state == DANE_ADDR_FAIL)
		kind = DANE_FAILED;
	else if (h->addr_state == DANE_ADDR_OK)
		kind = h->verdict->kind;
	route_watch_host(w, w->hosts.looked, kind);
	look_next(w);
}

static void
look_next(struct route_watch *w)
{
	if (downgrade_dane(&w->hosts, w->mx->n, w->mx->security) !=
	    DOWNGRADE_UNSEEN) {
		w->fn(w->arg);
		return;
	}
	w->ahead = dane_lookup_start(w->o->loop, w->o->dns,
	    w->mx->hosts[w->hosts.looked].name, w->port, true,
	    ROUTE_HOST_TIMEOUT_MS, on_look, w);
}

void
route_watch_look(
    struct route_watch *w, uint16_t port, void (*fn)(void *arg), void *arg)
{
	if (w->hosts.looked >= w->mx->n)
		BUG("all hosts of %s were looked at", w->domain);
	w->port = port;
	w->fn = fn;
	w->arg = arg;
	look_next(w);
}

bool
route_watch_downgraded(const struct route_watch *w, enum dane_kind kind)
{
	const struct decide_opts *o = w->o;
	enum downgrade d = route_watch_judge(w, kind);

	if (d == DOWNGRADE_GONE && o->had_gone && !w->quiet)
		o->had_gone(o->had_arg, w->domain,
		    site_policy_holds_continuity(w->site, now_s(w)));
	return d != DOWNGRADE_NONE;
}
