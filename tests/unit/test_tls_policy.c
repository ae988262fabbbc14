/* Named rows of the TLS policy: one for each rule and its neighbours. The
 * whole product of inputs is in test_tls_policy_product.c. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/model/msg.h"
#include "relay/policy/tls_policy.h"

#define NOW 1000

enum sts_case {
	S_NONE,
	S_ENFORCE,
	S_ENFORCE_OTHER, /* enforce, does not name the host */
	S_TESTING,
	S_TESTING_OTHER,
	S_MODE_NONE,
	S_CACHED, /* enforce, from the cache */
	S_UNOBTAINABLE,
	S_STORE_ERROR
};

struct tcase {
	const char *name;
	enum site_require site;
	enum mx_security mx;
	enum dane_kind dane;
	enum sts_case sts;
	uint32_t flags;
	const char *want; /* level, or "skip" */
	const char *rule;
	enum tls_policy_by by;
	bool clear;
};

static const struct tcase cases[] = {
    /* 2: DANE with a safe way to the host */
    {"DANE-11 secure MX", 0, MX_SECURE, DANE_USABLE, S_NONE, 0, "dane",
	"DANE-11", TLS_BY_DANE, false},
    {"DANE-27 no MX", 0, MX_IMPLICIT, DANE_USABLE, S_NONE, 0, "dane", "DANE-11",
	TLS_BY_DANE, false},
    {"DANE-27 relay host", 0, MX_NEXTHOP, DANE_USABLE, S_NONE, 0, "dane",
	"DANE-11", TLS_BY_DANE, false},
    {"STS-01 DANE decides, STS would pass", 0, MX_SECURE, DANE_USABLE,
	S_ENFORCE, 0, "dane", "DANE-11", TLS_BY_DANE, false},
    {"STS-01 DANE decides, STS would forbid", 0, MX_SECURE, DANE_USABLE,
	S_ENFORCE_OTHER, 0, "dane", "DANE-11", TLS_BY_DANE, false},
    {"STS-01 DANE decides, STS unknown", 0, MX_SECURE, DANE_USABLE,
	S_STORE_ERROR, 0, "dane", "DANE-11", TLS_BY_DANE, false},
    /* 3: insecure MX set */
    {"DANE-17 insecure MX", 0, MX_INSECURE, DANE_USABLE, S_NONE, 0, "dane",
	"DANE-17", TLS_BY_DANE, false},
    {"STS-29 insecure MX, STS on top", 0, MX_INSECURE, DANE_USABLE, S_ENFORCE,
	0, "dane+pkix", "DANE-17", TLS_BY_DANE, false},
    {"STS-34 foreign host with TLSA", 0, MX_INSECURE, DANE_USABLE,
	S_ENFORCE_OTHER, 0, "skip", "STS-34", TLS_BY_STS, false},
    {"STS-41 insecure MX, STS unknown", 0, MX_INSECURE, DANE_USABLE,
	S_STORE_ERROR, 0, "skip", "STS-41", TLS_BY_STS, false},
    {"insecure MX, STS testing", 0, MX_INSECURE, DANE_USABLE, S_TESTING, 0,
	"dane", "DANE-17", TLS_BY_DANE, false},
    /* 4: none usable */
    {"DANE-12", 0, MX_SECURE, DANE_UNUSABLE, S_NONE, 0, "encrypt", "DANE-12",
	TLS_BY_DANE, false},
    {"DANE-12 STS on top", 0, MX_SECURE, DANE_UNUSABLE, S_ENFORCE, 0, "pkix",
	"STS-29", TLS_BY_STS, false},
    {"DANE-12 STS forbids", 0, MX_SECURE, DANE_UNUSABLE, S_ENFORCE_OTHER, 0,
	"skip", "STS-34", TLS_BY_STS, false},
    {"DANE-12 STS testing", 0, MX_SECURE, DANE_UNUSABLE, S_TESTING, 0,
	"encrypt", "DANE-12", TLS_BY_DANE, false},
    {"DANE-12 STS unknown", 0, MX_SECURE, DANE_UNUSABLE, S_STORE_ERROR, 0,
	"skip", "STS-41", TLS_BY_STS, false},
    /* 5: lookup error */
    {"DANE-07", 0, MX_SECURE, DANE_FAILED, S_NONE, 0, "skip", "DANE-07",
	TLS_BY_DANE, false},
    {"DANE-07 though STS would pass", 0, MX_INSECURE, DANE_FAILED, S_ENFORCE, 0,
	"skip", "DANE-07", TLS_BY_DANE, false},
    /* 6: MTA-STS */
    {"STS-29 enforce", 0, MX_INSECURE, DANE_NONE, S_ENFORCE, 0, "pkix",
	"STS-29", TLS_BY_STS, false},
    {"STS-29 secure MX without TLSA", 0, MX_SECURE, DANE_NONE, S_ENFORCE, 0,
	"pkix", "STS-29", TLS_BY_STS, false},
    {"STS-24 cached", 0, MX_INSECURE, DANE_NONE, S_CACHED, 0, "pkix", "STS-29",
	TLS_BY_STS, false},
    {"STS-34 not in the policy", 0, MX_INSECURE, DANE_NONE, S_ENFORCE_OTHER, 0,
	"skip", "STS-34", TLS_BY_STS, false},
    {"STS-32 testing", 0, MX_INSECURE, DANE_NONE, S_TESTING, 0, "opportunistic",
	"STS-32", TLS_BY_STS, true},
    {"STS-32 testing, not in the policy", 0, MX_INSECURE, DANE_NONE,
	S_TESTING_OTHER, 0, "opportunistic", "STS-32", TLS_BY_STS, true},
    {"STS-33 none", 0, MX_INSECURE, DANE_NONE, S_MODE_NONE, 0, "opportunistic",
	"STS-33", TLS_BY_NONE, true},
    {"STS-23 no body", 0, MX_INSECURE, DANE_NONE, S_UNOBTAINABLE, 0,
	"opportunistic", "STS-23", TLS_BY_NONE, true},
    {"STS-41 cache can't be read", 0, MX_INSECURE, DANE_NONE, S_STORE_ERROR, 0,
	"skip", "STS-41", TLS_BY_STS, false},
    /* 7: nothing */
    {"DANE-13", 0, MX_INSECURE, DANE_NONE, S_NONE, 0, "opportunistic",
	"DANE-13", TLS_BY_NONE, true},
    {"DANE-15 STS-28 literal", 0, MX_LITERAL, DANE_NONE, S_ENFORCE_OTHER, 0,
	"opportunistic", "DANE-15", TLS_BY_NONE, true},
    /* site rules that ask for more */
    {"encrypted", SITE_ENCRYPTED, MX_INSECURE, DANE_NONE, S_NONE, 0, "encrypt",
	"SITE-ENCRYPTED", TLS_BY_SITE, false},
    {"encrypted, DANE is more", SITE_ENCRYPTED, MX_SECURE, DANE_USABLE, S_NONE,
	0, "dane", "DANE-11", TLS_BY_DANE, false},
    {"encrypted, testing", SITE_ENCRYPTED, MX_INSECURE, DANE_NONE, S_TESTING, 0,
	"encrypt", "SITE-ENCRYPTED", TLS_BY_SITE, false},
    {"verified by DANE", SITE_VERIFIED, MX_SECURE, DANE_USABLE, S_NONE, 0,
	"dane", "DANE-11", TLS_BY_DANE, false},
    {"verified by STS", SITE_VERIFIED, MX_INSECURE, DANE_NONE, S_ENFORCE, 0,
	"pkix", "STS-29", TLS_BY_STS, false},
    {"verified by nothing", SITE_VERIFIED, MX_SECURE, DANE_NONE, S_TESTING, 0,
	"skip", "SITE-VERIFIED", TLS_BY_SITE, false},
    {"DANE-19 an insecure MX is no proof", SITE_VERIFIED, MX_INSECURE,
	DANE_USABLE, S_NONE, 0, "skip", "SITE-VERIFIED", TLS_BY_SITE, false},
    {"verified, unusable", SITE_VERIFIED, MX_SECURE, DANE_UNUSABLE, S_NONE, 0,
	"skip", "SITE-VERIFIED", TLS_BY_SITE, false},
    {"sts", SITE_STS, MX_INSECURE, DANE_NONE, S_ENFORCE, 0, "pkix", "STS-29",
	TLS_BY_STS, false},
    {"sts takes testing by its word", SITE_STS, MX_INSECURE, DANE_NONE,
	S_TESTING, 0, "pkix", "STS-29", TLS_BY_STS, false},
    {"sts, not in the policy", SITE_STS, MX_INSECURE, DANE_NONE,
	S_TESTING_OTHER, 0, "skip", "STS-34", TLS_BY_STS, false},
    {"sts without policy", SITE_STS, MX_INSECURE, DANE_NONE, S_NONE, 0, "skip",
	"STS-29", TLS_BY_SITE, false},
    {"sts, mode none", SITE_STS, MX_INSECURE, DANE_NONE, S_MODE_NONE, 0, "skip",
	"STS-29", TLS_BY_SITE, false},
    {"sts on top of DANE", SITE_STS, MX_SECURE, DANE_USABLE, S_ENFORCE, 0,
	"dane+pkix", "DANE-11", TLS_BY_DANE, false},
    {"sts, DANE alone", SITE_STS, MX_SECURE, DANE_USABLE, S_NONE, 0, "skip",
	"STS-29", TLS_BY_SITE, false},
    {"DANE-49 usable", SITE_DANE, MX_SECURE, DANE_USABLE, S_NONE, 0, "dane",
	"DANE-11", TLS_BY_DANE, false},
    {"DANE-49 insecure MX", SITE_DANE, MX_INSECURE, DANE_USABLE, S_NONE, 0,
	"skip", "DANE-49", TLS_BY_SITE, false},
    {"DANE-49 unusable", SITE_DANE, MX_SECURE, DANE_UNUSABLE, S_NONE, 0, "skip",
	"DANE-49", TLS_BY_SITE, false},
    {"DANE-49 none", SITE_DANE, MX_SECURE, DANE_NONE, S_ENFORCE, 0, "skip",
	"DANE-49", TLS_BY_SITE, false},
    /* site rules that ask for less */
    {"opportunistic", SITE_OPPORTUNISTIC, MX_SECURE, DANE_USABLE, S_ENFORCE, 0,
	"opportunistic", "SITE-OPPORTUNISTIC", TLS_BY_SITE, true},
    {"opportunistic, lookup fails", SITE_OPPORTUNISTIC, MX_SECURE, DANE_FAILED,
	S_STORE_ERROR, 0, "opportunistic", "SITE-OPPORTUNISTIC", TLS_BY_SITE,
	true},
    {"DANE-53 audit", SITE_AUDIT, MX_SECURE, DANE_FAILED, S_NONE, 0,
	"opportunistic", "DANE-53", TLS_BY_SITE, true},
    {"DANE-53 audit of STS", SITE_AUDIT, MX_INSECURE, DANE_NONE,
	S_ENFORCE_OTHER, 0, "opportunistic", "DANE-53", TLS_BY_SITE, true},
    /* REQUIRETLS */
    {"RTLS-04 DANE", 0, MX_SECURE, DANE_USABLE, S_NONE, MSG_REQUIRETLS, "dane",
	"DANE-11", TLS_BY_DANE, false},
    {"RTLS-03 STS", 0, MX_INSECURE, DANE_NONE, S_ENFORCE, MSG_REQUIRETLS,
	"pkix", "STS-29", TLS_BY_STS, false},
    {"RTLS-04 secure MX", 0, MX_SECURE, DANE_NONE, S_NONE, MSG_REQUIRETLS,
	"pkix", "RTLS-04", TLS_BY_NONE, false},
    {"RTLS-04 unusable", 0, MX_SECURE, DANE_UNUSABLE, S_NONE, MSG_REQUIRETLS,
	"pkix", "RTLS-04", TLS_BY_NONE, false},
    {"RTLS-03 insecure MX", 0, MX_INSECURE, DANE_NONE, S_NONE, MSG_REQUIRETLS,
	"skip", "RTLS-03", TLS_BY_NONE, false},
    {"RTLS-03 DANE of an insecure MX", 0, MX_INSECURE, DANE_USABLE, S_NONE,
	MSG_REQUIRETLS, "skip", "RTLS-03", TLS_BY_NONE, false},
    {"RTLS-03 literal", 0, MX_LITERAL, DANE_NONE, S_NONE, MSG_REQUIRETLS,
	"skip", "RTLS-03", TLS_BY_NONE, false},
    {"RTLS-06 a loose site rule does not help", SITE_OPPORTUNISTIC, MX_INSECURE,
	DANE_NONE, S_NONE, MSG_REQUIRETLS, "skip", "RTLS-03", TLS_BY_NONE,
	false},
    {"RTLS-10 the verb wins over the header", 0, MX_SECURE, DANE_NONE, S_NONE,
	MSG_REQUIRETLS | MSG_TLS_OPTIONAL, "pkix", "RTLS-04", TLS_BY_NONE,
	false},
    /* TLS-Required: No, and reports */
    {"RTLS-09", 0, MX_SECURE, DANE_USABLE, S_NONE, MSG_TLS_OPTIONAL,
	"opportunistic", "RTLS-09", TLS_BY_NONE, true},
    {"RTLS-09 lookup fails", 0, MX_SECURE, DANE_FAILED, S_NONE,
	MSG_TLS_OPTIONAL, "opportunistic", "RTLS-09", TLS_BY_NONE, true},
    {"RPT-05", 0, MX_INSECURE, DANE_NONE, S_ENFORCE_OTHER, MSG_REPORT,
	"opportunistic", "RPT-05", TLS_BY_NONE, true},
    {"RTLS-12 a strict site rule stands", SITE_ENCRYPTED, MX_SECURE,
	DANE_USABLE, S_NONE, MSG_TLS_OPTIONAL, "dane", "DANE-11", TLS_BY_DANE,
	false},
    {"RPT-05 a strict site rule stands", SITE_ENCRYPTED, MX_INSECURE, DANE_NONE,
	S_NONE, MSG_REPORT, "encrypt", "SITE-ENCRYPTED", TLS_BY_SITE, false},
};

