/* Session, TLS facts, chain, and which TLSA record has which certificate. */
#include "config.h"

#include "relay/ctl/explain_conn_text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void
add_pair(struct explain_reader *r, const json_t *o, const char *before,
    const char *key)
{
	if (explain_str(r, o, key).n == 0)
		return;
	buf_add_cstr(explain_buf(r), before);
	explain_add(r, o, key);
}

static void
show_tls(struct explain_reader *r, const json_t *t)
{
	struct buf *b = explain_line(r);

	explain_add(r, t, "version");
	add_pair(r, t, ", ", "cipher");
	if (b->n > 0)
		buf_add_cstr(b, ", ");
	if (explain_bool(r, t, "verified")) {
		add_pair(r, t, "proven by ", "proof");
	} else if (!explain_bool(r, t, "established")) {
		add_pair(r, t, "handshake FAILED: ", "failure");
		add_pair(r, t, ": ", "text");
	} else {
		buf_add_cstr(b, "certificate not checked");
	}
	if (!str_eq(explain_str(r, t, "audit"), STR("ok")))
		add_pair(r, t, "; MTA-STS in testing would say: ", "audit");
	explain_flush(r, "  TLS");
}

static void
show_cert(struct explain_reader *r, const json_t *c, size_t depth)
{
	struct buf *b = explain_line(r);
	char label[16];

	explain_add(r, c, "subject");
	add_pair(r, c, "; issuer ", "issuer");
	(void)snprintf(label, sizeof(label), "  cert %zu", depth % 1000);
	explain_flush(r, label);
	b = explain_line(r);
	buf_add_cstr(b, "names ");
	if (explain_str(r, c, "names").n > 0)
		explain_add(r, c, "names");
	else
		buf_add_cstr(b, "none");
	if (json_is_string(json_object_get(c, "not_before")))
		add_pair(r, c, "; valid from ", "not_before");
	if (json_is_string(json_object_get(c, "not_after")))
		add_pair(r, c, " to ", "not_after");
	explain_flush(r, "");
	b = explain_line(r);
	buf_add_cstr(b, "SHA-256 ");
	explain_add(r, c, "sha256");
	explain_flush(r, "");
}

/* The records of this host's plan. */
static const json_t *
records_of(const struct explain_reader *r, struct str host)
{
	const json_t *hosts = json_object_get(r->root, "hosts"), *h;
	size_t i;

	json_array_foreach(hosts, i, h)
	{
		const char *name = json_string_value(
		    json_object_get(h, "host"));

		if (name && str_eq(str_of(name), host))
			return json_object_get(
			    json_object_get(h, "plan"), "tlsa");
	}
	return NULL;
}

static void
show_matches(struct explain_reader *r, const json_t *c)
{
	const json_t *records = records_of(r, explain_str(r, c, "host"));
	const json_t *list = json_object_get(c, "tlsa_matches"), *m;
	const json_t *leaf = json_array_get(json_object_get(c, "chain"), 0);
	bool known = false;
	size_t i;

	json_array_foreach(list, i, m)
	{
		long long depth = explain_number(r, m, "depth");
		const json_t *record = json_array_get(
		    records, (size_t)explain_number(r, m, "tlsa"));
		struct buf *b = explain_line(r);

		known = known || depth >= 0;
		buf_add(
		    b, json_string_value(record), json_string_length(record));
		if (depth < 0)
			buf_add_cstr(b, ": no certificate here has these data");
		else
			buf_addf(b, ": has the data of cert %lld", depth);
		explain_flush(r, "  TLSA");
	}
	if (known || !leaf)
		return;
	buf_add_cstr(explain_line(r), "_");
	buf_addf(explain_buf(r), "%lld._tcp.",
	    (long long)explain_number(r, c, "port"));
	explain_add(r, c, "host");
	buf_add_cstr(explain_buf(r), ". IN TLSA 3 1 1 ");
	explain_add(r, leaf, "spki_sha256");
	explain_flush(r, "  publish");
}

static void
show_conn(struct explain_reader *r, const json_t *c)
{
	const json_t *chain = json_object_get(c, "chain"), *cert;
	struct str verdict = explain_str(r, c, "verdict");
	struct buf *b = explain_line(r);
	size_t i;

	explain_add(r, c, "host");
	add_pair(r, c, " [", "address");
	buf_addf(b, "]:%lld: ", (long long)explain_number(r, c, "port"));
	if (str_eq(verdict, STR("ready"))) {
		buf_add_cstr(b, "ready: mail could be sent here");
		if (!json_is_object(json_object_get(c, "tls")))
			buf_add_cstr(b, ", WITHOUT TLS");
	} else {
		buf_add_cstr(b,
		    str_eq(verdict, STR("clear"))
			? "not as planned, but the plan lets mail go without "
			  "TLS: "
			: "FAILED: ");
		explain_add(r, c, "failure");
	}
	add_pair(r, c, "; ", "text");
	buf_add_char(r->out, '\n');
	explain_flush(r, "connection");
	if (json_is_object(json_object_get(c, "tls")))
		show_tls(r, json_object_get(c, "tls"));
	json_array_foreach(chain, i, cert) show_cert(r, cert, i);
	show_matches(r, c);
}

void
explain_conn_text(struct explain_reader *r)
{
	const json_t *list = json_object_get(r->root, "connections"), *c;
	size_t i;

	json_array_foreach(list, i, c) show_conn(r, c);
}
