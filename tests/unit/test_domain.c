/* relay/base/domain: canonical names, and matching (STS, RFC 8461 4.1). */
#include "config.h"

#include "relay/base/domain.h"
#include "tests/unit/t.h"

#define L10 "abcdefghij"
#define L63 L10 L10 L10 L10 L10 L10 "abc"
#define L61 L10 L10 L10 L10 L10 L10 "a"

static void
test_canon(void **state)
{
	static const struct {
		const char *in;
		int want_err, want_host_err;
		const char *want;
	} cases[] = {
	    {"example.com", 0, 0, "example.com"},
	    {"EXAMPLE.Com.", 0, 0, "example.com"},
	    {"com", 0, 0, "com"},
	    {"_25._tcp.mx.example", 0, ERR_SYNTAX, "_25._tcp.mx.example"},
	    {"xn--bcher-kva.example", 0, 0, "xn--bcher-kva.example"},
	    {"1.2.3.4", 0, ERR_SYNTAX, "1.2.3.4"},
	    {"3com.com", 0, 0, "3com.com"},
	    {"a.1b", 0, 0, "a.1b"},
	    {"-a.com", 0, ERR_SYNTAX, "-a.com"},
	    {"a-.com", 0, ERR_SYNTAX, "a-.com"},
	    {"a--b.com", 0, 0, "a--b.com"},
	    {L63 ".com", 0, 0, L63 ".com"},
	    {L63 "d.com", ERR_TOOBIG, ERR_TOOBIG, NULL},
	    {L63 "." L63 "." L63 "." L61, 0, 0, L63 "." L63 "." L63 "." L61},
	    {L63 "." L63 "." L63 "." L61 ".", 0, 0,
		L63 "." L63 "." L63 "." L61},
	    {L63 "." L63 "." L63 "." L61 "b", ERR_TOOBIG, ERR_TOOBIG, NULL},
	    {"", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {".", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"..", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {".com", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"a..com", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"a.com..", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"a b.com", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {" a.com", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"a.com\n", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"*.com", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"a/b.com", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"[192.0.2.1]", ERR_SYNTAX, ERR_SYNTAX, NULL},
	    {"2001:db8::1", ERR_SYNTAX, ERR_SYNTAX, NULL},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str in = str_of(cases[i].in);
		char out[DOMAIN_MAX] = "untouched";

		t_err(cases[i].in, domain_canon(in, out), cases[i].want_err);
		t_cstr(cases[i].in, out,
		    cases[i].want_err ? "untouched" : cases[i].want);
		memcpy(out, "untouched", 10);
		t_err(cases[i].in, domain_canon_host(in, out),
		    cases[i].want_host_err);
		t_cstr(cases[i].in, out,
		    cases[i].want_host_err ? "untouched" : cases[i].want);
	}
}

static void
test_unicode(void **state)
{
	static const struct {
		const char *name, *in;
		int want_err;
		const char *want;
	} cases[] = {
	    {"umlaut",
		"b\xc3\xbc"
		"cher.example",
		0, "xn--bcher-kva.example"},
	    {"capital umlaut",
		"B\xc3\x9c"
		"CHER.Example",
		0, "xn--bcher-kva.example"},
	    {"last dot",
		"b\xc3\xbc"
		"cher.example.",
		0, "xn--bcher-kva.example"},
	    {"decomposed",
		"bu\xcc\x88"
		"cher.example",
		0, "xn--bcher-kva.example"},
	    {"sharp s stays (not transitional)", "fa\xc3\x9f.de", 0,
		"xn--fa-hia.de"},
	    {"ideographic dot",
		"a\xe3\x80\x82"
		"example",
		0, "a.example"},
	    {"full width", "\xef\xbd\x81.example", 0, "a.example"},
	    {"Chinese", "\xe4\xbe\x8b\xe5\xad\x90.example", 0,
		"xn--fsqu00a.example"},
	    {"with an owner label",
		"_25._tcp.b\xc3\xbc"
		"cher.example",
		0, "_25._tcp.xn--bcher-kva.example"},
	    {"maps to a slash", "\xe2\x84\x80.example", ERR_SYNTAX, NULL},
	    {"blank", "b\xc3\xbc cher.example", ERR_SYNTAX, NULL},
	    {"not UTF-8",
		"b\xfc"
		"cher.example",
		ERR_SYNTAX, NULL},
	    {"cut UTF-8", "b\xc3", ERR_SYNTAX, NULL},
	    {"symbol", "\xe2\x99\xa5.example", ERR_SYNTAX, NULL},
	    {"empty label",
		"b\xc3\xbc"
		"cher..example",
		ERR_SYNTAX, NULL},
	    {"bidi control",
		"a\xe2\x80\xae"
		"b.example",
		ERR_SYNTAX, NULL},
	    {"long label", L63 "\xc3\xbc.example", ERR_TOOBIG, NULL},
	};
	char out[DOMAIN_MAX], many[2 * 1000 + 1];

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		memcpy(out, "untouched", 10);
		t_err(cases[i].name, domain_canon(str_of(cases[i].in), out),
		    cases[i].want_err);
		t_cstr(cases[i].name, out,
		    cases[i].want_err ? "untouched" : cases[i].want);
	}
	for (size_t i = 0; i < 1000; i++)
		memcpy(many + 2 * i, "\xc3\xbc", 3);
	t_err("much text", domain_canon(str_of(many), out), ERR_TOOBIG);
	t_err("NUL", domain_canon(STR("b\xc3\xbc\0.com"), out), ERR_SYNTAX);
	t_err("NUL in ASCII", domain_canon(STR("a\0.com"), out), ERR_SYNTAX);
	t_err("NULL", domain_canon(str_of(NULL), out), ERR_SYNTAX);
}

static void
test_equal_and_parent(void **state)
{
	(void)state;
	t_bool("case", domain_eq(STR("A.b"), STR("a.B")), true);
	t_bool("last dot", domain_eq(STR("a.b."), STR("a.b")), true);
	t_bool("one dot only", domain_eq(STR("a.b.."), STR("a.b")), false);
	t_bool("other", domain_eq(STR("a.b"), STR("a.c")), false);
	t_bool("part", domain_eq(STR("a.b"), STR("x.a.b")), false);
	t_is("parent", domain_parent(STR("a.b.c")), "b.c");
	t_is("of the top", domain_parent(STR("com")), "");
	t_is("of nothing", domain_parent(STR("")), "");
}

static void
test_is_ip(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} cases[] = {
	    {"192.0.2.1", true},
	    {"0.0.0.0", true},
	    {"255.255.255.255", true},
	    {"010.1.1.1", true},
	    {"::1", true},
	    {"2001:db8::1", true},
	    {"[192.0.2.1]", true},
	    {"[IPv6:2001:db8::1]", true},
	    {"[]", true},
	    {"256.1.1.1", false},
	    {"1.2.3", false},
	    {"1.2.3.4.5", false},
	    {"1.2.3.4.", false},
	    {"1..3.4", false},
	    {".1.2.3", false},
	    {"1.2.3.0004", false},
	    {"1.2.3.x", false},
	    {"example.com", false},
	    {"[", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_bool(cases[i].in, domain_is_ip(str_of(cases[i].in)),
		    cases[i].want);
}

static void
test_match(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool want;
	} cases[] = {
	    {"mail.example.com", "mail.example.com", true},
	    {"MAIL.example.com", "mail.EXAMPLE.com", true},
	    {"mail.example.com.", "mail.example.com", true},
	    {"mail.example.com", "mail.example.com.", true},
	    {"mail.example.com", "mail2.example.com", false},
	    {"example.com", "mail.example.com", false},
	    {"*.example.com", "mail.example.com", true},
	    {"*.EXAMPLE.com", "Mail.example.COM.", true},
	    {"*.example.com", "xn--bcher-kva.example.com", true},
	    {"*.example.com", "_a.example.com", true},
	    {"*.example.com", "example.com", false},
	    {"*.example.com", "a.b.example.com", false},
	    {"*.example.com", ".example.com", false},
	    {"*.example.com", "a.example.com.evil.com", false},
	    {"*.example.com", "aexample.com", false},
	    {"*.com", "example.com", true},
	    {"*", "com", false},
	    {"*", "example.com", false},
	    {"*.", "com", false},
	    {"*.", "com.", false},
	    {"m*.example.com", "mail.example.com", false},
	    {"*l.example.com", "mail.example.com", false},
	    {"mail.*.com", "mail.example.com", false},
	    {"*.*.com", "mail.example.com", false},
	    {"*.*.com", "a.*.com", false},
	    {"**.example.com", "mail.example.com", false},
	    {"*.example.com", "*.example.com", false},
	    {"m*.example.com", "m*.example.com", false},
	    {"192.0.2.1", "192.0.2.1", false},
	    {"*.0.2.1", "192.0.2.1", false},
	    {"", "", false},
	    {".", ".", false},
	    {"", "example.com", false},
	    {"*.example.com", "", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char name[128];

		snprintf(name, sizeof(name), "STS %s and %s", cases[i].pattern,
		    cases[i].host);
		t_bool(name,
		    domain_match(
			str_of(cases[i].pattern), str_of(cases[i].host)),
		    cases[i].want);
	}
}

static void
test_copy(void **state)
{
	char longest[DOMAIN_MAX], out[DOMAIN_MAX];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[DOMAIN_MAX - 1] = '\0';
	memset(out, 'x', sizeof(out));
	domain_copy(out, "");
	t_cstr("empty", out, "");
	domain_copy(out, "mx.example.com");
	t_cstr("name", out, "mx.example.com");
	domain_copy(out, longest);
	t_cstr("longest", out, longest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_canon),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_unicode),
	    cmocka_unit_test(test_equal_and_parent),
	    cmocka_unit_test(test_is_ip),
	    cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
