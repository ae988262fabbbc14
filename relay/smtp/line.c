/*
 * Splits commands at CRLF. RFC 5321 2.3.8: conforming implementations MUST NOT
 * recognize anything else as a line end (SMTP-02). A bare CR or LF spoils the
 * whole line up to the next CRLF, so that what stands behind it is never taken
 * for a command.
 */
#include "config.h"

#include "relay/smtp/line.h"

#include <stdbool.h>

int
line_cut(struct str s, size_t max, struct str *line, size_t *used)
{
	size_t end = s.n < max ? s.n : max, i = 0;

	while (i < end && s.p[i] != '\r' && s.p[i] != '\n')
		i++;
	if (i + 1 < end && s.p[i] == '\r' && s.p[i + 1] == '\n') {
		*line = str_n(s.p, i);
		*used = i + 2;
		return 0;
	}
	if (i < end && s.p[i] == '\n') {
		*used = i + 1;
		return ERR_SYNTAX;
	}
	if (i + 1 < end) {
		/* CR and something else, which may be the CR of CRLF. */
		*used = i + 1;
		return ERR_SYNTAX;
	}
	if (s.n < max)
		return ERR_MORE;
	/* With a CR as the last byte, leave it: its LF may be next. */
	*used = i;
	return ERR_TOOBIG;
}

int
line_skip(struct str s, size_t *used)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.p[i] == '\r' && s.p[i + 1] == '\n') {
			*used = i + 2;
			return 0;
		}
	}
	*used = s.n > 0 && s.p[s.n - 1] == '\r' ? s.n - 1 : s.n;
	return ERR_MORE;
}
