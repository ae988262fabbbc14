/* Enhanced status codes. */
#include "config.h"

#include "relay/smtp/ecode.h"

#include "tests/unit/t.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: none */
		size_t used;
	} cases[] = {
	    {"5.1.1", "5.1.1", 5},
	    {"4.7.5 no", "4.7.5", 5},
	    {"2.0.0\nx", "2.0.0", 5},
	    {"5.999.999", "5.999.999", 9},
	    {"5.07.005 x", "5.7.5", 8},
	    {"3.1.1", NULL, 0},
	    {"1.1.1", NULL, 0},
	    {"", NULL, 0},
	    {"5", NULL, 0},
	    {"5.", NULL, 0},
	    {"5.1", NULL, 0},
	    {"5.1.", NULL, 0},
	    {"5..1", NULL, 0},
	    {"5.1.1.1", NULL, 0},
	    {"5.1000.1", NULL, 0},
	    {"5.1.1000", NULL, 0},
	    {"5.1.1x", NULL, 0},
	    {"52.1.1", NULL, 0},
	    {" 5.1.1", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ecode e;
		char text[ECODE_MAX];
		size_t used;
		int err = ecode_parse(str_of(cases[i].in), &e, &used);

		t_err(cases[i].in, err, cases[i].want ? 0 : ERR_SYNTAX);
		if (err)
			continue;
		ecode_str(&e, text);
		t_cstr(cases[i].in, text, cases[i].want);
		t_int(cases[i].in, (int64_t)used, (int64_t)cases[i].used);
	}
}

static void
test_default(void **state)
{
	(void)state;
	t_cstr("2", ecode_default(251), "2.0.0");
	t_cstr("4", ecode_default(421), "4.0.0");
	t_cstr("5", ecode_default(550), "5.0.0");
	t_cstr("3", ecode_default(354), "4.0.0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
