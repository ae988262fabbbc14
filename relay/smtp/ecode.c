/*
 * Enhanced status codes, RFC 3463 2: status-code = class "." subject "."
 * detail, where subject and detail have one to three digits without leading
 * zeros. Leading zeros are taken, because peers send them, and dropped.
 */
#include "config.h"

#include "relay/smtp/ecode.h"

#include <stdio.h>

#define PART_DIGITS 3

/* "." and one to three digits; 0 bytes when that is not there. */
static size_t
parse_part(struct str s, unsigned *out)
{
	unsigned v = 0;
	size_t i = 1;

	if (s.n < 2 || s.p[0] != '.')
		return 0;
	while (i < s.n && i <= PART_DIGITS && str_is_digit(s.p[i])) {
		v = v * 10 + (unsigned)(s.p[i] - '0');
		i++;
	}
	*out = v;
	return i > 1 ? i : 0;
}

int
ecode_parse(struct str s, struct ecode *out, size_t *used)
{
	struct ecode e = {0};
	size_t at = 1, n;

	if (s.n == 0 || (s.p[0] != '2' && s.p[0] != '4' && s.p[0] != '5'))
		return ERR_SYNTAX;
	e.cls = (unsigned)(s.p[0] - '0');
	n = parse_part(str_skip(s, at), &e.subject);
	if (n == 0)
		return ERR_SYNTAX;
	at += n;
	n = parse_part(str_skip(s, at), &e.detail);
	if (n == 0)
		return ERR_SYNTAX;
	at += n;
	if (at < s.n && s.p[at] != ' ' && s.p[at] != '\t' && s.p[at] != '\n')
		return ERR_SYNTAX;
	*out = e;
	*used = at;
	return 0;
}

void
ecode_str(const struct ecode *e, char out[ECODE_MAX])
{
	snprintf(out, ECODE_MAX, "%u.%u.%u", e->cls % 10, e->subject % 1000,
	    e->detail % 1000);
}

const char *
ecode_default(int reply_code)
{
	switch (reply_code / 100) {
	case 2:
		return "2.0.0";
	case 5:
		return "5.0.0";
	default:
		return "4.0.0";
	}
}