#define HOST "mx.example.net"
#define BASE "real.example.net"

struct world {
	struct tls_policy_in in;
	struct opt_site site;
	struct dane_verdict dane;
	struct sts_verdict sts;
	struct rr_tlsa tlsa;
	uint8_t sha[32];
	char mx[1][DOMAIN_MAX];
};

static void
build_sts(struct world *w, enum sts_case k)
{
	bool other = k == S_ENFORCE_OTHER || k == S_TESTING_OTHER;
	const char *pattern = other ? "*.elsewhere.net" : "*.example.net";

	sts_verdict_init(&w->sts);
	w->sts.source = k == S_NONE ? STS_NO_POLICY
	    : k == S_UNOBTAINABLE   ? STS_UNOBTAINABLE
	    : k == S_STORE_ERROR    ? STS_STORE_ERROR
	    : k == S_CACHED         ? STS_CACHED
				    : STS_FRESH;
	w->sts.policy.mode = k == S_TESTING || k == S_TESTING_OTHER
	    ? STS_MODE_TESTING
	    : k == S_ENFORCE || k == S_ENFORCE_OTHER || k == S_CACHED
	    ? STS_MODE_ENFORCE
	    : STS_MODE_NONE;
	memcpy(w->mx[0], pattern, strlen(pattern) + 1);
	w->sts.policy.mx = w->mx;
	w->sts.policy.n_mx = 1;
}

