/* relay/base/date: against known dates and the C library's calendar. */
#include "config.h"

#include <time.h>

#include "relay/base/date.h"
#include "tests/unit/t.h"

static void
test_known(void **state)
{
	static const struct {
		int64_t s;
		const char *mail, *iso;
	} cases[] = {
	    {0, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z"},
	    {-1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z"},
	    {1795323000, "Sun, 22 Nov 2026 04:50:00 +0000",
		"2026-11-22T04:50:00Z"},
	    {951782400, "Tue, 29 Feb 2000 00:00:00 +0000",
		"2000-02-29T00:00:00Z"},
	    {951868800, "Wed, 01 Mar 2000 00:00:00 +0000",
		"2000-03-01T00:00:00Z"},
	    {2147483648, "Tue, 19 Jan 2038 03:14:08 +0000",
		"2038-01-19T03:14:08Z"},
	    {4107542399, "Sun, 28 Feb 2100 23:59:59 +0000",
		"2100-02-28T23:59:59Z"},
	    {4107542400, "Mon, 01 Mar 2100 00:00:00 +0000",
		"2100-03-01T00:00:00Z"},
	    {253402300799, "Fri, 31 Dec 9999 23:59:59 +0000",
		"9999-12-31T23:59:59Z"},
	    {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 +0000",
		"9999-12-31T23:59:59Z"},
	    {-62167219200, "Sat, 01 Jan 0000 00:00:00 +0000",
		"0000-01-01T00:00:00Z"},
	    {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 +0000",
		"0000-01-01T00:00:00Z"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char out[DATE_MAX];

		date_rfc5322(cases[i].s, out);
		t_cstr("RFC 5322", out, cases[i].mail);
		date_rfc3339(cases[i].s, out);
		t_cstr("RFC 3339", out, cases[i].iso);
	}
}

static void
test_calendar(void **state)
{
	(void)state;
	/* Each day from 1890 to 2410, at a time that moves along. */
	for (int64_t day = -29219; day < 160000; day++) {
		int64_t s = day * 86400 + (day * 7919 + 86400 * 7919) % 86400;
		time_t t = (time_t)s;
		char want[DATE_MAX], out[DATE_MAX];
		struct tm tm;
		int64_t parsed;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(want, sizeof(want), "%a, %d %b %Y %T +0000", &tm);
		date_rfc5322(s, out);
		t_cstr("RFC 5322", out, want);
		strftime(want, sizeof(want), "%Y-%m-%dT%TZ", &tm);
		date_rfc3339(s, out);
		t_cstr("RFC 3339", out, want);
		t_err(out, date_parse_day(str_n(out, 10), &parsed), 0);
		t_int(out, parsed, day * 86400);
	}
}

static void
test_parse_errors(void **state)
{
	static const struct {
		const char *in;
		int want;
	} cases[] = {
	    {"", ERR_SYNTAX},
	    {"2026-11-2", ERR_SYNTAX},
	    {"2026-11-222", ERR_SYNTAX},
	    {"2026/11/22", ERR_SYNTAX},
	    {"2026-11-2x", ERR_SYNTAX},
	    {"2026-11- 2", ERR_SYNTAX},
	    {"+026-11-22", ERR_SYNTAX},
	    {"26-11-2022", ERR_SYNTAX},
	    {"2026-00-01", ERR_RANGE},
	    {"2026-13-01", ERR_RANGE},
	    {"2026-11-00", ERR_RANGE},
	    {"2026-11-31", ERR_RANGE},
	    {"2026-02-29", ERR_RANGE},
	    {"2100-02-29", ERR_RANGE},
	    {"2000-02-30", ERR_RANGE},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int64_t out = 77;

		t_err(cases[i].in, date_parse_day(str_of(cases[i].in), &out),
		    cases[i].want);
		t_int("not written", out, 77);
	}
}

static void
test_parse_ends(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
	} cases[] = {
	    {"0000-01-01", -62167219200},
	    {"1970-01-01", 0},
	    {"2000-02-29", 951782400},
	    {"2400-02-29", 13574563200},
	    {"9999-12-31", 253402214400},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int64_t out = 77;

		t_err(
		    cases[i].in, date_parse_day(str_of(cases[i].in), &out), 0);
		t_int(cases[i].in, out, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known),
	    cmocka_unit_test(test_calendar),
	    cmocka_unit_test(test_parse_errors),
	    cmocka_unit_test(test_parse_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
