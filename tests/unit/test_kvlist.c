/* relay/base/kvlist: STS-06 and the field list of RFC 8461 3.1. */
#include "config.h"

#include "relay/base/kvlist.h"
#include "tests/unit/t.h"

/* All fields as "key=value|key=value", and how the list ended. */
static int
read_all(struct str rest, int eq_ok, char out[256])
{
	struct str key, value;
	size_t n = 0;
	int err;

	out[0] = '\0';
	while ((err = kvlist_next(&rest, eq_ok, &key, &value)) == 0)
		n += (size_t)snprintf(out + n, 256 - n, "%s%.*s>%.*s",
		    n > 0 ? "|" : "", STR_FMT(key), STR_FMT(value));
	return err;
}

static void
test_lists(void **state)
{
	static const struct {
		const char *in;
		int eq_ok;
		int want_err; /* how it ends */
		const char *want;
	} cases[] = {
	    {"v=STSv1; id=2026;", 0, ERR_NOTFOUND, "v>STSv1|id>2026"},
	    {"v=STSv1;id=2026", 0, ERR_NOTFOUND, "v>STSv1|id>2026"},
	    {"v=STSv1 \t; \t id=1 ; \t", 0, ERR_NOTFOUND, "v>STSv1|id>1"},
	    {"v=STSv1;", 0, ERR_NOTFOUND, "v>STSv1"},
	    {"v=STSv1", 0, ERR_NOTFOUND, "v>STSv1"},
	    {"", 0, ERR_NOTFOUND, ""},
	    {"a.b-c_d=!:<~", 0, ERR_NOTFOUND, "a.b-c_d>!:<~"},
	    {"1=2", 0, ERR_NOTFOUND, "1>2"},
	    {"a=1;;b=2", 0, ERR_SYNTAX, "a>1"},
	    {"a=1; ;b=2", 0, ERR_SYNTAX, "a>1"},
	    {"a=1;;", 0, ERR_SYNTAX, "a>1"},
	    {";a=1", 0, ERR_SYNTAX, ""},
	    {" a=1", 0, ERR_SYNTAX, ""},
	    {"a=1 ", 0, ERR_SYNTAX, ""},
	    {"a=1 b=2", 0, ERR_SYNTAX, ""},
	    {"a =1", 0, ERR_SYNTAX, ""},
	    {"a= 1", 0, ERR_SYNTAX, ""},
	    {"a=", 0, ERR_SYNTAX, ""},
	    {"a=;", 0, ERR_SYNTAX, ""},
	    {"a", 0, ERR_SYNTAX, ""},
	    {"a;", 0, ERR_SYNTAX, ""},
	    {"=1", 0, ERR_SYNTAX, ""},
	    {"-a=1", 0, ERR_SYNTAX, ""},
	    {"_a=1", 0, ERR_SYNTAX, ""},
	    {".a=1", 0, ERR_SYNTAX, ""},
	    {"a*=1", 0, ERR_SYNTAX, ""},
	    {"a=1\r\n;", 0, ERR_SYNTAX, ""},
	    {"a=\x7f", 0, ERR_SYNTAX, ""},
	    {"a=\xc3\xa4", 0, ERR_SYNTAX, ""},
	    {"a=1=2", 0, ERR_SYNTAX, ""},
	    {"a=1=2;b=3", 1, ERR_NOTFOUND, "a>1=2|b>3"},
	    {"rua=https://h/?a=b,mailto:x@y", 1, ERR_NOTFOUND,
		"rua>https://h/?a=b,mailto:x@y"},
	    {"abcdefghijklmnopqrstuvwxyz012345=1", 0, ERR_NOTFOUND,
		"abcdefghijklmnopqrstuvwxyz012345>1"},
	    {"abcdefghijklmnopqrstuvwxyz0123456=1", 0, ERR_SYNTAX, ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char out[256];

		t_err(cases[i].in,
		    read_all(str_of(cases[i].in), cases[i].eq_ok, out),
		    cases[i].want_err);
		t_cstr(cases[i].in, out, cases[i].want);
	}
}

static void
test_bounds(void **state)
{
	struct str rest = str_n("a=12345", 4), key, value;
	char out[256];

	(void)state;
	t_err("stops at n", kvlist_next(&rest, 0, &key, &value), 0);
	t_is("value", value, "12");
	t_int("all read", (int64_t)rest.n, 0);
	t_err("NUL is no value", read_all(STR("a=1\0;"), 0, out), ERR_SYNTAX);
	rest = STR("a==");
	t_err("error", kvlist_next(&rest, 0, &key, &value), ERR_SYNTAX);
	t_is("rest stays", rest, "a==");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
