/* Domain names in A-label form, lower case, without the last dot. */
#ifndef RELAY_BASE_DOMAIN_H
#define RELAY_BASE_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

#define DOMAIN_MAX 254 /* bytes that hold any name with a NUL */

/*
 * Text (A-labels or U-labels, one dot at the end allowed) to canonical form.
 * Labels of 1-63 letters, digits, "-" and "_" (for DNS owner names); total
 * <= 253. ERR_SYNTAX, ERR_TOOBIG. U-labels by libidn2 (IDNA 2008).
 */
NODISCARD int domain_canon(struct str s, char out[DOMAIN_MAX]);
/* As domain_canon, but only what RFC 5321 allows as a mail domain or host:
 * LDH labels, no "_", last label not all digits. */
NODISCARD int domain_canon_host(struct str s, char out[DOMAIN_MAX]);
/* Copies a name; one that does not fit is a BUG, for whoever made it checked
 * its length. */
void domain_copy(char out[DOMAIN_MAX], const char *name);
/* Equal names: ASCII case and one last dot do not count. */
bool domain_eq(struct str a, struct str b);
/* Part behind the first label; empty when there is none. */
struct str domain_parent(struct str s);
/* Dotted quad, or anything with ":" or in "[]": an address, not a name. */
bool domain_is_ip(struct str s);
/*
 * RFC 6125-like match of a reference name against a presented one or an STS
 * pattern: "*.x" matches exactly one label in front of x (RFC 8461 4.1); any
 * other "*" matches nothing.
 */
bool domain_match(struct str pattern, struct str host);

#endif
