/*
 * The TLS policy over the whole product of its inputs. The oracle is not the
 * ordered decision of tls_policy.c but a flat set of demands: who asks for
 * what, whether that can be had, and hence what the plan must be. Clear text
 * and refusal are asserted for every combination.
 */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/model/msg.h"
#include "relay/policy/tls_policy.h"

#define NOW 1000

static const uint32_t flag_sets[] = {0, MSG_REQUIRETLS, MSG_TLS_OPTIONAL,
    MSG_REPORT, MSG_REQUIRETLS | MSG_TLS_OPTIONAL};

struct combo {
	enum site_require site;
	bool expired; /* the site rule's date is over */
	enum mx_security mx;
	bool insecure_mx;
	enum dane_kind dane;
	enum sts_source source;
	enum sts_mode mode;
	bool match;
	uint32_t flags;
	int untrusted; /* 0 no, 1 untrusted, 2 and had TLSA once */
	bool downgraded;
	enum site_continuity continuity;
};

/* Facts that are read off the inputs one by one. */
struct demands {
	bool waived, require;
	bool tlsa; /* TLSA must match */
	bool policy; /* an STS policy must be met in full */
	bool pkix; /* the certificate must be valid for the host */
	bool tls; /* TLS, whoever it is */
	bool possible; /* nothing that is demanded is out of reach */
};

static bool
is_safe(enum mx_security mx)
{
	return mx != MX_INSECURE && mx != MX_LITERAL;
}

/* What can be had, whoever asks. */
struct supply {
	enum site_require site;
	bool named; /* there is a name that records could be about */
	bool dane_on; /* TLSA of this host count */
	bool tlsa; /* a usable one is there */
	bool sole; /* ... and STS has no say beside it */
	bool live; /* an STS policy is in force */
	bool enforce;
	bool held; /* by continuity */
	bool logged; /* DANE-58 does not hold */
};

static struct supply
supply_of(const struct combo *c)
{
	struct supply s = {.site = c->expired ? SITE_DEFAULT : c->site};

	s.named = c->mx != MX_LITERAL;
	s.dane_on = s.named && (c->mx != MX_INSECURE || c->insecure_mx);
	s.tlsa = s.dane_on && c->dane == DANE_USABLE;
	s.sole = s.tlsa && is_safe(c->mx);
	s.live = s.named && (c->source == STS_FRESH || c->source == STS_CACHED);
	s.enforce = s.live && c->mode == STS_MODE_ENFORCE;
	s.held = c->downgraded && !c->expired &&
	    c->continuity == CONTINUITY_HOLD;
	s.logged = !c->expired && c->continuity == CONTINUITY_LOG;
	return s;
}

static bool
is_strict(enum site_require r)
{
	return r == SITE_ENCRYPTED || r == SITE_VERIFIED || r == SITE_STS ||
	    r == SITE_DANE;
}

static bool
is_waived(const struct combo *c, const struct supply *s)
{
	bool asked = (c->flags & (MSG_TLS_OPTIONAL | MSG_REPORT)) != 0;

	if (c->flags & MSG_REQUIRETLS)
		return false;
	return s->site == SITE_OPPORTUNISTIC || s->site == SITE_AUDIT ||
	    (asked && !is_strict(s->site) && !s->held);
}

/* What is unknown can't be met. */
static bool
is_known(const struct combo *c, const struct supply *s)
{
	if (s->named && c->dane == DANE_FAILED)
		return false;
	if (s->named && c->source == STS_STORE_ERROR && !s->sole)
		return false;
	if (c->untrusted && (s->site == SITE_DANE || s->site == SITE_VERIFIED))
		return false;
	return c->untrusted != 2 || s->logged;
}

/* What is not there can't be met. */
static bool
is_there(const struct combo *c, const struct supply *s, const struct demands *d)
{
	if (d->policy && (!s->live || c->mode == STS_MODE_NONE || !c->match))
		return false;
	if (s->site == SITE_DANE && !s->sole)
		return false;
	if (s->site == SITE_VERIFIED && !s->sole && !s->enforce)
		return false;
	/* A proof needs somebody to vouch for the host's name. */
	return !d->require || is_safe(c->mx) || d->policy;
}

