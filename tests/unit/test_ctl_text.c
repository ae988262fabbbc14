/* Small texts, and bytes of strangers made harmless. */
#include "relay/ctl/ctl_text.h"

#include "tests/unit/t.h"

static void
test_duration(void **state)
{
	static const struct {
		int64_t s;
		const char *want;
	} cases[] = {
	    {0, "0s"},
	    {-5, "0s"},
	    {59, "59s"},
	    {60, "1m"},
	    {61, "1m 1s"},
	    {3600, "1h"},
	    {3660, "1h 1m"},
	    {3605, "1h"},
	    {86399, "23h 59m"},
	    {86400, "1d"},
	    {90000, "1d 1h"},
	    {864000, "10d"},
	    {INT64_MAX, "106751991167300d 15h"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char text[CTL_TEXT_MAX];

		ctl_text_duration(cases[i].s, text);
		t_cstr(cases[i].want, text, cases[i].want);
	}
}

static void
test_size(void **state)
{
	static const struct {
		uint64_t n;
		const char *want;
	} cases[] = {
	    {0, "0"},
	    {1023, "1023"},
	    {1024, "1.0k"},
	    {1536, "1.5k"},
	    {1048575, "1023.9k"},
	    {1048576, "1.0M"},
	    {UINT64_C(5) << 30, "5.0G"},
	    {UINT64_C(3) << 40, "3.0T"},
	    {UINT64_C(2000) << 40, "2000.0T"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char text[CTL_TEXT_MAX];

		ctl_text_size(cases[i].n, text);
		t_cstr(cases[i].want, text, cases[i].want);
	}
}

static void
test_bytes(void **state)
{
	static const struct {
		const char *name, *in, *text, *utf8;
	} cases[] = {
	    {"plain", "a b~", "a b~", "a b~"},
	    {"control", "a\n\x1b[31m\x7f", "a\\x0a\\x1b[31m\\x7f",
		"a\n\x1b[31m\x7f"},
	    {"two bytes", "\xc3\xbc", "\xc3\xbc", "\xc3\xbc"},
	    {"three bytes", "\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac"},
	    {"four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80",
		"\xf0\x9f\x98\x80"},
	    {"C1",
		"\xc2\x9b"
		"1m",
		"\\xc2\\x9b1m",
		"\xc2\x9b"
		"1m"},
	    {"no-break space", "\xc2\xa0", "\xc2\xa0", "\xc2\xa0"},
	    {"Latin-1",
		"\xfc"
		"ber",
		"\\xfcber", "\\xfcber"},
	    {"too long form", "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf"},
	    {"too long form 3", "\xe0\x80\xaf", "\\xe0\\x80\\xaf",
		"\\xe0\\x80\\xaf"},
	    {"surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
	    {"beyond", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
		"\\xf4\\x90\\x80\\x80"},
	    {"cut", "a\xe2\x82", "a\\xe2\\x82", "a\\xe2\\x82"},
	    {"broken", "\xe2\x82x", "\\xe2\\x82x", "\\xe2\\x82x"},
	    {"lone", "\x80", "\\x80", "\\x80"},
	    {"empty", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct buf b;

		buf_init(&b, 1024);
		ctl_text_add(&b, str_of(cases[i].in));
		t_is(cases[i].name, buf_str(&b), cases[i].text);
		buf_reset(&b);
		ctl_text_utf8(&b, str_of(cases[i].in));
		t_is(cases[i].name, buf_str(&b), cases[i].utf8);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_duration),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
