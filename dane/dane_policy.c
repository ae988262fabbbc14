/*
 * DANE for one host: the order of questions and the meaning of answers. All
 * of it is decided from struct dane_facts, so the same answers always give
 * the same verdict, whoever asked and in whatever order they came.
 *
 * An insecure answer is no error and brings no TLSA (RFC 7672 2.1.1); a
 * failed one makes the host unreachable (2.1.2), it is never "no TLSA".
 */
#include "config.h"

#include "dane/dane_policy.h"

#include <string.h>

#include "dane/tlsa.h"
#include "relay/base/err.h"

static bool
has_records(const struct rr_set *s)
{
	return s && s->status == RR_OK && s->n > 0;
}

static bool
has_failed(const struct rr_set *s)
{
	return s && s->status == RR_FAIL;
}

enum dane_addr
dane_addr_state(const struct dane_facts *f)
{
	/* One family that failed does not spoil the other: DANE-56. */
	if (has_records(f->a) || has_records(f->aaaa))
		return DANE_ADDR_OK;
	if (!f->a || !f->aaaa || has_failed(f->a) || has_failed(f->aaaa))
		return DANE_ADDR_FAIL;
	return DANE_ADDR_NONE;
}

/* The address answer that was validated, or NULL: RFC 7672 2.2.2. */
static const struct rr_set *
secure_addr(const struct dane_facts *f)
{
	if (has_records(f->aaaa) && f->aaaa->secure)
		return f->aaaa;
	if (has_records(f->a) && f->a->secure)
		return f->a;
	return NULL;
}

static bool
any_cname(const struct dane_facts *f)
{
	return (has_records(f->a) && f->a->has_cname) ||
	    (has_records(f->aaaa) && f->aaaa->has_cname);
}

/* DANE-24: the first CNAME is secure though its target is not. */
static bool
is_secure_alias(const struct rr_set *cname)
{
	return has_records(cname) && cname->secure;
}

/* Secure records exist here; usable or not, they end the search: DANE-31.
 * Insecure ones are as good as none: DANE-32. */
static bool
is_found(const struct rr_set *tlsa)
{
	return has_records(tlsa) && tlsa->secure;
}

/*
 * Which TLSA names are to be asked. final: the expanded name, "" when it is
 * not a candidate.
 */
struct candidates {
	bool any;
	const char *final;
};

static struct candidates
candidates_of(const struct dane_facts *f)
{
	const struct rr_set *addr = secure_addr(f);
	struct candidates c = {false, ""};

	if (addr) {
		c.any = true;
		/* RFC 7672 2.2.3: the expanded name first (DANE-25), never one
		 * between (DANE-26) */
		if (!domain_eq(str_of(addr->final_name), str_of(f->host)))
			c.final = addr->final_name;
	} else if (is_secure_alias(f->cname)) {
		c.any = true;
	}
	return c;
}

static void
set_step(struct dane_step *out, enum dane_step_kind kind, unsigned port,
    const char *base)
{
	out->kind = kind;
	/* A name that is too long to be asked for can't exist either. */
	if (tlsa_name(port, base, out->name) < 0)
		out->kind = DANE_DONE;
}

void
dane_next(const struct dane_facts *f, bool on, struct dane_step *out)
{
	struct candidates c;

	memset(out, 0, sizeof(*out));
	out->kind = DANE_DONE;
	/* RFC 7672 2.2.2: addresses before TLSA, so that servers which break
	 * on TLSA hurt nobody but signed zones: DANE-21. */
	if (!f->a || !f->aaaa) {
		out->kind = DANE_ASK_ADDR;
		return;
	}
	if (!on || dane_addr_state(f) != DANE_ADDR_OK)
		return;
	if (!secure_addr(f) && any_cname(f) && !f->cname) {
		out->kind = DANE_ASK_CNAME; /* RFC 7672 2.1.3 */
		return;
	}
	c = candidates_of(f);
	if (!c.any)
		return;
	if (c.final[0] && !f->tlsa_final) {
		set_step(out, DANE_ASK_TLSA_FINAL, f->port, c.final);
		if (out->kind != DANE_DONE)
			return;
	}
	/* RFC 7672 2.2.3: absent or insecure: the original name, DANE-30. A
	 * failure ends the search, DANE-07. */
	if (is_found(f->tlsa_final) || has_failed(f->tlsa_final))
		return;
	if (!f->tlsa_host)
		set_step(out, DANE_ASK_TLSA_HOST, f->port, f->host);
}

static void
judge_failed(struct dane_verdict *out, const struct rr_set *s, const char *rule)
{
	out->kind = DANE_FAILED;
	out->why = s ? s->why : RR_WHY_TIMEOUT;
	out->rule = rule;
}

static void
judge_records(
    struct dane_verdict *out, const struct rr_set *tlsa, const char *base)
{
	/* Not where a CNAME of the TLSA name led: DANE-29 */
	domain_copy(out->base, base);
	tlsa_select(tlsa->u.tlsa, tlsa->n, &out->tlsa, &out->n_tlsa);
	/* RFC 7672 2.2: one usable record is enough; none usable still
	 * forbids clear text. */
	out->kind = out->n_tlsa ? DANE_USABLE : DANE_UNUSABLE;
	out->rule = out->n_tlsa ? "DANE-11" : "DANE-12";
}

void
dane_judge(const struct dane_facts *f, bool on, struct dane_verdict *out)
{
	struct candidates c = candidates_of(f);

	dane_verdict_init(out);
	switch (dane_addr_state(f)) {
	case DANE_ADDR_FAIL:
		judge_failed(out, has_failed(f->a) ? f->a : f->aaaa, "DANE-06");
		return;
	case DANE_ADDR_NONE:
		out->rule = "DANE-23";
		return;
	case DANE_ADDR_OK:
		break;
	}
	if (!on)
		return;
	if (!secure_addr(f) && has_failed(f->cname))
		judge_failed(out, f->cname, "DANE-09");
	else if (!c.any)
		out->rule = "DANE-22";
	else if (has_failed(f->tlsa_final))
		judge_failed(out, f->tlsa_final, "DANE-07");
	else if (is_found(f->tlsa_final))
		judge_records(out, f->tlsa_final, c.final);
	else if (has_failed(f->tlsa_host))
		judge_failed(out, f->tlsa_host, "DANE-07");
	else if (is_found(f->tlsa_host))
		judge_records(out, f->tlsa_host, f->host);
}

static size_t
add_name(char names[][DOMAIN_MAX], size_t n, size_t max, const char *name)
{
	if (n >= max || !name || !name[0])
		return n;
	for (size_t i = 0; i < n; i++) {
		if (domain_eq(str_of(names[i]), str_of(name)))
			return n;
	}
	domain_copy(names[n], name);
	return n + 1;
}

size_t
dane_names(enum mx_security mx, const char *base, const char *next_hop,
    const char *expanded, char names[][DOMAIN_MAX], size_t max)
{
	size_t n = add_name(names, 0, max, base); /* DANE-41 */

	switch (mx) {
	case MX_SECURE: /* DANE-42 */
		n = add_name(names, n, max, next_hop);
		n = add_name(names, n, max, expanded);
		break;
	case MX_IMPLICIT: /* DANE-44 */
	case MX_NEXTHOP:
		n = add_name(names, n, max, next_hop);
		break;
	case MX_INSECURE: /* DANE-43: who forges the MX set names the host */
	case MX_LITERAL:
		break;
	}
	return n;
}
