/* SMTP replies: RFC 5321 4.2, 2034. One parser for the house. */
#ifndef RELAY_SMTP_REPLY_H
#define RELAY_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"

#define REPLY_LINES_MAX 128 /* of one reply: SMTP-28 */
#define REPLY_LINE_MAX 2048 /* bytes with CRLF; the RFC says 512 */
#define REPLY_TEXT_MAX 16384 /* bytes of all lines */

struct reply {
	int code; /* 200..599 */
	struct buf text; /* lines without code, joined by '\n' */
};

void reply_init(struct reply *r);
void reply_clear(struct reply *r);
void reply_copy(struct reply *to, const struct reply *from);
/*
 * Takes a whole reply off the front of s: 0 and *used bytes, ERR_MORE (none
 * complete), ERR_SYNTAX, ERR_TOOBIG. Bare LF ends a line too when reading
 * replies (peers do send it); a bare CR is an error.
 */
NODISCARD int reply_parse(struct str s, struct reply *out, size_t *used);
/* Enhanced code in front of the first line ("4.7.5"), when its class fits the
 * reply code; else empty. */
struct str reply_dsn(const struct reply *r);
/* One line for log and DSN: "550 5.1.1 text text". */
void reply_line(const struct reply *r, struct buf *out);
static inline int
reply_class(const struct reply *r)
{
	return r->code / 100;
}

#endif
