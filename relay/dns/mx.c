/*
 * An MX answer to an ordered list of hosts. With MX records present the
 * domain's own address is never used (RFC 5321 5.1), so a set that our own
 * name empties is an error and not an implicit MX.
 */
#include "config.h"

#include "relay/dns/mx.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"

static bool
is_host(const char *name, const char *host)
{
	return domain_eq(str_of(name), str_of(host));
}

/* Adds a host, or betters the preference of one that is there. */
static void
add_host(struct mx_set *s, const struct rr_mx *mx)
{
	struct mx_host *h;
	size_t i;

	for (i = 0; i < s->n; i++) {
		h = &s->hosts[i];
		if (!is_host(h->name, mx->host))
			continue;
		if (mx->pref < h->pref)
			h->pref = mx->pref;
		return;
	}
	h = &s->hosts[s->n++];
	h->pref = mx->pref;
	memcpy(h->name, mx->host, sizeof(h->name));
}

static int
by_pref(const void *a, const void *b)
{
	const struct mx_host *x = a, *y = b;

	return (x->pref > y->pref) - (x->pref < y->pref);
}

/* SMTP-16: hosts of equal preference in random order. */
static void
shuffle_equals(struct mx_set *s, struct rng *rng)
{
	size_t from = 0, to, i;

	while (from < s->n) {
		for (to = from + 1; to < s->n; to++)
			if (s->hosts[to].pref != s->hosts[from].pref)
				break;
		for (i = to - from; i > 1; i--) {
			size_t j = from + rng_below(rng, (uint32_t)i);
			struct mx_host tmp = s->hosts[j];

			s->hosts[j] = s->hosts[from + i - 1];
			s->hosts[from + i - 1] = tmp;
		}
		from = to;
	}
}

/* SMTP-17: our preference and worse ones go. */
static void
drop_self(struct mx_set *s, const char *own)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (is_host(s->hosts[i].name, own))
			break;
	if (i == s->n)
		return;
	s->self_dropped = true;
	while (i > 0 && s->hosts[i - 1].pref == s->hosts[i].pref)
		i--;
	s->n = i;
	if (s->n == 0)
		s->result = MX_SELF;
}

static void
build_hosts(const struct rr_set *answer, const char *own, struct rng *rng,
    struct mx_set *s)
{
	size_t i;

	s->hosts = xcalloc(answer->n + 1, sizeof(*s->hosts));
	/* NMX-03: "." beside others is ignored. */
	for (i = 0; i < answer->n; i++)
		if (answer->u.mx[i].host[0] != '\0')
			add_host(s, &answer->u.mx[i]);
	if (s->n == 0) {
		s->result = MX_NULL; /* RFC 7505 3, NMX-01 */
		return;
	}
	s->result = MX_HOSTS;
	/* DANE-16: by preference alone, whoever has TLSA */
	qsort(s->hosts, s->n, sizeof(*s->hosts), by_pref);
	drop_self(s, own);
	shuffle_equals(s, rng);
	if (s->n > MX_HOSTS_MAX)
		s->n = MX_HOSTS_MAX;
}

/* RFC 5321 5.1: no MX, so the domain is a host of preference 0: DANE-27. */
static void
build_implicit(const char *domain, const char *own, struct mx_set *s)
{
	size_t n = strlen(domain);

	if (n >= DOMAIN_MAX)
		BUG("domain of %zu bytes", n);
	s->security = MX_IMPLICIT;
	if (is_host(domain, own)) {
		s->result = MX_SELF;
		s->self_dropped = true;
		return;
	}
	s->result = MX_HOSTS;
	s->hosts = xcalloc(1, sizeof(*s->hosts));
	s->n = 1;
	memcpy(s->hosts[0].name, domain, n + 1);
}

void
mx_set_build(const struct rr_set *answer, const char *domain, const char *own,
    struct rng *rng, struct mx_set *out)
{
	struct mx_set s = {0};

	if (answer->type != RR_MX)
		BUG("MX set from an answer of type %d", (int)answer->type);
	s.security = answer->secure ? MX_SECURE : MX_INSECURE;
	s.why = answer->why;
	memcpy(s.expanded, answer->final_name, sizeof(s.expanded));
	switch (answer->status) {
	case RR_OK:
		build_hosts(answer, own, rng, &s);
		break;
	case RR_NODATA:
		build_implicit(domain, own, &s);
		break;
	case RR_NXDOMAIN:
		s.result = MX_NO_DOMAIN;
		break;
	case RR_FAIL:
		s.result = MX_FAIL;
		break;
	}
	*out = s;
}

void
mx_set_clear(struct mx_set *s)
{
	free(s->hosts);
	memset(s, 0, sizeof(*s));
}