static struct demands
demands_of(const struct combo *c)
{
	struct supply s = supply_of(c);
	struct demands d = {.possible = true};

	d.require = (c->flags & MSG_REQUIRETLS) != 0;
	d.waived = is_waived(c, &s);
	if (d.waived)
		return d;
	d.tlsa = s.tlsa;
	d.policy = (s.enforce && !s.sole) || s.site == SITE_STS;
	d.pkix = d.policy || (d.require && !s.sole);
	d.tls = d.tlsa || d.pkix || is_strict(s.site) ||
	    (s.dane_on && c->dane == DANE_UNUSABLE);
	d.possible = !s.held && is_known(c, &s) && is_there(c, &s, &d);
	return d;
}

static enum tls_level
level_of(const struct demands *d)
{
	if (d->tlsa)
		return d->pkix ? TLS_DANE_PKIX : TLS_DANE;
	if (d->pkix)
		return TLS_PKIX;
	return d->tls ? TLS_ENCRYPT : TLS_OPPORTUNISTIC;
}

/* DANE-53: what would be without the rule is beside the plan, and nowhere in
 * it; by what the same oracle says of a domain without a rule. */
static void
check_audit(const struct combo *c, const char *name, const struct tls_plan *p)
{
	struct combo plain = *c;
	struct demands d;
	bool asked = (c->flags & (MSG_TLS_OPTIONAL | MSG_REPORT)) != 0;
	bool on = c->site == SITE_AUDIT && !c->expired &&
	    !(c->flags & MSG_REQUIRETLS) && (!asked || supply_of(c).held);

	plain.site = SITE_DEFAULT;
	plain.flags = 0;
	plain.downgraded = false;
	d = demands_of(&plain);
	t_bool(name, p->audit_rule != NULL, on);
	t_bool(name, p->audit != NULL, on && d.possible);
	if (!p->audit)
		return;
	t_cstr(
	    name, tls_level_str(p->audit->level), tls_level_str(level_of(&d)));
	t_cstr(name, p->audit->rule, p->audit_rule);
	t_bool(name, p->audit->n_tlsa > 0, d.tlsa);
	t_bool(name, p->audit->audit == NULL, true);
	t_bool(name, p->audit->audit_pkix, false);
	t_cstr(name, p->audit->sni, p->sni);
	if (d.pkix)
		t_cstr(name, p->audit->pkix_name,
		    c->match ? "mx.example" : "other.example");
}

static void
check(const struct combo *c, const struct tls_plan *plan,
    const struct tls_verdict *v)
{
	struct demands d = demands_of(c);
	bool clear = plan->on_no_starttls == TLS_FAIL_CLEAR ||
	    plan->on_tls_failure == TLS_FAIL_CLEAR;
	char name[160];

	snprintf(name, sizeof(name),
	    "site %d%s mx %s%s dane %s sts %s %s%s flags %x untrusted %d "
	    "downgraded %d continuity %d",
	    (int)c->site, c->expired ? " expired" : "", mx_security_str(c->mx),
	    c->insecure_mx ? "+" : "-", dane_kind_str(c->dane),
	    sts_source_str(c->source), sts_mode_str(c->mode),
	    c->match ? " match" : "", c->flags, c->untrusted, c->downgraded,
	    (int)c->continuity);
	t_bool(name, v->kind == TLS_SKIP, !d.possible);
	assert_non_null(v->rule);
	if (v->kind == TLS_SKIP) {
		/* DANE-57, STS-31: never at once permanent */
		t_bool(name, v->dsn[0] == '4' && v->reason[0], true);
		return;
	}
	t_cstr(name, tls_level_str(plan->level), tls_level_str(level_of(&d)));
	t_bool(name, clear, !d.tls);
	t_int(name, (int)plan->on_no_starttls, (int)plan->on_tls_failure);
	t_bool(name, plan->requiretls, d.require);
	t_bool(name, plan->n_tlsa > 0, d.tlsa);
	t_bool(name, plan->n_dane_names > 0, d.tlsa);
	t_bool(name, plan->pkix_name[0] != '\0', d.pkix || plan->audit_pkix);
	t_bool(name, plan->audit_pkix && d.pkix, false);
	if (d.pkix)
		t_bool(name, plan->min >= TLS_V1_2, true);
	if (d.tlsa)
		t_cstr(name, plan->sni, "base.example");
	t_cstr(name, plan->rule, v->rule);
	check_audit(c, name, plan);
}

