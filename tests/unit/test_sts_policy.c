/* The policy text, and matching of MX names. */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/model/sts_entry.h"
#include "sts/sts_policy.h"

#define HEAD "version: STSv1\nmode: enforce\nmax_age: 604800\n"
#define NUL_BODY HEAD "mx: a.b\nx: a\0b\n"

static void
test_valid(void **state)
{
	static const struct {
		const char *name, *body;
		enum sts_mode mode;
		int64_t max_age;
		const char *mx; /* each with a blank behind it */
	} cases[] = {
	    {"STS-10 plain", HEAD "mx: mail.example.com\nmx: *.example.net\n",
		STS_MODE_ENFORCE, 604800, "mail.example.com *.example.net "},
	    {"STS-11 CRLF",
		"version: STSv1\r\nmode: testing\r\nmax_age: 1\r\nmx: a.b\r\n",
		STS_MODE_TESTING, 1, "a.b "},
	    {"STS-11 no final end", HEAD "mx: a.b", STS_MODE_ENFORCE, 604800,
		"a.b "},
	    {"STS-11 trailing blanks",
		"version: STSv1 \nmode: enforce\t \nmax_age: 5  \nmx: a.b \t",
		STS_MODE_ENFORCE, 5, "a.b "},
	    {"STS-10 no blank after the colon",
		"version:STSv1\nmode:enforce\nmax_age:5\nmx:a.b\n",
		STS_MODE_ENFORCE, 5, "a.b "},
	    {"STS-10 any order",
		"mx: a.b\nmax_age: 5\nmode: enforce\nversion: STSv1",
		STS_MODE_ENFORCE, 5, "a.b "},
	    {"STS-10 none needs no mx",
		"version: STSv1\nmode: none\nmax_age: 86400\n", STS_MODE_NONE,
		86400, ""},
	    {"STS-12 unknown fields",
		HEAD "mx: a.b\nx.y-z_1: https://a:1 \xc3\xa4 z\n",
		STS_MODE_ENFORCE, 604800, "a.b "},
	    {"STS-12 the first counts",
		HEAD "mx: a.b\nmode: none\nversion: STSv2\nmax_age: x\n",
		STS_MODE_ENFORCE, 604800, "a.b "},
	    {"STS-13 capped",
		"version: STSv1\nmode: enforce\nmax_age: 9999999999\nmx: a.b",
		STS_MODE_ENFORCE, STS_MAX_AGE_CAP, "a.b "},
	    {"STS-13 largest",
		"version: STSv1\nmode: enforce\nmax_age: 31557600\nmx: a.b",
		STS_MODE_ENFORCE, 31557600, "a.b "},
	    {"STS-13 0", "version: STSv1\nmode: enforce\nmax_age: 0\nmx: a.b",
		STS_MODE_ENFORCE, 0, "a.b "},
	    {"STS-11 tab after the colon",
		"version:\tSTSv1\nmode: \t enforce\nmax_age:\t5\nmx:\ta.b\n",
		STS_MODE_ENFORCE, 5, "a.b "},
	    {"STS-12 UTF-8 of three and four bytes",
		HEAD "mx: a.b\nx: \xe2\x82\xac \xf0\x9f\x93\xa7\n",
		STS_MODE_ENFORCE, 604800, "a.b "},
	    {"STS-15 upper case", HEAD "mx: MX.Example.COM", STS_MODE_ENFORCE,
		604800, "mx.example.com "},
	    {"STS-15 A-label", HEAD "mx: *.xn--bcher-kva.example",
		STS_MODE_ENFORCE, 604800, "*.xn--bcher-kva.example "},
	};
	struct buf mx;

	(void)state;
	buf_init(&mx, 1000);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].name, *text = "";
		struct sts_policy p;

		t_err(name, sts_policy_parse(str_of(cases[i].body), &p, &text),
		    0);
		t_cstr(name, sts_mode_str(p.mode), sts_mode_str(cases[i].mode));
		t_int(name, p.max_age, cases[i].max_age);
		buf_reset(&mx);
		for (size_t j = 0; j < p.n_mx; j++)
			buf_addf(&mx, "%s ", p.mx[j]);
		t_is(name, buf_str(&mx), cases[i].mx);
		sts_policy_clear(&p);
	}
	buf_clear(&mx);
}

