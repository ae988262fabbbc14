/*
 * One decision, to be counted below callgrind: what four MX hosts of a domain
 * must prove, from their DANE verdicts, the STS verdict, the site rule and the
 * flags of the message; and, where none may be used, what becomes of it. The
 * route of relay/decide stops at the first host that may be tried, so this is
 * the dearest case of each kind. What the DNS answers of the hosts mean is
 * counted apart.
 *
 * Each case runs twice, the second time with a warm allocator. Names of cases
 * go to standard output in the order of the runs; tests/bench/decision-cost
 * reads what callgrind saw in four_verdicts() and one_decision().
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dane/dane_policy.h"
#include "relay/decide/plan.h"
#include "relay/model/msg.h"
#include "relay/policy/tls_policy.h"

#define HOSTS 4
#define RECORDS 2
#define NOW 1800000000
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum tlsa_kind { NO_TLSA, EE_TLSA, TA_TLSA, OLD_TLSA, BROKEN_TLSA };

struct bcase {
	const char *name;
	enum tlsa_kind tlsa[HOSTS];
	enum mx_security mx;
	enum sts_source source;
	enum sts_mode mode;
	const char *pattern; /* last of four; the others match nothing */
	enum site_require site;
	uint32_t flags;
	size_t want; /* hosts that may be tried */
};

#define ALL(kind) \
	{ \
		kind, kind, kind, kind \
	}

static const struct bcase cases[] = {
    {"no-dane-no-sts", ALL(NO_TLSA), MX_SECURE, STS_NO_POLICY, STS_MODE_NONE,
	"", SITE_DEFAULT, 0, 4},
    {"dane-ee", ALL(EE_TLSA), MX_SECURE, STS_NO_POLICY, STS_MODE_NONE, "",
	SITE_DEFAULT, 0, 4},
    {"dane-ta", ALL(TA_TLSA), MX_SECURE, STS_FRESH, STS_MODE_ENFORCE,
	"*.mail.example.com", SITE_DEFAULT, 0, 4},
    {"dane-unusable", ALL(OLD_TLSA), MX_SECURE, STS_NO_POLICY, STS_MODE_NONE,
	"", SITE_DEFAULT, 0, 4},
    {"dane-failed", ALL(BROKEN_TLSA), MX_SECURE, STS_FRESH, STS_MODE_ENFORCE,
	"*.mail.example.com", SITE_DEFAULT, 0, 0},
    {"sts-enforce", ALL(NO_TLSA), MX_INSECURE, STS_FRESH, STS_MODE_ENFORCE,
	"*.mail.example.com", SITE_DEFAULT, 0, 4},
    {"sts-enforce-mismatch", ALL(NO_TLSA), MX_INSECURE, STS_CACHED,
	STS_MODE_ENFORCE, "*.other.example.com", SITE_DEFAULT, 0, 0},
    {"sts-testing", ALL(NO_TLSA), MX_INSECURE, STS_FRESH, STS_MODE_TESTING,
	"*.other.example.com", SITE_DEFAULT, 0, 4},
    {"insecure-mx-dane-and-sts", ALL(TA_TLSA), MX_INSECURE, STS_FRESH,
	STS_MODE_ENFORCE, "*.mail.example.com", SITE_DEFAULT, 0, 4},
    {"site-and-requiretls", ALL(TA_TLSA), MX_SECURE, STS_FRESH,
	STS_MODE_ENFORCE, "*.mail.example.com", SITE_STS, MSG_REQUIRETLS, 4},
    {"audit", ALL(TA_TLSA), MX_INSECURE, STS_FRESH, STS_MODE_ENFORCE,
	"*.other.example.com", SITE_AUDIT, 0, 4},
    {"mixed", {NO_TLSA, EE_TLSA, OLD_TLSA, BROKEN_TLSA}, MX_SECURE, STS_FRESH,
	STS_MODE_ENFORCE, "*.mail.example.com", SITE_DEFAULT, 0, 3},
};

static const char *const names[HOSTS] = {"mx1.mail.example.com",
    "mx2.mail.example.com", "mx3.mail.example.com",
    "mx-backup.mail.example.com"};

struct world {
	struct dane_facts facts[HOSTS];
	struct sts_verdict sts;
	char patterns[HOSTS][DOMAIN_MAX];
	struct opt_site site;
	struct tls_policy_in in;
	struct plan_skips skips;
};

/* ---- the inputs ---- */

static struct rr_set *
make_addr(const char *host)
{
	struct rr_set *s = rr_set_new(RR_A, 1);

	s->status = RR_OK;
	s->secure = true;
	s->u.addr[0] = (struct rr_addr){4, {192, 0, 2, 1}};
	snprintf(s->final_name, sizeof(s->final_name), "%s", host);
	return s;
}

