/* Verdicts as values. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/model/verdicts.h"

static void
test_names(void **state)
{
	(void)state;
	t_cstr("dane", dane_kind_str(DANE_NONE), "none");
	t_cstr("dane", dane_kind_str(DANE_FAILED), "failed");
	t_cstr("mode", sts_mode_str(STS_MODE_NONE), "none");
	t_cstr("mode", sts_mode_str(STS_MODE_ENFORCE), "enforce");
	t_cstr("source", sts_source_str(STS_NO_POLICY), "no-policy");
	t_cstr("source", sts_source_str(STS_STORE_ERROR), "store-error");
	t_cstr("mx", mx_security_str(MX_SECURE), "secure");
	t_cstr("mx", mx_security_str(MX_NEXTHOP), "nexthop");
}

static void
test_dane_verdict(void **state)
{
	struct rr_tlsa one = {.usage = 3, .selector = 1, .mtype = 1, .len = 2};
	uint8_t data[2] = {1, 2};
	struct dane_verdict v;

	(void)state;
	dane_verdict_init(&v);
	t_int("nothing", (int)v.kind, DANE_NONE);
	assert_non_null(v.rule);
	one.data = data;
	v.kind = DANE_USABLE;
	v.tlsa = rr_tlsa_dup(&one, 1);
	v.n_tlsa = 1;
	dane_verdict_clear(&v);
	assert_null(v.tlsa);
	t_int("nothing again", (int)v.kind, DANE_NONE);
	dane_verdict_clear(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_dane_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
