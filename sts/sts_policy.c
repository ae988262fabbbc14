/*
 * The policy text, read by the grammar of RFC 8461 3.2 and no other: a text
 * that is not a policy is a failed fetch, and a policy that was in force goes
 * on. What the grammar allows in a value is checked byte by byte, so NUL and
 * control characters never get past here (STS-43).
 */
#include "config.h"

#include "sts/sts_policy.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/codec.h"
#include "relay/base/str.h"
#include "relay/model/sts_entry.h"

#define KEY_MAX 32 /* sts-policy-ext-name: 1 + *31 */

struct parser {
	struct sts_policy *out;
	size_t cap; /* slots of out->mx */
	bool version, mode, max_age, mx; /* a line of it was there */
	bool mode_known;
	struct diags *diags; /* NULL: the first fault ends it */
	const char *text; /* what is wrong first */
};

static NODISCARD int
fail(struct parser *p, int err, const char *at, const char *rule,
    const char *text)
{
	if (!p->text)
		p->text = text;
	diag_add(p->diags, at, rule, text);
	return err;
}

/* What the bytes of a UTF-8 character may be, by its first: RFC 3629 4. */
static const struct utf8_row {
	unsigned char first, last; /* first byte */
	unsigned char n; /* bytes in all */
	unsigned char low, high; /* second byte; later ones 0x80 to 0xbf */
} utf8_rows[] = {
    {0x00, 0x7f, 1, 0, 0},
    {0xc2, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool
is_within(char c, unsigned char low, unsigned char high)
{
	return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* Bytes of the UTF-8 character at s, 0 when there is none. */
static size_t
utf8_len(struct str s)
{
	const struct utf8_row *r = utf8_rows;
	const struct utf8_row *end = r + sizeof(utf8_rows) / sizeof(*r);

	while (r < end && !is_within(s.p[0], r->first, r->last))
		r++;
	if (r == end || s.n < r->n)
		return 0;
	if (r->n > 1 && !is_within(s.p[1], r->low, r->high))
		return 0;
	for (size_t i = 2; i < r->n; i++) {
		if (!is_within(s.p[i], 0x80, 0xbf))
			return 0;
	}
	return r->n;
}

/* Bytes at the front of s that a value may hold. RFC 8461 3.2:
 * sts-policy-ext-value without its rule of blanks. */
static size_t
value_len(struct str s)
{
	struct str rest = s;

	while (rest.n > 0) {
		size_t n = utf8_len(rest);

		if (n == 0)
			break;
		if (n == 1 && (rest.p[0] < 0x20 || rest.p[0] == 0x7f))
			break;
		rest = str_skip(rest, n);
	}
	return s.n - rest.n;
}

/* Bytes at the front of s that are a key. */
static size_t
key_len(struct str s)
{
	size_t n = 0;

	if (s.n == 0 || !str_is_alnum(s.p[0]))
		return 0;
	while (n < s.n && n < KEY_MAX &&
	    (str_is_alnum(s.p[n]) || s.p[n] == '_' || s.p[n] == '-' ||
		s.p[n] == '.'))
		n++;
	return n;
}

static struct str
trim_blanks(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static NODISCARD int
take_version(struct parser *p, struct str value)
{
	if (p->version)
		return 0;
	p->version = true;
	if (!str_eq(value, STR("STSv1")))
		return fail(
		    p, ERR_SYNTAX, value.p, "STS-10", "version is not STSv1");
	return 0;
}

static NODISCARD int
take_mode(struct parser *p, struct str value)
{
	static const enum sts_mode modes[] = {
	    STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE};

	if (p->mode)
		return 0;
	p->mode = true;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!str_eq(value, str_of(sts_mode_str(modes[i]))))
			continue;
		p->out->mode = modes[i];
		p->mode_known = true;
		return 0;
	}
	return fail(p, ERR_SYNTAX, value.p, "STS-10",
	    "mode is not enforce, testing or none");
}

static NODISCARD int
take_max_age(struct parser *p, struct str value)
{
	uint64_t v;

	if (p->max_age)
		return 0;
	p->max_age = true;
	/* RFC 8461 3.2: 1*10DIGIT; the larger ones are capped. */
	if (value.n > 10 || codec_u64(value, UINT64_MAX, &v) < 0)
		return fail(p, ERR_SYNTAX, value.p, "STS-13",
		    "max_age is not 1 to 10 digits");
	p->out->max_age = v > STS_MAX_AGE_CAP ? STS_MAX_AGE_CAP : (int64_t)v;
	return 0;
}

int
sts_policy_mx(struct str value, char out[DOMAIN_MAX], const char **text)
{
	struct str name = value;
	char canon[DOMAIN_MAX];
	size_t star = 0;

	/* RFC 8461 3.2: sts-policy-mx-value = ["*."] Domain, A-labels */
	if (str_starts(name, STR("*.")))
		star = 2;
	name = str_skip(name, star);
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < 0x80)
			continue;
		*text = "mx is not in A-labels";
		return ERR_SYNTAX;
	}
	*text = str_ends_ci(name, STR("."))
	    ? "mx ends in a dot, which a policy does not have"
	    : "mx is not a host name or *.name";
	if (name.n == 0 || name.p[name.n - 1] == '.' || domain_is_ip(name) ||
	    domain_canon_host(name, canon) < 0)
		return ERR_SYNTAX;
	*text = "mx is too long";
	if (strlen(canon) + star >= DOMAIN_MAX)
		return ERR_SYNTAX;
	memcpy(out, "*.", star);
	memcpy(out + star, canon, strlen(canon) + 1);
	return 0;
}

