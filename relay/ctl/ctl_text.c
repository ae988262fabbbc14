/*
 * Small texts. Remote bytes get here as they came (addresses, replies), so
 * the two sinks of the control protocol escape them: JSON may not hold what
 * is no UTF-8, and a terminal may not see control characters.
 */
#include "config.h"

#include "relay/ctl/ctl_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

void
ctl_text_duration(int64_t s, char out[CTL_TEXT_MAX])
{
	static const struct {
		int64_t s;
		char name;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;
	int64_t rest;

	if (s < 0)
		s = 0;
	while (i < 3 && s < units[i].s)
		i++;
	rest = i < 3 ? s % units[i].s / units[i + 1].s : 0;
	if (rest > 0)
		(void)snprintf(out, CTL_TEXT_MAX, "%lld%c %lld%c",
		    (long long)(s / units[i].s), units[i].name, (long long)rest,
		    units[i + 1].name);
	else
		(void)snprintf(out, CTL_TEXT_MAX, "%lld%c",
		    (long long)(s / units[i].s), units[i].name);
}

void
ctl_text_size(uint64_t bytes, char out[CTL_TEXT_MAX])
{
	static const char *const units[] = {"k", "M", "G", "T"};
	uint64_t unit = 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(
		    out, CTL_TEXT_MAX, "%llu", (unsigned long long)bytes);
		return;
	}
	while (i < 3 && bytes / 1024 >= unit) {
		unit *= 1024;
		i++;
	}
	(void)snprintf(out, CTL_TEXT_MAX, "%llu.%llu%s",
	    (unsigned long long)(bytes / unit),
	    (unsigned long long)(bytes % unit * 10 / unit), units[i]);
}

/* Bytes of the UTF-8 character at p (RFC 3629 4), 0 when it is none. */
static size_t
utf8_len(const unsigned char *p, size_t n)
{
	/* First byte, bytes, least and greatest second byte. */
	static const struct {
		unsigned char low, high, len, min2, max2;
	} forms[] = {{0x00, 0x7f, 1, 0, 0}, {0xc2, 0xdf, 2, 0x80, 0xbf},
	    {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
	    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
	    {0xf4, 0xf4, 4, 0x80, 0x8f}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t len = forms[i].len;

		if (p[0] < forms[i].low || p[0] > forms[i].high)
			continue;
		if (len > n)
			return 0;
		if (len > 1 && (p[1] < forms[i].min2 || p[1] > forms[i].max2))
			return 0;
		for (size_t k = 2; k < len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		}
		return len;
	}
	return 0;
}

/* Is the character at p, of len bytes, a control character? C1 too, which
 * some terminals obey. */
static bool
is_control(const unsigned char *p, size_t len)
{
	return p[0] < 0x20 || p[0] == 0x7f ||
	    (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

static void
add_escaped(struct buf *out, struct str s, bool controls)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	while (i < s.n) {
		size_t len = utf8_len(p + i, s.n - i);

		if (len > 0 && !(controls && is_control(p + i, len))) {
			buf_add(out, s.p + i, len);
			i += len;
			continue;
		}
		do
			buf_addf(out, "\\x%02x", p[i++]);
		while (len > 1 && --len > 0);
	}
}

void
ctl_text_add(struct buf *out, struct str s)
{
	add_escaped(out, s, true);
}

void
ctl_text_utf8(struct buf *out, struct str s)
{
	add_escaped(out, s, false);
}
