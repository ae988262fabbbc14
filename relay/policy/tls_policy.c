/*
 * Policy, in one place. The order is the one of the design: what the message
 * waives, what the site rule waives, then what the domain itself promised by
 * DANE and MTA-STS, then what site rule and message ask for on top. Each step
 * may raise the plan or refuse the host; no later step lowers it, and clear
 * text is written into a plan in one function only, plan_opportunistic().
 *
 * RFC 7672 2.2, RFC 8461 2, 5, RFC 8689 4.2.
 */
#include "config.h"

#include "relay/policy/tls_policy.h"

#include <string.h>

#include "dane/dane_policy.h"
#include "relay/model/msg.h"
#include "relay/policy/site_policy.h"

#define DSN_TRUST "4.7.5" /* RFC 3463: cryptographic failure */
#define DSN_ENCRYPTION "4.7.10" /* RFC 5248: encryption needed */
#define DSN_STORE "4.3.0"

/* What MTA-STS means for this host. */
enum sts_role {
	STS_ROLE_NONE, /* no policy in force, or mode none */
	STS_ROLE_TESTING,
	STS_ROLE_ENFORCE,
	STS_ROLE_UNKNOWN /* the cache can't be read */
};

struct policy {
	const struct tls_policy_in *in;
	struct tls_plan *plan;
	struct tls_verdict *out;
	enum site_require site;
	enum dane_kind dane; /* DANE_NONE where DANE does not apply */
	enum sts_role sts;
	bool sts_match; /* the policy in force names this host */
};

/* ---- results ---- */

static void
skip_host(struct policy *p, enum tls_policy_by by, const char *rule,
    const char *dsn, const char *reason)
{
	p->out->kind = TLS_SKIP;
	p->out->by = by;
	p->out->rule = rule;
	p->out->dsn = dsn;
	p->out->reason = reason;
}

static void
send_host(struct policy *p, enum tls_policy_by by, const char *rule)
{
	p->out->kind = TLS_SEND;
	p->out->by = by;
	p->out->rule = rule;
	p->out->dsn = "";
	p->out->reason = "";
	p->plan->by = by;
	p->plan->rule = rule;
}

/* The MX host name as SNI (STS-36); an address has none (RFC 6066 3). */
static void
set_host_sni(struct policy *p)
{
	if (p->in->mx != MX_LITERAL && !domain_is_ip(str_of(p->in->host)))
		domain_copy(p->plan->sni, p->in->host);
}

static void
plan_reset(struct policy *p, enum tls_level level, enum tls_version min)
{
	tls_plan_clear(p->plan);
	p->plan->level = level;
	p->plan->min = min;
	p->plan->on_no_starttls = TLS_FAIL_NEXT;
	p->plan->on_tls_failure = TLS_FAIL_NEXT;
	p->plan->sts_testing = p->sts == STS_ROLE_TESTING;
}

/* Try TLS without authentication, fall back to clear text once. */
static void
plan_opportunistic(struct policy *p, enum tls_policy_by by, const char *rule)
{
	plan_reset(p, TLS_OPPORTUNISTIC, p->in->opportunistic_min);
	set_host_sni(p);
	p->plan->on_no_starttls = TLS_FAIL_CLEAR;
	p->plan->on_tls_failure = TLS_FAIL_CLEAR;
	send_host(p, by, rule);
}

static void
plan_encrypt(struct policy *p, enum tls_policy_by by, const char *rule)
{
	plan_reset(p, TLS_ENCRYPT, p->in->opportunistic_min);
	set_host_sni(p);
	send_host(p, by, rule);
}

/* The name of the certificate, and what else goes with PKIX. */
static void
add_pkix(struct policy *p)
{
	/* RFC 8461 4.2: the MX host name, not the pattern: STS-35 */
	domain_copy(p->plan->pkix_name, p->in->host);
	/* RFC 8461 7.2, STS-37 */
	if (p->plan->min < TLS_V1_2)
		p->plan->min = TLS_V1_2;
}

static void
plan_pkix(struct policy *p, enum tls_policy_by by, const char *rule)
{
	plan_reset(p, TLS_PKIX, p->in->min);
	set_host_sni(p);
	add_pkix(p);
	send_host(p, by, rule);
}