static NODISCARD int
take_mx(struct parser *p, struct str value)
{
	struct sts_policy *o = p->out;
	char canon[DOMAIN_MAX];
	const char *text;
	int err;

	p->mx = true;
	err = sts_policy_mx(value, canon, &text);
	if (err)
		return fail(p, err, value.p, "STS-15", text);
	if (o->n_mx == STS_MX_MAX)
		return fail(
		    p, ERR_TOOBIG, value.p, "STS-43", "too many mx lines");
	if (o->n_mx == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 8;
		o->mx = xrealloc(o->mx, p->cap * sizeof(*o->mx));
	}
	memcpy(o->mx[o->n_mx++], canon, strlen(canon) + 1);
	return 0;
}

/* What is wrong with the key of line, of which n bytes are well. */
static const char *
key_text(struct str line, size_t n)
{
	if (str_starts(line, STR("\xef\xbb\xbf")))
		return "a byte order mark before the key";
	if (n == KEY_MAX && str_is_alnum(line.p[n]))
		return "a key has more than 32 characters";
	return "a key has a wrong character";
}

/* RFC 8461 3.2: every field is a key, ":" *WSP, a value, *WSP. */
static NODISCARD int
cut_key(struct parser *p, struct str line, struct str *key)
{
	size_t n = key_len(line);

	if (line.n == 0)
		return fail(p, ERR_SYNTAX, line.p, "STS-11", "an empty line");
	if (str_find(line, ':') == line.n)
		return fail(
		    p, ERR_SYNTAX, line.p, "STS-12", "a line has no colon");
	if (n == 0 || line.p[n] != ':')
		return fail(
		    p, ERR_SYNTAX, line.p + n, "STS-12", key_text(line, n));
	*key = str_n(line.p, n);
	return 0;
}

static NODISCARD int
cut_value(struct parser *p, struct str behind, struct str *value)
{
	struct str s = trim_blanks(behind);
	size_t n = value_len(s);

	if (s.n == 0)
		return fail(
		    p, ERR_SYNTAX, behind.p, "STS-12", "a value is empty");
	if (n < s.n)
		return fail(p, ERR_SYNTAX, s.p + n, "STS-43",
		    "a value has a control character or is not UTF-8");
	*value = s;
	return 0;
}

/* A field whose value is broken is not missing on top. */
static void
mark_seen(struct parser *p, struct str key)
{
	p->version |= str_eq(key, STR("version"));
	p->mode |= str_eq(key, STR("mode"));
	p->max_age |= str_eq(key, STR("max_age"));
	p->mx |= str_eq(key, STR("mx"));
}

