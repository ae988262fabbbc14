/* Dot transparency, both ways: RFC 5321 4.5.2. Pure, streaming. */
#ifndef RELAY_SMTP_DOT_H
#define RELAY_SMTP_DOT_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"

/* Outgoing: feeds body bytes, appends the stuffed form. A bare CR or LF
 * becomes CRLF (SMTP-01). */
struct dot_out {
	bool bol; /* at the beginning of a line */
	bool cr; /* last byte was CR */
};
void dot_out_init(struct dot_out *d);
void dot_out_feed(struct dot_out *d, struct str s, struct buf *out);
/* CRLF when the body did not end in one, then ".CRLF". */
void dot_out_end(struct dot_out *d, struct buf *out);

/* Incoming. */
enum dot_in_state { DOT_MORE, DOT_END };
struct dot_in {
	unsigned st; /* 0 line start, 1 in line, 2 CR, 3 dot at start,
			* 4 dot CR */
	bool bare; /* a bare CR or LF was seen */
};
void dot_in_init(struct dot_in *d);
/*
 * Takes bytes up to the end of data; *used says how many. Body bytes are
 * appended to out. DOT_END at CRLF.CRLF; bare CR or LF only sets d->bare and
 * never ends anything.
 */
enum dot_in_state dot_in_feed(
    struct dot_in *d, struct str s, struct buf *out, size_t *used);

#endif
