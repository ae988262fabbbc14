/* Where a text is wrong. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/base/diag.h"

static void
test_places(void **state)
{
	static const char text[] = "ab\nc\r\n\n\xc3\xa4z";
	static const struct {
		size_t at, line, column;
	} cases[] = {
	    {0, 1, 1}, {1, 1, 2},
	    {2, 1, 3}, /* the LF belongs to the line that it ends */
	    {3, 2, 1}, {4, 2, 2}, {6, 3, 1}, {7, 4, 1},
	    {9, 4, 3}, /* bytes, not characters */
	    {10, 4, 4}, /* the end */
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct diags d;

		diag_init(&d, str_of(text));
		diag_add(&d, text + cases[i].at, "STS-06", "wrong");
		t_int("one", (int64_t)d.n, 1);
		t_int("line", (int64_t)d.v[0].line, (int64_t)cases[i].line);
		t_int(
		    "column", (int64_t)d.v[0].column, (int64_t)cases[i].column);
		t_cstr("rule", d.v[0].rule, "STS-06");
		t_cstr("text", d.v[0].text, "wrong");
	}
}

static void
test_limits(void **state)
{
	struct diags d;

	(void)state;
	diag_add(NULL, NULL, "STS-06", "nobody asks");
	diag_init(&d, str_n(NULL, 0));
	for (size_t i = 0; i < DIAG_MAX; i++)
		diag_add(&d, NULL, "STS-06", "empty text");
	t_int("all kept", (int64_t)d.n, DIAG_MAX);
	t_bool("no more", d.more, false);
	t_int("line", (int64_t)d.v[0].line, 1);
	t_int("column", (int64_t)d.v[0].column, 1);
	diag_add(&d, NULL, "STS-06", "one too many");
	t_int("full", (int64_t)d.n, DIAG_MAX);
	t_bool("more", d.more, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