static NODISCARD int
take_line(struct parser *p, struct str line)
{
	struct str key, value;
	int err = cut_key(p, line, &key);

	if (err)
		return err;
	err = cut_value(p, str_skip(line, key.n + 1), &value);
	if (err) {
		mark_seen(p, key);
		return err;
	}
	if (str_eq(key, STR("version")))
		return take_version(p, value);
	if (str_eq(key, STR("mode")))
		return take_mode(p, value);
	if (str_eq(key, STR("max_age")))
		return take_max_age(p, value);
	if (str_eq(key, STR("mx")))
		return take_mx(p, value);
	return 0; /* RFC 8461 3.2: unknown fields are ignored */
}

/* What must be there; at is the end of the text. */
static NODISCARD int
check_complete(struct parser *p, const char *at)
{
	int err = 0;

	if (!p->version)
		err = fail(p, ERR_SYNTAX, at, "STS-10", "version is missing");
	if (!p->mode)
		err = fail(p, ERR_SYNTAX, at, "STS-10", "mode is missing");
	if (!p->max_age)
		err = fail(p, ERR_SYNTAX, at, "STS-10", "max_age is missing");
	if (!p->mx && p->mode_known && p->out->mode != STS_MODE_NONE)
		err = fail(p, ERR_SYNTAX, at, "STS-10", "mx is missing");
	return err;
}

/* Line by line up to the first fault, or with a list of them to the end. */
static NODISCARD int
take_lines(struct parser *p, struct str body)
{
	struct str line;
	int err = 0, found;

	while ((!err || p->diags) && str_cut(&body, '\n', &line)) {
		/* RFC 8461 3.2: sts-policy-term = LF / CRLF; the last one
		 * is optional, its CR is then none. */
		if (line.n > 0 && line.p[line.n - 1] == '\r' &&
		    line.p + line.n != body.p + body.n)
			line.n--;
		found = take_line(p, line);
		err = err ? err : found;
	}
	if (!err || p->diags) {
		found = check_complete(p, body.p + body.n);
		err = err ? err : found;
	}
	return err;
}

static NODISCARD int
parse(struct parser *p, struct str body, struct sts_policy *out)
{
	struct sts_policy policy = {0};
	int err;

	p->out = &policy;
	if (body.n > STS_BODY_MAX)
		err = fail(p, ERR_TOOBIG, body.p + STS_BODY_MAX, "STS-22",
		    "policy is longer than 64 KB");
	else
		err = take_lines(p, body);
	if (err)
		sts_policy_clear(&policy);
	else
		*out = policy;
	return err;
}

int
sts_policy_parse(struct str body, struct sts_policy *out, const char **text)
{
	struct parser p = {.out = NULL};
	int err = parse(&p, body, out);

	if (err && text)
		*text = p.text;
	return err;
}

int
sts_policy_lint(struct str body, struct sts_policy *out, struct diags *d)
{
	struct parser p = {.diags = d};

	return parse(&p, body, out);
}

void
sts_policy_clear(struct sts_policy *p)
{
	free(p->mx);
	memset(p, 0, sizeof(*p));
}

void
sts_policy_copy(struct sts_policy *to, const struct sts_policy *from)
{
	*to = *from;
	to->mx = NULL;
	if (from->n_mx > 0) {
		to->mx = xcalloc(from->n_mx, sizeof(*to->mx));
		memcpy(to->mx, from->mx, from->n_mx * sizeof(*to->mx));
	}
}

const char *
sts_policy_pattern(const struct sts_policy *p, const char *mx_host)
{
	for (size_t i = 0; i < p->n_mx; i++) {
		if (domain_match(str_of(p->mx[i]), str_of(mx_host)))
			return p->mx[i];
	}
	return NULL;
}

bool
sts_policy_match(const struct sts_policy *p, const char *mx_host)
{
	return sts_policy_pattern(p, mx_host) != NULL;
}

void
sts_policy_text(const struct sts_policy *p, struct buf *out)
{
	(void)buf_addf(
	    out, "version: STSv1\nmode: %s\n", sts_mode_str(p->mode));
	for (size_t i = 0; i < p->n_mx; i++)
		(void)buf_addf(out, "mx: %s\n", p->mx[i]);
	(void)buf_addf(out, "max_age: %lld\n", (long long)p->max_age);
}
