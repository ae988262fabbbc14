/* What was learnt of each host, and what would be done with it. */
#include "config.h"

#include "relay/ctl/explain_host_text.h"

#include <jansson.h>
#include <string.h>

#define SHOWN_MAX 12 /* records of one answer */

const char *
explain_level_text(struct str level)
{
	static const struct {
		const char *level, *text;
	} texts[] = {
	    {"opportunistic",
		"TLS when the host offers it; its certificate is not checked"},
	    {"encrypt", "TLS is needed; the certificate is not checked"},
	    {"pkix", "TLS with a trusted certificate that has the host's name"},
	    {"dane", "TLS with a certificate that a TLSA record proves"},
	    {"dane+pkix",
		"TLS with a certificate that a TLSA record proves and that is "
		"also trusted and has the host's name"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (str_eq(level, str_of(texts[i].level)))
			return texts[i].text;
	}
	return "a level that this program does not know";
}

void
explain_add_reason(struct explain_reader *r, const json_t *o, struct str name)
{
	struct str reason = explain_str(r, o, "reason");

	if (name.n > 0 && str_starts(reason, name) &&
	    str_starts(str_skip(reason, name.n), STR(": ")))
		reason = str_skip(reason, name.n + 2);
	buf_add_str(explain_buf(r), reason);
}

/* ---- answers ---- */

static void
add_records(struct explain_reader *r, const json_t *a)
{
	const json_t *list = json_object_get(a, "records"), *v;
	struct buf *b = explain_buf(r);
	size_t i, n = json_array_size(list);

	json_array_foreach(list, i, v)
	{
		if (i == SHOWN_MAX) {
			buf_addf(b, " and %zu more", n - i);
			return;
		}
		buf_add_cstr(b, i > 0 ? ", " : " ");
		buf_add(b, json_string_value(v), json_string_length(v));
	}
}

/* A label of our own, whatever the report says. */
static const char *
type_label(struct explain_reader *r, struct str type)
{
	static const char *const labels[] = {
	    "  A", "  AAAA", "  CNAME", "  MX", "  TLSA", "  TXT"};

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (str_eq(type, str_of(labels[i] + 2)))
			return labels[i];
	}
	r->bad = true;
	return "";
}

void
explain_answer_text(
    struct explain_reader *r, const json_t *a, bool with_records)
{
	struct str status = explain_str(r, a, "status");
	struct str type = explain_str(r, a, "type");
	struct buf *b = explain_line(r);

	explain_add(r, a, "name");
	if (json_is_string(json_object_get(a, "alias_of"))) {
		buf_add_cstr(b, " (alias of ");
		explain_add(r, a, "alias_of");
		buf_add_cstr(b, ")");
	}
	if (str_eq(status, STR("fail"))) {
		buf_add_cstr(b, ": lookup failed: ");
		explain_add(r, a, "why");
	} else {
		buf_add_cstr(b,
		    explain_bool(r, a, "secure") ? ": secure: "
						 : ": INSECURE: ");
		if (!str_eq(status, STR("ok")))
			explain_add(r, a, "status");
		else if (with_records)
			add_records(r, a);
		else
			buf_addf(b, "%zu of them, see below",
			    json_array_size(json_object_get(a, "records")));
	}
	explain_flush(r, type_label(r, type));
}

/* ---- hosts ---- */

static const char *
failure_text(struct str on)
{
	if (str_eq(on, STR("clear")))
		return "sent without TLS";
	if (str_eq(on, STR("defer")))
		return "the mail waits";
	return "the next host; the mail waits when there is none";
}

static void
show_failures(struct explain_reader *r, const json_t *p)
{
	struct str offer = explain_str(r, p, "on_no_starttls");
	struct str tls = explain_str(r, p, "on_tls_failure");
	struct buf *b = explain_line(r);

	if (str_eq(offer, tls))
		buf_addf(b, "without it: %s", failure_text(tls));
	else
		buf_addf(b, "no STARTTLS: %s; TLS fails: %s",
		    failure_text(offer), failure_text(tls));
	explain_flush(r, "");
}

static bool
has_ta(const json_t *plan)
{
	const json_t *list = json_object_get(plan, "tlsa"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (json_is_string(v) && json_string_value(v)[0] == '2')
			return true;
	}
	return false;
}