static const struct {
	const char *name, *body;
} invalid[] = {
    {"STS-10 empty", ""},
    {"STS-10 no version", "mode: enforce\nmax_age: 5\nmx: a.b\n"},
    {"STS-10 no mode", "version: STSv1\nmax_age: 5\nmx: a.b\n"},
    {"STS-10 no max_age", "version: STSv1\nmode: enforce\nmx: a.b\n"},
    {"STS-10 no mx", HEAD},
    {"STS-10 no mx in testing", "version: STSv1\nmode: testing\nmax_age: 5\n"},
    {"STS-10 other version", "version: STSv2\nmode: none\nmax_age: 5\n"},
    {"STS-10 version in small letters",
	"version: stsv1\nmode: none\nmax_age: 5\n"},
    {"STS-10 other mode", "version: STSv1\nmode: strict\nmax_age: 5\nmx: a"},
    {"STS-10 mode in capitals",
	"version: STSv1\nmode: Enforce\nmax_age: 5\nmx: a"},
    {"STS-10 key in capitals",
	"version: STSv1\nMode: enforce\nmax_age: 5\nmx: a"},
    {"STS-13 max_age negative", "version: STSv1\nmode: none\nmax_age: -1"},
    {"STS-13 max_age 11 digits",
	"version: STSv1\nmode: none\nmax_age: 12345678901"},
    {"STS-13 max_age with unit", "version: STSv1\nmode: none\nmax_age: 5d"},
    {"STS-12 blank before the colon", HEAD "mx : a.b\n"},
    {"STS-12 no colon", HEAD "mx: a.b\nhello\n"},
    {"STS-11 empty line", HEAD "\nmx: a.b\n"},
    {"STS-11 empty line at the end", HEAD "mx: a.b\n\n"},
    {"STS-11 blank at the front", " " HEAD "mx: a.b\n"},
    {"STS-12 empty value", HEAD "mx: a.b\nx:\n"},
    {"STS-12 empty mx", HEAD "mx:\n"},
    {"STS-15 address", HEAD "mx: 192.0.2.1\n"},
    {"STS-15 IPv6 address", HEAD "mx: 2001:db8::1\n"},
    {"STS-15 address literal", HEAD "mx: [192.0.2.1]\n"},
    {"STS-15 star alone", HEAD "mx: *\n"},
    {"STS-15 star and dot", HEAD "mx: *.\n"},
    {"STS-15 partial star", HEAD "mx: m*.example\n"},
    {"STS-15 star inside", HEAD "mx: a.*.example\n"},
    {"STS-15 two stars", HEAD "mx: *.*.example\n"},
    {"STS-15 dot in front", HEAD "mx: .example\n"},
    {"STS-15 dot at the end", HEAD "mx: mx.example.\n"},
    {"STS-15 U-label",
	HEAD "mx: b\xc3\xbc"
	     "cher.example\n"},
    {"STS-15 underscore", HEAD "mx: a_b.example\n"},
    {"STS-15 two on a line", HEAD "mx: a.b, c.d\n"},
    {"STS-15 one wrong of two", HEAD "mx: a.b\nmx: -\n"},
    {"STS-43 control character", HEAD "mx: a.b\nx: a\x01z\n"},
    {"STS-43 DEL", HEAD "mx: a.b\nx: a\x7fz\n"},
    {"STS-43 bare CR", HEAD "mx: a.b\rx: y\n"},
    {"STS-43 CR at the end", HEAD "mx: a.b\r"},
    {"STS-43 tab in a value", HEAD "mx: a.b\nx: a\tb\n"},
    {"STS-43 not UTF-8", HEAD "mx: a.b\nx: \xff\n"},
    {"STS-43 overlong UTF-8", HEAD "mx: a.b\nx: \xc0\xaf\n"},
    {"STS-43 surrogate", HEAD "mx: a.b\nx: \xed\xa0\x80\n"},
    {"STS-43 third byte of UTF-8", HEAD "mx: a.b\nx: \xe2\x82z\n"},
    {"STS-43 fourth byte of UTF-8", HEAD "mx: a.b\nx: \xf0\x9f\x93\xc0\n"},
    {"STS-43 above U+10FFFF", HEAD "mx: a.b\nx: \xf4\x90\x80\x80\n"},
    {"STS-43 cut UTF-8", HEAD "mx: a.b\nx: \xe2\x82"},
    {"STS-12 key empty", HEAD "mx: a.b\n: x\n"},
    {"STS-12 key begins with a dot", HEAD "mx: a.b\n.x: y\n"},
    {"STS-12 key with a slash", HEAD "mx: a.b\na/b: y\n"},
    {"STS-12 key too long",
	HEAD "mx: a.b\na23456789012345678901234567890123: x\n"},
    {"STS-10 HTML", "<html>\n<body>no: such file</body>\n"},
};

