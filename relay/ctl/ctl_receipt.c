/*
 * The text is made from the JSON, so that the two can't say different things.
 * It answers in sentences: where the message went, what was proven there, and
 * why that was enough. Remote text gets here unescaped and goes through
 * ctl_text_add.
 */
#include "config.h"

#include "relay/ctl/ctl_receipt.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/codec.h"
#include "relay/ctl/ctl_json.h"
#include "relay/ctl/ctl_text.h"
#include "relay/ctl/wrap.h"
#include "relay/model/msg.h"

#define COLUMNS 79 /* of a line for people */

/* ---- JSON ---- */

static void
set_hex(json_t *o, const char *key, const uint8_t sum[TLS_SHA256])
{
	struct buf b;

	buf_init(&b, 2 * (size_t)TLS_SHA256);
	codec_hex(&b, sum, TLS_SHA256);
	ctl_json_str(o, key, buf_str(&b));
	buf_clear(&b);
}

static json_t *
certificate(const struct receipt_proof *p)
{
	json_t *o;

	if (!(p->flags & RECEIPT_CERT))
		return json_null();
	o = ctl_json_object();
	set_hex(o, "sha256", p->cert);
	set_hex(o, "spki_sha256", p->spki);
	return o;
}

static json_t *
tlsa(const struct receipt_proof *p)
{
	json_t *o;

	if (!p->tlsa_set)
		return json_null();
	o = ctl_json_object();
	ctl_json_text(o, "matched", p->tlsa);
	ctl_json_text(o, "records", p->tlsa_set);
	return o;
}

static json_t *
sts(const struct receipt_proof *p)
{
	json_t *o;

	if (!p->sts[0])
		return json_null();
	o = ctl_json_object();
	ctl_json_text(o, "source", p->sts);
	ctl_json_text(o, "mode", p->sts_mode);
	ctl_json_text(o, "id", p->sts_id);
	ctl_json_text(o, "mx", p->sts_mx);
	ctl_json_text(o, "testing", p->sts_audit);
	ctl_json_text(o, "text", p->sts_text);
	return o;
}

static json_t *
receipt(const struct receipt *r)
{
	const struct receipt_proof *p = &r->p;
	json_t *o = ctl_json_object();
	char qid[MSG_QID_MAX];

	msg_qid(r->msg, qid);
	ctl_json_number(o, "id", (int64_t)r->rcpt);
	ctl_json_text(o, "message", qid);
	ctl_json_text(o, "from", r->sender);
	ctl_json_text(o, "to", r->addr);
	ctl_json_text(o, "domain", r->next_hop);
	ctl_json_time(o, "arrived", r->arrived);
	ctl_json_time(o, "delivered", p->at);
	ctl_json_text(o, "mx", p->mx);
	ctl_json_text(o, "addr", p->addr);
	ctl_json_number(o, "port", p->port);
	ctl_json_text(o, "mx_set", p->mx_set);
	ctl_json_text(o, "policy", p->policy);
	ctl_json_text(o, "rule", p->rule);
	ctl_json_text(o, "level", p->level);
	ctl_json_text(o, "proof", p->proof);
	ctl_json_text(o, "tls", p->tls[0] ? p->tls : "none");
	ctl_json_text(o, "cipher", p->cipher);
	ctl_json_bool(o, "mx_insecure", (p->flags & RECEIPT_MX_INSECURE) != 0);
	ctl_json_bool(o, "fallback", (p->flags & RECEIPT_FALLBACK) != 0);
	ctl_json_set(o, "certificate", certificate(p));
	ctl_json_set(o, "tlsa", tlsa(p));
	ctl_json_set(o, "sts", sts(p));
	ctl_json_text(o, "dsn", r->dsn);
	ctl_json_text(o, "reply", r->reply);
	return o;
}

void
ctl_receipts_build(const struct receipt *v, size_t n, struct buf *out)
{
	json_t *root = ctl_json_answer(true);
	json_t *list = ctl_json_need(json_array());

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(list, receipt(&v[i])))
			BUG("out of memory");
	}
	ctl_json_set(root, "rows", list);
	ctl_json_write(root, out);
}

/* ---- text ---- */

struct reader {
	const json_t *o;
	struct buf *out;
	bool bad; /* something was not as it should be */
};

static struct str
text_of(struct reader *r, const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v)) {
		r->bad = true;
		return STR("");
	}
	return str_n(json_string_value(v), json_string_length(v));
}

static struct str
text(struct reader *r, const char *key)
{
	return text_of(r, r->o, key);
}

static bool
is(struct reader *r, const char *key, const char *want)
{
	return str_eq(text(r, key), str_of(want));
}

static bool
is_true(const struct reader *r, const char *key)
{
	return json_is_true(json_object_get(r->o, key));
}

static void
say(struct reader *r, const char *s)
{
	buf_add_cstr(r->out, s);
}

static void
say_member(struct reader *r, const json_t *o, const char *key)
{
	ctl_text_add(r->out, text_of(r, o, key));
}

