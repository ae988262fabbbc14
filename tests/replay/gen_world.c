/* Domains, their hosts, and what RFC 7672 and RFC 8461 say of them. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/replay/gen.h"

static const char *const site_names[GEN_SITES] = {
    "", "dane", "sts", "verified", "encrypted", "opportunistic", "audit"};

/* ---- the oracle ---- */

struct need {
	bool never, tls, dane, pkix;
};

static void
need_sts(const struct gen_host *h, struct need *n)
{
	n->pkix = true;
	if (!h->in_sts)
		n->never = true; /* RFC 8461 5 */
}

/* What the rule of the site asks for on top. dane: of a safe MX set. */
static void
need_site(const struct gen_domain *d, const struct gen_host *h, bool dane,
    struct need *n)
{
	switch (d->site) {
	case GEN_SITE_DANE:
		n->never = n->never || !dane;
		break;
	case GEN_SITE_STS:
		if (d->sts == GEN_STS_NONE)
			n->never = true;
		else
			need_sts(h, n);
		break;
	case GEN_SITE_VERIFIED:
		if (dane)
			break;
		if (d->sts == GEN_STS_ENFORCE)
			need_sts(h, n);
		else
			n->never = true;
		break;
	case GEN_SITE_ENCRYPTED:
		n->tls = true;
		break;
	case GEN_SITE_NONE:
	case GEN_SITE_OPPORTUNISTIC:
	case GEN_SITE_AUDIT:
	case GEN_SITES:
		break;
	}
}

/* No forged MX record can have named the hosts. */
static bool
is_safe(const struct gen_domain *d)
{
	return d->kind == GEN_NO_MX || d->secure;
}

/* RFC 7672 2.2.2: no TLSA without signed addresses. */
static bool
asks_tlsa(
    const struct gen *g, const struct gen_domain *d, const struct gen_host *h)
{
	return h->secure && !g->untrusted && (is_safe(d) || g->insecure_mx);
}

static bool
is_waived(const struct gen_domain *d)
{
	return d->kind == GEN_LITERAL || d->site == GEN_SITE_OPPORTUNISTIC ||
	    d->site == GEN_SITE_AUDIT;
}

/* enforced: is the policy of the domain known to the relay? */
static struct need
need_of(const struct gen *g, const struct gen_domain *d,
    const struct gen_host *h, bool enforced)
{
	struct need n = {false, false, false, false};
	bool asks = asks_tlsa(g, d, h);

	if (is_waived(d))
		return n;
	/* RFC 7672 2.1.2 */
	n.never = asks && h->tlsa == GEN_TLSA_BROKEN;
	/* RFC 7672 2.2 */
	n.tls = asks && h->tlsa == GEN_TLSA_UNUSABLE;
	n.dane = asks && h->tlsa >= GEN_TLSA_EE && h->tlsa <= GEN_TLSA_WRONG_TA;
	/* RFC 8461 2: it never overrides DANE. */
	if (enforced && d->sts == GEN_STS_ENFORCE && !(n.dane && is_safe(d)))
		need_sts(h, &n);
	need_site(d, h, n.dane && is_safe(d), &n);
	return n;
}

/* RFC 7672 3.1: the key alone, or the authority, a name and the dates. */
static bool
proves_dane(const struct gen_host *h)
{
	if (h->tlsa == GEN_TLSA_EE || h->tlsa == GEN_TLSA_TWO)
		return true;
	return h->tlsa == GEN_TLSA_TA && h->named && !h->expired;
}

static bool
fulfils(const struct gen_host *h, const struct need *n)
{
	bool proof = n->dane || n->pkix;

	if (n->never)
		return false;
	if (!n->tls && !proof)
		return true;
	if (!h->starttls || h->broken || (proof && h->tls < 2))
		return false;
	if (n->pkix && (!h->trusted || h->expired || !h->named))
		return false;
	return !n->dane || proves_dane(h);
}

static void
judge(const struct gen *g, const struct gen_domain *d, struct gen_host *h)
{
	struct need with = need_of(g, d, h, true);
	struct need less = need_of(g, d, h, g->calm);
	bool by_sts = d->site == GEN_SITE_STS || d->site == GEN_SITE_VERIFIED;

	h->well = false;
	if (g->untrusted) {
		h->forbid_mail = false;
		h->forbid_clear = d->site >= GEN_SITE_DANE &&
		    d->site <= GEN_SITE_ENCRYPTED;
		return;
	}
	h->forbid_mail = !fulfils(h, &less);
	h->forbid_clear = !h->forbid_mail &&
	    (less.tls || less.dane || less.pkix);
	/* A policy that is asked for and can't be had stops mail too. */
	h->well = h->n_addrs > 0 && fulfils(h, &with) && fulfils(h, &less) &&
	    (g->calm || !by_sts || !with.pkix);
}

