/* Filled lines: none too long, nothing lost, nothing raw. */
#include "relay/ctl/wrap.h"

#include "tests/unit/t.h"

static void
test_cases(void **state)
{
	static const struct {
		const char *label, *text, *want;
	} cases[] = {
	    {"", "a b", "    a b\n"},
	    {"", "", "\n"},
	    {"ab", "", "ab\n"},
	    {"ab", "c d", "ab  c d\n"},
	    {"abcd", "c", "abcd\n    c\n"},
	    {"", "one two three", "    one two\n    three\n"},
	    {"", "12345678", "    12345678\n"},
	    {"", "123456789", "    12345678\n    9\n"},
	    {"", "a 123456789", "    a\n    12345678\n    9\n"},
	    {"", "a  b", "    a b\n"},
	    {"", "a\x1b[2J", "    a\\x1b[2J\n"},
	    {"",
		"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4 x",
		"    \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
		"\xc3\xa4\n    x\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct buf b;

		buf_init(&b, 1000);
		wrap_add(&b, cases[i].label, 4, 12, str_of(cases[i].text));
		t_cstr(cases[i].text, b.p, cases[i].want);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
