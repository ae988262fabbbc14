/*
 * Replies to answers. The order of the tests is that of RESOLVER.md 1.3: a
 * status field that a library derived is never looked at, only rcode, TC, AD
 * and the records. Whatever is odd fails the lookup: a failing lookup holds
 * mail, a wrong "no such record" would open a way around DANE
 * (RFC 7672 2.1.2).
 */
#include "config.h"

#include "relay/dns/rdata.h"

#include <string.h>

#define RCODE_OK 0
#define RCODE_SERVFAIL 2
#define RCODE_NXDOMAIN 3

static bool
is_plain(uint8_t c)
{
	return str_is_alnum((char)c) || c == '-' || c == '_';
}

/* One label appended at *at. */
static int
label_text(const uint8_t *p, size_t n, char *out, size_t *at)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (is_plain(p[i])) {
			if (*at + 1 >= DOMAIN_MAX)
				return ERR_TOOBIG;
			out[(*at)++] = str_lower((char)p[i]);
			continue;
		}
		if (*at + 4 >= DOMAIN_MAX)
			return ERR_TOOBIG;
		out[(*at)++] = '\\';
		out[(*at)++] = (char)('0' + p[i] / 100);
		out[(*at)++] = (char)('0' + p[i] / 10 % 10);
		out[(*at)++] = (char)('0' + p[i] % 10);
	}
	return 0;
}

int
rdata_name(const uint8_t *p, size_t n, char out[DOMAIN_MAX])
{
	char text[DOMAIN_MAX] = {0};
	size_t i = 0, at = 0;
	int err;

	/* RFC 1035 2.3.4: 255 octets with the root's label. */
	if (n > 255)
		return ERR_SYNTAX;
	for (;;) {
		size_t len;

		if (i >= n)
			return ERR_SYNTAX;
		len = p[i++];
		if (len == 0)
			break;
		if (len > 63 || len > n - i)
			return ERR_SYNTAX;
		if (at > 0) {
			if (at + 1 >= DOMAIN_MAX)
				return ERR_TOOBIG;
			text[at++] = '.';
		}
		err = label_text(p + i, len, text, &at);
		if (err)
			return err;
		i += len;
	}
	if (i != n)
		return ERR_SYNTAX;
	memcpy(out, text, sizeof(text));
	return 0;
}

