/*
 * The TLS plan as a value, and the key by which two plans may share a session.
 *
 * Each field of the key has its length in front, so no two different plans
 * give the same bytes.
 */
#include "config.h"

#include "relay/model/tls_plan.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/str.h"

#define USAGE_DANE_TA 2

#define TLS_CASE_(id, text) \
	case id: \
		s = text; \
		break;

const char *
tls_level_str(enum tls_level v)
{
	const char *s = "?";

	switch (v) {
		TLS_LEVEL_LIST(TLS_CASE_)
	}
	return s;
}

const char *
tls_fail_str(enum tls_fail v)
{
	const char *s = "?";

	switch (v) {
		TLS_FAIL_LIST(TLS_CASE_)
	}
	return s;
}

const char *
tls_policy_by_str(enum tls_policy_by v)
{
	const char *s = "?";

	switch (v) {
		TLS_POLICY_LIST(TLS_CASE_)
	}
	return s;
}

void
tls_plan_init(struct tls_plan *p)
{
	memset(p, 0, sizeof(*p));
	p->level = TLS_OPPORTUNISTIC;
	p->on_no_starttls = TLS_FAIL_NEXT;
	p->on_tls_failure = TLS_FAIL_NEXT;
	p->by = TLS_BY_NONE;
	p->rule = "";
	p->min = TLS_V1_0;
}

void
tls_plan_copy(struct tls_plan *to, const struct tls_plan *from)
{
	if (to == from)
		return;
	tls_plan_clear(to);
	*to = *from;
	to->tlsa = rr_tlsa_dup(from->tlsa, from->n_tlsa);
	if (!from->audit)
		return;
	to->audit = xcalloc(1, sizeof(*to->audit));
	tls_plan_copy(to->audit, from->audit);
}

void
tls_plan_clear(struct tls_plan *p)
{
	rr_tlsa_free(p->tlsa, p->n_tlsa);
	if (p->audit)
		tls_plan_clear(p->audit);
	free(p->audit);
	tls_plan_init(p);
}

void
tls_plan_set_audit(struct tls_plan *p, struct tls_plan *take_would)
{
	if (p->audit || take_would->audit)
		BUG("an audit of an audit");
	p->audit = xcalloc(1, sizeof(*p->audit));
	*p->audit = *take_would;
	tls_plan_init(take_would);
}

static void
key_num(struct buf *out, uint32_t v)
{
	const unsigned char b[4] = {(unsigned char)(v >> 24),
	    (unsigned char)(v >> 16), (unsigned char)(v >> 8),
	    (unsigned char)v};

	buf_add(out, b, sizeof(b));
}

static void
key_bytes(struct buf *out, const void *p, size_t n)
{
	key_num(out, (uint32_t)n);
	buf_add(out, p, n);
}

/* Names do not depend on case. */
static void
key_name(struct buf *out, struct str name)
{
	key_num(out, (uint32_t)name.n);
	for (size_t i = 0; i < name.n; i++)
		buf_add_char(out, str_lower(name.p[i]));
}

static int
tlsa_cmp(const void *va, const void *vb)
{
	const struct rr_tlsa *a = *(const struct rr_tlsa *const *)va;
	const struct rr_tlsa *b = *(const struct rr_tlsa *const *)vb;

	if (a->usage != b->usage)
		return a->usage < b->usage ? -1 : 1;
	if (a->selector != b->selector)
		return a->selector < b->selector ? -1 : 1;
	if (a->mtype != b->mtype)
		return a->mtype < b->mtype ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->len ? memcmp(a->data, b->data, a->len) : 0;
}

/* The records as a set: order and repeats do not count. */
static void
key_tlsa(struct buf *out, const struct rr_tlsa *v, size_t n)
{
	const struct rr_tlsa **sorted = xcalloc(n ? n : 1, sizeof(*sorted));
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &v[i];
	if (n > 0)
		qsort(sorted, n, sizeof(sorted[0]), tlsa_cmp);
	for (size_t i = 0; i < n; i++) {
		const struct rr_tlsa *t = sorted[i];

		if (i > 0 && tlsa_cmp(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		count++;
		key_num(out,
		    (uint32_t)t->usage << 16 | (uint32_t)t->selector << 8 |
			t->mtype);
		key_bytes(out, t->data, t->len);
	}
	key_num(out, count);
	free(sorted);
}

static int
name_cmp(const void *va, const void *vb)
{
	const char *a = *(const char *const *)va;
	const char *b = *(const char *const *)vb;

	return str_cmp_ci(str_of(a), str_of(b));
}

/* Reference names as a set. */
static void
key_names(struct buf *out, const struct tls_plan *p)
{
	const char *sorted[TLS_NAMES_MAX];
	size_t n = p->n_dane_names;

	if (n > TLS_NAMES_MAX)
		BUG("plan with %zu names", n);
	for (size_t i = 0; i < n; i++)
		sorted[i] = p->dane_names[i];
	if (n > 0)
		qsort(sorted, n, sizeof(sorted[0]), name_cmp);
	key_num(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		key_name(out, str_of(sorted[i]));
}

/* What the plan asks of a session, wherever it leads. */
static void
key_demands(struct buf *out, const struct tls_plan *p)
{
	bool dane = p->level == TLS_DANE || p->level == TLS_DANE_PKIX;
	bool pkix = p->level == TLS_PKIX || p->level == TLS_DANE_PKIX;
	bool has_ta = false;

	for (size_t i = 0; dane && i < p->n_tlsa; i++)
		if (p->tlsa[i].usage == USAGE_DANE_TA)
			has_ta = true;
	key_name(out, str_of(p->sni));
	key_num(out, (uint32_t)p->level);
	key_num(out, (uint32_t)p->min);
	key_num(out, (uint32_t)p->requiretls << 1 | (uint32_t)p->audit_pkix);
	key_tlsa(out, p->tlsa, dane ? p->n_tlsa : 0);
	/* A DANE-EE proof looks at no name: RFC 7672 3.1.1. */
	if (has_ta)
		key_names(out, p);
	if (pkix || p->audit_pkix)
		key_name(out, str_of(p->pkix_name));
}

void
tls_plan_key(const struct tls_plan *p, struct str host, struct str addr,
    uint16_t port, struct buf *out)
{
	key_name(out, host);
	key_name(out, addr);
	key_num(out, port);
	key_demands(out, p);
	/* A session that was checked by another plan says nothing of this. */
	key_num(out, p->audit != NULL);
	if (p->audit)
		key_demands(out, p->audit);
}
