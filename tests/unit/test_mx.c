/* MX sets: RFC 5321 5.1, RFC 7505. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/base/buf.h"
#include "relay/dns/mx.h"

#define OWN "relay.example.net"

/* "10 a.test, 20 b.test" to an answer; "." is the root. */
static struct rr_set *
answer(const char *text)
{
	struct str rest = str_of(text), part;
	struct rr_set *s = rr_set_new(RR_MX, 32);
	size_t n = 0;

	while (str_cut(&rest, ',', &part)) {
		struct str item = str_trim(part), num;
		struct rr_mx *mx = &s->u.mx[n++];
		size_t i;

		str_cut(&item, ' ', &num);
		for (i = 0; i < num.n; i++)
			mx->pref = (uint16_t)(mx->pref * 10 + num.p[i] - '0');
		if (!str_eq(item, STR(".")))
			memcpy(mx->host, item.p, item.n);
	}
	s->n = n;
	memcpy(s->final_name, "example.org", 12);
	return s;
}

static void
show(const struct mx_set *s, struct buf *b)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		buf_addf(b, "%s%u %s", i ? ", " : "", s->hosts[i].pref,
		    s->hosts[i].name);
}

static void
test_hosts(void **state)
{
	static const struct {
		const char *name, *in;
		enum mx_result result;
		const char *want;
		bool self;
	} cases[] = {
	    {"one", "10 a.test", MX_HOSTS, "10 a.test", false},
	    {"SMTP-16 order", "30 c.test, 10 a.test, 20 b.test", MX_HOSTS,
		"10 a.test, 20 b.test, 30 c.test", false},
	    {"NMX-01 null", "0 .", MX_NULL, "", false},
	    {"NMX-01 null, other preference", "10 .", MX_NULL, "", false},
	    {"NMX-03 beside others", "0 ., 10 a.test", MX_HOSTS, "10 a.test",
		false},
	    {"twice", "20 a.test, 10 a.test, 15 b.test", MX_HOSTS,
		"10 a.test, 15 b.test", false},
	    {"twice, other case", "20 A.test, 10 a.TEST", MX_HOSTS, "10 A.test",
		false},
	    {"SMTP-17 best", "10 " OWN ", 20 b.test", MX_SELF, "", true},
	    {"SMTP-17 equal to the best", "10 a.test, 10 " OWN ", 20 b.test",
		MX_SELF, "", true},
	    {"SMTP-17 in the middle", "10 a.test, 20 " OWN ", 30 c.test",
		MX_HOSTS, "10 a.test", true},
	    {"SMTP-17 equal in the middle",
		"10 a.test, 20 b.test, 20 RELAY.example.NET, 30 c.test",
		MX_HOSTS, "10 a.test", true},
	    {"SMTP-17 only us", "10 " OWN, MX_SELF, "", true},
	    {"ends of the range", "65535 z.test, 0 a.test", MX_HOSTS,
		"0 a.test, 65535 z.test", false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct rr_set *a = answer(cases[i].in);
		struct mx_set s;
		struct rng rng;
		struct buf b;

		rng_init_seed(&rng, 1);
		a->secure = i % 2 == 0;
		mx_set_build(a, "example.org", OWN, &rng, &s);
		buf_init(&b, 4096);
		show(&s, &b);
		t_int(cases[i].name, s.result, cases[i].result);
		t_is(cases[i].name, buf_str(&b), cases[i].want);
		t_bool(cases[i].name, s.self_dropped, cases[i].self);
		t_int(cases[i].name, s.security,
		    i % 2 == 0 ? MX_SECURE : MX_INSECURE);
		buf_clear(&b);
		mx_set_clear(&s);
		rr_set_unref(a);
	}
}

static void
test_no_hosts(void **state)
{
	static const struct {
		const char *name, *domain;
		enum rr_status status;
		enum rr_why why;
		enum mx_result result;
		const char *host;
	} cases[] = {
	    {"SMTP-14 implicit", "example.org", RR_NODATA, RR_WHY_NONE,
		MX_HOSTS, "example.org"},
	    {"implicit, ourselves", OWN, RR_NODATA, RR_WHY_NONE, MX_SELF, NULL},
	    {"SMTP-14 no such domain", "example.org", RR_NXDOMAIN, RR_WHY_NONE,
		MX_NO_DOMAIN, NULL},
	    {"DANE-05 bogus", "example.org", RR_FAIL, RR_WHY_BOGUS, MX_FAIL,
		NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct rr_set *a = rr_set_empty(
		    RR_MX, cases[i].status, cases[i].why);
		struct mx_set s;
		struct rng rng;

		rng_init_seed(&rng, 1);
		a->secure = true;
		memcpy(a->final_name, "final.test", 11);
		mx_set_build(a, cases[i].domain, OWN, &rng, &s);
		t_int(cases[i].name, s.result, cases[i].result);
		t_cstr(
		    cases[i].name, rr_why_str(s.why), rr_why_str(cases[i].why));
		t_int(cases[i].name, (int64_t)s.n, cases[i].host ? 1 : 0);
		if (cases[i].host) {
			t_cstr(cases[i].name, s.hosts[0].name, cases[i].host);
			t_int(cases[i].name, s.hosts[0].pref, 0);
		}
		if (cases[i].status == RR_NODATA)
			t_int(cases[i].name, s.security, MX_IMPLICIT);
		/* DANE-42 */
		t_cstr(cases[i].name, s.expanded, "final.test");
		mx_set_clear(&s);
		rr_set_unref(a);
	}
}

/* SMTP-16: each order of equals comes up; better ones stay in front. */
static void
test_shuffle(void **state)
{
	struct rr_set *a = answer(
	    "20 d.test, 10 a.test, 10 b.test, 10 c.test, 5 x.test");
	unsigned first[3] = {0};
	struct rng rng;
	unsigned i;

	(void)state;
	rng_init_seed(&rng, 7);
	for (i = 0; i < 300; i++) {
		struct mx_set s;

		mx_set_build(a, "example.org", OWN, &rng, &s);
		t_int("n", (int64_t)s.n, 5);
		t_cstr("best", s.hosts[0].name, "x.test");
		t_cstr("worst", s.hosts[4].name, "d.test");
		first[s.hosts[1].name[0] - 'a']++;
		mx_set_clear(&s);
	}
	for (i = 0; i < 3; i++)
		t_bool("each is first at times", first[i] > 50, true);
	rr_set_unref(a);
}

static void
test_many(void **state)
{
	struct rr_set *a = rr_set_new(RR_MX, MX_HOSTS_MAX + 50);
	struct mx_set s;
	struct rng rng;
	size_t i;

	(void)state;
	rng_init_seed(&rng, 1);
	for (i = 0; i < a->n; i++) {
		a->u.mx[i].pref = (uint16_t)(a->n - i);
		(void)snprintf(a->u.mx[i].host, DOMAIN_MAX, "mx%zu.test", i);
	}
	mx_set_build(a, "example.org", OWN, &rng, &s);
	t_int("cut", (int64_t)s.n, MX_HOSTS_MAX);
	t_int("best kept", s.hosts[0].pref, 1);
	mx_set_clear(&s);
	mx_set_clear(&s);
	rr_set_unref(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_no_hosts),
	    cmocka_unit_test(test_shuffle),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
