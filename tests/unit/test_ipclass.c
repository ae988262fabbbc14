/* Addresses that are not public. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/base/ipclass.h"
#include "relay/model/rr.h"

static void
test_special(void **state)
{
	static const struct {
		const char *ip;
		bool want;
	} cases[] = {
	    {"0.0.0.0", true},
	    {"10.255.255.255", true},
	    {"11.0.0.0", false},
	    {"100.63.255.255", false},
	    {"100.64.0.0", true},
	    {"100.127.255.255", true},
	    {"100.128.0.0", false},
	    {"127.0.0.1", true},
	    {"127.255.255.254", true},
	    {"169.254.169.254", true},
	    {"172.15.255.255", false},
	    {"172.16.0.0", true},
	    {"172.31.255.255", true},
	    {"172.32.0.0", false},
	    {"192.167.255.255", false},
	    {"192.168.0.0", true},
	    {"198.18.0.1", true},
	    {"198.20.0.1", false},
	    {"223.255.255.255", false},
	    {"224.0.0.1", true},
	    {"255.255.255.255", true},
	    {"8.8.8.8", false},
	    {"::", true},
	    {"::1", true},
	    {"::ffff:8.8.8.8", true},
	    {"::7f00:1", true},
	    {"64:ff9b::7f00:1", true},
	    {"64:ff9b::808:808", false},
	    {"64:ff9b:1::1", true},
	    {"2002:7f00:1::", true},
	    {"2002:a00:1::5", true},
	    {"2002:808:808::1", false},
	    {"fbff::1", false},
	    {"fc00::1", true},
	    {"fdff::1", true},
	    {"fe80::1", true},
	    {"fec0::1", true},
	    {"ff02::1", true},
	    {"2606:4700::1", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct rr_addr a;

		t_err(cases[i].ip, rr_addr_parse(str_of(cases[i].ip), &a), 0);
		t_bool(cases[i].ip, ipclass_is_special(a.family, a.ip),
		    cases[i].want);
	}
	t_bool("no family", ipclass_is_special(0, NULL), true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
