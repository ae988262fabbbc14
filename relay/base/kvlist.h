/*
 * "v=STSv1; id=2026;" : the field list of the TXT records of RFC 8461 3.1 and
 * RFC 8460 3, and which of several records counts. One grammar for both.
 */
#ifndef RELAY_BASE_KVLIST_H
#define RELAY_BASE_KVLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

/* Where a list is broken, and why. */
struct kvlist_fault {
	const char *at; /* in the list, or its end */
	const char *text; /* static */
};

/*
 * Cuts the next field off *rest into key and value (borrowed from *rest).
 * Fields are divided by ";" with optional spaces and tabs around; a last ";"
 * is allowed. Key: 1 to 32 letters, digits, "_", "-", "." beginning with a
 * letter or digit; value: 1 or more of 0x21-0x7e without ";" and "=".
 * Returns 0, ERR_NOTFOUND at the end, ERR_SYNTAX; then *rest stays, and fault,
 * which may be NULL, is set.
 */
NODISCARD int kvlist_next(struct str *rest, struct str *key, struct str *value,
    struct kvlist_fault *fault);
/* Cuts the delimiter behind a value off *rest; at the end none is needed.
 * ERR_SYNTAX as above. For values of another form. */
NODISCARD int kvlist_delim(struct str *rest, struct kvlist_fault *fault);

/* Does txt begin with version ("v=STSv1") and a delimiter? */
bool kvlist_is(struct str txt, struct str version);

/* Which record of an answer counts. Zeroed, with version set, to begin. */
struct kvlist_pick {
	struct str version; /* "v=STSv1" */
	size_t n, n_ours; /* records seen; those that are not discarded */
	struct str first, ours, second; /* borrowed; second of ours */
};

void kvlist_pick_add(struct kvlist_pick *p, struct str txt);
/*
 * RFC 8461 3.1, RFC 8460 3: among several records those that do not begin with
 * exactly the version and ";" are discarded, then one must be left. A record
 * that stands alone is judged by the grammar, which allows blanks there.
 * ERR_NOTFOUND: none, ERR_EXISTS: more than one.
 */
NODISCARD int kvlist_pick_one(const struct kvlist_pick *p, struct str *out);

#endif
