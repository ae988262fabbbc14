/* Next hops as text. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/policy/nexthop.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *in;
		int want;
		bool literal;
		const char *host;
		unsigned port;
	} cases[] = {
	    {"hub.example", 0, false, "hub.example", 25},
	    {"HUB.Example.", 0, false, "hub.example", 25},
	    {"hub.example:2525", 0, false, "hub.example", 2525},
	    {"[192.0.2.1]", 0, true, "[192.0.2.1]", 25},
	    {"[192.0.2.1]:26", 0, true, "[192.0.2.1]", 26},
	    {"[2001:DB8::1]:26", 0, true, "[2001:db8::1]", 26},
	    {"[IPv6:2001:db8::1]", 0, true, "[2001:db8::1]", 25},
	    {"", ERR_SYNTAX, false, "", 0},
	    {":25", ERR_SYNTAX, false, "", 0},
	    {"192.0.2.1", ERR_SYNTAX, false, "", 0},
	    {"2001:db8::1", ERR_SYNTAX, false, "", 0},
	    {"[hub.example]", ERR_SYNTAX, false, "", 0},
	    {"[]", ERR_SYNTAX, false, "", 0},
	    {"[192.0.2.1", ERR_SYNTAX, false, "", 0},
	    {"[192.0.2.1]x", ERR_SYNTAX, false, "", 0},
	    {"hub.example:", ERR_SYNTAX, false, "", 0},
	    {"hub.example:0", ERR_SYNTAX, false, "", 0},
	    {"hub.example:65536", ERR_SYNTAX, false, "", 0},
	    {"hub.example:25x", ERR_SYNTAX, false, "", 0},
	    {"a b.example", ERR_SYNTAX, false, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct nexthop n = {0};

		t_err(cases[i].in, nexthop_parse(str_of(cases[i].in), 25, &n),
		    cases[i].want);
		t_bool(cases[i].in, n.literal, cases[i].literal);
		t_cstr(cases[i].in, n.host, cases[i].host);
		t_int(cases[i].in, n.port, cases[i].port);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