bool
gen_never(const struct gen_domain *d)
{
	if (d->kind == GEN_NULL_MX || d->kind == GEN_NO_DOMAIN ||
	    d->kind == GEN_BAD_MX)
		return true;
	for (size_t i = 0; i < d->n_hosts; i++) {
		if (d->hosts[i].n_addrs > 0 && !d->hosts[i].forbid_mail)
			return false;
	}
	return true;
}

bool
gen_well(const struct gen_domain *d)
{
	for (size_t i = 0; i < d->n_hosts; i++) {
		if (d->hosts[i].well)
			return true;
	}
	return false;
}

/* ---- picking ---- */

static void
pick_server(struct gen *g, struct gen_host *h, bool good)
{
	h->starttls = good || gen_chance(g, 70);
	h->broken = !good && gen_chance(g, 15);
	h->trusted = good || gen_chance(g, 50);
	h->expired = !good && gen_chance(g, 20);
	h->named = good || gen_chance(g, 70);
	h->in_sts = good || gen_chance(g, 70);
	h->tls = good || gen_chance(g, 80) ? 3 : gen_below(g, 3);
}

static void
pick_host(struct gen *g, struct gen_domain *d, size_t di, size_t hi)
{
	struct gen_host *h = &d->hosts[hi];
	bool good = gen_chance(g, 50);
	bool foreign = gen_chance(g, 25);

	h->secure = foreign ? gen_chance(g, 50) : d->secure;
	if (d->kind == GEN_NO_MX || d->kind == GEN_LITERAL) {
		h->secure = d->secure;
		snprintf(h->name, sizeof(h->name), "%s", d->name);
	} else if (foreign) {
		snprintf(h->name, sizeof(h->name), "mx%zu%zu.%s.example", di,
		    hi, h->secure ? "signed" : "plain");
	} else {
		snprintf(h->name, sizeof(h->name), "mx%zu.%.40s", hi, d->name);
	}
	h->pref = gen_chance(g, 30) ? 10 : 10 + 10 * (unsigned)hi;
	h->n_addrs = gen_chance(g, 5) ? 0 : 1 + gen_chance(g, 20);
	snprintf(h->addr[0], GEN_ADDR, "11.%zu.%zu.1", di, hi);
	snprintf(h->addr[1], GEN_ADDR,
	    gen_chance(g, 50) ? "2a0b:%zu:%zu::1" : "11.%zu.%zu.2", di, hi);
	h->tlsa = GEN_TLSA_NONE;
	if (gen_chance(g, h->secure ? 70 : 20))
		h->tlsa = good          ? GEN_TLSA_EE + gen_below(g, 3)
		    : gen_chance(g, 15) ? GEN_TLSA_UNUSABLE
					: gen_below(g, GEN_TLSAS);
	pick_server(g, h, good);
	judge(g, d, h);
}

static void
pick_kind(struct gen *g, struct gen_domain *d, size_t i)
{
	unsigned dice = gen_below(g, 100);

	d->kind = GEN_MX;
	if (dice < 8)
		d->kind = GEN_NO_MX;
	else if (dice < 11 && i > 0)
		d->kind = GEN_LITERAL;
	else if (dice < 14)
		d->kind = GEN_NULL_MX;
	else if (dice < 17)
		d->kind = GEN_NO_DOMAIN;
	else if (dice < 20)
		d->kind = GEN_BAD_MX;
}

static void
pick_domain(struct gen *g, size_t i)
{
	struct gen_domain *d = &g->domains[i];

	pick_kind(g, d, i);
	snprintf(
	    d->name, sizeof(d->name), i ? "d%zu.example" : "own%zu.example", i);
	d->secure = gen_chance(g, 60);
	d->sts = gen_chance(g, 40) ? 1 + gen_below(g, 2) : GEN_STS_NONE;
	if (gen_chance(g, 25))
		d->site = 1 + gen_below(g, GEN_SITES - 1);
	d->n_hosts = 1 + (gen_chance(g, 40) ? gen_below(g, GEN_HOSTS) : 0);
	switch (d->kind) {
	case GEN_MX:
		break;
	case GEN_LITERAL:
		snprintf(d->name, sizeof(d->name), "[11.%zu.0.1]", i);
		d->site = GEN_SITE_NONE;
		d->sts = GEN_STS_NONE;
		d->n_hosts = 1;
		break;
	case GEN_NO_MX:
		d->n_hosts = 1;
		break;
	case GEN_NULL_MX:
	case GEN_NO_DOMAIN:
	case GEN_BAD_MX:
		d->n_hosts = 0;
		break;
	}
	for (size_t k = 0; k < d->n_hosts; k++)
		pick_host(g, d, i, k);
	if (d->kind == GEN_LITERAL)
		d->hosts[0].n_addrs = 1;
	/* What nobody can find bounces. */
	d->may_bounce = d->kind == GEN_NO_DOMAIN || d->kind == GEN_NULL_MX;
}

/* ---- writing ---- */

