/*
 * Dates: the first eight bytes are a time, all of them a day as text. Both
 * ways of writing agree, a day that is read is written the same, and the day
 * of the week moves on by one.
 */
#include "config.h"

#include "relay/base/date.h"

#include "tests/fuzz/fuzz.h"

#define DAY 86400
#define FIRST INT64_C(-62167219200) /* of the year 0 */
#define LAST INT64_C(253402300799) /* of the year 9999 */

static int
weekday(const char *rfc5322)
{
	static const char days[] = "SunMonTueWedThuFriSat";

	for (int i = 0; i < 7; i++) {
		if (strncmp(rfc5322, days + 3 * (ptrdiff_t)i, 3) == 0)
			return i;
	}
	FUZZ_CHECK(!"a weekday");
	return 0;
}

static void
check_time(int64_t t)
{
	char a[DATE_MAX], b[DATE_MAX], next[DATE_MAX];
	int64_t day;

	date_rfc5322(t, a);
	date_rfc3339(t, b);
	FUZZ_CHECK(strlen(a) == 31 && strlen(b) == 20);
	/* Day, year and time of day are the same. */
	FUZZ_CHECK(memcmp(a + 5, b + 8, 2) == 0);
	FUZZ_CHECK(memcmp(a + 12, b, 4) == 0);
	FUZZ_CHECK(memcmp(a + 17, b + 11, 8) == 0);
	FUZZ_CHECK(date_parse_day(str_n(b, 10), &day) == 0);
	if (t < FIRST || t > LAST)
		return;
	FUZZ_CHECK(day <= t && t < day + DAY);
	if (t + DAY > LAST)
		return;
	date_rfc5322(t + DAY, next);
	FUZZ_CHECK(weekday(next) == (weekday(a) + 1) % 7);
	FUZZ_CHECK(strcmp(next + 17, a + 17) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str s = str_n((const char *)data, size);
	char text[DATE_MAX];
	uint64_t u = fuzz_take_number(&in, 8);
	int64_t t, day;

	memcpy(&t, &u, sizeof(t));
	check_time(t);
	check_time(FIRST + (int64_t)(u % (uint64_t)(LAST - FIRST)));
	if (date_parse_day(s, &day) == 0) {
		FUZZ_CHECK(day >= FIRST && day <= LAST && day % DAY == 0);
		date_rfc3339(day, text);
		FUZZ_CHECK(str_eq(str_n(text, 10), s));
		FUZZ_CHECK(strcmp(text + 10, "T00:00:00Z") == 0);
	}
	return 0;
}
