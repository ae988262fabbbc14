/*
 * Dates as text. Days are counted in the proleptic Gregorian calendar with
 * years that begin on 1 March, which puts the leap day last (the arithmetic
 * is Howard Hinnant's, "chrono-compatible low-level date algorithms").
 * What has no four-digit year is shown as the nearest one that has.
 */
#include "config.h"

#include "relay/base/date.h"

#include <stdio.h>

#include "relay/base/codec.h"

#define DAY_S 86400
#define FIRST_S INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

struct civil {
	unsigned year, month, day; /* month and day from 1 */
	unsigned hour, min, sec;
	unsigned weekday; /* 0 = Sunday */
};

static struct civil
civil_of(int64_t s)
{
	struct civil c;
	int64_t days, rest, shifted;
	unsigned era_day, era_year, year_day, month;

	if (s < FIRST_S)
		s = FIRST_S;
	if (s > LAST_S)
		s = LAST_S;
	/* Shift to whole eras of 400 years, the first at 1 March of -400. */
	shifted = s + (719468 + 146097) * (int64_t)DAY_S;
	days = shifted / DAY_S;
	rest = shifted % DAY_S;
	era_day = (unsigned)(days % 146097);
	era_year = (era_day - era_day / 1460 + era_day / 36524 -
		       era_day / 146096) /
	    365;
	year_day = era_day - (365 * era_year + era_year / 4 - era_year / 100);
	month = (5 * year_day + 2) / 153; /* 0 = March */
	c.day = year_day - (153 * month + 2) / 5 + 1;
	c.month = month < 10 ? month + 3 : month - 9;
	c.year = (unsigned)(days / 146097 * 400 + era_year +
	    (c.month <= 2 ? 1 : 0) - 400);
	c.hour = (unsigned)(rest / 3600);
	c.min = (unsigned)(rest / 60 % 60);
	c.sec = (unsigned)(rest % 60);
	/* Day 0 of the shifted count is a Wednesday. */
	c.weekday = (unsigned)((days + 3) % 7);
	return c;
}

void
date_rfc5322(int64_t s, char out[DATE_MAX])
{
	static const char *const days[] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct civil c = civil_of(s);

	/* RFC 5322 3.3: date-time; "+0000" says Universal Time. */
	snprintf(out, DATE_MAX, "%s, %02u %s %04u %02u:%02u:%02u +0000",
	    days[c.weekday], c.day % 100, months[c.month - 1], c.year % 10000,
	    c.hour % 100, c.min % 100, c.sec % 100);
}

void
date_rfc3339(int64_t s, char out[DATE_MAX])
{
	struct civil c = civil_of(s);

	snprintf(out, DATE_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    c.year % 10000, c.month % 100, c.day % 100, c.hour % 100,
	    c.min % 100, c.sec % 100);
}

static unsigned
days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month == 2 && leap ? 29 : days[month - 1];
}

int
date_parse_day(struct str s, int64_t *out)
{
	uint64_t year, month, day;
	int64_t y, m, days;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' ||
	    codec_u64(str_n(s.p, 4), 9999, &year) ||
	    codec_u64(str_n(s.p + 5, 2), 99, &month) ||
	    codec_u64(str_n(s.p + 8, 2), 99, &day))
		return ERR_SYNTAX;
	if (month < 1 || month > 12 || day < 1 ||
	    day > days_in_month((unsigned)year, (unsigned)month))
		return ERR_RANGE;
	/* Years from 1 March of the year -400 on, months from March on. */
	y = (int64_t)year + 400 - (month <= 2 ? 1 : 0);
	m = (int64_t)(month + 9) % 12;
	days = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    (int64_t)day - 1;
	*out = (days - 146097 - 719468) * DAY_S;
	return 0;
}