static struct rr_set *
make_tlsa(enum tlsa_kind kind)
{
	unsigned usage = kind == EE_TLSA ? 3 : kind == TA_TLSA ? 2 : 1;
	char digest[32];
	struct rr_set *s;

	if (kind == NO_TLSA)
		return rr_set_empty(RR_TLSA, RR_NXDOMAIN, RR_WHY_NONE);
	if (kind == BROKEN_TLSA)
		return rr_set_empty(RR_TLSA, RR_FAIL, RR_WHY_SERVFAIL);
	s = rr_set_new(RR_TLSA, RECORDS);
	s->status = RR_OK;
	s->secure = true;
	for (size_t i = 0; i < RECORDS; i++) {
		memset(digest, (int)(i + 1), sizeof(digest));
		rr_set_tlsa(
		    s, i, (uint8_t)usage, 1, 1, str_n(digest, sizeof(digest)));
	}
	return s;
}

static void
build(struct world *w, const struct bcase *c)
{
	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < HOSTS; i++)
		w->facts[i] = (struct dane_facts){.host = names[i],
		    .port = 25,
		    .a = make_addr(names[i]),
		    .aaaa = rr_set_empty(RR_AAAA, RR_NODATA, RR_WHY_NONE),
		    .tlsa_host = make_tlsa(c->tlsa[i])};
	sts_verdict_init(&w->sts);
	w->sts.source = c->source;
	w->sts.policy = (struct sts_policy){
	    .mode = c->mode, .mx = w->patterns, .n_mx = HOSTS};
	for (size_t i = 0; i < HOSTS; i++)
		snprintf(w->patterns[i], DOMAIN_MAX, "%s",
		    i + 1 == HOSTS ? c->pattern : "mx.elsewhere.example");
	w->site.require = c->site;
	w->in = (struct tls_policy_in){.site = &w->site,
	    .now = NOW,
	    .mx = c->mx,
	    .dane_insecure_mx = true,
	    .sts = &w->sts,
	    .msg_flags = c->flags,
	    .next_hop = "example.com",
	    .expanded = "example.com",
	    .min = TLS_V1_2,
	    .opportunistic_min = TLS_V1_0};
}

static void
clear(struct world *w)
{
	for (size_t i = 0; i < HOSTS; i++) {
		/* The facts borrow; here is the owner. */
		rr_set_unref((struct rr_set *)(uintptr_t)w->facts[i].a);
		rr_set_unref((struct rr_set *)(uintptr_t)w->facts[i].aaaa);
		rr_set_unref((struct rr_set *)(uintptr_t)w->facts[i].tlsa_host);
	}
}

/* ---- what is counted ---- */

/* What the DNS answers mean. */
static __attribute__((noinline)) void
four_verdicts(const struct world *w, struct dane_verdict dane[HOSTS])
{
	for (size_t i = 0; i < HOSTS; i++)
		dane_judge(&w->facts[i], true, &dane[i]);
}

static void
skip(struct plan_skips *skips, const char *host, const struct tls_verdict *v)
{
	struct plan_skip k = {.rule = v->rule,
	    .dsn = v->dsn,
	    .reason = v->reason,
	    .by = v->by,
	    .by_policy = true};

	domain_copy(k.host, host);
	plan_skip_add(skips, &k);
}

/* How many of the hosts may be tried. */
static __attribute__((noinline)) size_t
one_decision(struct world *w, const struct dane_verdict dane[HOSTS])
{
	struct outcome out;
	size_t good = 0;

	for (size_t i = 0; i < HOSTS; i++) {
		struct tls_verdict v;
		struct tls_plan plan;

		w->in.dane = &dane[i];
		w->in.host = w->facts[i].host;
		tls_policy_decide(&w->in, &plan, &v);
		if (v.kind == TLS_SEND)
			good++;
		else
			skip(&w->skips, w->in.host, &v);
		tls_plan_clear(&plan);
	}
	if (good == 0)
		plan_no_host(&w->skips, "example.com", &out);
	return good;
}

static int
run(const struct bcase *c)
{
	struct dane_verdict dane[HOSTS];
	struct world w;
	size_t good;

	build(&w, c);
	four_verdicts(&w, dane);
	good = one_decision(&w, dane);
	for (size_t i = 0; i < HOSTS; i++)
		dane_verdict_clear(&dane[i]);
	clear(&w);
	if (good == c->want)
		return 0;
	fprintf(stderr, "%s: %zu hosts, want %zu\n", c->name, good, c->want);
	return 1;
}

int
main(void)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (run(&cases[i]) != 0 || run(&cases[i]) != 0)
			return 1;
		puts(cases[i].name);
	}
	return 0;
}