static void
plan_dane(struct policy *p, const char *rule)
{
	const struct dane_verdict *d = p->in->dane;
	struct tls_plan *plan = p->plan;

	plan_reset(p, TLS_DANE, p->in->min);
	domain_copy(plan->sni, d->base); /* RFC 7672 8.1, DANE-50 */
	plan->n_dane_names = dane_names(p->in->mx, d->base, p->in->next_hop,
	    p->in->expanded, plan->dane_names, TLS_NAMES_MAX);
	plan->tlsa = rr_tlsa_dup(d->tlsa, d->n_tlsa);
	plan->n_tlsa = d->n_tlsa;
	plan->mx_insecure = p->in->mx == MX_INSECURE;
	send_host(p, TLS_BY_DANE, rule);
}

/* STS testing: look at the certificate and report, never act (STS-32). */
static void
add_audit(struct policy *p)
{
	domain_copy(p->plan->pkix_name, p->in->host);
	p->plan->audit_pkix = true;
	p->plan->audit_mismatch = !p->sts_match;
}

/* ---- what the inputs mean ---- */

static bool
has_flag(const struct policy *p, uint32_t flag)
{
	return (p->in->msg_flags & flag) != 0;
}

/* No forged MX record can have named this host. */
static bool
is_mx_safe(const struct policy *p)
{
	return p->in->mx == MX_SECURE || p->in->mx == MX_IMPLICIT ||
	    p->in->mx == MX_NEXTHOP;
}

static enum dane_kind
dane_of(const struct tls_policy_in *in)
{
	if (in->mx == MX_LITERAL)
		return DANE_NONE; /* RFC 7672 2.2: no name, no TLSA */
	if (in->mx == MX_INSECURE && !in->dane_insecure_mx &&
	    in->dane->kind != DANE_FAILED)
		return DANE_NONE; /* RFC 7672 2.2.1, by configuration */
	return in->dane->kind;
}

static enum sts_role
sts_of(const struct tls_policy_in *in, enum site_require site)
{
	if (!in->sts || in->mx == MX_LITERAL)
		return STS_ROLE_NONE; /* RFC 8461 3.4 */
	switch (in->sts->source) {
	case STS_STORE_ERROR:
		return STS_ROLE_UNKNOWN;
	case STS_FRESH:
	case STS_CACHED:
		break;
	case STS_NO_POLICY:
	case STS_UNOBTAINABLE:
		return STS_ROLE_NONE;
	}
	switch (in->sts->policy.mode) {
	case STS_MODE_ENFORCE:
		return STS_ROLE_ENFORCE;
	case STS_MODE_TESTING:
		/* A site rule takes the domain by its word. */
		return site == SITE_STS ? STS_ROLE_ENFORCE : STS_ROLE_TESTING;
	case STS_MODE_NONE:
		break;
	}
	return STS_ROLE_NONE;
}

/* ---- what the domain promised ---- */

static void
skip_mismatch(struct policy *p)
{
	skip_host(p, TLS_BY_STS, "STS-34", DSN_TRUST,
	    "MX host is not in the MTA-STS policy");
}

static void
skip_store(struct policy *p)
{
	skip_host(
	    p, TLS_BY_STS, "STS-41", DSN_STORE, "MTA-STS cache can't be read");
}

/* 3: MX set insecure, TLSA of a secure host usable. */
static void
decide_foreign_dane(struct policy *p)
{
	switch (p->sts) {
	case STS_ROLE_UNKNOWN:
		skip_store(p);
		break;
	case STS_ROLE_ENFORCE:
		/* Whoever forged the MX set must not get rid of STS by
		 * pointing to a host with TLSA of his own. */
		if (!p->sts_match) {
			skip_mismatch(p);
			break;
		}
		plan_dane(p, "DANE-17");
		p->plan->level = TLS_DANE_PKIX;
		add_pkix(p);
		break;
	case STS_ROLE_TESTING:
		plan_dane(p, "DANE-17");
		add_audit(p);
		break;
	case STS_ROLE_NONE:
		plan_dane(p, "DANE-17");
		break;
	}
}

/* What holds whether TLSA is unusable or absent: a cache that can't be read,
 * and mode enforce. false: there is neither. */
static bool
decide_enforced(struct policy *p)
{
	if (p->sts == STS_ROLE_UNKNOWN)
		skip_store(p);
	else if (p->sts == STS_ROLE_ENFORCE && !p->sts_match)
		skip_mismatch(p);
	else if (p->sts == STS_ROLE_ENFORCE)
		plan_pkix(p, TLS_BY_STS, "STS-29");
	return p->sts == STS_ROLE_UNKNOWN || p->sts == STS_ROLE_ENFORCE;
}

