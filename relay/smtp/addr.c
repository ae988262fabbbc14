/*
 * Mailboxes and paths, RFC 5321 4.1.2. The canonical form is what is stored,
 * compared, logged and sent on: no source route (4.1.1.3 says to ignore it),
 * domain in lower-case A-labels, local part untouched but for quoting that it
 * does not need. ASCII only: SMTPUTF8 is not offered.
 *
 * Limits, 4.5.3.1: 255 bytes of domain (253 in text) and 256 of path with its
 * brackets. The 64 bytes of the local part are not enforced: rewritten
 * senders (SRS, BATV) are longer, and the section asks to impose no limit
 * where possible.
 */
#include "config.h"

#include "relay/smtp/addr.h"

#include <stdio.h>
#include <string.h>

#include "relay/model/rr.h"

#define PATH_MAX_BYTES 256 /* with "<" and ">", RFC 5321 4.5.3.1.3 */

/* atext of RFC 5322 3.2.3 */
static bool
is_atext(char c)
{
	return str_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Bytes of a Dot-string at the front of s, 0 when it is not one. */
static size_t
dot_string(struct str s)
{
	size_t i = 0, atom = 0;

	for (; i < s.n; i++) {
		if (is_atext(s.p[i])) {
			atom++;
		} else if (s.p[i] == '.') {
			if (atom == 0)
				return 0;
			atom = 0;
		} else {
			break;
		}
	}
	return atom > 0 ? i : 0;
}

/* Content of a Quoted-string at the front of s, unquoted, into out. */
static NODISCARD int
quoted_string(struct str s, struct buf *out, size_t *used)
{
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (c == '"') {
			*used = i + 1;
			return 0;
		}
		if (c == '\\' && ++i < s.n)
			c = s.p[i];
		/* RFC 5321 4.1.2: qtextSMTP and quoted-pairSMTP are 32-126 */
		if (i >= s.n || c < 32 || c > 126)
			return ERR_SYNTAX;
		if (buf_add_char(out, c))
			return ERR_TOOBIG;
	}
	return ERR_SYNTAX;
}

static void
put_local(struct buf *out, struct str local)
{
	if (local.n > 0 && dot_string(local) == local.n) {
		buf_add_str(out, local);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, local.p[i]);
	}
	buf_add_char(out, '"');
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]", RFC 5321 4.1.3, at the front of s:
 * as text of a mailbox (tagged) and as next hop (plain address). */
static NODISCARD int
address_literal(
    struct str s, char tagged[DOMAIN_MAX], char plain[DOMAIN_MAX], size_t *used)
{
	size_t end = str_find(s, ']');
	struct str text = str_n(s.p + 1, end - 1);
	char ip[RR_ADDR_TEXT];
	struct rr_addr a;
	bool v6;

	if (end == s.n)
		return ERR_SYNTAX;
	v6 = str_starts_ci(text, STR("IPv6:"));
	if (v6)
		text = str_skip(text, 5);
	if (rr_addr_parse(text, &a) || (a.family == 6) != v6)
		return ERR_SYNTAX;
	rr_addr_str(&a, ip);
	snprintf(tagged, DOMAIN_MAX, "[%s%s]", v6 ? "IPv6:" : "", ip);
	snprintf(plain, DOMAIN_MAX, "[%s]", ip);
	*used = end + 1;
	return 0;
}

static bool
ends_domain(char c)
{
	return c == '>' || c == ' ' || c == '\t' || c == ',' || c == ':';
}

/* Domain or literal at the front of s. */
static NODISCARD int
parse_domain(struct str s, char text[DOMAIN_MAX], char next_hop[DOMAIN_MAX],
    size_t *used)
{
	size_t n = 0;
	int err;

	if (s.n > 0 && s.p[0] == '[')
		return address_literal(s, text, next_hop, used);
	while (n < s.n && !ends_domain(s.p[n])) {
		/* Non-ASCII names come with SMTPUTF8 only: RFC 6531 3.3. */
		if ((unsigned char)s.p[n] >= 0x80)
			return ERR_SYNTAX;
		n++;
	}
	/* RFC 5321 2.3.5: no dot at the end of a domain. */
	if (n > 0 && s.p[n - 1] == '.')
		return ERR_SYNTAX;
	err = domain_canon_host(str_n(s.p, n), text);
	if (err)
		return err;
	snprintf(next_hop, DOMAIN_MAX, "%s", text);
	*used = n;
	return 0;
}