static void
test_invalid(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(invalid); i++) {
		struct sts_policy p;
		const char *text = NULL;

		t_err(invalid[i].name,
		    sts_policy_parse(str_of(invalid[i].body), &p, &text),
		    ERR_SYNTAX);
		assert_non_null(text);
	}
	t_err("STS-43 NUL",
	    sts_policy_parse(str_n(NUL_BODY, sizeof(NUL_BODY) - 1),
		&(struct sts_policy){0}, NULL),
	    ERR_SYNTAX);
}

/* What lint says: "line:column rule text", all of them. */
static const struct {
	const char *name, *body, *want;
} linted[] = {
    {"STS-10 all well", HEAD "mx: a.b\n", ""},
    {"STS-10 empty", "",
	"1:1 STS-10 version is missing|1:1 STS-10 mode is missing|"
	"1:1 STS-10 max_age is missing|"},
    {"STS-10 mx missing in enforce", HEAD, "4:1 STS-10 mx is missing|"},
    {"STS-10 mode wrong, mx not asked for",
	"version: STSv1\nmode: x\nmax_age: 5\n",
	"2:7 STS-10 mode is not enforce, testing or none|"},
    {"STS-10 version wrong, once", "version:  STSv2\nmode: none\nmax_age: 5",
	"1:11 STS-10 version is not STSv1|"},
    {"STS-10 key in capitals is another key",
	"Version: STSv1\nmode: none\nmax_age: 5\n",
	"4:1 STS-10 version is missing|"},
    {"STS-11 an empty line", HEAD "\nmx: a.b\n", "4:1 STS-11 an empty line|"},
    {"STS-11 an empty line of CRLF", HEAD "mx: a.b\n\r\n",
	"5:1 STS-11 an empty line|"},
    {"STS-12 no colon", HEAD "mx: a.b\r\n  \r\n",
	"5:1 STS-12 a line has no colon|"},
    {"STS-12 blank before the colon", HEAD "mx : a.b\n",
	"4:3 STS-12 a key has a wrong character|"
	"5:1 STS-10 mx is missing|"},
    {"STS-12 blank before the key", HEAD " mx: a.b\n",
	"4:1 STS-12 a key has a wrong character|"
	"5:1 STS-10 mx is missing|"},
    {"STS-12 byte order mark", "\xef\xbb\xbf" HEAD "mx: a.b\n",
	"1:1 STS-12 a byte order mark before the key|"
	"5:1 STS-10 version is missing|"},
    {"STS-12 key too long",
	HEAD "mx: a.b\na23456789012345678901234567890123: x\n",
	"5:33 STS-12 a key has more than 32 characters|"},
    {"STS-12 value empty", HEAD "mx: a.b\nx: \t\n",
	"5:3 STS-12 a value is empty|"},
    {"STS-12 of ignored fields too", HEAD "mx: a.b\nmode:\nmax_age: 1 2\n",
	"5:6 STS-12 a value is empty|"},
    {"STS-13 unit", "version: STSv1\nmode: none\nmax_age: 1d\n",
	"3:10 STS-13 max_age is not 1 to 10 digits|"},
    {"STS-15 as a zone has it", HEAD "mx: a.b\nmx: a.b.\n",
	"5:5 STS-15 mx ends in a dot, which a policy does not have|"},
    {"STS-15 two wrong ones, all named",
	HEAD "mx: a.b\nmx: *\nmx:\t192.0.2.1\n",
	"5:5 STS-15 mx is not a host name or *.name|"
	"6:5 STS-15 mx is not a host name or *.name|"},
    {"STS-15 the only one wrong, mx not missing", HEAD "mx: \xc3\xa4.b",
	"4:5 STS-15 mx is not in A-labels|"},
    {"STS-43 in the middle of a value", HEAD "mx: a.b\nx: yz\x01w",
	"5:6 STS-43 a value has a control character or is not UTF-8|"},
    {"STS-43 CR without LF", HEAD "mx: a.b\r",
	"4:8 STS-43 a value has a control character or is not UTF-8|"},
};

