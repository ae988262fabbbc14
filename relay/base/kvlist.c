/*
 * The field list of RFC 8461 3.1 and RFC 8460 3. The two grammars differ in
 * what a value may hold; the rest is one:
 *
 *	field-delim = *WSP ";" *WSP
 *	record      = field 1*(field-delim field) [field-delim]
 *
 * So no blank stands before the first field or around "=", and none at the
 * end unless a ";" is before it.
 */
#include "config.h"

#include "relay/base/kvlist.h"

#include <stdbool.h>

#define KEY_MAX 32 /* RFC 8461 3.1, sts-ext-name: 1 + *31 */

static size_t
skip_blanks(struct str s, size_t at)
{
	while (at < s.n && (s.p[at] == ' ' || s.p[at] == '\t'))
		at++;
	return at;
}

static bool
is_key_char(char c)
{
	return str_is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool
is_value_char(char c, int eq_ok)
{
	return c >= 0x21 && c <= 0x7e && c != ';' && (c != '=' || eq_ok);
}

int
kvlist_next(struct str *rest, int eq_ok, struct str *key, struct str *value)
{
	struct str s = *rest;
	size_t at = 0, key_n, value_at, value_end;

	if (s.n == 0)
		return ERR_NOTFOUND;
	while (at < s.n && is_key_char(s.p[at]))
		at++;
	key_n = at;
	if (key_n < 1 || key_n > KEY_MAX || !str_is_alnum(s.p[0]))
		return ERR_SYNTAX;
	if (at == s.n || s.p[at] != '=')
		return ERR_SYNTAX;
	value_at = ++at;
	while (at < s.n && is_value_char(s.p[at], eq_ok))
		at++;
	value_end = at;
	if (value_end == value_at)
		return ERR_SYNTAX;
	if (at < s.n) {
		at = skip_blanks(s, at);
		if (at == s.n || s.p[at] != ';')
			return ERR_SYNTAX;
		at = skip_blanks(s, at + 1);
	}
	*key = str_n(s.p, key_n);
	*value = str_n(s.p + value_at, value_end - value_at);
	*rest = str_skip(s, at);
	return 0;
}
