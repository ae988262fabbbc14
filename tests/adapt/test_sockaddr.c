/* Addresses as text, and which are not public. */
#include "config.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "relay/net/sockaddr.h"
#include "tests/unit/t.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *in;
		int err;
		const char *want;
	} v[] = {
	    {"1.2.3.4:25", 0, "1.2.3.4:25"},
	    {"1.2.3.4", 0, "1.2.3.4:77"},
	    {"1.2.3.4:0", 0, "1.2.3.4:0"},
	    {"1.2.3.4:65535", 0, "1.2.3.4:65535"},
	    {"[2001:db8::1]:25", 0, "[2001:db8::1]:25"},
	    {"[2001:DB8::1]", 0, "[2001:db8::1]:77"},
	    {"2001:db8::1", 0, "[2001:db8::1]:77"},
	    {"::", 0, "[::]:77"},
	    {"[::ffff:1.2.3.4]:25", 0, "[::ffff:1.2.3.4]:25"},
	    {"", ERR_SYNTAX, NULL},
	    {":25", ERR_SYNTAX, NULL},
	    {"1.2.3.4:", ERR_SYNTAX, NULL},
	    {"1.2.3.4:65536", ERR_SYNTAX, NULL},
	    {"1.2.3.4:-1", ERR_SYNTAX, NULL},
	    {"1.2.3.4:2x", ERR_SYNTAX, NULL},
	    {"1.2.3", ERR_SYNTAX, NULL},
	    {"1.2.3.4.5", ERR_SYNTAX, NULL},
	    {"1.2.3.256", ERR_SYNTAX, NULL},
	    {"01.2.3.4", ERR_SYNTAX, NULL},
	    {" 1.2.3.4", ERR_SYNTAX, NULL},
	    {"localhost:25", ERR_SYNTAX, NULL},
	    {"[1.2.3.4]:25", ERR_SYNTAX, NULL},
	    {"[::1", ERR_SYNTAX, NULL},
	    {"[::1]25", ERR_SYNTAX, NULL},
	    {"[::1]:", ERR_SYNTAX, NULL},
	    {"[]:25", ERR_SYNTAX, NULL},
	    {"::1%lo", ERR_SYNTAX, NULL},
	    {"1:2", ERR_SYNTAX, NULL},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(v); i++) {
		struct sockaddr_any a = {.port = 1};
		char text[SOCKADDR_TEXT];

		t_err(
		    v[i].in, sockaddr_parse(str_of(v[i].in), 77, &a), v[i].err);
		if (v[i].err)
			continue;
		sockaddr_str(&a, text);
		t_cstr(v[i].in, text, v[i].want);
	}
}

static struct sockaddr_any
addr(const char *text)
{
	struct sockaddr_any a = {0};

	t_err(text, sockaddr_parse(str_of(text), 0, &a), 0);
	return a;
}

static void
test_special(void **state)
{
	static const char *const special[] = {"0.0.0.0", "0.255.255.255",
	    "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.127.255.255",
	    "127.0.0.1", "127.255.255.255", "169.254.1.1", "172.16.0.0",
	    "172.31.255.255", "192.0.0.8", "192.168.0.1", "198.18.0.0",
	    "198.19.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1",
	    "255.255.255.255", "::", "::1", "::8.8.8.8", "::ffff:8.8.8.8",
	    "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
	    "64:ff9b:1::8.8.8.8", "64:ff9b:1:a00:0:100::", "2002:7f00:1::1",
	    "2002:a00:1::", "2002:c0a8:101::1", "fc00::1", "fdff:ffff::1",
	    "fe80::1", "febf::1", "fec0::1", "feff::1", "ff02::1", "ffff::"};
	static const char *const public[] = {"1.0.0.0", "8.8.8.8",
	    "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
	    "126.255.255.255", "128.0.0.1", "169.253.0.1", "169.255.0.1",
	    "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.0.2.1",
	    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
	    "223.255.255.255", "2001:db8::1", "2a00:1450::1",
	    "64:ff9b::8.8.8.8", "64:ff9b:2::127.0.0.1", "2002:808:808::1",
	    "2003::7f00:1", "fbff::1", "::1:0:0:1"};

	(void)state;
	for (size_t i = 0; i < T_COUNT(special); i++) {
		struct sockaddr_any a = addr(special[i]);

		t_bool(special[i], sockaddr_is_special(&a), true);
	}
	for (size_t i = 0; i < T_COUNT(public); i++) {
		struct sockaddr_any a = addr(public[i]);

		t_bool(public[i], sockaddr_is_special(&a), false);
	}
}

static void
test_unix_is_special(void **state)
{
	struct sockaddr_any a = {0};
	char text[SOCKADDR_TEXT];

	(void)state;
	t_bool("family 0", sockaddr_is_special(&a), true);
	t_bool("equals nothing", sockaddr_eq_ip(&a, &a), false);
	sockaddr_str(&a, text);
	t_cstr("text", text, "unix");
}

static void
test_equal(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} v[] = {
	    {"1.2.3.4:1", "1.2.3.4:2", true},
	    {"1.2.3.4", "1.2.3.5", false},
	    {"1.2.3.4", "::ffff:1.2.3.4", true},
	    {"1.2.3.4", "::1.2.3.4", false},
	    {"2001:db8::1", "2001:db8:0::1", true},
	    {"2001:db8::1", "2001:db8::2", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(v); i++) {
		struct sockaddr_any a = addr(v[i].a);
		struct sockaddr_any b = addr(v[i].b);

		t_bool(v[i].b, sockaddr_eq_ip(&a, &b), v[i].want);
		t_bool(v[i].a, sockaddr_eq_ip(&b, &a), v[i].want);
	}
}

static void
test_unmap(void **state)
{
	struct sockaddr_any a = addr("[::ffff:1.2.3.4]:9");
	struct sockaddr_any b = addr("[2001:db8::1]:9");
	char text[SOCKADDR_TEXT];

	(void)state;
	sockaddr_unmap(&a);
	sockaddr_str(&a, text);
	t_cstr("mapped", text, "1.2.3.4:9");
	sockaddr_unmap(&b);
	sockaddr_str(&b, text);
	t_cstr("not mapped", text, "[2001:db8::1]:9");
}

static void
test_system(void **state)
{
	static const char *const v[] = {"1.2.3.4:9", "[2001:db8::1]:9"};

	(void)state;
	for (size_t i = 0; i < T_COUNT(v); i++) {
		union {
			struct sockaddr sa;
			struct sockaddr_storage storage;
		} u;
		struct sockaddr_any a = addr(v[i]);
		struct sockaddr_any b;
		char text[SOCKADDR_TEXT];

		t_bool(v[i], sockaddr_to_sys(&a, &u.storage) > 0, true);
		sockaddr_from_sys(&u.sa, &b);
		sockaddr_str(&b, text);
		t_cstr(v[i], text, v[i]);
	}
}

static void
test_own(void **state)
{
	struct sockaddr_any lo = addr("127.0.0.1");
	struct sockaddr_any *own = NULL;
	size_t n = 0;
	bool found = false;

	(void)state;
	t_err("own", sockaddr_own(&own, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (sockaddr_eq_ip(&own[i], &lo))
			found = true;
	t_bool("loopback is ours", found, true);
	free(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_special),
	    cmocka_unit_test(test_unix_is_special),
	    cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_unmap),
	    cmocka_unit_test(test_system),
	    cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
