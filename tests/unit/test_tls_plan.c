/* The plan as a value, and its key: DANE-60. */
#include "config.h"

#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "tests/unit/t.h"

static uint8_t bytes_a[] = {1, 2, 3};
static uint8_t bytes_b[] = {1, 2, 4};

/* A plan whose records are borrowed: never cleared. */
static struct tls_plan
plan(enum tls_level level, struct rr_tlsa *tlsa, size_t n)
{
	struct tls_plan p;

	tls_plan_init(&p);
	p.level = level;
	p.tlsa = tlsa;
	p.n_tlsa = n;
	p.n_dane_names = 2;
	strncpy(p.dane_names[0], "mx.example.com", DOMAIN_MAX - 1);
	strncpy(p.dane_names[1], "example.com", DOMAIN_MAX - 1);
	strncpy(p.pkix_name, "mx.example.com", DOMAIN_MAX - 1);
	strncpy(p.sni, "mx.example.com", DOMAIN_MAX - 1);
	return p;
}

static bool
same(const struct tls_plan *a, const struct tls_plan *b)
{
	struct buf ka, kb;
	bool eq;

	buf_init(&ka, 100000);
	buf_init(&kb, 100000);
	tls_plan_key(a, STR("mx.example.com"), STR("192.0.2.1"), 25, &ka);
	tls_plan_key(b, STR("MX.example.com"), STR("192.0.2.1"), 25, &kb);
	assert_false(ka.full || kb.full);
	eq = str_eq(buf_str(&ka), buf_str(&kb));
	buf_clear(&ka);
	buf_clear(&kb);
	return eq;
}

static struct rr_tlsa ee_a = {3, 1, 1, sizeof(bytes_a), bytes_a};
static struct rr_tlsa ee_b = {3, 1, 1, sizeof(bytes_b), bytes_b};
static struct rr_tlsa ta_a = {2, 1, 1, sizeof(bytes_a), bytes_a};

static void
test_init(void **state)
{
	struct tls_plan p;

	(void)state;
	memset(&p, 0xff, sizeof(p));
	tls_plan_init(&p);
	t_cstr("level", tls_level_str(p.level), "opportunistic");
	t_cstr("never clear", tls_fail_str(p.on_no_starttls), "next");
	t_cstr("never clear", tls_fail_str(p.on_tls_failure), "next");
	t_cstr("by", tls_policy_by_str(p.by), "none");
	t_cstr("rule", p.rule, "");
	t_int("records", (int64_t)p.n_tlsa, 0);
	tls_plan_clear(&p);
}

static void
test_copy(void **state)
{
	struct rr_tlsa v[] = {ee_a, ta_a};
	struct tls_plan from = plan(TLS_DANE, v, 2);
	struct tls_plan to;

	(void)state;
	tls_plan_init(&to);
	tls_plan_copy(&to, &from);
	tls_plan_copy(&to, &to);
	t_int("n", (int64_t)to.n_tlsa, 2);
	assert_ptr_not_equal(to.tlsa, from.tlsa);
	assert_ptr_not_equal(to.tlsa[0].data, from.tlsa[0].data);
	t_bool("same key", same(&to, &from), true);
	/* Over another copy: nothing leaks, which the sanitizer sees. */
	from.n_tlsa = 1;
	tls_plan_copy(&to, &from);
	t_int("n", (int64_t)to.n_tlsa, 1);
	tls_plan_clear(&to);
	t_int("cleared", (int64_t)to.n_tlsa, 0);
	tls_plan_clear(&to);
}

/* DANE-53: the plan that is audited goes with its plan. */
static void
test_audit(void **state)
{
	struct rr_tlsa v[] = {ee_a};
	struct tls_plan p, would, other, q;

	(void)state;
	tls_plan_init(&p);
	tls_plan_init(&q);
	tls_plan_init(&would);
	would.level = TLS_DANE;
	would.tlsa = rr_tlsa_dup(v, 1);
	would.n_tlsa = 1;
	tls_plan_set_audit(&p, &would);
	t_int("taken over", (int64_t)would.n_tlsa, 0);
	t_bool("DANE-60 an audit is not none", same(&p, &q), false);
	tls_plan_copy(&q, &p);
	tls_plan_copy(&q, &q);
	assert_ptr_not_equal(q.audit, p.audit);
	assert_ptr_not_equal(q.audit->tlsa, p.audit->tlsa);
	t_bool("DANE-60 same audit", same(&p, &q), true);
	q.audit->level = TLS_ENCRYPT;
	t_bool("DANE-60 other audit", same(&p, &q), false);
	q.audit->level = TLS_DANE;
	q.audit->tlsa[0].selector = 0;
	t_bool("DANE-60 other records", same(&p, &q), false);
	tls_plan_init(&other);
	tls_plan_copy(&q, &other);
	t_bool("over another copy", q.audit == NULL, true);
	tls_plan_clear(&p);
	t_bool("cleared", p.audit == NULL, true);
	tls_plan_clear(&q);
}

