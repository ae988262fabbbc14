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
	bool version, mode, max_age;
	const char *text; /* what is wrong */
};

static NODISCARD int
fail(struct parser *p, int err, const char *text)
{
	p->text = text;
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

static bool
is_value(struct str s)
{
	if (s.n == 0)
		return false;
	while (s.n > 0) {
		size_t n = utf8_len(s);

		if (n == 0)
			return false;
		if (n == 1 && (s.p[0] < 0x20 || s.p[0] == 0x7f))
			return false;
		s = str_skip(s, n);
	}
	return true;
}

static bool
is_key(struct str s)
{
	if (s.n < 1 || s.n > KEY_MAX || !str_is_alnum(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (!str_is_alnum(c) && c != '_' && c != '-' && c != '.')
			return false;
	}
	return true;
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
	if (!str_eq(value, STR("STSv1")))
		return fail(p, ERR_SYNTAX, "version is not STSv1");
	p->version = true;
	return 0;
}

static NODISCARD int
take_mode(struct parser *p, struct str value)
{
	static const enum sts_mode modes[] = {
	    STS_MODE_NONE, STS_MODE_TESTING, STS_MODE_ENFORCE};

	if (p->mode)
		return 0;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!str_eq(value, str_of(sts_mode_str(modes[i]))))
			continue;
		p->out->mode = modes[i];
		p->mode = true;
		return 0;
	}
	return fail(p, ERR_SYNTAX, "mode is not enforce, testing or none");
}

static NODISCARD int
take_max_age(struct parser *p, struct str value)
{
	uint64_t v;

	if (p->max_age)
		return 0;
	/* RFC 8461 3.2: 1*10DIGIT; the larger ones are capped. */
	if (value.n > 10 || codec_u64(value, UINT64_MAX, &v) < 0)
		return fail(p, ERR_SYNTAX, "max_age is not 1 to 10 digits");
	p->out->max_age = v > STS_MAX_AGE_CAP ? STS_MAX_AGE_CAP : (int64_t)v;
	p->max_age = true;
	return 0;
}

static NODISCARD int
take_mx(struct parser *p, struct str value)
{
	struct sts_policy *o = p->out;
	struct str name = value;
	char canon[DOMAIN_MAX], *at;

	/* RFC 8461 3.2: sts-policy-mx-value = ["*."] Domain, A-labels */
	if (str_starts(name, STR("*.")))
		name = str_skip(name, 2);
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] >= 0x80)
			return fail(p, ERR_SYNTAX, "mx is not in A-labels");
	}
	if (name.n == 0 || name.p[name.n - 1] == '.' || domain_is_ip(name) ||
	    domain_canon_host(name, canon) < 0)
		return fail(p, ERR_SYNTAX, "mx is not a host name or *.name");
	if (o->n_mx == STS_MX_MAX)
		return fail(p, ERR_TOOBIG, "too many mx lines");
	if (strlen(canon) + 2 >= DOMAIN_MAX && name.n != value.n)
		return fail(p, ERR_SYNTAX, "mx is too long");
	if (o->n_mx == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 8;
		o->mx = xrealloc(o->mx, p->cap * sizeof(*o->mx));
	}
	at = o->mx[o->n_mx++];
	if (name.n != value.n) {
		*at++ = '*';
		*at++ = '.';
	}
	memcpy(at, canon, strlen(canon) + 1);
	return 0;
}

static NODISCARD int
take_line(struct parser *p, struct str line)
{
	size_t colon = str_find(line, ':');
	struct str key, value;

	if (colon == line.n)
		return fail(p, ERR_SYNTAX, "a line has no colon");
	key = str_n(line.p, colon);
	value = trim_blanks(str_skip(line, colon + 1));
	if (!is_key(key))
		return fail(p, ERR_SYNTAX, "a key has a wrong character");
	if (!is_value(value))
		return fail(
		    p, ERR_SYNTAX, "a value is empty or has a wrong character");
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

static NODISCARD int
check_complete(struct parser *p)
{
	if (!p->version)
		return fail(p, ERR_SYNTAX, "version is missing");
	if (!p->mode)
		return fail(p, ERR_SYNTAX, "mode is missing");
	if (!p->max_age)
		return fail(p, ERR_SYNTAX, "max_age is missing");
	if (p->out->n_mx == 0 && p->out->mode != STS_MODE_NONE)
		return fail(p, ERR_SYNTAX, "mx is missing");
	return 0;
}

int
sts_policy_parse(struct str body, struct sts_policy *out, const char **text)
{
	struct sts_policy policy = {0};
	struct parser p = {.out = &policy};
	struct str line;
	int err = 0;

	if (body.n > STS_BODY_MAX)
		err = fail(&p, ERR_TOOBIG, "policy is longer than 64 KB");
	while (!err && str_cut(&body, '\n', &line)) {
		/* RFC 8461 3.2: sts-policy-term = LF / CRLF; the last one
		 * is optional, its CR is then none. */
		if (line.n > 0 && line.p[line.n - 1] == '\r' &&
		    line.p + line.n != body.p + body.n)
			line.n--;
		err = take_line(&p, line);
	}
	if (!err)
		err = check_complete(&p);
	if (err) {
		if (text)
			*text = p.text;
		sts_policy_clear(&policy);
		return err;
	}
	*out = policy;
	return 0;
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