static void
build(struct world *w, const struct tcase *c)
{
	memset(w, 0, sizeof(*w));
	w->site.require = c->site;
	w->tlsa = (struct rr_tlsa){3, 1, 1, 32, w->sha};
	dane_verdict_init(&w->dane);
	w->dane.kind = c->dane;
	if (c->dane == DANE_USABLE) {
		w->dane.tlsa = &w->tlsa;
		w->dane.n_tlsa = 1;
		memcpy(w->dane.base, BASE, sizeof(BASE));
	}
	build_sts(w, c->sts);
	w->in = (struct tls_policy_in){.site = &w->site,
	    .now = NOW,
	    .mx = c->mx,
	    .dane_insecure_mx = true,
	    .dane = &w->dane,
	    .sts = &w->sts,
	    .msg_flags = c->flags,
	    .host = HOST,
	    .next_hop = "example.net",
	    .expanded = "example.net",
	    .min = TLS_V1_2,
	    .opportunistic_min = TLS_V1_0};
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct tcase *c = &cases[i];
		struct tls_plan plan;
		struct tls_verdict v;
		struct world w;

		build(&w, c);
		tls_policy_decide(&w.in, &plan, &v);
		t_cstr(c->name,
		    v.kind == TLS_SKIP ? "skip" : tls_level_str(plan.level),
		    c->want);
		t_cstr(c->name, v.rule, c->rule);
		t_cstr(
		    c->name, tls_policy_by_str(v.by), tls_policy_by_str(c->by));
		if (v.kind == TLS_SKIP) {
			t_bool(c->name, v.dsn[0] == '4', true);
			t_bool(c->name, v.reason[0] != '\0', true);
		} else {
			t_bool(c->name, plan.on_no_starttls == TLS_FAIL_CLEAR,
			    c->clear);
			t_bool(c->name, plan.on_tls_failure == TLS_FAIL_CLEAR,
			    c->clear);
			t_bool(c->name, plan.requiretls,
			    (c->flags & MSG_REQUIRETLS) != 0);
			t_cstr(c->name, plan.rule, v.rule);
		}
		tls_plan_clear(&plan);
	}
}

