/*
 * The field list of RFC 8461 3.1 and RFC 8460 3. The two grammars are one but
 * for the value of "rua", whose parser calls kvlist_delim itself:
 *
 *	field-delim = *WSP ";" *WSP
 *	record      = field 1*(field-delim field) [field-delim]
 *
 * So no blank stands before the first field or around "=", and none at the
 * end unless a ";" is before it.
 */
#include "config.h"

#include "relay/base/kvlist.h"

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
is_value_char(char c)
{
	return c >= 0x21 && c <= 0x7e && c != ';' && c != '=';
}

static int
broken(struct kvlist_fault *fault, struct str s, size_t at, const char *text)
{
	if (fault)
		*fault = (struct kvlist_fault){s.p + at, text};
	return ERR_SYNTAX;
}

/* What is wrong with the character at which a value ended. */
static const char *
delim_text(struct str s, size_t at)
{
	if (at == s.n)
		return "a blank at the end, without \";\"";
	if (s.p[at] == '=')
		return "\"=\" in a value";
	if (s.p[at] >= 0x21 && s.p[at] <= 0x7e)
		return "a blank in a value, or \";\" is missing";
	return "a character that is not allowed in a value";
}

int
kvlist_delim(struct str *rest, struct kvlist_fault *fault)
{
	struct str s = *rest;
	size_t at;

	if (s.n == 0)
		return 0;
	at = skip_blanks(s, 0);
	if (at == s.n || s.p[at] != ';')
		return broken(fault, s, at, delim_text(s, at));
	*rest = str_skip(s, skip_blanks(s, at + 1));
	return 0;
}

/* What is wrong where a value should begin. */
static const char *
value_text(struct str s, size_t at)
{
	if (at == s.n || s.p[at] == ';' || skip_blanks(s, at) > at)
		return "an empty value";
	return delim_text(s, at);
}

/* What is wrong with the character at which a key ended. */
static const char *
key_text(struct str s, size_t at)
{
	if (at == 0 && s.p[0] == ';')
		return "an empty field";
	if (at > KEY_MAX)
		return "a name of more than 32 characters";
	if (at == s.n)
		return "\"=\" is missing";
	if (s.p[at] == ' ' || s.p[at] == '\t')
		return "a blank where a name or \"=\" must be";
	return "a character that is not allowed in a name";
}

int
kvlist_next(struct str *rest, struct str *key, struct str *value,
    struct kvlist_fault *fault)
{
	struct str s = *rest, behind, found;
	size_t at = 0, key_n;
	int err;

	if (s.n == 0)
		return ERR_NOTFOUND;
	while (at < s.n && is_key_char(s.p[at]))
		at++;
	key_n = at;
	if (key_n > 0 && !str_is_alnum(s.p[0]))
		return broken(
		    fault, s, 0, "a name that begins with no letter or digit");
	if (key_n < 1 || key_n > KEY_MAX || at == s.n || s.p[at] != '=')
		return broken(fault, s, at, key_text(s, at));
	behind = str_skip(s, ++at);
	while (behind.n > 0 && is_value_char(behind.p[0]))
		behind = str_skip(behind, 1);
	if (behind.n == s.n - at)
		return broken(fault, s, at, value_text(s, at));
	found = str_n(s.p + at, s.n - at - behind.n);
	err = kvlist_delim(&behind, fault);
	if (err)
		return err;
	*value = found;
	*key = str_n(s.p, key_n);
	*rest = behind;
	return 0;
}

bool
kvlist_is(struct str txt, struct str version)
{
	size_t at;

	if (!str_starts(txt, version))
		return false;
	at = skip_blanks(txt, version.n);
	return at < txt.n && txt.p[at] == ';';
}

void
kvlist_pick_add(struct kvlist_pick *p, struct str txt)
{
	if (p->n++ == 0)
		p->first = txt;
	if (!str_starts(txt, p->version) || txt.n == p->version.n ||
	    txt.p[p->version.n] != ';')
		return;
	p->n_ours++;
	if (p->n_ours == 1)
		p->ours = txt;
	else if (p->n_ours == 2)
		p->second = txt;
}

int
kvlist_pick_one(const struct kvlist_pick *p, struct str *out)
{
	if (p->n_ours > 1)
		return ERR_EXISTS;
	if (p->n_ours == 0 && (p->n != 1 || !kvlist_is(p->first, p->version)))
		return ERR_NOTFOUND;
	*out = p->n_ours ? p->ours : p->first;
	return 0;
}