static void
test_key_records(void **state)
{
	struct rr_tlsa ab[] = {ee_a, ee_b}, ba[] = {ee_b, ee_a};
	struct rr_tlsa aba[] = {ee_a, ee_b, ee_a}, a[] = {ee_a}, b[] = {ee_b};
	struct rr_tlsa cut[] = {ee_a}, sel[] = {ee_a}, mt[] = {ee_a};
	struct tls_plan p = plan(TLS_DANE, ab, 2);
	struct tls_plan q;

	(void)state;
	cut[0].len = 2;
	sel[0].selector = 0;
	mt[0].mtype = 2;
	q = plan(TLS_DANE, ba, 2);
	t_bool("DANE-60 order does not count", same(&p, &q), true);
	q = plan(TLS_DANE, aba, 3);
	t_bool("DANE-60 repeats do not count", same(&p, &q), true);
	q = plan(TLS_DANE, a, 1);
	t_bool("DANE-60 one missing", same(&p, &q), false);
	p = plan(TLS_DANE, b, 1);
	t_bool("DANE-60 other data", same(&p, &q), false);
	p = plan(TLS_DANE, cut, 1);
	t_bool("DANE-60 other length", same(&p, &q), false);
	p = plan(TLS_DANE, sel, 1);
	t_bool("DANE-60 other selector", same(&p, &q), false);
	p = plan(TLS_DANE, mt, 1);
	t_bool("DANE-60 other matching type", same(&p, &q), false);
	p = plan(TLS_DANE, &ta_a, 1);
	t_bool("DANE-60 other usage", same(&p, &q), false);
	p = plan(TLS_OPPORTUNISTIC, a, 1);
	q = plan(TLS_OPPORTUNISTIC, NULL, 0);
	t_bool("records that are not used", same(&p, &q), true);
}

static void
test_key_names(void **state)
{
	struct rr_tlsa ee[] = {ee_a}, ta[] = {ta_a};
	struct tls_plan p, q;

	(void)state;
	p = plan(TLS_DANE, ee, 1);
	q = p;
	q.n_dane_names = 1;
	strncpy(q.pkix_name, "x.example.net", DOMAIN_MAX - 1);
	t_bool("DANE-60 names do not count for DANE-EE", same(&p, &q), true);
	p = plan(TLS_DANE, ta, 1);
	q = p;
	q.n_dane_names = 1;
	t_bool("DANE-60 names count for DANE-TA", same(&p, &q), false);
	q = p;
	memcpy(q.dane_names[0], p.dane_names[1], DOMAIN_MAX);
	memcpy(q.dane_names[1], p.dane_names[0], DOMAIN_MAX);
	t_bool("their order does not", same(&p, &q), true);
	q = p;
	strncpy(q.dane_names[1], "Example.COM", DOMAIN_MAX - 1);
	t_bool("nor their case", same(&p, &q), true);
	p = plan(TLS_PKIX, NULL, 0);
	q = p;
	q.n_dane_names = 0;
	t_bool("DANE names do not count for PKIX", same(&p, &q), true);
	strncpy(q.pkix_name, "x.example.net", DOMAIN_MAX - 1);
	t_bool("the PKIX name does", same(&p, &q), false);
	p = plan(TLS_DANE_PKIX, ee, 1);
	q = p;
	strncpy(q.pkix_name, "x.example.net", DOMAIN_MAX - 1);
	t_bool("and for both", same(&p, &q), false);
}

static void
test_key_fields(void **state)
{
	const struct tls_plan p = plan(TLS_PKIX, NULL, 0);
	struct tls_plan q;

	(void)state;
	for (int i = TLS_OPPORTUNISTIC; i <= TLS_DANE_PKIX; i++) {
		for (int k = TLS_OPPORTUNISTIC; k <= TLS_DANE_PKIX; k++) {
			struct tls_plan a = p, b = p;

			a.level = (enum tls_level)i;
			b.level = (enum tls_level)k;
			t_bool("DANE-60 level", same(&a, &b), i == k);
		}
	}
	q = p;
	q.min = TLS_V1_3;
	t_bool("minimum", same(&p, &q), false);
	q = p;
	q.requiretls = true;
	t_bool("REQUIRETLS", same(&p, &q), false);
	q = p;
	q.audit_pkix = true;
	t_bool("audit", same(&p, &q), false);
	q = p;
	strncpy(q.sni, "x.example.com", DOMAIN_MAX - 1);
	t_bool("SNI", same(&p, &q), false);
	q = p;
	q.on_tls_failure = TLS_FAIL_DEFER;
	q.rule = "STS-29";
	q.mx_insecure = true;
	t_bool("what is no property of a session", same(&p, &q), true);
}

static void
test_key_endpoint(void **state)
{
	static const struct {
		const char *host, *addr;
		uint16_t port;
	} v[] = {
	    {"mx.example.com", "192.0.2.1", 25},
	    {"mx.example.com", "192.0.2.1", 26},
	    {"mx.example.com", "192.0.2.10", 25},
	    {"mx.example.co", "m192.0.2.1", 25},
	    {"mx2.example.com", "192.0.2.1", 25},
	};
	const struct tls_plan p = plan(TLS_PKIX, NULL, 0);
	struct buf key[T_COUNT(v)];

	(void)state;
	for (size_t i = 0; i < T_COUNT(v); i++) {
		buf_init(&key[i], 10000);
		tls_plan_key(&p, str_of(v[i].host), str_of(v[i].addr),
		    v[i].port, &key[i]);
		for (size_t k = 0; k < i; k++)
			t_bool(v[i].host,
			    str_eq(buf_str(&key[i]), buf_str(&key[k])), false);
	}
	for (size_t i = 0; i < T_COUNT(v); i++)
		buf_clear(&key[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_init),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_key_records),
	    cmocka_unit_test(test_key_names),
	    cmocka_unit_test(test_key_fields),
	    cmocka_unit_test(test_key_endpoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
