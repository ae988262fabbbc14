/*
 * Borrowed bytes. Nothing here reads past s.n, needs a NUL or looks at the
 * locale: protocol text is ASCII whatever the machine's language.
 */
#include "config.h"

#include "relay/base/str.h"

#include <string.h>

struct str
str_of(const char *cstr)
{
	return str_n(cstr, cstr ? strlen(cstr) : 0);
}

struct str
str_n(const char *p, size_t n)
{
	return (struct str){p, n};
}

bool
str_eq(struct str a, struct str b)
{
	/* memcmp must not see NULL, even with a length of 0. */
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_eq_ci(struct str a, struct str b)
{
	/* Most names are in canonical form: equal ones are equal as bytes. */
	return a.n == b.n && (str_eq(a, b) || str_cmp_ci(a, b) == 0);
}

int
str_cmp_ci(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		unsigned char ca = (unsigned char)str_lower(a.p[i]);
		unsigned char cb = (unsigned char)str_lower(b.p[i]);

		if (ca != cb)
			return ca < cb ? -1 : 1;
	}
	if (a.n == b.n)
		return 0;
	return a.n < b.n ? -1 : 1;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_n(s.p, prefix.n), prefix);
}

bool
str_starts_ci(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq_ci(str_n(s.p, prefix.n), prefix);
}

bool
str_ends_ci(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	    str_eq_ci(str_skip(s, s.n - suffix.n), suffix);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0]))
		s = str_skip(s, 1);
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_skip(struct str s, size_t n)
{
	if (n > s.n)
		n = s.n;
	if (n > 0) {
		s.p += n;
		s.n -= n;
	}
	return s;
}

size_t
str_find(struct str s, char c)
{
	const char *p = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

size_t
str_find_last(struct str s, char c)
{
	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] == c)
			return i - 1;
	}
	return s.n;
}

bool
str_cut(struct str *rest, char sep, struct str *part)
{
	size_t at;

	if (rest->n == 0)
		return false;
	at = str_find(*rest, sep);
	*part = str_n(rest->p, at);
	*rest = str_skip(*rest, at + 1);
	return true;
}

char
str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
str_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
str_is_alnum(char c)
{
	return str_is_alpha(c) || str_is_digit(c);
}
