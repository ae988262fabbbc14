/* The TXT record at _mta-sts. */
#include "config.h"

#include "tests/unit/t.h"

#include "sts/sts_record.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *name, *txt;
		int want;
		const char *id;
	} cases[] = {
	    {"plain", "v=STSv1; id=20160831085700Z;", 0, "20160831085700Z"},
	    {"STS-06 no last delimiter", "v=STSv1; id=1", 0, "1"},
	    {"STS-06 no blanks", "v=STSv1;id=1;", 0, "1"},
	    {"STS-06 blanks and tabs", "v=STSv1 \t;\t id=1 ; ", 0, "1"},
	    {"STS-06 32 characters",
		"v=STSv1; id=0123456789abcdef0123456789ABCDEF", 0,
		"0123456789abcdef0123456789ABCDEF"},
	    {"STS-07 unknown fields", "v=STSv1; a.b-c_d=x:y,z; id=1; e=!", 0,
		"1"},
	    {"STS-07 the first id counts", "v=STSv1; id=1; id=2", 0, "1"},
	    {"STS-07 ... whatever the second", "v=STSv1; id=1; id=a-b", 0, "1"},
	    {"STS-06 33 characters",
		"v=STSv1; id=0123456789abcdef0123456789abcdef0", ERR_SYNTAX,
		""},
	    {"STS-06 id missing", "v=STSv1;", ERR_SYNTAX, ""},
	    {"STS-06 id empty", "v=STSv1; id=;", ERR_SYNTAX, ""},
	    {"STS-06 id has a dash", "v=STSv1; id=2016-08", ERR_SYNTAX, ""},
	    {"STS-06 key is case-sensitive", "v=STSv1; ID=1", ERR_SYNTAX, ""},
	    {"STS-06 empty field", "v=STSv1;; id=1", ERR_SYNTAX, ""},
	    {"STS-06 two last delimiters", "v=STSv1; id=1;;", ERR_SYNTAX, ""},
	    {"STS-06 blank around =", "v=STSv1; id = 1", ERR_SYNTAX, ""},
	    {"STS-06 = in a value", "v=STSv1; id=1; a=b=c", ERR_SYNTAX, ""},
	    {"STS-06 blank in a value", "v=STSv1; id=1; a=b c", ERR_SYNTAX, ""},
	    {"STS-06 key too long",
		"v=STSv1; id=1; a23456789012345678901234567890123=b",
		ERR_SYNTAX, ""},
	    {"STS-06 blank before it", " v=STSv1; id=1", ERR_NOTFOUND, ""},
	    {"STS-06 version second", "id=1; v=STSv1;", ERR_NOTFOUND, ""},
	    {"STS-06 version is case-sensitive", "v=stsv1; id=1", ERR_NOTFOUND,
		""},
	    {"STS-02 another version", "v=STSv10; id=1", ERR_NOTFOUND, ""},
	    {"STS-02 no delimiter", "v=STSv1", ERR_NOTFOUND, ""},
	    {"STS-02 another record", "v=spf1 -all", ERR_NOTFOUND, ""},
	    {"STS-02 empty", "", ERR_NOTFOUND, ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char id[STS_ID_MAX] = "";

		t_err(cases[i].name, sts_record_parse(str_of(cases[i].txt), id),
		    cases[i].want);
		t_cstr(cases[i].name, id, cases[i].id);
	}
}

static void
test_no_nul_needed(void **state)
{
	char id[STS_ID_MAX] = "";

	(void)state;
	t_err("cut", sts_record_parse(str_n("v=STSv1; id=123", 14), id), 0);
	t_cstr("cut", id, "12");
	t_err("NUL inside", sts_record_parse(str_n("v=STSv1; id=1\0;", 15), id),
	    ERR_SYNTAX);
}