/* Mailbox at the front of s, or "postmaster" alone. */
static NODISCARD int
parse_mailbox(
    struct str s, char out[ADDR_MAX], char domain[DOMAIN_MAX], size_t *used)
{
	char text[DOMAIN_MAX] = "", hop[DOMAIN_MAX] = "";
	struct buf local, all;
	size_t at, n = 0;
	int err = 0;

	buf_init(&local, PATH_MAX_BYTES);
	buf_init(&all, ADDR_MAX - 1);
	if (s.n > 0 && s.p[0] == '"') {
		err = quoted_string(s, &local, &at);
		if (err)
			goto out;
	} else {
		at = dot_string(s);
		if (at == 0) {
			err = ERR_SYNTAX;
			goto out;
		}
		err = buf_add(&local, s.p, at);
		if (err)
			goto out;
	}
	put_local(&all, buf_str(&local));
	if (at < s.n && s.p[at] == '@') {
		err = parse_domain(str_skip(s, ++at), text, hop, &n);
		buf_addf(&all, "@%s", text);
	} else if (!str_eq_ci(str_n(s.p, at), STR("postmaster"))) {
		/* RFC 5321 4.1.1.3: the one name without a domain */
		err = ERR_SYNTAX;
	}
	if (!err && (all.full || all.n + 2 > PATH_MAX_BYTES))
		err = ERR_TOOBIG;
	if (err)
		goto out;
	snprintf(out, ADDR_MAX, "%s", all.p);
	if (domain)
		snprintf(domain, DOMAIN_MAX, "%s", hop);
	*used = at + n;
out:
	buf_clear(&local);
	buf_clear(&all);
	return err;
}

/* A-d-l ":" of RFC 5321 4.1.2: "@one,@two:"; read over and dropped. */
static NODISCARD int
skip_route(struct str s, size_t *used)
{
	char text[DOMAIN_MAX], hop[DOMAIN_MAX];
	size_t at = 0, n;

	while (at < s.n && s.p[at] == '@') {
		int err = parse_domain(str_skip(s, at + 1), text, hop, &n);

		if (err)
			return err;
		at += 1 + n;
		if (at < s.n && s.p[at] == ':') {
			*used = at + 1;
			return 0;
		}
		if (at == s.n || s.p[at] != ',')
			return ERR_SYNTAX;
		at++;
	}
	return ERR_SYNTAX;
}

int
addr_parse_path(struct str s, bool null_ok, char out[ADDR_MAX],
    char domain[DOMAIN_MAX], size_t *used)
{
	char addr[ADDR_MAX], hop[DOMAIN_MAX] = "";
	size_t at = 1, n = 0;
	int err;

	if (s.n < 2 || s.p[0] != '<')
		return ERR_SYNTAX;
	if (s.p[1] == '>' && null_ok) {
		addr[0] = '\0';
	} else {
		if (s.p[1] == '@') {
			err = skip_route(str_skip(s, 1), &n);
			if (err)
				return err;
			at += n;
		}
		err = parse_mailbox(str_skip(s, at), addr, hop, &n);
		if (err)
			return err;
		at += n;
	}
	if (at == s.n || s.p[at] != '>')
		return ERR_SYNTAX;
	snprintf(out, ADDR_MAX, "%s", addr);
	if (domain)
		snprintf(domain, DOMAIN_MAX, "%s", hop);
	*used = at + 1;
	return 0;
}

int
addr_parse_mailbox(struct str s, char out[ADDR_MAX], char domain[DOMAIN_MAX])
{
	char addr[ADDR_MAX], hop[DOMAIN_MAX];
	size_t used;
	int err = parse_mailbox(s, addr, hop, &used);

	if (err)
		return err;
	if (used != s.n)
		return ERR_SYNTAX;
	snprintf(out, ADDR_MAX, "%s", addr);
	if (domain)
		snprintf(domain, DOMAIN_MAX, "%s", hop);
	return 0;
}

struct str
addr_domain(const char *mailbox)
{
	struct str s = str_of(mailbox);

	return str_skip(s, str_find_last(s, '@') + 1);
}