/* "  word      " and the text, in as many lines as it needs. */
static void
say_wrapped(struct reader *r, const char *word, struct str text)
{
	char label[32];

	(void)snprintf(label, sizeof(label), "  %s", word);
	wrap_add(r->out, label, 14, COLUMNS, text);
}

static void
say_line(struct reader *r, const char *word, const json_t *o, const char *key)
{
	say_wrapped(r, word, text_of(r, o, key));
}

/* A text of lines, each set in. */
static void
say_text(struct reader *r, const char *word, const json_t *o, const char *key)
{
	struct str rest = text_of(r, o, key), line;

	while (str_cut(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		say_wrapped(r, word, line);
		word = "";
	}
}

static void
say_tls(struct reader *r)
{
	buf_addf(r->out, "  %-12s", "channel");
	if (!is(r, "tls", "none")) {
		say_member(r, r->o, "tls");
		say(r, ", ");
		say_member(r, r->o, "cipher");
		say(r, "\n");
	} else if (is_true(r, "fallback")) {
		say(r, "in clear: TLS was tried and failed\n");
	} else {
		say(r, "in clear, without TLS\n");
	}
}

static void
say_proof(struct reader *r)
{
	const json_t *t = json_object_get(r->o, "tlsa");
	const json_t *c = json_object_get(r->o, "certificate");

	buf_addf(r->out, "  %-12s", "proof");
	if (is(r, "proof", "none")) {
		say(r, "none was asked for or given\n");
	} else if (is(r, "proof", "pkix")) {
		say(r, "a trusted certificate with the name of the host\n");
	} else {
		say(r,
		    is(r, "proof", "dane-ee")
			? "its certificate matches a TLSA record of the host\n"
			: "its certificate is issued by one that TLSA names\n");
		if (json_is_object(t))
			say_text(r, "by record", t, "matched");
	}
	if (is_true(r, "mx_insecure"))
		say(r,
		    "              for the host, not for the domain: the MX "
		    "set is not signed\n");
	if (json_is_object(c)) {
		say_line(r, "certificate", c, "sha256");
		say_line(r, "public key", c, "spki_sha256");
	}
}

/* Why that was enough. */
static void
say_policy(struct reader *r)
{
	const char *what = "no policy of the domain or of this site";

	if (is(r, "policy", "dane"))
		what = is(r, "rule", "DANE-12")
		    ? "DANE: no TLSA record is usable, so TLS without proof"
		    : "DANE: TLSA records of the host";
	else if (is(r, "policy", "sts"))
		what = "MTA-STS of the domain";
	else if (is(r, "policy", "site"))
		what = "a site rule of this relay";
	buf_addf(r->out, "  %-12s%s (", "policy", what);
	say_member(r, r->o, "rule");
	say(r, ")\n");
	buf_addf(r->out, "  %-12s", "");
	say(r, "it asked for: ");
	say_member(r, r->o, "level");
	say(r, "; MX set: ");
	say_member(r, r->o, "mx_set");
	say(r, "\n");
}

static void
say_sts(struct reader *r)
{
	const json_t *s = json_object_get(r->o, "sts");

	if (!json_is_object(s))
		return;
	buf_addf(r->out, "  %-12s", "MTA-STS");
	say_member(r, s, "source");
	if (text_of(r, s, "mode").n == 0) {
		say(r, "\n");
		return;
	}
	say(r, ", mode ");
	say_member(r, s, "mode");
	say(r, ", id ");
	say_member(r, s, "id");
	say(r,
	    text_of(r, s, "mx").n > 0 ? ", names the host as "
				      : ", does not name the host");
	say_member(r, s, "mx");
	say(r, "\n");
	if (text_of(r, s, "testing").n > 0)
		say_line(r, "testing", s, "testing");
	say_text(r, "", s, "text");
}

static void
say_receipt(struct reader *r)
{
	const json_t *t = json_object_get(r->o, "tlsa");
	const json_t *port = json_object_get(r->o, "port");

	say(r, "<");
	say_member(r, r->o, "to");
	say(r, "> delivered ");
	say_member(r, r->o, "delivered");
	say(r, "\n");
	buf_addf(r->out, "  %-12s", "to host");
	say_member(r, r->o, "mx");
	say(r, " [");
	say_member(r, r->o, "addr");
	buf_addf(r->out, "]:%lld\n", (long long)json_integer_value(port));
	r->bad = r->bad || !json_is_integer(port);
	say_tls(r);
	say_proof(r);
	say_policy(r);
	if (json_is_object(t))
		say_text(r, "TLSA", t, "records");
	say_sts(r);
	say_line(r, "reply", r->o, "reply");
}

int
ctl_receipts_text(struct str json, struct buf *out)
{
	struct reader r = {.out = out};
	json_t *root = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	json_t *rows = json_object_get(root, "rows");
	json_t *row;
	size_t i;

	if (!json_is_true(json_object_get(root, "ok")) || !json_is_array(rows))
		r.bad = true;
	json_array_foreach(rows, i, row)
	{
		r.o = row;
		say_receipt(&r);
	}
	json_decref(root);
	return r.bad || out->full ? ERR_SYNTAX : 0;
}