bool
rdata_name_ok(const char *name)
{
	size_t i, label = 0;

	if (name[0] == '.' && name[1] == '\0')
		return true;
	for (i = 0; name[i] != '\0'; i++) {
		if (i >= DOMAIN_MAX - 1)
			return false;
		if (name[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_plain((uint8_t)name[i]) || ++label > 63) {
			return false;
		}
	}
	return label > 0;
}

/* "." is written "" in the text of a wire name. */
static bool
same_name(const char *wire_text, const char *name)
{
	if (name[0] == '.' && name[1] == '\0')
		name++;
	return str_eq_ci(str_of(wire_text), str_of(name));
}

bool
rdata_reply_matches(
    const struct rdata_reply *r, const char *name, enum rr_type type)
{
	return r->qtype == (unsigned)type && same_name(r->qname, name);
}

struct rr_set *
rdata_fail(const char *name, enum rr_type type, enum rr_why why)
{
	struct rr_set *s = rr_set_empty(type, RR_FAIL, why);
	size_t n = strlen(name);

	if (n < sizeof(s->final_name))
		memcpy(s->final_name, name, n + 1);
	return s;
}

static enum rr_why
why_of_rcode(unsigned rcode)
{
	/* NOTIMP, REFUSED, FORMERR and what may come: it won't answer. */
	return rcode == RCODE_SERVFAIL ? RR_WHY_SERVFAIL : RR_WHY_REFUSED;
}

/* Does the owner have records of the type? */
static size_t
count_at(const struct rdata_reply *r, const char *owner, unsigned type)
{
	size_t i, n = 0;

	for (i = 0; i < r->n; i++)
		if (r->rrs[i].type == type && same_name(r->rrs[i].owner, owner))
			n++;
	return n;
}

/*
 * Follows CNAMEs from name, whatever is asked for (STS-05); *end is the last
 * owner (borrowed from r or name). ERR_RANGE: too long or a loop. ERR_SYNTAX:
 * two targets (RFC 2181 10.1).
 */
static int
walk_chain(const struct rdata_reply *r, const char *name, enum rr_type type,
    const char **end)
{
	const char *cur = name;
	unsigned links = 0;
	size_t i;

	while (type != RR_CNAME && count_at(r, cur, (unsigned)type) == 0) {
		const char *target = NULL;

		for (i = 0; i < r->n; i++) {
			const struct rdata_rr *rr = &r->rrs[i];

			if (rr->type != RR_CNAME || !same_name(rr->owner, cur))
				continue;
			if (target && !same_name(rr->target, target))
				return ERR_SYNTAX;
			target = rr->target;
		}
		if (!target)
			break;
		if (++links > RDATA_CNAME_MAX)
			return ERR_RANGE;
		cur = target;
	}
	*end = cur;
	return 0;
}

/* Record i of s. ERR_SYNTAX when its parts have wrong lengths. */
static int
fill(struct rr_set *s, size_t i, const struct rdata_rr *rr)
{
	size_t want;

	switch (s->type) {
	case RR_A:
	case RR_AAAA:
		want = s->type == RR_A ? 4 : 16;
		if (rr->data.n != want)
			return ERR_SYNTAX;
		s->u.addr[i].family = s->type == RR_A ? 4 : 6;
		memcpy(s->u.addr[i].ip, rr->data.p, want);
		break;
	case RR_CNAME:
		memcpy(s->u.cname[i], rr->target, DOMAIN_MAX);
		break;
	case RR_MX:
		s->u.mx[i].pref = rr->pref;
		memcpy(s->u.mx[i].host, rr->target, DOMAIN_MAX);
		break;
	case RR_TXT:
		if (rr->data.n > RDATA_TXT_MAX)
			return ERR_SYNTAX;
		rr_set_txt(s, i, rr->data);
		break;
	case RR_TLSA:
		/* Not skipped: the others might then say "nothing usable". */
		if (rr->data.n > RR_TLSA_MAX)
			return ERR_SYNTAX;
		rr_set_tlsa(s, i, rr->usage, rr->selector, rr->mtype, rr->data);
		break;
	case RR_NS:
	case RR_SOA:
		break;
	}
	return 0;
}

static uint32_t
least_ttl(const struct rdata_reply *r, bool positive)
{
	uint32_t ttl = UINT32_MAX;
	size_t i;

	if (!positive) {
		ttl = RDATA_NO_SOA_TTL;
		/* RFC 2308 5 */
		if (r->has_soa)
			ttl = r->soa_ttl < r->soa_minimum ? r->soa_ttl
							  : r->soa_minimum;
	}
	for (i = 0; i < r->n; i++)
		if (r->rrs[i].ttl < ttl)
			ttl = r->rrs[i].ttl;
	return ttl;
}

/* The set for an answer whose chain ends at owner. NULL: malformed. */
static struct rr_set *
collect(const struct rdata_reply *r, const char *owner, enum rr_type type)
{
	size_t i, at = 0, n = count_at(r, owner, (unsigned)type);
	struct rr_set *s = rr_set_new(type, n);

	/* DANE-04: an answer, however insecure, and no failure */
	if (n == 0)
		s->status = r->rcode == RCODE_NXDOMAIN ? RR_NXDOMAIN
						       : RR_NODATA;
	for (i = 0; i < r->n; i++) {
		const struct rdata_rr *rr = &r->rrs[i];

		if (rr->type != (unsigned)type || !same_name(rr->owner, owner))
			continue;
		if (fill(s, at++, rr) != 0) {
			rr_set_unref(s);
			return NULL;
		}
	}
	s->ttl = least_ttl(r, n > 0);
	return s;
}

struct rr_set *
rdata_build(const struct rdata_reply *r, const char *name, enum rr_type type)
{
	const char *end = name;
	struct rr_set *s;
	int err;

	/* DANE-01: a bogus answer comes as SERVFAIL */
	if (r->rcode != RCODE_OK && r->rcode != RCODE_NXDOMAIN)
		return rdata_fail(name, type, why_of_rcode(r->rcode));
	/* Still truncated: TCP failed. */
	if (r->tc || r->malformed || r->n > RDATA_RRS_MAX)
		return rdata_fail(name, type, RR_WHY_MALFORMED);
	err = walk_chain(r, name, type, &end);
	if (err)
		return rdata_fail(name, type,
		    err == ERR_RANGE ? RR_WHY_CNAME_LOOP : RR_WHY_MALFORMED);
	s = collect(r, end, type);
	if (!s)
		return rdata_fail(name, type, RR_WHY_MALFORMED);
	/* RFC 6840 5.8: AD covers answer and authority section, so the whole
	 * chain and a denial too; one insecure link clears it (DANE-08). An insecure
	 * answer is still an answer (DANE-02). */
	s->secure = r->ad;
	s->has_cname = end != name || (type == RR_CNAME && s->n > 0);
	memcpy(s->final_name, end, strlen(end) + 1);
	return s;
}
