/* The report as a value: what is kept, what is bounded, what it comes to. */
#include "relay/model/explain.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "tests/unit/t.h"

static struct rr_set *
tlsa_set(size_t n, size_t bytes)
{
	struct rr_set *s = rr_set_new(RR_TLSA, n);
	char *data = xcalloc(1, bytes);

	for (size_t i = 0; i < n; i++)
		rr_set_tlsa(s, i, 3, 0, 0, str_n(data, bytes));
	free(data);
	return s;
}

static void
test_records(void **state)
{
	static const struct {
		enum rr_type type;
		const char *want;
	} cases[] = {{RR_MX, "10 mx.example."}, {RR_CNAME, "mx.example."},
	    {RR_A, "192.0.2.1"}, {RR_TXT, "a\x1b"}, {RR_TLSA, "3 1 1 6162"}};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct rr_set *s = rr_set_new(cases[i].type, 1);
		struct explain_answer *a;
		struct explain e;

		explain_init(&e);
		a = &e.mx;
		switch (cases[i].type) {
		case RR_MX:
			s->u.mx[0].pref = 10;
			memcpy(s->u.mx[0].host, "mx.example", 11);
			break;
		case RR_CNAME:
			memcpy(s->u.cname[0], "mx.example", 11);
			break;
		case RR_A:
			s->u.addr[0] = (struct rr_addr){
			    .family = 4, .ip = {192, 0, 2, 1}};
			break;
		case RR_TXT:
			rr_set_txt(s, 0, STR("a\x1b"));
			break;
		case RR_TLSA:
			rr_set_tlsa(s, 0, 3, 1, 1, STR("ab"));
			break;
		case RR_NS:
		case RR_SOA:
		case RR_AAAA:
			break;
		}
		s->secure = true;
		s->has_cname = true;
		memcpy(s->final_name, "b.example", 10);
		explain_put(&e, a, "a.example", cases[i].type, s);
		t_int(cases[i].want, (int64_t)a->n, 1);
		t_cstr("record", a->records[0], cases[i].want);
		t_bool("secure", a->secure, true);
		t_cstr("alias", a->target, "b.example");
		rr_set_unref(s);
		explain_clear(&e);
	}
}

/* What a stranger publishes is counted, but does not fill the memory. */
static void
test_bounds(void **state)
{
	struct rr_set *s = tlsa_set(40, RR_TLSA_MAX);
	struct explain e;

	(void)state;
	explain_init(&e);
	explain_put(&e, &e.mx, "a.example", RR_TLSA, s);
	t_int("all are counted", (int64_t)e.mx.total, 40);
	t_bool("not all are kept", e.mx.n < 40 && e.mx.n > 0, true);
	t_bool("bounded", e.bytes <= EXPLAIN_RECORDS_MAX, true);
	rr_set_unref(s);
	for (int i = 0; i < EXPLAIN_HOSTS_MAX; i++)
		t_bool("a host", explain_add_host(&e) != NULL, true);
	t_bool("no more", explain_add_host(&e) == NULL, true);
	t_int("but counted", (int64_t)e.more_hosts, 1);
	explain_clear(&e);
}

static void
test_lost(void **state)
{
	struct explain e;

	(void)state;
	explain_init(&e);
	explain_put(&e, &e.mx, "a.example", RR_MX, NULL);
	t_int("DANE-59", e.mx.status, RR_FAIL);
	t_int("why", e.mx.why, RR_WHY_TIMEOUT);
	t_bool("not secure", e.mx.secure, false);
	explain_clear(&e);
}

static void
test_fate(void **state)
{
	const struct explain_host *first;
	struct explain e;

	(void)state;
	explain_init(&e);
	t_int("time ran out", explain_fate(&e, &first), EXPLAIN_UNKNOWN);
	e.ended = true;
	t_int("held", explain_fate(&e, &first), EXPLAIN_HELD);
	e.end.cls = OUT_BOUNCED;
	t_int("bounced", explain_fate(&e, &first), EXPLAIN_BOUNCED);
	(void)explain_add_host(&e);
	t_int("skipped", explain_fate(&e, &first), EXPLAIN_BOUNCED);
	t_bool("none", first == NULL, true);
	explain_add_host(&e)->tried = true;
	t_int("sent", explain_fate(&e, &first), EXPLAIN_SENT);
	t_bool("the second", first == &e.hosts[1], true);
	e.ended = false;
	t_int("known before the end", explain_fate(&e, &first), EXPLAIN_SENT);
	e.site.holds = e.site.in_force = true;
	t_int("memory is there", explain_fate(&e, &first), EXPLAIN_SENT);
	e.no_memory = true;
	t_int("CONTINUITY", explain_fate(&e, &first), EXPLAIN_UNKNOWN);
	t_bool("by way of it", first == &e.hosts[1], true);
	e.hosts[1].dane = DANE_UNUSABLE;
	t_int("it has DANE", explain_fate(&e, &first), EXPLAIN_SENT);
	e.security = MX_INSECURE;
	t_int("as a stranger may", explain_fate(&e, &first), EXPLAIN_UNKNOWN);
	e.sts.known = true;
	e.sts.source = STS_FRESH;
	e.sts.mode = STS_MODE_ENFORCE;
	t_int("it has a policy", explain_fate(&e, &first), EXPLAIN_SENT);
	e.sts.mode = STS_MODE_TESTING;
	t_int("for a test", explain_fate(&e, &first), EXPLAIN_UNKNOWN);
	e.site.in_force = false;
	t_int("the rule has ended", explain_fate(&e, &first), EXPLAIN_SENT);
	t_cstr("name", explain_fate_str(EXPLAIN_HELD), "held");
	explain_clear(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_records),
	    cmocka_unit_test(test_bounds), cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_fate)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