/* 4: TLSA present, none usable. TLS is mandatory, STS comes on top. */
static void
decide_unusable(struct policy *p)
{
	if (decide_enforced(p))
		return;
	plan_encrypt(p, TLS_BY_DANE, "DANE-12");
	if (p->sts == STS_ROLE_TESTING)
		add_audit(p);
}

/* Why STS has nothing to say, as a rule. */
static const char *
rule_without_sts(const struct policy *p)
{
	const struct sts_verdict *v = p->in->sts;

	if (p->in->mx == MX_LITERAL)
		return "DANE-15";
	if (v && v->source == STS_UNOBTAINABLE)
		return "STS-23";
	if (v && (v->source == STS_FRESH || v->source == STS_CACHED))
		return "STS-33";
	return "DANE-13";
}

/* 6 and 7: no TLSA. */
static void
decide_sts(struct policy *p)
{
	if (decide_enforced(p))
		return;
	if (p->sts == STS_ROLE_TESTING) {
		plan_opportunistic(p, TLS_BY_STS, "STS-32");
		add_audit(p);
	} else {
		plan_opportunistic(p, TLS_BY_NONE, rule_without_sts(p));
	}
}

static void
decide_domain(struct policy *p)
{
	switch (p->dane) {
	case DANE_FAILED:
		/* RFC 7672 2.1.2, 2.2: this server is unreachable, it is
		 * no opportunistic one: DANE-14 */
		skip_host(
		    p, TLS_BY_DANE, "DANE-07", DSN_TRUST, "TLSA lookup failed");
		break;
	case DANE_USABLE:
		/* RFC 8461 2: STS never overrides DANE: STS-01, DANE-40 */
		if (is_mx_safe(p))
			plan_dane(p, "DANE-11");
		else
			decide_foreign_dane(p);
		break;
	case DANE_UNUSABLE:
		decide_unusable(p);
		break;
	case DANE_NONE:
		decide_sts(p);
		break;
	}
}

/* ---- what the site rule asks for on top ---- */

/* The domain's own proof covers this host and the way to it. */
static bool
is_proven(const struct policy *p)
{
	switch (p->plan->level) {
	case TLS_DANE:
		return !p->plan->mx_insecure; /* DANE-19 */
	case TLS_PKIX:
	case TLS_DANE_PKIX:
		return true;
	case TLS_OPPORTUNISTIC:
	case TLS_ENCRYPT:
		break;
	}
	return false;
}

static void
require_sts(struct policy *p)
{
	if (p->sts == STS_ROLE_UNKNOWN) {
		skip_store(p);
	} else if (p->sts != STS_ROLE_ENFORCE) {
		skip_host(p, TLS_BY_SITE, "STS-29", DSN_TRUST,
		    "site rule requires MTA-STS, no policy is in force");
	} else if (!p->sts_match) {
		skip_mismatch(p);
	} else if (p->plan->level == TLS_DANE) {
		/* DANE stays: a site rule only ever adds. */
		p->plan->level = TLS_DANE_PKIX;
		add_pkix(p);
	}
}

static void
require_site(struct policy *p)
{
	switch (p->site) {
	case SITE_ENCRYPTED:
		if (p->plan->level == TLS_OPPORTUNISTIC) {
			bool audit = p->plan->audit_pkix;

			plan_encrypt(p, TLS_BY_SITE, "SITE-ENCRYPTED");
			if (audit)
				add_audit(p);
		}
		break;
	case SITE_VERIFIED:
		if (!is_proven(p))
			skip_host(p, TLS_BY_SITE, "SITE-VERIFIED", DSN_TRUST,
			    "site rule requires DANE or MTA-STS, "
			    "neither proves this host");
		break;
	case SITE_STS:
		require_sts(p);
		break;
	case SITE_DANE:
		/* RFC 7672 6: mandatory DANE */
		if (p->dane != DANE_USABLE || !is_mx_safe(p))
			skip_host(p, TLS_BY_SITE, "DANE-49", DSN_TRUST,
			    "site rule requires DANE, no usable TLSA "
			    "by a secure MX set");
		break;
	case SITE_DEFAULT:
	case SITE_OPPORTUNISTIC:
	case SITE_AUDIT:
		break;
	}
}

