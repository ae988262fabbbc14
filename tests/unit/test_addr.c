/* Mailboxes and paths. */
#include "config.h"

#include "relay/smtp/addr.h"

#include "tests/unit/t.h"

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define D60 X50 "xxxxxxxxx."

static const struct {
	const char *in;
	bool null_ok;
	int err;
	const char *addr, *domain;
	size_t left;
} paths[] = {
    {"<a@b.example>", false, 0, "a@b.example", "b.example", 0},
    {"<a@b.example> SIZE=1", false, 0, "a@b.example", "b.example", 7},
    {"<A.b+c@B.EXAMPLE>", false, 0, "A.b+c@b.example", "b.example", 0},
    {"<>", true, 0, "", "", 0},
    {"<>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<postmaster>", false, 0, "postmaster", "", 0},
    {"<PostMaster>", false, 0, "PostMaster", "", 0},
    {"<root>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<@r.example:a@b.example>", false, 0, "a@b.example", "b.example", 0},
    {"<@r.example,@[192.0.2.1]:a@b.example>", false, 0, "a@b.example",
	"b.example", 0},
    {"<@r.example,a@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<@r.example a@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<@r.example:>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<@>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<\"a\"@b.example>", false, 0, "a@b.example", "b.example", 0},
    {"<\"a b\"@b.example>", false, 0, "\"a b\"@b.example", "b.example", 0},
    {"<\"a\\b\"@b.example>", false, 0, "ab@b.example", "b.example", 0},
    {"<\"a\\\"b\\\\\"@b.example>", false, 0, "\"a\\\"b\\\\\"@b.example",
	"b.example", 0},
    {"<\"a@c\"@b.example>", false, 0, "\"a@c\"@b.example", "b.example", 0},
    {"<\"a>\"@b.example>", false, 0, "\"a>\"@b.example", "b.example", 0},
    {"<\"\"@b.example>", false, 0, "\"\"@b.example", "b.example", 0},
    {"<\".a\"@b.example>", false, 0, "\".a\"@b.example", "b.example", 0},
    {"<\"a@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<\"a\\", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<\"a\tb\"@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<\"a\r\nb\"@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[192.0.2.1]>", false, 0, "x@[192.0.2.1]", "[192.0.2.1]", 0},
    {"<x@[IPv6:2001:DB8:0::1]>", false, 0, "x@[IPv6:2001:db8::1]",
	"[2001:db8::1]", 0},
    {"<x@[ipv6:::1]>", false, 0, "x@[IPv6:::1]", "[::1]", 0},
    {"<x@[2001:db8::1]>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[IPv6:192.0.2.1]>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[192.0.2.256]>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[host]>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[192.0.2.1>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[]>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<x@[192.0.2.1]y>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@b@c.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@b..example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@b.example.>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@-b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@b_c.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@192.0.2.1>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<.a@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a.@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a..b@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a b@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"< a@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@b.example >", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a(c)@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@b.example", false, ERR_SYNTAX, NULL, NULL, 0},
    {"a@b.example", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<\xc3\xa4@b.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<a@\xc3\xa4.example>", false, ERR_SYNTAX, NULL, NULL, 0},
    {"<", true, ERR_SYNTAX, NULL, NULL, 0},
    {"", true, ERR_SYNTAX, NULL, NULL, 0},
    /* RFC 5321 4.5.3.1 */
    {"<" X50 X50 "@b.example>", false, 0, X50 X50 "@b.example", "b.example", 0},
    {"<" X50 X50 X50 X50 X50 X10 "@b.example>", false, ERR_TOOBIG, NULL, NULL,
	0},
    {"<" X50 X50 X50 X50 X10 X10 X10 X10 "@b.example12345>", false, ERR_TOOBIG,
	NULL, NULL, 0},
    {"<a@" D60 D60 D60 D60 D60 "example>", false, ERR_TOOBIG, NULL, NULL, 0},
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(paths); i++) {
		char addr[ADDR_MAX] = "?", domain[DOMAIN_MAX] = "?";
		struct str in = str_of(paths[i].in);
		size_t used = 0;

		t_err(paths[i].in,
		    addr_parse_path(in, paths[i].null_ok, addr, domain, &used),
		    paths[i].err);
		t_cstr(paths[i].in, addr, paths[i].err ? "?" : paths[i].addr);
		t_cstr(
		    paths[i].in, domain, paths[i].err ? "?" : paths[i].domain);
		if (!paths[i].err)
			t_int(paths[i].in, (int64_t)used,
			    (int64_t)(in.n - paths[i].left));
	}
}

static void
test_mailbox(void **state)
{
	static const struct {
		const char *in;
		int err;
		const char *addr;
	} cases[] = {
	    {"a@B.example", 0, "a@b.example"},
	    {"\"a\"@b.example", 0, "a@b.example"},
	    {"a@b.example ", ERR_SYNTAX, NULL},
	    {"a@b.example>", ERR_SYNTAX, NULL},
	    {"<a@b.example>", ERR_SYNTAX, NULL},
	    {"", ERR_SYNTAX, NULL},
	};
	char addr[ADDR_MAX], domain[DOMAIN_MAX];

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int err = addr_parse_mailbox(str_of(cases[i].in), addr, domain);

		t_err(cases[i].in, err, cases[i].err);
		if (!err)
			t_cstr(cases[i].in, addr, cases[i].addr);
	}
	t_err("no domain wanted",
	    addr_parse_mailbox(STR("a@b.example"), addr, NULL), 0);
}

/* What is canonical parses to itself. */
static void
test_stable(void **state)
{
	static const char *const in[] = {"\"a b\"@x.example",
	    "\"\\\"\\\\\"@x.example", "a@[IPv6:2001:db8::1]", "\"\"@x.example",
	    "!#$%&'*+-/=?^_`{|}~@x.example"};
	char once[ADDR_MAX], twice[ADDR_MAX];

	(void)state;
	for (size_t i = 0; i < T_COUNT(in); i++) {
		t_err(in[i], addr_parse_mailbox(str_of(in[i]), once, NULL), 0);
		t_err(in[i], addr_parse_mailbox(str_of(once), twice, NULL), 0);
		t_cstr(in[i], twice, once);
	}
}

static void
test_domain(void **state)
{
	(void)state;
	t_is("plain", addr_domain("a@b.example"), "b.example");
	t_is("quoted", addr_domain("\"a@c\"@b.example"), "b.example");
	t_is("literal", addr_domain("a@[192.0.2.1]"), "[192.0.2.1]");
	t_is("none", addr_domain("postmaster"), "");
	t_is("null", addr_domain(""), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_mailbox),
	    cmocka_unit_test(test_stable),
	    cmocka_unit_test(test_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