static void
try_combo(const struct combo *c)
{
	uint8_t sha[32] = {1};
	struct rr_tlsa tlsa = {3, 1, 1, 32, sha};
	struct dane_verdict dane = {.kind = c->dane, .rule = "x"};
	char mx[1][DOMAIN_MAX] = {"mx.example"};
	struct sts_verdict sts = {.source = c->source,
	    .policy = {.mode = c->mode, .mx = mx, .n_mx = 1},
	    .rule = "x"};
	struct opt_site site = {.require = c->site,
	    .continuity = c->continuity,
	    .expires_s = c->expired ? NOW : 0};
	struct tls_policy_in in = {.site = &site,
	    .now = NOW,
	    .mx = c->mx,
	    .dane_insecure_mx = c->insecure_mx,
	    .dane = &dane,
	    .sts = &sts,
	    .msg_flags = c->flags,
	    .untrusted = c->untrusted > 0,
	    .untrusted_had_dane = c->untrusted == 2,
	    .downgraded = c->downgraded,
	    .host = c->match ? "mx.example" : "other.example",
	    .next_hop = "example",
	    .expanded = "example",
	    .min = TLS_V1_0,
	    .opportunistic_min = TLS_V1_0};
	struct tls_plan plan;
	struct tls_verdict v;

	if (c->dane == DANE_USABLE) {
		dane.tlsa = &tlsa;
		dane.n_tlsa = 1;
		memcpy(dane.base, "base.example", 13);
	}
	tls_policy_decide(&in, &plan, &v);
	check(c, &plan, &v);
	tls_plan_clear(&plan);
}

/* Number n as a combination, by mixed radix; false past the last. */
static bool
combo_of(unsigned n, struct combo *c)
{
	unsigned radix[] = {SITE_DANE + 1, 2, MX_NEXTHOP + 1, 2,
	    DANE_FAILED + 1, STS_STORE_ERROR + 1, STS_MODE_ENFORCE + 1, 2,
	    T_COUNT(flag_sets), 3, 2, CONTINUITY_LOG + 1};
	unsigned digit[T_COUNT(radix)];

	for (size_t i = 0; i < T_COUNT(radix); i++) {
		digit[i] = n % radix[i];
		n /= radix[i];
	}
	*c = (struct combo){.site = (enum site_require)digit[0],
	    .expired = digit[1],
	    .mx = (enum mx_security)digit[2],
	    .insecure_mx = digit[3],
	    .dane = (enum dane_kind)digit[4],
	    .source = (enum sts_source)digit[5],
	    .mode = (enum sts_mode)digit[6],
	    .match = digit[7],
	    .flags = flag_sets[digit[8]],
	    .untrusted = (int)digit[9],
	    .downgraded = digit[10],
	    .continuity = (enum site_continuity)digit[11]};
	return n == 0;
}

static void
test_product(void **state)
{
	struct combo c;
	unsigned n = 0;

	(void)state;
	while (combo_of(n, &c)) {
		try_combo(&c);
		n++;
	}
	/* 7 rules x 2 x 5 MX x 2 x 4 DANE x 5 x 3 x 2 STS x 5 flags x 3 x 2
	 * x 3 continuity */
	t_int("combinations", n, 1512000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