/* Where and by which rule a record is broken. */
static void
test_lint(void **state)
{
	static const struct {
		const char *txt;
		int want;
		size_t column;
		const char *rule, *text;
	} cases[] = {
	    {"v=STSv1; id=1;", 0, 0, "", ""},
	    {"v=spf1 -all", ERR_NOTFOUND, 1, "STS-02",
		"this does not begin with \"v=STSv1;\""},
	    {"v=STSv1;", ERR_SYNTAX, 9, "STS-06", "the id is missing"},
	    {"v=STSv1; a=b", ERR_SYNTAX, 13, "STS-06", "the id is missing"},
	    {"v=STSv1; id=20-26", ERR_SYNTAX, 15, "STS-06",
		"the id has a character that is no letter or digit"},
	    {"v=STSv1; id=0123456789abcdef0123456789abcdef0", ERR_SYNTAX, 13,
		"STS-06", "the id has more than 32 characters"},
	    {"v=STSv1;; id=1", ERR_SYNTAX, 9, "STS-06", "an empty field"},
	    {"v=STSv1; id=1 ", ERR_SYNTAX, 15, "STS-06",
		"a blank at the end, without \";\""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].txt;
		char id[STS_ID_MAX] = "";
		struct diags d;

		diag_init(&d, str_of(name));
		t_err(
		    name, sts_record_lint(str_of(name), id, &d), cases[i].want);
		t_int(name, (int64_t)d.n, cases[i].want ? 1 : 0);
		if (!cases[i].want)
			continue;
		t_int(name, (int64_t)d.v[0].line, 1);
		t_int(name, (int64_t)d.v[0].column, (int64_t)cases[i].column);
		t_cstr(name, d.v[0].rule, cases[i].rule);
		t_cstr(name, d.v[0].text, cases[i].text);
	}
}

static void
test_select(void **state)
{
	static const struct {
		const char *name;
		const char *txt[3];
		int want;
		const char *id;
	} cases[] = {
	    {"one", {"v=STSv1; id=1"}, 0, "1"},
	    {"STS-06 one, blank before ;", {"v=STSv1 ; id=1"}, 0, "1"},
	    {"STS-02 beside others", {"v=spf1 -all", "v=STSv1; id=1", "x"}, 0,
		"1"},
	    {"STS-02 two", {"v=STSv1; id=1", "v=STSv1; id=1"}, ERR_SYNTAX, ""},
	    {"STS-02 two, one broken", {"v=STSv1; id=1", "v=STSv1; id=-"},
		ERR_SYNTAX, ""},
	    {"STS-02 only others", {"v=spf1 -all", "x"}, ERR_NOTFOUND, ""},
	    {"STS-02 exact prefix among several",
		{"v=STSv1 ; id=1", "v=STSv1; id=2"}, 0, "2"},
	    {"STS-03 one, broken", {"v=STSv1; id=-"}, ERR_SYNTAX, ""},
	    {"one of others", {"hello"}, ERR_NOTFOUND, ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char id[STS_ID_MAX] = "";
		struct rr_set *s;
		size_t n = 0;

		while (n < 3 && cases[i].txt[n])
			n++;
		s = rr_set_new(RR_TXT, n);
		for (size_t j = 0; j < n; j++)
			rr_set_txt(s, j, str_of(cases[i].txt[j]));
		t_err(cases[i].name, sts_record_select(s, id), cases[i].want);
		t_cstr(cases[i].name, id, cases[i].id);
		rr_set_unref(s);
	}
}

static void
test_no_answer(void **state)
{
	static const enum rr_status statuses[] = {
	    RR_NODATA, RR_NXDOMAIN, RR_FAIL};
	char id[STS_ID_MAX] = "";

	(void)state;
	for (size_t i = 0; i < T_COUNT(statuses); i++) {
		struct rr_set *s = rr_set_empty(
		    RR_TXT, statuses[i], RR_WHY_NONE);

		t_err(rr_status_str(statuses[i]), sts_record_select(s, id),
		    ERR_NOTFOUND);
		rr_set_unref(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_no_nul_needed),
	    cmocka_unit_test(test_lint),
	    cmocka_unit_test(test_select),
	    cmocka_unit_test(test_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