static void
show_plan(struct explain_reader *r, const json_t *p)
{
	struct buf *b = explain_line(r);
	const json_t *names = json_object_get(p, "dane_names"), *v;
	size_t i;

	buf_add_cstr(b, explain_level_text(explain_str(r, p, "level")));
	buf_add_cstr(b, " (policy ");
	explain_add(r, p, "policy");
	buf_add_cstr(b, ", ");
	explain_add(r, p, "rule");
	buf_add_cstr(b, ")");
	explain_flush(r, "  plan");
	b = explain_line(r);
	buf_add_cstr(b, "TLS ");
	explain_add(r, p, "min");
	buf_add_cstr(b, " or later, SNI ");
	if (explain_str(r, p, "sni").n > 0)
		explain_add(r, p, "sni");
	else
		buf_add_cstr(b, "none");
	json_array_foreach(names, i, v)
	{
		if (!has_ta(p))
			break;
		buf_add_cstr(b, i == 0 ? "; names for DANE-TA: " : ", ");
		buf_add(b, json_string_value(v), json_string_length(v));
	}
	explain_flush(r, "");
	show_failures(r, p);
	if (explain_bool(r, p, "mx_insecure"))
		explain_row(r, "",
		    "This proves the host, not that it is the domain's "
		    "(DANE-19).");
	if (explain_bool(r, p, "audit_mismatch"))
		explain_row(r, "",
		    "The MTA-STS policy, in testing, does not name this host "
		    "(STS-32).");
}

static const char *
dane_text(struct str verdict)
{
	if (str_eq(verdict, STR("usable")))
		return "TLSA records that count";
	if (str_eq(verdict, STR("unusable")))
		return "TLSA records, none of which counts: TLS is needed";
	if (str_eq(verdict, STR("failed")))
		return "not known, so the host may not be used";
	return "no secure TLSA records";
}

static void
show_dane(struct explain_reader *r, const json_t *d)
{
	const json_t *list = json_object_get(d, "tlsa"), *t;
	struct buf *b = explain_line(r);
	size_t i;

	buf_add_cstr(b, dane_text(explain_str(r, d, "verdict")));
	if (json_is_string(json_object_get(d, "why"))) {
		buf_add_cstr(b, ": ");
		explain_add(r, d, "why");
	}
	buf_add_cstr(b, " (");
	explain_add(r, d, "rule");
	buf_add_cstr(b, ")");
	explain_flush(r, "  DANE");
	json_array_foreach(list, i, t)
	{
		b = explain_line(r);
		explain_add(r, t, "record");
		if (explain_bool(r, t, "used")) {
			explain_flush(r, "    used");
			continue;
		}
		buf_add_cstr(b, " (");
		explain_add(r, t, "why");
		buf_add_cstr(b, ", ");
		explain_add(r, t, "rule");
		buf_add_cstr(b, ")");
		explain_flush(r, "    unused");
	}
}

static void
show_skip(struct explain_reader *r, const json_t *h)
{
	const json_t *k = json_object_get(h, "skip");
	struct buf *b = explain_line(r);

	explain_add_reason(r, k, explain_str(r, h, "host"));
	buf_add_cstr(b, " (");
	explain_add(r, k, "rule");
	buf_add_cstr(b, ", ");
	explain_add(r, k, "dsn");
	buf_add_cstr(b, ")");
	explain_flush(r, "  SKIPPED");
}

static void
show_host(struct explain_reader *r, const json_t *h)
{
	const json_t *answers = json_object_get(h, "answers"), *a;
	const json_t *dane = json_object_get(h, "dane");
	bool listed = json_array_size(json_object_get(dane, "tlsa")) > 0;
	struct buf *b = explain_line(r);
	size_t i;

	explain_add(r, h, "host");
	buf_addf(b, ", preference %lld, port %lld",
	    (long long)explain_number(r, h, "preference"),
	    (long long)explain_number(r, h, "port"));
	buf_add_char(r->out, '\n');
	explain_flush(r, "host");
	json_array_foreach(answers, i, a) explain_answer_text(
	    r, a, !listed || !str_eq(explain_str(r, a, "type"), STR("TLSA")));
	if (json_is_object(dane))
		show_dane(r, dane);
	if (explain_bool(r, h, "tried"))
		show_plan(r, json_object_get(h, "plan"));
	else
		show_skip(r, h);
}

void
explain_hosts_text(struct explain_reader *r)
{
	const json_t *hosts = json_object_get(r->root, "hosts"), *h;
	long long more = explain_number(r, r->root, "hosts_left_out");
	size_t i;

	if (!json_is_array(hosts))
		r->bad = true;
	json_array_foreach(hosts, i, h) show_host(r, h);
	if (more > 0) {
		buf_addf(
		    explain_line(r), "%lld more hosts are not shown", more);
		explain_flush(r, "");
	}
}
