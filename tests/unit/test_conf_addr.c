/* Addresses, ports and networks as text. */
#include "relay/config/conf_addr.h"

#include "tests/unit/t.h"

static void
test_addr_port(void **state)
{
	static const struct {
		const char *in;
		uint16_t def;
		int err;
		const char *addr;
		unsigned port;
	} cases[] = {
	    {"192.0.2.1:25", 0, 0, "192.0.2.1", 25},
	    {"192.0.2.1:65535", 53, 0, "192.0.2.1", 65535},
	    {"[2001:db8::1]:25", 0, 0, "2001:db8::1", 25},
	    {"[2001:db8::1]", 53, 0, "2001:db8::1", 53},
	    {"2001:db8::1", 53, 0, "2001:db8::1", 53},
	    {"192.0.2.1", 53, 0, "192.0.2.1", 53},
	    {"192.0.2.1", 0, ERR_SYNTAX, NULL, 0},
	    {"2001:db8::1", 0, ERR_SYNTAX, NULL, 0},
	    {"[2001:db8::1]", 0, ERR_SYNTAX, NULL, 0},
	    {"[192.0.2.1]:25", 0, ERR_SYNTAX, NULL, 0},
	    {"[2001:db8::1", 53, ERR_SYNTAX, NULL, 0},
	    {"[2001:db8::1]25", 53, ERR_SYNTAX, NULL, 0},
	    {"[]:25", 53, ERR_SYNTAX, NULL, 0},
	    {"192.0.2.1:", 53, ERR_SYNTAX, NULL, 0},
	    {"192.0.2.1:x", 53, ERR_SYNTAX, NULL, 0},
	    {"192.0.2.1:0", 53, ERR_RANGE, NULL, 0},
	    {"192.0.2.1:65536", 53, ERR_RANGE, NULL, 0},
	    {":25", 53, ERR_SYNTAX, NULL, 0},
	    {"", 53, ERR_SYNTAX, NULL, 0},
	    {"localhost:25", 0, ERR_SYNTAX, NULL, 0},
	    {"192.0.2:25", 0, ERR_SYNTAX, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct opt_addr_port a;
		char text[RR_ADDR_TEXT];

		t_err(cases[i].in,
		    conf_addr_port(str_of(cases[i].in), cases[i].def, &a),
		    cases[i].err);
		if (cases[i].err)
			continue;
		rr_addr_str(&a.addr, text);
		t_cstr(cases[i].in, text, cases[i].addr);
		t_int(cases[i].in, a.port, cases[i].port);
	}
}

static void
test_net(void **state)
{
	static const struct {
		const char *in;
		int err;
		const char *addr; /* after the mask */
		unsigned bits;
		bool masked;
	} cases[] = {
	    {"10.0.0.0/8", 0, "10.0.0.0", 8, false},
	    {"10.0.0.1/8", 0, "10.0.0.0", 8, true},
	    {"10.0.0.1", 0, "10.0.0.1", 32, false},
	    {"10.255.0.0/9", 0, "10.128.0.0", 9, true},
	    {"192.0.2.255/31", 0, "192.0.2.254", 31, true},
	    {"0.0.0.0/0", 0, "0.0.0.0", 0, false},
	    {"255.0.0.0/0", 0, "0.0.0.0", 0, true},
	    {"2001:db8::/32", 0, "2001:db8::", 32, false},
	    {"2001:db8::1/127", 0, "2001:db8::", 127, true},
	    {"::1", 0, "::1", 128, false},
	    {"10.0.0.0/33", ERR_RANGE, NULL, 0, false},
	    {"::/129", ERR_RANGE, NULL, 0, false},
	    {"10.0.0.0/", ERR_SYNTAX, NULL, 0, false},
	    {"10.0.0.0/x", ERR_SYNTAX, NULL, 0, false},
	    {"10.0.0.0/-1", ERR_SYNTAX, NULL, 0, false},
	    {"10.0.0.0/255.0.0.0", ERR_SYNTAX, NULL, 0, false},
	    {"10/8", ERR_SYNTAX, NULL, 0, false},
	    {"[::1]/128", ERR_SYNTAX, NULL, 0, false},
	    {"", ERR_SYNTAX, NULL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct opt_net net;
		char text[RR_ADDR_TEXT];

		t_err(cases[i].in, conf_net(str_of(cases[i].in), &net),
		    cases[i].err);
		if (cases[i].err)
			continue;
		t_int(cases[i].in, net.bits, cases[i].bits);
		t_bool(cases[i].in, conf_net_mask(&net), cases[i].masked);
		rr_addr_str(&net.addr, text);
		t_cstr(cases[i].in, text, cases[i].addr);
	}
}

static void
test_loopback(void **state)
{
	static const struct {
		const char *addr;
		bool want;
	} cases[] = {
	    {"127.0.0.1", true},
	    {"127.255.0.1", true},
	    {"126.0.0.1", false},
	    {"::1", true},
	    {"::", false},
	    {"::ffff:127.0.0.1", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct rr_addr a;

		t_err(
		    cases[i].addr, rr_addr_parse(str_of(cases[i].addr), &a), 0);
		t_bool(cases[i].addr, conf_addr_is_loopback(&a), cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_addr_port),
	    cmocka_unit_test(test_net),
	    cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