static void
decide(enum mx_security mx, enum dane_kind dane, enum sts_case sts,
    struct world *w, struct tls_plan *plan, struct tls_verdict *v)
{
	struct tcase c = {.mx = mx, .dane = dane, .sts = sts};

	build(w, &c);
	tls_policy_decide(&w->in, plan, v);
}

/* What a DANE plan carries. */
static void
test_dane_plan(void **state)
{
	struct tls_plan plan;
	struct tls_verdict v;
	struct world w;

	(void)state;
	decide(MX_SECURE, DANE_USABLE, S_ENFORCE, &w, &plan, &v);
	t_cstr("DANE-50 SNI", plan.sni, BASE);
	t_int("DANE-41", (int64_t)plan.n_dane_names, 2);
	t_cstr("DANE-41", plan.dane_names[0], BASE);
	t_cstr("DANE-42", plan.dane_names[1], "example.net");
	t_int("records", (int64_t)plan.n_tlsa, 1);
	assert_ptr_not_equal(plan.tlsa, &w.tlsa);
	t_cstr("no PKIX", plan.pkix_name, "");
	t_bool("secure", plan.mx_insecure, false);
	t_int("min", (int)plan.min, TLS_V1_2);
	tls_plan_clear(&plan);

	decide(MX_INSECURE, DANE_USABLE, S_ENFORCE, &w, &plan, &v);
	t_cstr("DANE-50 SNI", plan.sni, BASE);
	t_int("DANE-43", (int64_t)plan.n_dane_names, 1);
	t_cstr("STS-35", plan.pkix_name, HOST);
	t_bool("DANE-19", plan.mx_insecure, true);
	tls_plan_clear(&plan);

	/* dane { insecure_mx = no } */
	decide(MX_INSECURE, DANE_USABLE, S_NONE, &w, &plan, &v);
	tls_plan_clear(&plan);
	w.in.dane_insecure_mx = false;
	tls_policy_decide(&w.in, &plan, &v);
	t_cstr("DANE-17 off", tls_level_str(plan.level), "opportunistic");
	tls_plan_clear(&plan);
}