void
gen_mx(struct gen *g, const struct gen_domain *d)
{
	switch (d->kind) {
	case GEN_MX:
		buf_addf(g->out, "mx %s", d->name);
		for (size_t i = 0; i < d->n_hosts; i++)
			buf_addf(g->out, " %u %s", d->hosts[i].pref,
			    d->hosts[i].name);
		buf_add_cstr(g->out, "\n");
		break;
	case GEN_NO_MX:
		buf_addf(g->out, "dns %s mx nodata\n", d->name);
		break;
	case GEN_NULL_MX:
		buf_addf(g->out, "mx %s 0 .\n", d->name);
		break;
	case GEN_BAD_MX:
		buf_addf(g->out, "dns %s mx servfail\n", d->name);
		break;
	case GEN_NO_DOMAIN:
	case GEN_LITERAL:
		break;
	}
}

void
gen_addr(struct gen *g, const struct gen_host *h)
{
	if (h->n_addrs > 0 && h->name[0] != '[')
		buf_addf(g->out, "addr %s %s %s\n", h->name, h->addr[0],
		    h->n_addrs > 1 ? h->addr[1] : "");
}

void
gen_tlsa(struct gen *g, const struct gen_host *h)
{
	static const char *const records[GEN_TLSAS] = {"", "3 1 1 KEY",
	    "3 1 1 NEXT 3 0 1 KEY", "2 0 1 TA", "3 1 1 NOBODY", "2 0 1 NOBODY",
	    "1 1 1 KEY 0 0 1 TA", ""};
	static const char *const broken[] = {
	    "servfail", "bogus", "silent", "refused"};

	if (h->tlsa == GEN_TLSA_BROKEN)
		buf_addf(g->out, "dns _25._tcp.%s tlsa %s\n", h->name,
		    broken[gen_below(g, 4)]);
	else if (h->tlsa == GEN_TLSA_NONE)
		buf_addf(g->out, "dns _25._tcp.%s tlsa nxdomain\n", h->name);
	else
		buf_addf(
		    g->out, "tlsa _25._tcp.%s %s\n", h->name, records[h->tlsa]);
}

void
gen_sts(struct gen *g, const struct gen_domain *d)
{
	if (d->sts == GEN_STS_NONE)
		return;
	buf_addf(g->out, "sts %s %s %u id%u nobody.example", d->name,
	    d->sts == GEN_STS_ENFORCE ? "enforce" : "testing",
	    3600 + gen_below(g, 1000000), gen_below(g, 1000));
	for (size_t i = 0; i < d->n_hosts; i++) {
		if (d->hosts[i].in_sts)
			buf_addf(g->out, " %s", d->hosts[i].name);
	}
	buf_add_cstr(g->out, "\n");
}

static void
write_host(struct gen *g, const struct gen_host *h)
{
	gen_addr(g, h);
	if (h->name[0] != '[')
		gen_tlsa(g, h);
	for (size_t i = 0; i < h->n_addrs; i++) {
		buf_addf(g->out, "peer %s cert key=KEY ta=TA names=%s%s%s%s",
		    h->addr[i], h->named ? h->name : "other.example",
		    h->trusted ? " trusted" : "", h->expired ? " expired" : "",
		    h->broken ? " broken" : "");
		buf_addf(g->out, " tls=1.%u\n", h->tls);
		if (!h->starttls)
			buf_addf(g->out, "peer %s no-starttls\n", h->addr[i]);
		if (h->forbid_mail)
			buf_addf(g->out, "forbid mail %s\n", h->addr[i]);
		else if (h->forbid_clear)
			buf_addf(g->out, "forbid clear %s\n", h->addr[i]);
	}
}

static void
write_site(struct gen *g, const struct gen_domain *d)
{
	if (d->site == GEN_SITE_NONE)
		return;
	buf_addf(
	    g->out, "set site:%s.require %s\n", d->name, site_names[d->site]);
	if (d->site == GEN_SITE_OPPORTUNISTIC || d->site == GEN_SITE_AUDIT)
		buf_addf(g->out,
		    "set site:%s.reason why\nset site:%s.expires 2033-01-01\n",
		    d->name, d->name);
}

void
gen_world(struct gen *g)
{
	buf_add_cstr(g->out,
	    "# world\nzone signed.example secure\nzone plain.example insecure\n");
	g->n_domains = 2 + gen_below(g, GEN_DOMAINS - 1);
	for (size_t i = 0; i < g->n_domains; i++) {
		struct gen_domain *d = &g->domains[i];

		pick_domain(g, i);
		write_site(g, d);
		if (d->kind != GEN_LITERAL)
			buf_addf(g->out, "zone %s %s\n", d->name,
			    d->secure ? "secure" : "insecure");
		gen_mx(g, d);
		gen_sts(g, d);
		for (size_t k = 0; k < d->n_hosts; k++)
			write_host(g, &d->hosts[k]);
	}
}