/* RFC 8689 4.2.1 */
static void
require_tls(struct policy *p)
{
	if (!is_proven(p)) {
		if (!is_mx_safe(p)) {
			skip_host(p, TLS_BY_NONE, "RTLS-03", DSN_ENCRYPTION,
			    "REQUIRETLS: no proof that this MX host "
			    "is the domain's");
			return;
		}
		/* The MX set is safe: the name in it must be proven. */
		plan_pkix(p, TLS_BY_NONE, "RTLS-04");
	}
	p->plan->requiretls = true;
}

/* ---- what may be waived ---- */

/* The site rule holds mail for a domain that lacks what it had. */
static bool
is_discontinued(const struct policy *p)
{
	return p->in->downgraded &&
	    site_policy_holds_continuity(p->in->site, p->in->now);
}

/* RFC 8689 4.2.2, RFC 8460 5.3: the sender asks that TLS policy does not stop
 * this message; graded: a stricter site rule stands. */
static bool
is_waived_by_message(const struct policy *p)
{
	return has_flag(p, MSG_TLS_OPTIONAL | MSG_REPORT) &&
	    !has_flag(p, MSG_REQUIRETLS) && !site_policy_is_strict(p->site) &&
	    !is_discontinued(p);
}

/* DANE-58: without a validating resolver the absence of TLSA proves nothing. */
static bool
is_blind(const struct policy *p)
{
	const struct tls_policy_in *in = p->in;

	if (in->untrusted_had_dane &&
	    !site_policy_logs_continuity(in->site, in->now))
		return true;
	return in->untrusted &&
	    (p->site == SITE_DANE || p->site == SITE_VERIFIED);
}

/* What holds for everybody, whatever the site rule asks for on top. */
static void
decide_plain(struct policy *p)
{
	if (is_blind(p))
		skip_host(p, TLS_BY_DANE, "DANE-58", DSN_TRUST,
		    "resolver does not validate, DANE can't be checked");
	else
		decide_domain(p);
}

/* Decides as for everybody, then delivers anyway: RFC 7672 9.1. */
static void
decide_audit(struct policy *p)
{
	struct tls_plan would;
	const char *rule;
	bool send;

	decide_plain(p);
	send = p->out->kind == TLS_SEND;
	rule = p->out->rule;
	would = *p->plan;
	tls_plan_init(p->plan);
	plan_opportunistic(p, TLS_BY_SITE, "DANE-53");
	p->plan->audit_rule = rule;
	if (!send) {
		tls_plan_clear(&would);
		return;
	}
	/* The name that the host is asked by decides what it shows. */
	memcpy(p->plan->sni, would.sni, sizeof(would.sni));
	if (would.audit_pkix)
		add_audit(p);
	would.audit_pkix = false;
	tls_plan_set_audit(p->plan, &would);
}

void
tls_policy_decide(const struct tls_policy_in *in, struct tls_plan *plan,
    struct tls_verdict *out)
{
	struct policy p = {.in = in, .plan = plan, .out = out};

	tls_plan_init(plan);
	memset(out, 0, sizeof(*out));
	p.site = site_policy_require(in->site, in->now);
	p.dane = dane_of(in);
	p.sts = sts_of(in, p.site);
	if (p.sts == STS_ROLE_TESTING || p.sts == STS_ROLE_ENFORCE)
		p.sts_match = sts_policy_match(&in->sts->policy, in->host);

	if (is_waived_by_message(&p)) {
		plan_opportunistic(&p, TLS_BY_NONE,
		    has_flag(&p, MSG_REPORT) ? "RPT-05" : "RTLS-09");
		return;
	}
	if (!has_flag(&p, MSG_REQUIRETLS) && p.site == SITE_OPPORTUNISTIC) {
		plan_opportunistic(&p, TLS_BY_SITE, "SITE-OPPORTUNISTIC");
		return;
	}
	if (!has_flag(&p, MSG_REQUIRETLS) && p.site == SITE_AUDIT) {
		decide_audit(&p);
		return;
	}
	decide_plain(&p);
	if (out->kind == TLS_SEND && is_discontinued(&p))
		skip_host(&p, TLS_BY_SITE, "CONTINUITY", DSN_TRUST,
		    "the domain had DANE or MTA-STS and has neither now; to "
		    "let its mail go: waxseal policy forget DOMAIN --yes");
	if (out->kind == TLS_SEND)
		require_site(&p);
	if (out->kind == TLS_SEND && has_flag(&p, MSG_REQUIRETLS))
		require_tls(&p);
}