/* What an STS plan carries. */
static void
test_sts_plan(void **state)
{
	struct tls_plan plan;
	struct tls_verdict v;
	struct world w;

	(void)state;
	decide(MX_INSECURE, DANE_NONE, S_ENFORCE, &w, &plan, &v);
	t_cstr("STS-36 SNI", plan.sni, HOST);
	t_cstr("STS-35 name", plan.pkix_name, HOST);
	t_bool("no audit", plan.audit_pkix, false);
	tls_plan_clear(&plan);
	w.in.min = TLS_V1_0;
	tls_policy_decide(&w.in, &plan, &v);
	t_int("STS-37", (int)plan.min, TLS_V1_2);
	tls_plan_clear(&plan);
	w.in.min = TLS_V1_3;
	tls_policy_decide(&w.in, &plan, &v);
	t_int("configured min", (int)plan.min, TLS_V1_3);
	tls_plan_clear(&plan);

	decide(MX_INSECURE, DANE_NONE, S_TESTING, &w, &plan, &v);
	t_bool("STS-32 audit", plan.audit_pkix, true);
	t_bool("STS-32 noted", plan.sts_testing, true);
	t_bool("STS-32 match", plan.audit_mismatch, false);
	t_cstr("STS-32 name", plan.pkix_name, HOST);
	t_int("opportunistic min", (int)plan.min, TLS_V1_0);
	tls_plan_clear(&plan);

	decide(MX_INSECURE, DANE_NONE, S_TESTING_OTHER, &w, &plan, &v);
	t_bool("STS-32 mismatch", plan.audit_mismatch, true);
	tls_plan_clear(&plan);

	decide(MX_LITERAL, DANE_NONE, S_ENFORCE, &w, &plan, &v);
	t_cstr("no SNI for an address", plan.sni, "");
	tls_plan_clear(&plan);
}

