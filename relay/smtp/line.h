/* Lines of SMTP commands: CRLF and nothing else ends one. Pure. */
#ifndef RELAY_SMTP_LINE_H
#define RELAY_SMTP_LINE_H

#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

/*
 * One line off the front of s: 0, *line without CRLF and *used bytes with it.
 * ERR_MORE: no whole line yet. ERR_SYNTAX: a bare CR or LF comes first; and
 * ERR_TOOBIG: more than max bytes with CRLF. After these two *used bytes are
 * done with, and what follows up to CRLF belongs to the same bad line: see
 * line_skip. Feeding byte for byte gives the same as feeding all at once.
 */
NODISCARD int line_cut(
    struct str s, size_t max, struct str *line, size_t *used);
/*
 * Rest of a bad line: 0 and *used bytes up to and with its CRLF, or ERR_MORE
 * and *used bytes that can be dropped now.
 */
NODISCARD int line_skip(struct str s, size_t *used);

#endif
