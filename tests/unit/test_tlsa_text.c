/* TLSA records as zone files write them. */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>

#include "dane/tlsa_text.h"
#include "relay/base/buf.h"

#define NUMBERS "does not begin with three numbers of 0 to 255"
#define HEX "has no pairs of hex digits"

static void
test_parse(void **state)
{
	static const struct {
		const char *in, *want; /* canonical, or what is wrong */
		int err;
	} cases[] = {
	    {"3 1 1 12ab", "3 1 1 12ab", 0},
	    {" 3\t1  1\tAB cd E f ", "3 1 1 abcdef", 0},
	    {"255 000 01 00", "255 0 1 00", 0},
	    {"", NUMBERS, ERR_SYNTAX},
	    {"3 1 1", HEX, ERR_SYNTAX},
	    {"3 1 1 ", HEX, ERR_SYNTAX},
	    {"3 1 1 a", HEX, ERR_SYNTAX},
	    {"3 1 1 ab c", HEX, ERR_SYNTAX},
	    {"3 1 1 xy", HEX, ERR_SYNTAX},
	    {"3 1 1 0x12", HEX, ERR_SYNTAX},
	    {"3 1 ab", NUMBERS, ERR_SYNTAX},
	    {"256 1 1 ab", NUMBERS, ERR_SYNTAX},
	    {"0003 1 1 ab", NUMBERS, ERR_SYNTAX},
	    {"-3 1 1 ab", NUMBERS, ERR_SYNTAX},
	    {"+3 1 1 ab", NUMBERS, ERR_SYNTAX},
	    {"3,1,1 ab", NUMBERS, ERR_SYNTAX},
	    {"DANE-EE SPKI SHA2-256 ab", NUMBERS, ERR_SYNTAX},
	    {"3 1 1\nab", NUMBERS, ERR_SYNTAX},
	    {"3 1 1 ab\n", HEX, ERR_SYNTAX},
	    {"3 1 1 (ab)", HEX, ERR_SYNTAX},
	};
	struct buf text;

	(void)state;
	buf_init(&text, 1000);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].in, *what = "";
		struct rr_tlsa t = {.data = NULL};

		t_err(name, tlsa_text_parse(str_of(cases[i].in), &t, &what),
		    cases[i].err);
		if (cases[i].err) {
			t_cstr(name, what, cases[i].want);
			t_bool(name, t.data == NULL, true);
			continue;
		}
		buf_reset(&text);
		rr_tlsa_text(&text, &t);
		t_is(name, buf_str(&text), cases[i].want);
		free(t.data);
	}
	buf_clear(&text);
}

static void
test_limits(void **state)
{
	const char *what = "";
	struct rr_tlsa t;
	struct buf b;

	(void)state;
	buf_init(&b, 3 * RR_TLSA_MAX);
	buf_add_cstr(&b, "2 0 0 ");
	for (size_t i = 0; i < RR_TLSA_MAX; i++)
		buf_add_cstr(&b, "ab");
	t_err("largest", tlsa_text_parse(buf_str(&b), &t, &what), 0);
	t_int("largest", t.len, RR_TLSA_MAX);
	free(t.data);
	buf_add_cstr(&b, " ab");
	t_err("more", tlsa_text_parse(buf_str(&b), &t, &what), ERR_TOOBIG);
	t_err("NUL", tlsa_text_parse(STR("3 1 1 a\0b"), &t, &what), ERR_SYNTAX);
	t_err("no NUL needed",
	    tlsa_text_parse(str_n("3 1 1 abc", 8), &t, &what), 0);
	t_int("no NUL needed", t.len, 1);
	free(t.data);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_parse),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
