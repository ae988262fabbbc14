/* Enhanced status codes: RFC 2034, RFC 3463 2. One parser for the house. */
#ifndef RELAY_SMTP_ECODE_H
#define RELAY_SMTP_ECODE_H

#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

#define ECODE_MAX 12 /* bytes that hold "5.999.999" with a NUL */

struct ecode {
	unsigned cls; /* 2, 4 or 5 */
	unsigned subject; /* 0..999 */
	unsigned detail; /* 0..999 */
};

/*
 * "4.7.5" at the front of s, followed by white space or the end. *used: bytes
 * of the code alone. ERR_SYNTAX: there is none.
 */
NODISCARD int ecode_parse(struct str s, struct ecode *out, size_t *used);
void ecode_str(const struct ecode *e, char out[ECODE_MAX]);
/* The code to assume for a reply that carries none: "5.0.0" for 550; "4.0.0"
 * for what is neither 2yz nor 5yz. */
const char *ecode_default(int reply_code);

#endif
