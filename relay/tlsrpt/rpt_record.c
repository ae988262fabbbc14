/*
 * The fields are those of relay/base/kvlist, but for the value of "rua":
 *
 *	tlsrpt-rua = %s"rua=" tlsrpt-uri *(*WSP "," *WSP tlsrpt-uri)
 *
 * where a URI (RFC 3986) has its ",", "!" and ";" percent-encoded. Two kinds
 * of fault are kept apart. Characters that no such URI has break the record.
 * A URI of another scheme, or one that leads nowhere, is passed over and
 * counted: RPT-38.
 */
#include "config.h"

#include "relay/tlsrpt/rpt_record.h"

#include <string.h>

#include "relay/base/codec.h"
#include "relay/model/rr.h"
#include "relay/smtp/addr.h"

#define VERSION "v=TLSRPTv1"
#define PORT_MAX 65535

const char *
rpt_scheme_str(enum rpt_scheme s)
{
	static const char *const names[] = {
#define RPT_TEXT_(id, text) text,
	    RPT_SCHEME_LIST(RPT_TEXT_)
#undef RPT_TEXT_
	};

	return names[s];
}

static bool
is_hex(char c)
{
	return str_is_digit(c) || (str_lower(c) >= 'a' && str_lower(c) <= 'f');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Bytes at the front of s that may stand in a URI. */
static size_t
uri_len(struct str s)
{
	size_t n = 0;

	while (n < s.n) {
		char c = s.p[n];

		if (c == '%' && s.n - n > 2 && is_hex(s.p[n + 1]) &&
		    is_hex(s.p[n + 2]))
			n += 3;
		/* RFC 3986 2.2, 2.3: unreserved and reserved, without those
		 * that RFC 8460 3 wants encoded. */
		else if (str_is_alnum(c) || is_one_of(c, "-._~:/?#[]@$&'()*+="))
			n++;
		else
			break;
	}
	return n;
}

/* What is wrong where a URI ended, or NULL when it may end there. */
static const char *
uri_end_text(struct str behind, size_t n)
{
	char c = behind.n > 0 ? behind.p[0] : ';';

	switch (c) {
	case ';':
	case ',':
	case ' ':
	case '\t':
		return n == 0 ? "an empty URI" : NULL;
	case '!':
		return "\"!\" in a URI must be written \"%21\"";
	case '%':
		return "\"%\" in a URI without two hex digits";
	default:
		return "a character that no URI has";
	}
}

/* [":" port]; RFC 3986 3.2.3 allows an empty one. */
static bool
is_port(struct str s)
{
	uint64_t port;

	if (s.n == 0)
		return true;
	if (s.p[0] != ':')
		return false;
	s = str_skip(s, 1);
	return s.n == 0 || codec_u64(s, PORT_MAX, &port) == 0;
}

static bool
is_host(struct str host)
{
	struct rr_addr addr;
	char canon[DOMAIN_MAX];

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return rr_addr_parse(str_n(host.p + 1, host.n - 2), &addr) ==
		    0 &&
		    addr.family == 6;
	if (rr_addr_parse(host, &addr) == 0)
		return addr.family == 4;
	return domain_canon_host(host, canon) == 0;
}

/* The part behind the authority: no bracket, and one "#" at most. */
static bool
is_tail(struct str s)
{
	return str_find(s, '[') == s.n && str_find(s, ']') == s.n &&
	    str_find(s, '#') == str_find_last(s, '#');
}

/* What makes the part behind "https:" unusable, or NULL. */
static const char *
https_text(struct str s)
{
	size_t end = 2, host_end;
	struct str authority;

	if (!str_starts(s, STR("//")))
		return "an https URI without \"//\"";
	while (end < s.n && !is_one_of(s.p[end], "/?#"))
		end++;
	authority = str_n(s.p + 2, end - 2);
	if (str_find(authority, '@') < authority.n)
		return "an https URI with a user name";
	/* A port stands behind the last ":", unless that is an address's. */
	host_end = str_find_last(authority, ':');
	if (host_end < authority.n && authority.p[0] == '[')
		host_end = str_find(authority, ']') + 1;
	if (host_end > authority.n)
		host_end = authority.n;
	if (!is_port(str_skip(authority, host_end)))
		return "an https URI with a wrong port";
	if (!is_host(str_n(authority.p, host_end)))
		return "an https URI without a host";
	return is_tail(str_skip(s, end)) ? NULL : "a wrong https URI";
}

/* %41 becomes A. The syntax is known to be right. */
static NODISCARD int
decode(struct str s, struct buf *out)
{
	int err = 0;

	while (s.n > 0 && !err) {
		if (s.p[0] == '%' && s.n > 2) {
			err = codec_unhex(str_n(s.p + 1, 2), out);
			s = str_skip(s, 3);
		} else {
			err = buf_add_char(out, s.p[0]);
			s = str_skip(s, 1);
		}
	}
	return err;
}

/* "a,b@c" as "\"a,b\"@c": what stands encoded in a URI need not be quoted
 * there, in SMTP it must be. */
static NODISCARD int
parse_quoted(struct str to, char out[ADDR_MAX], char domain[DOMAIN_MAX])
{
	size_t at = str_find(to, '@');
	struct buf b;
	int err = ERR_SYNTAX;

	if (at == 0 || at == to.n || str_find_last(to, '@') != at ||
	    str_find(to, '"') < at || str_find(to, '\\') < at)
		return ERR_SYNTAX;
	buf_init(&b, ADDR_MAX);
	buf_add_char(&b, '"');
	buf_add(&b, to.p, at);
	buf_add_char(&b, '"');
	buf_add_str(&b, str_skip(to, at));
	if (!b.full)
		err = addr_parse_mailbox(buf_str(&b), out, domain);
	buf_clear(&b);
	return err;
}

/* to: RFC 6068 2, one address. */
static NODISCARD int
read_mailto(struct str to, char out[ADDR_MAX], char domain[DOMAIN_MAX])
{
	struct buf b;
	int err;

	buf_init(&b, ADDR_MAX);
	err = decode(to, &b);
	if (!err && addr_parse_mailbox(buf_str(&b), out, domain))
		err = parse_quoted(buf_str(&b), out, domain);
	if (!err && domain[0] == '\0')
		err = ERR_SYNTAX;
	buf_clear(&b);
	return err;
}

/* What makes the part behind "mailto:" unusable, or NULL. */
static const char *
mailto_text(struct str s)
{
	char addr[ADDR_MAX], domain[DOMAIN_MAX];

	if (!is_tail(s) || str_find(s, '#') < s.n ||
	    read_mailto(str_n(s.p, str_find(s, '?')), addr, domain))
		return "a mailto URI without one address";
	return NULL;
}

/* What makes a URI unusable, or NULL and its scheme. */
static const char *
uri_text(struct str uri, enum rpt_scheme *scheme)
{
	size_t colon = str_find(uri, ':');
	struct str name = str_n(uri.p, colon), rest;

	if (colon == uri.n)
		return "a URI without a scheme; \"mailto:\" is not implied";
	rest = str_skip(uri, colon + 1);
	/* RFC 3986 3.1: case does not count in a scheme. */
	if (str_eq_ci(name, str_of(rpt_scheme_str(RPT_MAILTO)))) {
		*scheme = RPT_MAILTO;
		return mailto_text(rest);
	}
	if (str_eq_ci(name, str_of(rpt_scheme_str(RPT_HTTPS)))) {
		*scheme = RPT_HTTPS;
		return https_text(rest);
	}
	return "a URI that is neither mailto nor https";
}

struct parser {
	struct rpt_record *out;
	struct diags *faults, *ignored;
	const char *rua; /* first field of that name, or NULL */
};

static int
fail(const struct parser *p, const char *at, const char *text)
{
	diag_add(p->faults, at, "RPT-03", text);
	return ERR_SYNTAX;
}

static void
take_uri(struct parser *p, struct str uri)
{
	struct rpt_record *o = p->out;
	enum rpt_scheme scheme = RPT_MAILTO;
	const char *text = uri_text(uri, &scheme);

	if (!text && o->n == RPT_RUA_MAX)
		text = "more URIs than are used";
	if (text) {
		diag_add(p->ignored, uri.p, "RPT-38", text);
		o->ignored++;
		return;
	}
	o->rua[o->n++] = (struct rpt_uri){scheme, uri};
}

static struct str
skip_blanks(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	return s;
}

/* The URIs at the front of *rest; what is behind them stays. */
static NODISCARD int
take_rua(struct parser *p, struct str *rest)
{
	if (!p->rua)
		p->rua = rest->p;
	for (;;) {
		size_t n = uri_len(*rest);
		struct str behind = str_skip(*rest, n), next;
		const char *text = uri_end_text(behind, n);

		if (text)
			return fail(p, behind.p, text);
		take_uri(p, str_n(rest->p, n));
		*rest = behind;
		next = skip_blanks(behind);
		if (next.n == 0 || next.p[0] != ',')
			return 0;
		*rest = skip_blanks(str_skip(next, 1));
	}
}

/* All fields behind the version. */
static NODISCARD int
take_fields(struct parser *p, struct str rest)
{
	struct kvlist_fault fault = {NULL, NULL};
	struct str key, value;
	int err = 0;

	while (!err && rest.n > 0) {
		/* RFC 8460 3: "rua=" is case-sensitive; unknown fields are
		 * ignored. */
		if (str_starts(rest, STR("rua="))) {
			rest = str_skip(rest, 4);
			err = take_rua(p, &rest);
			if (err)
				return err;
			err = kvlist_delim(&rest, &fault);
		} else {
			err = kvlist_next(&rest, &key, &value, &fault);
		}
	}
	if (err)
		return fail(p, fault.at, fault.text);
	if (!p->rua)
		return fail(p, rest.p, "rua is missing");
	if (p->out->n == 0)
		return fail(p, p->rua,
		    "rua has no mailto or https URI that can be used");
	return 0;
}

int
rpt_record_parse(struct str txt, struct rpt_record *out, struct diags *faults,
    struct diags *ignored)
{
	struct rpt_record found = {.n = 0};
	struct parser p = {&found, faults, ignored, NULL};
	struct str rest = txt, key, value;

	if (!kvlist_is(txt, STR(VERSION))) {
		diag_add(faults, txt.p, "RPT-01",
		    "this does not begin with \"" VERSION ";\"");
		return ERR_NOTFOUND;
	}
	if (kvlist_next(&rest, &key, &value, NULL) || take_fields(&p, rest))
		return ERR_SYNTAX;
	*out = found;
	return 0;
}

void
rpt_record_pick(struct kvlist_pick *p)
{
	memset(p, 0, sizeof(*p));
	p->version = STR(VERSION);
}

int
rpt_uri_address(
    const struct rpt_uri *uri, char out[ADDR_MAX], char domain[DOMAIN_MAX])
{
	struct str to = str_skip(uri->text, str_find(uri->text, ':') + 1);

	return read_mailto(str_n(to.p, str_find(to, '?')), out, domain);
}