/* A looser rule ends with its date, and the domain's own word is back. */
static void
test_expired_rule(void **state)
{
	struct tcase c = {
	    .site = SITE_OPPORTUNISTIC, .mx = MX_SECURE, .dane = DANE_USABLE};
	struct tls_plan plan;
	struct tls_verdict v;
	struct world w;

	(void)state;
	build(&w, &c);
	w.site.expires_s = NOW + 1;
	tls_policy_decide(&w.in, &plan, &v);
	t_cstr("before", tls_level_str(plan.level), "opportunistic");
	tls_plan_clear(&plan);
	w.site.expires_s = NOW;
	tls_policy_decide(&w.in, &plan, &v);
	t_cstr("after", tls_level_str(plan.level), "dane");
	tls_plan_clear(&plan);
	w.in.site = NULL;
	w.in.sts = NULL;
	tls_policy_decide(&w.in, &plan, &v);
	t_cstr("none", tls_level_str(plan.level), "dane");
	tls_plan_clear(&plan);
}

/* Nobody asked for MTA-STS: as for a domain that has none. */
static void
test_without_sts(void **state)
{
	struct tls_plan plan;
	struct tls_verdict v;
	struct world w;

	(void)state;
	decide(MX_INSECURE, DANE_NONE, S_ENFORCE, &w, &plan, &v);
	t_cstr("asked", tls_level_str(plan.level), "pkix");
	tls_plan_clear(&plan);
	w.in.sts = NULL;
	tls_policy_decide(&w.in, &plan, &v);
	t_cstr("not asked", tls_level_str(plan.level), "opportunistic");
	t_cstr("not asked", v.rule, "DANE-13");
	tls_plan_clear(&plan);
}

