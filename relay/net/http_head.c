/*
 * libcurl takes the last of two lengths, and a length beside chunks. A host
 * that is asked through somebody who frames the response in another way than
 * we do could have a part of the policy passed off as the whole, so whatever
 * is not plain is an error.
 *
 * RFC 9112 6.3.
 */
#include "config.h"

#include "relay/net/http_head.h"

#include "relay/base/codec.h"

static NODISCARD int
take_length(struct http_head *h, struct str value)
{
	uint64_t v;

	if (codec_u64(value, INT64_MAX, &v) ||
	    (h->has_length && v != h->length))
		return ERR_SYNTAX;
	h->has_length = true;
	h->length = v;
	return 0;
}

int
http_head_line(struct http_head *h, const char *p, size_t n)
{
	struct str line = str_n(p, n), name;
	int err = 0;

	h->bytes += n;
	if (h->bytes > HTTP_HEAD_BYTES || ++h->lines > HTTP_HEAD_LINES)
		return ERR_TOOBIG;
	if (str_starts(line, STR("HTTP/"))) {
		h->has_length = h->has_coding = h->framing = false;
		return 0;
	}
	/* A line that goes on with the one before. */
	if (n > 0 && (*p == ' ' || *p == '\t'))
		return h->framing ? ERR_SYNTAX : 0;
	h->framing = false;
	if (!str_cut(&line, ':', &name))
		return 0;
	name = str_trim(name);
	if (str_eq_ci(name, STR("content-length"))) {
		h->framing = true;
		err = take_length(h, str_trim(line));
	} else if (str_eq_ci(name, STR("transfer-encoding"))) {
		h->framing = true;
		h->has_coding = true;
	}
	return !err && h->has_length && h->has_coding ? ERR_SYNTAX : err;
}

void
http_head_type(const char *from, char *to, size_t max)
{
	struct str s = str_of(from);
	size_t n = 0;

	s = str_trim(str_n(s.p, str_find(s, ';')));
	for (; n < s.n && n + 1 < max; n++)
		to[n] = str_lower(s.p[n]);
	to[n] = '\0';
}
