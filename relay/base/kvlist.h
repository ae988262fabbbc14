/*
 * "v=STSv1; id=2026;" : the field list of the TXT records of RFC 8461 3.1 and
 * RFC 8460 3. One grammar for both.
 */
#ifndef RELAY_BASE_KVLIST_H
#define RELAY_BASE_KVLIST_H

#include "relay/base/err.h"
#include "relay/base/str.h"

/*
 * Cuts the next field off *rest into key and value (borrowed from *rest).
 * Fields are divided by ";" with optional spaces and tabs around; a last ";"
 * is allowed. Key: 1 to 32 letters, digits, "_", "-", "." beginning with a
 * letter or digit; value: 1 or more of 0x21-0x7e without ";" (and, RFC 8461,
 * without "=": eq_ok says whether "=" may stand in the value).
 * Returns 0, ERR_NOTFOUND at the end, ERR_SYNTAX.
 */
NODISCARD int kvlist_next(
    struct str *rest, int eq_ok, struct str *key, struct str *value);

#endif