static void
test_lint(void **state)
{
	struct buf got;

	(void)state;
	buf_init(&got, 4000);
	for (size_t i = 0; i < T_COUNT(linted); i++) {
		struct str body = str_of(linted[i].body);
		struct sts_policy p = {0}, again = {0};
		const char *text = NULL;
		struct diags d;
		int err;

		diag_init(&d, body);
		err = sts_policy_lint(body, &p, &d);
		buf_reset(&got);
		for (size_t j = 0; j < d.n; j++)
			buf_addf(&got, "%zu:%zu %s %s|", d.v[j].line,
			    d.v[j].column, d.v[j].rule, d.v[j].text);
		t_is(linted[i].name, buf_str(&got), linted[i].want);
		/* The daemon's way comes to the same, by the first fault. */
		t_err(
		    linted[i].name, sts_policy_parse(body, &again, &text), err);
		t_cstr(linted[i].name, text, d.n > 0 ? d.v[0].text : NULL);
		sts_policy_clear(&p);
		sts_policy_clear(&again);
	}
	buf_clear(&got);
}

static void
test_lint_limits(void **state)
{
	struct sts_policy p = {0};
	struct diags d;
	struct buf b;

	(void)state;
	buf_init(&b, 2 * STS_BODY_MAX);
	for (size_t i = 0; i < DIAG_MAX + 1; i++)
		buf_add_cstr(&b, "\n");
	diag_init(&d, buf_str(&b));
	t_err("many", sts_policy_lint(buf_str(&b), &p, &d), ERR_SYNTAX);
	t_int("many", (int64_t)d.n, DIAG_MAX);
	t_bool("more", d.more, true);
	while (b.n <= STS_BODY_MAX)
		buf_add_cstr(&b, "x\n");
	diag_init(&d, buf_str(&b));
	t_err("STS-22", sts_policy_lint(buf_str(&b), &p, &d), ERR_TOOBIG);
	t_int("STS-22", (int64_t)d.n, 1);
	t_cstr("STS-22", d.v[0].rule, "STS-22");
	buf_clear(&b);
}

static void
test_mx(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: refused */
	} cases[] = {
	    {"mx.example", "mx.example"},
	    {"*.Example", "*.example"},
	    {"*.com", "*.com"},
	    {"a", "a"},
	    {"", NULL},
	    {"*", NULL},
	    {"*.", NULL},
	    {"*.*.x", NULL},
	    {"mx.example.", NULL},
	    {"a b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char out[DOMAIN_MAX] = "";
		const char *text = NULL;
		int err = sts_policy_mx(str_of(cases[i].in), out, &text);

		t_err(cases[i].in, err, cases[i].want ? 0 : ERR_SYNTAX);
		t_cstr(cases[i].in, out, cases[i].want ? cases[i].want : "");
		assert_non_null(text);
	}
}

