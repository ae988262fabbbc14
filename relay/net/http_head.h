/* Header of an HTTP response, line by line: what libcurl is too lenient about.
 * RFC 9112 6.3; HTTP-01, HTTP-04. */
#ifndef RELAY_NET_HTTP_HEAD_H
#define RELAY_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

#define HTTP_HEAD_BYTES (64u * 1024u) /* of all responses of one request */
#define HTTP_HEAD_LINES 500

struct http_head {
	size_t bytes, lines;
	bool has_length, has_coding; /* of the response at hand */
	bool framing; /* the last field was one of these */
	uint64_t length;
};

/*
 * A line as it came, status lines too; h zeroed before the first. ERR_TOOBIG;
 * ERR_SYNTAX: where the body ends is said twice, or in a way that can be
 * understood differently.
 */
NODISCARD int http_head_line(struct http_head *h, const char *p, size_t n);
/* Media type of a Content-Type (NULL is fine) without parameters, lower case,
 * cut to fit: "Text/Plain; x=y". */
void http_head_type(const char *from, char *to, size_t max);

#endif
