/* A plan goes through JSON and comes back whole, or not at all. */
#include "relay/ctl/explain_plan.h"

#include "tests/unit/explain_make.h"
#include "tests/unit/t.h"

static void
key_of(const struct tls_plan *p, struct buf *b)
{
	tls_plan_key(p, STR("mx.a.example"), STR("192.0.2.1"), 25, b);
}

static void
test_whole(void **state)
{
	struct explain_try *v = NULL;
	struct explain e;
	struct buf json, got, want;
	size_t n = 0;

	(void)state;
	buf_init(&json, 1u << 20);
	buf_init(&got, 1u << 20);
	buf_init(&want, 1u << 20);
	make_report(&e, 2);
	for (int level = TLS_OPPORTUNISTIC; level <= TLS_DANE_PKIX; level++) {
		struct tls_plan *p = &e.hosts[0].plan;

		p->level = (enum tls_level)level;
		p->on_tls_failure = level == TLS_OPPORTUNISTIC ? TLS_FAIL_CLEAR
							       : TLS_FAIL_NEXT;
		buf_reset(&json);
		buf_reset(&got);
		buf_reset(&want);
		explain_json_build(&e, &make_source, &json);
		t_err("read", explain_plan_read(buf_str(&json), &v, &n), 0);
		t_int("the skipped one is not tried", (int64_t)n, 1);
		t_cstr("host", v[0].host, "mx.a.example");
		t_int("port", v[0].port, 25);
		t_int("addresses", (int64_t)v[0].n_addrs, 1);
		key_of(p, &want);
		key_of(&v[0].plan, &got);
		t_bool(tls_level_str(p->level),
		    str_eq(buf_str(&got), buf_str(&want)), true);
		t_int(
		    "no STARTTLS", v[0].plan.on_no_starttls, p->on_no_starttls);
		t_int("TLS fails", v[0].plan.on_tls_failure, p->on_tls_failure);
		t_int("policy", v[0].plan.by, p->by);
		explain_plan_free(v, n);
	}
	explain_clear(&e);
	buf_clear(&json);
	buf_clear(&got);
	buf_clear(&want);
}

/* Puts b for the first a of a report. */
static void
test_parts(void **state)
{
	static const char *const edits[][2] = {
	    {"\"level\":\"dane+pkix\"", "\"level\":\"dane!\""},
	    {"\"min\":\"1.2\"", "\"min\":\"0.9\""},
	    {"\"on_no_starttls\":\"defer\"", "\"x\":\"defer\""},
	    {"\"on_tls_failure\":\"next\"", "\"on_tls_failure\":1"},
	    {"\"tlsa\":[\"3 1 1", "\"tlsa\":[\"3 1"},
	    {"\"tlsa\":[\"3 1 1", "\"tlsa\":[\"3 1 300"},
	    {"\"tlsa\":[\"3 1 1 ab", "\"tlsa\":[\"3 1 1 a"},
	    {"\"tlsa\":[\"3 1 1", "\"tlsa\":[1,\"3 1 1"},
	    {"\"dane_names\":[", "\"dane_names\":[1,"},
	    {"\"dane_names\":[", "\"dane_names\":[\"a\",\"a\",\"a\","},
	    {"\"dane_names\":[", "\"other\":["},
	    {"\"addresses\":[\"192", "\"addresses\":[\"x192"},
	    {"\"addresses\":[", "\"other\":["},
	    {"\"port\":25,\"answers\"", "\"port\":0,\"answers\""},
	    {"\"audit_pkix\":false", "\"audit_pkix\":0"},
	    {"\"tried\":true", "\"tried\":1"},
	    {"\"hosts\":[", "\"other\":["},
	};
	struct buf json;

	(void)state;
	buf_init(&json, 1u << 20);
	make_json(2, &json);
	for (size_t i = 0; i < T_COUNT(edits); i++) {
		const char *at = strstr(json.p, edits[i][0]);
		struct explain_try *v = NULL;
		struct buf b;
		size_t n = 0;

		t_bool(edits[i][0], at != NULL, true);
		buf_init(&b, 1u << 20);
		buf_add(&b, json.p, (size_t)(at - json.p));
		buf_add_cstr(&b, edits[i][1]);
		buf_add_cstr(&b, at + strlen(edits[i][0]));
		t_err(edits[i][1], explain_plan_read(buf_str(&b), &v, &n),
		    ERR_SYNTAX);
		buf_clear(&b);
	}
	buf_clear(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole), cmocka_unit_test(test_parts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