static void
test_limits(void **state)
{
	struct sts_policy p;
	struct buf b;

	(void)state;
	buf_init(&b, 2 * STS_BODY_MAX);
	buf_add_cstr(&b, HEAD);
	for (size_t i = 0; i < STS_MX_MAX; i++)
		buf_addf(&b, "mx: m%zu.example\n", i);
	t_err("mx lines", sts_policy_parse(buf_str(&b), &p, NULL), 0);
	t_int("mx lines", (int64_t)p.n_mx, STS_MX_MAX);
	t_cstr("last one", p.mx[STS_MX_MAX - 1], "m999.example");
	sts_policy_clear(&p);
	buf_add_cstr(&b, "mx: more.example\n");
	t_err("too many", sts_policy_parse(buf_str(&b), &p, NULL), ERR_TOOBIG);

	buf_reset(&b);
	buf_add_cstr(&b, HEAD "mx: a.b\nx: ");
	while (b.n < STS_BODY_MAX)
		buf_add_char(&b, 'y');
	t_err("STS-22 64 KB", sts_policy_parse(buf_str(&b), &p, NULL), 0);
	sts_policy_clear(&p);
	buf_add_char(&b, 'y');
	t_err(
	    "STS-22 more", sts_policy_parse(buf_str(&b), &p, NULL), ERR_TOOBIG);

	/* 253 characters are the longest name; a pattern must fit as well. */
	buf_reset(&b);
	buf_add_cstr(&b, HEAD "mx: ");
	for (int i = 0; i < 126; i++)
		buf_add_cstr(&b, "a.");
	buf_add_char(&b, 'a');
	t_err("STS-15 long name", sts_policy_parse(buf_str(&b), &p, NULL), 0);
	t_int("STS-15 long name", (int64_t)strlen(p.mx[0]), 253);
	sts_policy_clear(&p);
	buf_reset(&b);
	buf_add_cstr(&b, HEAD "mx: *.");
	for (int i = 0; i < 126; i++)
		buf_add_cstr(&b, "a.");
	buf_add_char(&b, 'a');
	t_err("STS-15 long pattern", sts_policy_parse(buf_str(&b), &p, NULL),
	    ERR_SYNTAX);
	buf_clear(&b);
}

static void
test_match(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool want;
	} cases[] = {
	    {"mx.example.com", "mx.example.com", true},
	    {"mx.example.com", "MX.EXAMPLE.com", true},
	    {"mx.example.com", "my.example.com", false},
	    {"mx.example.com", "a.mx.example.com", false},
	    {"*.example.com", "a.example.com", true},
	    {"*.example.com", "a.b.example.com", false},
	    {"*.example.com", "example.com", false},
	    {"*.example.com", "aexample.com", false},
	    {"*.example.com", ".example.com", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char mx[2][DOMAIN_MAX] = {"other.invalid", ""};
		struct sts_policy p = {.mx = mx, .n_mx = 2};

		memcpy(mx[1], cases[i].pattern, strlen(cases[i].pattern) + 1);
		t_bool(cases[i].host, sts_policy_match(&p, cases[i].host),
		    cases[i].want);
	}
	t_bool("STS-34 no patterns",
	    sts_policy_match(&(struct sts_policy){0}, "a.b"), false);
}

/* What is shown of a policy is a policy, and means the same. */
static void
test_text(void **state)
{
	struct sts_policy p = {0}, again = {0};
	struct buf b;

	(void)state;
	t_err("parse",
	    sts_policy_parse(STR("version: STSv1\nmode: testing\nx: y\n"
				 "mx: MX.a.example\nmx: *.a.example\n"
				 "max_age: 9999999999\n"),
		&p, NULL),
	    0);
	buf_init(&b, 4096);
	sts_policy_text(&p, &b);
	t_str("text", buf_str(&b),
	    STR("version: STSv1\nmode: testing\nmx: mx.a.example\n"
		"mx: *.a.example\nmax_age: 31557600\n"));
	t_err("again", sts_policy_parse(buf_str(&b), &again, NULL), 0);
	t_int("mode", again.mode, STS_MODE_TESTING);
	t_int("patterns", (int64_t)again.n_mx, 2);
	t_cstr(
	    "STS-34", sts_policy_pattern(&again, "b.a.example"), "*.a.example");
	t_cstr("STS-34", sts_policy_pattern(&again, "b.example"), NULL);
	sts_policy_clear(&p);
	sts_policy_clear(&again);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_valid),
	    cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_lint),
	    cmocka_unit_test(test_lint_limits),
	    cmocka_unit_test(test_mx),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
