/* Only CRLF ends a line (SMTP-02). */
#include "config.h"

#include "relay/smtp/line.h"

#include "tests/unit/t.h"

#define MAX 8

static void
test_cut(void **state)
{
	static const struct {
		const char *in;
		int err;
		const char *line;
		size_t used;
	} cases[] = {
	    {"ab\r\ncd", 0, "ab", 4},
	    {"\r\n", 0, "", 2},
	    {"", ERR_MORE, NULL, 0},
	    {"ab", ERR_MORE, NULL, 0},
	    {"ab\r", ERR_MORE, NULL, 0},
	    {"ab\ncd\r\n", ERR_SYNTAX, NULL, 3},
	    {"\n", ERR_SYNTAX, NULL, 1},
	    {"ab\rcd\r\n", ERR_SYNTAX, NULL, 3},
	    {"ab\r\r\n", ERR_SYNTAX, NULL, 3},
	    {"abcdef\r\n", 0, "abcdef", 8},
	    {"abcdefg\r\n", ERR_TOOBIG, NULL, 7},
	    {"abcdefgh", ERR_TOOBIG, NULL, 8},
	    {"abcdefg\r", ERR_TOOBIG, NULL, 7},
	    {"abcdefghij\n", ERR_TOOBIG, NULL, 8},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str line = {NULL, 0};
		size_t used = 0;

		t_err(cases[i].in,
		    line_cut(str_of(cases[i].in), MAX, &line, &used),
		    cases[i].err);
		t_int(cases[i].in, (int64_t)used, (int64_t)cases[i].used);
		if (!cases[i].err)
			t_is(cases[i].in, line, cases[i].line);
	}
}

static void
test_skip(void **state)
{
	static const struct {
		const char *in;
		int err;
		size_t used;
	} cases[] = {
	    {"", ERR_MORE, 0},
	    {"ab\n", ERR_MORE, 3},
	    {"ab\r", ERR_MORE, 2},
	    {"\r", ERR_MORE, 0},
	    {"ab\r\ncd", 0, 4},
	    {"a\nb\rc\r\r\nd\r\n", 0, 8},
	    {"\r\n", 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		size_t used = 99;

		t_err(cases[i].in, line_skip(str_of(cases[i].in), &used),
		    cases[i].err);
		t_int(cases[i].in, (int64_t)used, (int64_t)cases[i].used);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
