/*
 * A line may come from another host, another version or an editor, and what it
 * says decides later where mail may go; so nothing is taken from it that could
 * not have come from a policy host now. An entry never lives longer than its
 * own text allows from the time that it was fetched (RFC 8461 3.2).
 */
#include "config.h"

#include "relay/ctl/ctl_policy.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/domain.h"
#include "relay/ctl/ctl_json.h"
#include "sts/sts_policy.h"
#include "sts/sts_state.h"

/* ---- writing ---- */

static json_t *
entry_object(const struct sts_entry *e)
{
	json_t *o = ctl_json_object();

	ctl_json_text(o, "domain", e->domain);
	ctl_json_text(o, "id", e->id);
	ctl_json_number(o, "fetched", e->fetched);
	ctl_json_number(o, "expires", e->expires);
	ctl_json_str(o, "body", str_n(e->body, e->body_len));
	return o;
}

void
ctl_policy_line(const struct sts_entry *e, bool cmd, struct buf *out)
{
	json_t *o = entry_object(e);

	if (cmd)
		ctl_json_text(o, "cmd", "policy-import");
	ctl_json_write(o, out);
}

void
ctl_policies_build(
    const struct sts_entry *v, size_t n, bool more, struct buf *out)
{
	json_t *root = ctl_json_answer(true);
	json_t *list = ctl_json_need(json_array());

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(list, entry_object(&v[i])))
			BUG("out of memory");
	}
	ctl_json_set(root, "rows", list);
	ctl_json_bool(root, "more", more);
	ctl_json_write(root, out);
}

void
ctl_verdict_build(
    const char *domain, const struct sts_verdict *v, struct buf *out)
{
	json_t *o = ctl_json_answer(true);
	bool there = v->source == STS_FRESH || v->source == STS_CACHED;

	ctl_json_text(o, "domain", domain);
	ctl_json_text(o, "source", sts_source_str(v->source));
	ctl_json_text(o, "mode", there ? sts_mode_str(v->policy.mode) : "");
	ctl_json_text(o, "id", there ? v->id : "");
	ctl_json_time(o, "fetched", there ? v->fetched : 0);
	ctl_json_time(o, "expires", there ? v->expires : 0);
	ctl_json_text(o, "rule", v->rule);
	ctl_json_text(o, "text", v->text);
	ctl_json_write(o, out);
}

void
ctl_forget_build(const char *domain, struct buf *out)
{
	json_t *o = ctl_json_answer(true);

	ctl_json_text(o, "domain", domain);
	ctl_json_write(o, out);
}

void
ctl_import_build(bool taken, struct buf *out)
{
	json_t *root = ctl_json_answer(true);

	ctl_json_bool(root, "taken", taken);
	ctl_json_write(root, out);
}

/* ---- reading ---- */

struct reader {
	const json_t *root;
	const char *text; /* what is wrong */
};

static NODISCARD int
fail(struct reader *r, const char *text)
{
	r->text = text;
	return ERR_SYNTAX;
}

static bool
text_of(const struct reader *r, const char *key, struct str *out)
{
	const json_t *v = json_object_get(r->root, key);

	if (!json_is_string(v))
		return false;
	*out = str_n(json_string_value(v), json_string_length(v));
	return true;
}

static NODISCARD int
check_members(struct reader *r, bool cmd)
{
	static const char *const known[] = {
	    "domain", "id", "fetched", "expires", "body"};
	const json_t *expires = json_object_get(r->root, "expires");
	size_t n = 0;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		n += json_object_get(r->root, known[i]) != NULL;
	if (cmd)
		n += json_object_get(r->root, "cmd") != NULL;
	if (n != json_object_size(r->root))
		return fail(r, "there is a member that an entry does not have");
	if (expires && !json_is_integer(expires))
		return fail(r, "expires is not a number of seconds");
	return 0;
}

static NODISCARD int
read_domain(struct reader *r, struct sts_entry *e)
{
	struct str s;

	/* RFC 8461 3.4: an address literal has no policy. */
	if (!text_of(r, "domain", &s) || domain_is_ip(s) ||
	    domain_canon_host(s, e->domain))
		return fail(r, "domain is not the name of a mail domain");
	return 0;
}

/* RFC 8461 3.1: 1*32(ALPHA / DIGIT). */
static NODISCARD int
read_id(struct reader *r, struct sts_entry *e)
{
	struct str s;
	bool ok = text_of(r, "id", &s) && s.n > 0 && s.n < sizeof(e->id);

	for (size_t i = 0; ok && i < s.n; i++)
		ok = str_is_alnum(s.p[i]);
	if (!ok)
		return fail(r, "id is not one to 32 letters and digits");
	memcpy(e->id, s.p, s.n);
	return 0;
}

static NODISCARD int
read_times(struct reader *r, int64_t now, struct sts_entry *e)
{
	const json_t *v = json_object_get(r->root, "fetched");

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return fail(r, "fetched is not a number of seconds since 1970");
	e->fetched = json_integer_value(v);
	if (e->fetched > now + CTL_POLICY_SKEW_S)
		return fail(r, "fetched is in the future: see to the clocks");
	/* It was fetched now at the latest. */
	if (e->fetched > now)
		e->fetched = now;
	return 0;
}

static NODISCARD int
read_body(struct reader *r, struct sts_entry *e)
{
	struct sts_policy p = {0};
	struct str s;

	if (!text_of(r, "body", &s))
		return fail(r, "body is not the text of a policy");
	if (sts_policy_parse(s, &p, &r->text))
		return ERR_SYNTAX;
	e->expires = e->fetched + p.max_age;
	sts_policy_clear(&p);
	e->body = str_dup(s);
	e->body_len = s.n;
	return 0;
}

int
ctl_policy_parse(struct str line, bool cmd, int64_t now, struct sts_entry *out,
    const char **text)
{
	json_t *root = json_loadb(line.p ? line.p : "", line.n,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	struct reader r = {.root = root, .text = "it is not a JSON object"};
	struct sts_entry e = {.fetched = 0};
	int err = json_is_object(root) ? 0 : ERR_SYNTAX;

	if (!err)
		err = check_members(&r, cmd);
	if (!err)
		err = read_domain(&r, &e);
	if (!err)
		err = read_id(&r, &e);
	if (!err)
		err = read_times(&r, now, &e);
	if (!err)
		err = read_body(&r, &e);
	json_decref(root);
	if (err) {
		*text = r.text;
		return ERR_SYNTAX;
	}
	*out = e;
	return 0;
}
