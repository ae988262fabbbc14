/*
 * MX answers to lists of hosts: best first, each once, ours and what is not
 * better left out; in whatever order the records came.
 */
#include "config.h"

#include "relay/dns/mx.h"

#include "tests/fuzz/fuzz.h"

#define RECORDS 160

static struct rr_set *
take_answer(struct fuzz_in *in)
{
	uint8_t flags = fuzz_take_byte(in);
	size_t n = in->n / 3 < RECORDS ? in->n / 3 : RECORDS;
	struct rr_set *s;

	if ((flags & 3) == 3)
		return rr_set_empty(RR_MX,
		    flags & 4       ? RR_NODATA
			: flags & 8 ? RR_NXDOMAIN
				    : RR_FAIL,
		    flags & 12 ? RR_WHY_NONE : RR_WHY_TIMEOUT);
	s = rr_set_new(RR_MX, n);
	s->secure = flags & 16;
	for (size_t i = 0; i < n; i++) {
		uint8_t name = fuzz_take_byte(in);

		s->u.mx[i].pref = (uint16_t)fuzz_take_number(in, 2);
		/* 0 is the root, 1 ourselves; the top bit is another case. */
		if (name > 0)
			(void)snprintf(s->u.mx[i].host, DOMAIN_MAX,
			    "%s%u.example", name & 0x80 ? "MX" : "mx",
			    name & 0x7fu);
	}
	return s;
}

static bool
in_answer(const struct rr_set *a, const struct mx_host *h)
{
	bool found = false;

	for (size_t i = 0; i < a->n; i++) {
		if (!domain_eq(str_of(a->u.mx[i].host), str_of(h->name)))
			continue;
		FUZZ_CHECK(h->pref <= a->u.mx[i].pref);
		found |= h->pref == a->u.mx[i].pref;
	}
	return found;
}

static void
check_hosts(const struct rr_set *a, const struct mx_set *s, const char *own)
{
	FUZZ_CHECK(s->n >= 1 && s->n <= MX_HOSTS_MAX);
	for (size_t i = 0; i < s->n; i++) {
		const struct mx_host *h = &s->hosts[i];

		FUZZ_CHECK(h->name[0] != '\0');
		FUZZ_CHECK(i == 0 || s->hosts[i - 1].pref <= h->pref);
		FUZZ_CHECK(!domain_eq(str_of(h->name), str_of(own)));
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(!domain_eq(
			    str_of(h->name), str_of(s->hosts[k].name)));
		if (a->status == RR_OK)
			FUZZ_CHECK(in_answer(a, h));
	}
	/* RFC 5321 5.1: ours and those that are not better are gone. */
	for (size_t i = 0; i < a->n && a->status == RR_OK; i++) {
		if (domain_eq(str_of(a->u.mx[i].host), str_of(own)))
			FUZZ_CHECK(s->self_dropped &&
			    s->hosts[s->n - 1].pref < a->u.mx[i].pref);
	}
}

static void
check_backwards(const struct rr_set *a, const struct mx_set *s, struct rng *rng)
{
	struct rr_set *back = rr_set_dup(a);
	struct mx_set o;

	for (size_t i = 0; i < a->n; i++)
		back->u.mx[i] = a->u.mx[a->n - 1 - i];
	mx_set_build(back, "example.com", "mx1.example", rng, &o);
	FUZZ_CHECK(o.result == s->result && o.n == s->n);
	FUZZ_CHECK(o.self_dropped == s->self_dropped);
	for (size_t i = 0; i < s->n; i++)
		FUZZ_CHECK(o.hosts[i].pref == s->hosts[i].pref);
	mx_set_clear(&o);
	rr_set_unref(back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct rr_set *a = take_answer(&in);
	struct mx_set s;
	struct rng rng;

	rng_init_seed(&rng, size);
	mx_set_build(a, "example.com", "mx1.example", &rng, &s);
	FUZZ_CHECK((s.result == MX_FAIL) == (a->status == RR_FAIL));
	FUZZ_CHECK((s.result == MX_NO_DOMAIN) == (a->status == RR_NXDOMAIN));
	FUZZ_CHECK(s.result != MX_NULL || a->status == RR_OK);
	FUZZ_CHECK(a->status != RR_NODATA || s.security == MX_IMPLICIT);
	FUZZ_CHECK(s.security != MX_SECURE || a->secure);
	if (s.result == MX_HOSTS)
		check_hosts(a, &s, "mx1.example");
	else
		FUZZ_CHECK(s.n == 0);
	check_backwards(a, &s, &rng);
	mx_set_clear(&s);
	rr_set_unref(a);
	return 0;
}
