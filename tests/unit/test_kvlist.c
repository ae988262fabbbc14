/* relay/base/kvlist: STS-06 and the field list of RFC 8461 3.1. */
#include "config.h"

#include "relay/base/kvlist.h"
#include "tests/unit/t.h"

/* All fields as "key=value|key=value", and how the list ended. */
static int
read_all(struct str rest, char out[256])
{
	struct str key, value;
	size_t n = 0;
	int err;

	out[0] = '\0';
	while ((err = kvlist_next(&rest, &key, &value, NULL)) == 0)
		n += (size_t)snprintf(out + n, 256 - n, "%s%.*s>%.*s",
		    n > 0 ? "|" : "", STR_FMT(key), STR_FMT(value));
	return err;
}

static void
test_lists(void **state)
{
	static const struct {
		const char *in;
		int want_err; /* how it ends */
		const char *want;
	} cases[] = {
	    {"v=STSv1; id=2026;", ERR_NOTFOUND, "v>STSv1|id>2026"},
	    {"v=STSv1;id=2026", ERR_NOTFOUND, "v>STSv1|id>2026"},
	    {"v=STSv1 \t; \t id=1 ; \t", ERR_NOTFOUND, "v>STSv1|id>1"},
	    {"v=STSv1;", ERR_NOTFOUND, "v>STSv1"},
	    {"v=STSv1", ERR_NOTFOUND, "v>STSv1"},
	    {"", ERR_NOTFOUND, ""},
	    {"a.b-c_d=!:<~", ERR_NOTFOUND, "a.b-c_d>!:<~"},
	    {"1=2", ERR_NOTFOUND, "1>2"},
	    {"a=1;;b=2", ERR_SYNTAX, "a>1"},
	    {"a=1; ;b=2", ERR_SYNTAX, "a>1"},
	    {"a=1;;", ERR_SYNTAX, "a>1"},
	    {";a=1", ERR_SYNTAX, ""},
	    {" a=1", ERR_SYNTAX, ""},
	    {"a=1 ", ERR_SYNTAX, ""},
	    {"a=1 b=2", ERR_SYNTAX, ""},
	    {"a =1", ERR_SYNTAX, ""},
	    {"a= 1", ERR_SYNTAX, ""},
	    {"a=", ERR_SYNTAX, ""},
	    {"a=;", ERR_SYNTAX, ""},
	    {"a", ERR_SYNTAX, ""},
	    {"a;", ERR_SYNTAX, ""},
	    {"=1", ERR_SYNTAX, ""},
	    {"-a=1", ERR_SYNTAX, ""},
	    {"_a=1", ERR_SYNTAX, ""},
	    {".a=1", ERR_SYNTAX, ""},
	    {"a*=1", ERR_SYNTAX, ""},
	    {"a=1\r\n;", ERR_SYNTAX, ""},
	    {"a=\x7f", ERR_SYNTAX, ""},
	    {"a=\xc3\xa4", ERR_SYNTAX, ""},
	    {"a=1=2", ERR_SYNTAX, ""},
	    {"abcdefghijklmnopqrstuvwxyz012345=1", ERR_NOTFOUND,
		"abcdefghijklmnopqrstuvwxyz012345>1"},
	    {"abcdefghijklmnopqrstuvwxyz0123456=1", ERR_SYNTAX, ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char out[256];

		t_err(cases[i].in, read_all(str_of(cases[i].in), out),
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
	t_err("stops at n", kvlist_next(&rest, &key, &value, NULL), 0);
	t_is("value", value, "12");
	t_int("all read", (int64_t)rest.n, 0);
	t_err("NUL is no value", read_all(STR("a=1\0;"), out), ERR_SYNTAX);
	rest = STR("a==");
	t_err("error", kvlist_next(&rest, &key, &value, NULL), ERR_SYNTAX);
	t_is("rest stays", rest, "a==");
}

/* Where a list is broken. */
static void
test_fault(void **state)
{
	static const struct {
		const char *in;
		size_t at; /* offset in the list */
		const char *text;
	} cases[] = {
	    {"a=1=2", 3, "\"=\" in a value"},
	    {"a=1 ", 4, "a blank at the end, without \";\""},
	    {"a=1 b", 4, "a blank in a value, or \";\" is missing"},
	    {"a=1\x01", 3, "a character that is not allowed in a value"},
	    {"a=\xc3\xa4", 2, "a character that is not allowed in a value"},
	    {"a=1;;", 4, "an empty field"},
	    {"a=1; -b=1", 5, "a name that begins with no letter or digit"},
	    {"a=1; b", 6, "\"=\" is missing"},
	    {"a=1; b =1", 6, "a blank where a name or \"=\" must be"},
	    {"a=1; b\xc3=1", 6, "a character that is not allowed in a name"},
	    {"abcdefghijklmnopqrstuvwxyz0123456=1", 33,
		"a name of more than 32 characters"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str rest = str_of(cases[i].in), key, value;
		struct kvlist_fault fault = {NULL, NULL};
		int err = 0;

		while (!err)
			err = kvlist_next(&rest, &key, &value, &fault);
		t_err(cases[i].in, err, ERR_SYNTAX);
		t_int(
		    cases[i].in, fault.at - cases[i].in, (int64_t)cases[i].at);
		t_cstr(cases[i].in, fault.text, cases[i].text);
	}
}

static void
test_delim(void **state)
{
	static const struct {
		const char *in, *rest;
		int want;
	} cases[] = {
	    {"", "", 0},
	    {";", "", 0},
	    {" \t; \tb=1", "b=1", 0},
	    {";;", ";", 0},
	    {" ", " ", ERR_SYNTAX},
	    {"b", "b", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str rest = str_of(cases[i].in);

		t_err(cases[i].in, kvlist_delim(&rest, NULL), cases[i].want);
		t_is(cases[i].in, rest, cases[i].rest);
	}
}

static void
test_is(void **state)
{
	static const struct {
		const char *in;
		bool want;
	} cases[] = {
	    {"v=X1;", true},
	    {"v=X1 \t;a", true},
	    {"v=X1", false},
	    {"v=X1 ", false},
	    {"v=X10;", false},
	    {"v=X1a;", false},
	    {" v=X1;", false},
	    {"v=x1;", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_bool(cases[i].in, kvlist_is(str_of(cases[i].in), STR("v=X1")),
		    cases[i].want);
}

static void
test_pick(void **state)
{
	static const struct {
		const char *name, *in[4];
		int want;
		const char *one;
	} cases[] = {
	    {"STS-02 nothing", {NULL}, ERR_NOTFOUND, ""},
	    {"STS-02 one", {"v=X1; a"}, 0, "v=X1; a"},
	    {"STS-06 alone, a blank before ;", {"v=X1 ; a"}, 0, "v=X1 ; a"},
	    {"STS-02 a foreign one alone", {"x"}, ERR_NOTFOUND, ""},
	    {"STS-02 version alone", {"v=X1"}, ERR_NOTFOUND, ""},
	    {"STS-02 beside others", {"x", "v=X1;", "y"}, 0, "v=X1;"},
	    {"STS-02 a blank before ; beside others", {"x", "v=X1 ;"},
		ERR_NOTFOUND, ""},
	    {"STS-02 ... and a good one", {"v=X1 ;", "v=X1;b"}, 0, "v=X1;b"},
	    {"STS-02 two", {"v=X1;", "x", "v=X1;"}, ERR_EXISTS, ""},
	    {"STS-02 version alone beside others", {"v=X1", "v=X1"},
		ERR_NOTFOUND, ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct kvlist_pick p = {.version = STR("v=X1")};
		struct str one = STR("");

		for (size_t j = 0; j < 4 && cases[i].in[j]; j++)
			kvlist_pick_add(&p, str_of(cases[i].in[j]));
		t_err(cases[i].name, kvlist_pick_one(&p, &one), cases[i].want);
		t_is(cases[i].name, one, cases[i].one);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_fault),
	    cmocka_unit_test(test_delim),
	    cmocka_unit_test(test_is),
	    cmocka_unit_test(test_pick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