/* RFC 6066 3: no SNI when the host is an address. */
static void
test_address_as_host(void **state)
{
	static const struct {
		const char *host, *sni;
	} rows[] = {
	    {HOST, HOST},
	    {"192.0.2.1", ""},
	    {"2001:db8::1", ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		struct tls_plan plan;
		struct tls_verdict v;
		struct world w;

		decide(MX_NEXTHOP, DANE_NONE, S_NONE, &w, &plan, &v);
		tls_plan_clear(&plan);
		w.in.host = rows[i].host;
		tls_policy_decide(&w.in, &plan, &v);
		t_cstr("DANE-50 SNI", plan.sni, rows[i].sni);
		tls_plan_clear(&plan);
	}
}

/* DANE-58: a resolver that does not validate. */
static void
test_untrusted(void **state)
{
	static const struct {
		const char *name;
		enum site_require site;
		bool had, log;
		uint32_t flags;
		bool skip;
	} rows[] = {
	    {"never had TLSA", SITE_DEFAULT, false, false, 0, false},
	    {"had TLSA", SITE_DEFAULT, true, false, 0, true},
	    {"continuity = log", SITE_DEFAULT, true, true, 0, false},
	    {"dane", SITE_DANE, false, false, 0, true},
	    {"verified", SITE_VERIFIED, false, true, 0, true},
	    {"sts", SITE_STS, false, false, 0, false},
	    {"audit", SITE_AUDIT, true, false, 0, false},
	    {"TLS-Required: No", SITE_DEFAULT, true, false, MSG_TLS_OPTIONAL,
		false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		struct tcase c = {.site = rows[i].site,
		    .mx = MX_SECURE,
		    .sts = S_ENFORCE,
		    .flags = rows[i].flags};
		struct tls_plan plan;
		struct tls_verdict v;
		struct world w;

		build(&w, &c);
		w.in.untrusted = true;
		w.in.untrusted_had_dane = rows[i].had;
		w.site.continuity = rows[i].log ? CONTINUITY_LOG
						: CONTINUITY_DEFAULT;
		tls_policy_decide(&w.in, &plan, &v);
		t_bool(rows[i].name, v.kind == TLS_SKIP, rows[i].skip);
		if (rows[i].skip)
			t_cstr(rows[i].name, v.rule, "DANE-58");
		tls_plan_clear(&plan);
	}
}

/* CONTINUITY: what the domain had is gone. */
static void
test_downgraded(void **state)
{
	static const struct {
		const char *name;
		enum site_require site;
		enum site_continuity continuity;
		enum dane_kind dane;
		uint32_t flags;
		const char *rule;
		bool skip;
	} rows[] = {
	    {"nothing said", SITE_DEFAULT, CONTINUITY_DEFAULT, DANE_NONE, 0,
		"DANE-13", false},
	    {"log", SITE_DEFAULT, CONTINUITY_LOG, DANE_NONE, 0, "DANE-13",
		false},
	    {"hold", SITE_DEFAULT, CONTINUITY_HOLD, DANE_NONE, 0, "CONTINUITY",
		true},
	    {"hold, lookup fails", SITE_DEFAULT, CONTINUITY_HOLD, DANE_FAILED,
		0, "DANE-07", true},
	    {"hold, foreign TLSA", SITE_DEFAULT, CONTINUITY_HOLD, DANE_USABLE,
		0, "CONTINUITY", true},
	    {"hold, TLS-Required: No", SITE_DEFAULT, CONTINUITY_HOLD, DANE_NONE,
		MSG_TLS_OPTIONAL, "CONTINUITY", true},
	    {"hold, REQUIRETLS", SITE_DEFAULT, CONTINUITY_HOLD, DANE_NONE,
		MSG_REQUIRETLS, "CONTINUITY", true},
	    {"log, TLS-Required: No", SITE_DEFAULT, CONTINUITY_LOG, DANE_NONE,
		MSG_TLS_OPTIONAL, "RTLS-09", false},
	    {"hold, encrypted", SITE_ENCRYPTED, CONTINUITY_HOLD, DANE_NONE, 0,
		"CONTINUITY", true},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		struct tcase c = {.site = rows[i].site,
		    .mx = MX_INSECURE,
		    .dane = rows[i].dane,
		    .flags = rows[i].flags};
		struct tls_plan plan;
		struct tls_verdict v;
		struct world w;

		build(&w, &c);
		w.in.downgraded = true;
		w.site.continuity = rows[i].continuity;
		tls_policy_decide(&w.in, &plan, &v);
		t_cstr(rows[i].name, v.rule, rows[i].rule);
		t_bool(rows[i].name, v.kind == TLS_SKIP, rows[i].skip);
		if (rows[i].skip)
			t_cstr(rows[i].name, v.dsn, "4.7.5");
		tls_plan_clear(&plan);
		w.in.downgraded = false;
		tls_policy_decide(&w.in, &plan, &v);
		t_bool(rows[i].name, strcmp(v.rule, "CONTINUITY") == 0, false);
		tls_plan_clear(&plan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_dane_plan),
	    cmocka_unit_test(test_sts_plan),
	    cmocka_unit_test(test_expired_rule),
	    cmocka_unit_test(test_without_sts),
	    cmocka_unit_test(test_address_as_host),
	    cmocka_unit_test(test_untrusted),
	    cmocka_unit_test(test_downgraded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
