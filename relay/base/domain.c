/*
 * Domain names. The canonical form is what is looked up, compared, stored and
 * logged: A-labels, lower case, no last dot. libidn2 does the conversion of
 * U-labels (RFC 5890, RFC 5891) with the non-transitional mapping of UTS 46,
 * which folds case and width first; whatever it returns passes the same check
 * of labels as ASCII input.
 */
#include "config.h"

#include "relay/base/domain.h"

#include <idn2.h>
#include <string.h>

#define LABEL_MAX 63 /* bytes, RFC 1035 2.3.4 */
#define TEXT_MAX 1024 /* bytes; more than any 253 can come from */

static struct str
drop_dot(struct str s)
{
	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

static NODISCARD int
check_label(struct str label, bool host)
{
	if (label.n == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];

		if (!str_is_alnum(c) && c != '-' && (c != '_' || host))
			return ERR_SYNTAX;
	}
	/* RFC 5321 4.1.2: sub-domain = Let-dig [Ldh-str] */
	if (host && (label.p[0] == '-' || label.p[label.n - 1] == '-'))
		return ERR_SYNTAX;
	return label.n > LABEL_MAX ? ERR_TOOBIG : 0;
}

static bool
all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!str_is_digit(s.p[i]))
			return false;
	}
	return true;
}

static NODISCARD int
canon_ascii(struct str s, bool host, char out[DOMAIN_MAX])
{
	struct str name = drop_dot(s), rest = name, label = {NULL, 0};
	int err;

	/* An end with ".." leaves a dot, which str_cut can't see. */
	if (name.n == 0 || name.p[name.n - 1] == '.')
		return ERR_SYNTAX;
	while (str_cut(&rest, '.', &label)) {
		err = check_label(label, host);
		if (err)
			return err;
	}
	/* No top-level domain is a number; 1.2.3.999 is a typing error. */
	if (host && all_digits(label))
		return ERR_SYNTAX;
	if (name.n >= DOMAIN_MAX)
		return ERR_TOOBIG;
	for (size_t i = 0; i < name.n; i++)
		out[i] = str_lower(name.p[i]);
	out[name.n] = '\0';
	return 0;
}

static NODISCARD int
canon_unicode(struct str s, bool host, char out[DOMAIN_MAX])
{
	char text[TEXT_MAX + 1];
	uint8_t *ascii = NULL;
	int idn, err;

	if (s.n > TEXT_MAX)
		return ERR_TOOBIG;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	idn = idn2_lookup_u8((const uint8_t *)text, &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (idn == IDN2_MALLOC)
		BUG("out of memory");
	if (idn == IDN2_TOO_BIG_DOMAIN || idn == IDN2_TOO_BIG_LABEL ||
	    idn == IDN2_PUNYCODE_BIG_OUTPUT)
		err = ERR_TOOBIG;
	else if (idn != IDN2_OK || !ascii)
		err = ERR_SYNTAX;
	else
		err = canon_ascii(str_of((const char *)ascii), host, out);
	if (ascii)
		idn2_free(ascii);
	return err;
}

static NODISCARD int
canon(struct str s, bool host, char out[DOMAIN_MAX])
{
	bool ascii = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0')
			return ERR_SYNTAX;
		if ((unsigned char)s.p[i] >= 0x80)
			ascii = false;
	}
	return ascii ? canon_ascii(s, host, out) : canon_unicode(s, host, out);
}

int
domain_canon(struct str s, char out[DOMAIN_MAX])
{
	return canon(s, false, out);
}

int
domain_canon_host(struct str s, char out[DOMAIN_MAX])
{
	return canon(s, true, out);
}

void
domain_copy(char out[DOMAIN_MAX], const char *name)
{
	size_t n = strlen(name);

	if (n >= DOMAIN_MAX)
		BUG("name of %zu bytes", n);
	memcpy(out, name, n + 1);
}

bool
domain_eq(struct str a, struct str b)
{
	return str_eq_ci(drop_dot(a), drop_dot(b));
}

struct str
domain_parent(struct str s)
{
	return str_skip(s, str_find(s, '.') + 1);
}

static bool
is_dotted_quad(struct str s)
{
	int parts = 0;
	struct str part;

	if (s.n == 0 || s.p[s.n - 1] == '.')
		return false;
	while (str_cut(&s, '.', &part)) {
		int v = 0;

		if (part.n < 1 || part.n > 3 || !all_digits(part))
			return false;
		for (size_t i = 0; i < part.n; i++)
			v = v * 10 + (part.p[i] - '0');
		if (v > 255)
			return false;
		parts++;
	}
	return parts == 4;
}

bool
domain_is_ip(struct str s)
{
	if (str_find(s, ':') < s.n)
		return true;
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		return true;
	return is_dotted_quad(s);
}

bool
domain_match(struct str pattern, struct str host)
{
	struct str must;

	pattern = drop_dot(pattern);
	host = must = drop_dot(host);
	if (str_starts(pattern, STR("*."))) {
		/* RFC 8461 4.1: "*" stands for the whole left-most label, for
		 * one. */
		pattern = str_skip(pattern, 2);
		must = domain_parent(host);
	}
	if (pattern.n == 0 || host.n == 0 || host.p[0] == '.' ||
	    !str_eq_ci(pattern, must))
		return false;
	/* What is no name of a host matches nothing; most patterns are out
	 * before it comes to this. */
	return !domain_is_ip(host) && str_find(host, '*') == host.n;
}
