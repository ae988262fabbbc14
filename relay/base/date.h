/* Dates as text, UTC, without locale or time zone files. */
#ifndef RELAY_BASE_DATE_H
#define RELAY_BASE_DATE_H

#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

#define DATE_MAX 40 /* bytes that hold any of these with a NUL */

/* "Sun, 22 Nov 2026 04:50:00 +0000", RFC 5322 3.3. s: seconds since 1970. */
void date_rfc5322(int64_t s, char out[DATE_MAX]);
/* "2026-11-22T04:50:00Z", RFC 3339. */
void date_rfc3339(int64_t s, char out[DATE_MAX]);
/* "2026-11-22" to the first second of that day; ERR_SYNTAX, ERR_RANGE. */
NODISCARD int date_parse_day(struct str s, int64_t *out);

#endif
