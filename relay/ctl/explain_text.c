/*
 * The report read again from its JSON form and told to a person: the verdict
 * first, then what it stands on, host by host. A member that is missing or of
 * another type is ERR_SYNTAX, so that a daemon of another version is noticed.
 */
#include "config.h"

#include "relay/ctl/explain_text.h"

#include <jansson.h>
#include <string.h>

#include "relay/ctl/explain_conn_text.h"
#include "relay/ctl/explain_host_text.h"
#include "relay/ctl/explain_read.h"

#define SHOWN_MAX 12 /* patterns of a policy */

/* ---- the verdict ---- */

/* The plan of the host that would be tried first, or NULL. */
static const json_t *
first_plan(const struct explain_reader *r)
{
	const json_t *hosts = json_object_get(r->root, "hosts"), *h;
	size_t i;

	json_array_foreach(hosts, i, h)
	{
		if (json_is_true(json_object_get(h, "tried")))
			return json_object_get(h, "plan");
	}
	return NULL;
}

static void
show_verdict(struct explain_reader *r)
{
	struct str verdict = explain_str(r, r->root, "verdict");
	const json_t *plan = first_plan(r);
	struct buf *b = explain_line(r);

	if (str_eq(verdict, STR("sent"))) {
		buf_add_cstr(b, "Mail for ");
		explain_add(r, r->root, "domain");
		buf_add_cstr(b, " would be sent, first to ");
		explain_add(r, r->root, "host");
		buf_addf(b, ": %s (",
		    explain_level_text(
			plan ? explain_str(r, plan, "level") : STR("")));
		explain_add(r, r->root, "rule");
		buf_add_cstr(b, ").");
		explain_flush(r, "SENT");
		return;
	}
	buf_add_cstr(b, "Mail for ");
	explain_add(r, r->root, "domain");
	if (str_eq(verdict, STR("bounced")))
		buf_add_cstr(b, " would be returned to its sender: ");
	else if (str_eq(verdict, STR("held")))
		buf_add_cstr(b, " would wait in the queue: ");
	else
		buf_add_cstr(b, ": it could not be found out: ");
	explain_add_reason(r, r->root, explain_str(r, r->root, "domain"));
	if (explain_str(r, r->root, "rule").n > 0) {
		buf_add_cstr(b, " (");
		explain_add(r, r->root, "rule");
		if (explain_str(r, r->root, "dsn").n > 0) {
			buf_add_cstr(b, ", ");
			explain_add(r, r->root, "dsn");
		}
		buf_add_cstr(b, ")");
	}
	explain_flush(r,
	    str_eq(verdict, STR("bounced"))    ? "BOUNCED"
		: str_eq(verdict, STR("held")) ? "HELD"
					       : "UNKNOWN");
}

/* ---- who was asked ---- */

/* What is missing in an answer by a resolver that nobody believes. */
static void
show_distrust(struct explain_reader *r, const json_t *v)
{
	struct buf *b;

	if (explain_bool(r, v, "trusted") &&
	    !str_eq(explain_str(r, v, "state"), STR("untrusted")))
		return;
	b = explain_line(r);
	buf_add_cstr(b,
	    "The answers of this resolver do not count as secure, so DANE is "
	    "not seen; a relay whose resolver validates may decide otherwise.");
	if (explain_str(r, v, "doubt").n > 0) {
		buf_add_cstr(b, " It ");
		explain_add(r, v, "doubt");
		buf_add_cstr(b, ".");
	}
	explain_flush(r, "NOTE");
}

static void
show_source(struct explain_reader *r)
{
	const json_t *v = json_object_get(r->root, "resolver");
	struct str mode = explain_str(r, v, "mode");
	struct buf *b = explain_line(r);

	if (str_eq(explain_str(r, r->root, "asked"), STR("daemon")))
		buf_add_cstr(
		    b, "waxseald, with what it has in its caches; its ");
	else
		buf_add_cstr(b, "nobody: this program looked by itself; ");
	if (str_eq(mode, STR("private")))
		buf_add_cstr(b, "a resolver of its own");
	else
		buf_add_cstr(b, "resolver");
	if (explain_str(r, v, "address").n > 0) {
		buf_add_cstr(b, " ");
		explain_add(r, v, "address");
	}
	buf_add_cstr(b, ": ");
	explain_add(r, v, "state");
	explain_flush(r, "asked");
	show_distrust(r, v);
	if (!explain_bool(r, r->root, "complete"))
		explain_row(r, "NOTE",
		    "Not all questions were answered in time: what follows is "
		    "not all.");
}

/* What the configuration has switched off decides nothing. */
static void
show_switches(struct explain_reader *r)
{
	if (!explain_bool(r, r->root, "dane_on"))
		explain_row(r, "NOTE",
		    "DANE is switched off: dane { mode = off }. TLSA records "
		    "are not asked for.");
	if (!explain_bool(r, r->root, "sts_on"))
		explain_row(r, "NOTE",
		    "MTA-STS is switched off: sts { mode = off }. Policies "
		    "are not asked for.");
}

static void
show_site(struct explain_reader *r)
{
	const json_t *s = json_object_get(r->root, "site");
	static const struct {
		const char *key, *before;
	} parts[] = {{"require", ": require "}, {"continuity", ", continuity "},
	    {"nexthop", ", next hop "}, {"reason", ", reason: "},
	    {"author", ", by "}};
	struct buf *b;

	if (!json_is_object(s)) {
		explain_row(r, "site rule", "none");
		return;
	}
	b = explain_line(r);
	explain_add(r, s, "domain");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (explain_str(r, s, parts[i].key).n == 0)
			continue;
		buf_add_cstr(b, parts[i].before);
		explain_add(r, s, parts[i].key);
	}
	if (json_is_string(json_object_get(s, "expires"))) {
		buf_add_cstr(b,
		    explain_bool(r, s, "in_force") ? ", until " : ", ended ");
		explain_add(r, s, "expires");
	}
	explain_flush(r, "site rule");
}

/* ---- MX ---- */

static void
show_mx(struct explain_reader *r)
{
	static const struct {
		const char *security, *text;
	} texts[] = {
	    {"secure", "the set is secure: DNSSEC vouches for the hosts"},
	    {"insecure",
		"the set is INSECURE: forged DNS could name other hosts "
		"(DANE-17)"},
	    {"implicit", "there is none: the domain itself is the host"},
	    {"literal",
		"not asked: an address has no MX, and neither "
		"DANE nor MTA-STS (DANE-15)"},
	    {"nexthop", "not asked: the site rule names the next hop"},
	    {"none", "no host to send to"},
	};
	const json_t *mx = json_object_get(r->root, "mx");
	struct str security = explain_str(r, mx, "security");
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (str_eq(security, str_of(texts[i].security)))
			text = texts[i].text;
	}
	if (!text)
		r->bad = true;
	explain_row(r, "MX set", text ? text : "");
	if (json_is_object(json_object_get(mx, "answer")))
		explain_answer_text(r, json_object_get(mx, "answer"), true);
	if (explain_bool(r, mx, "own_name_in_it"))
		explain_row(r, "",
		    "This relay is in the set: it and what is behind it are "
		    "left out (SMTP-17).");
}

/* ---- MTA-STS ---- */

static void
add_patterns(struct explain_reader *r, const json_t *s)
{
	const json_t *list = json_object_get(s, "mx"), *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (i == SHOWN_MAX) {
			buf_addf(explain_buf(r), " and %zu more",
			    json_array_size(list) - i);
			return;
		}
		buf_add_cstr(explain_buf(r), i > 0 ? ", " : ", mx ");
		buf_add(explain_buf(r), json_string_value(v),
		    json_string_length(v));
	}
}

static const char *
source_text(struct str source)
{
	if (str_eq(source, STR("fetch-failed")))
		return "a policy is announced but can't be had: it does not "
		       "apply";
	if (str_eq(source, STR("store-error")))
		return "not known: the cache can't be read, so hosts may not "
		       "be used";
	return "no policy";
}

static void
show_policy(struct explain_reader *r, const json_t *s)
{
	struct buf *b = explain_line(r);

	if (explain_str(r, s, "mode").n > 0) {
		buf_add_cstr(b, "mode ");
		explain_add(r, s, "mode");
		buf_add_cstr(b, " (");
		explain_add(r, s, "source");
		buf_add_cstr(b, ", ");
		explain_add(r, s, "rule");
		buf_add_cstr(b, "), id ");
		explain_add(r, s, "id");
		buf_add_cstr(b, ", fetched ");
		explain_add(r, s, "fetched");
		buf_add_cstr(b, ", expires ");
		explain_add(r, s, "expires");
		add_patterns(r, s);
	} else {
		buf_add_cstr(b, source_text(explain_str(r, s, "source")));
		buf_add_cstr(b, " (");
		explain_add(r, s, "rule");
		buf_add_cstr(b, ")");
	}
	if (explain_str(r, s, "why").n > 0) {
		buf_add_cstr(b, "; ");
		explain_add(r, s, "why");
	}
	explain_flush(r, "MTA-STS");
}

static void
show_sts(struct explain_reader *r)
{
	const json_t *s = json_object_get(r->root, "sts");
	struct str cache;

	if (!json_is_object(s)) {
		explain_row(r, "MTA-STS", "not looked at");
		return;
	}
	show_policy(r, s);
	if (json_is_object(json_object_get(s, "txt")))
		explain_answer_text(r, json_object_get(s, "txt"), true);
	cache = explain_str(r, s, "cache");
	if (str_eq(cache, STR("not-read")))
		explain_row(r, "NOTE",
		    "The relay's MTA-STS cache was not read, nor what it remembers "
		    "of this domain's proofs (the daemon was not asked): a "
		    "policy in it stays in force and may change this answer "
		    "(STS-24).");
	else if (str_eq(cache, STR("error")))
		explain_row(
		    r, "  cache", "it can't be read: see waxseal status");
	else
		explain_row(r, "  cache",
		    str_eq(cache, STR("entry"))
			? "has an entry for this domain"
			: "has no entry for this domain");
}

int
explain_text(struct str json, struct buf *out)
{
	struct explain_reader r;
	int err = explain_reader_open(&r, json, out);

	if (err)
		return err;
	show_verdict(&r);
	buf_add_char(out, '\n');
	show_source(&r);
	show_switches(&r);
	show_site(&r);
	show_mx(&r);
	show_sts(&r);
	explain_hosts_text(&r);
	explain_conn_text(&r);
	return explain_reader_close(&r);
}

int
explain_text_fate(struct str json, enum explain_fate *out)
{
	static const enum explain_fate fates[] = {
	    EXPLAIN_SENT, EXPLAIN_HELD, EXPLAIN_BOUNCED, EXPLAIN_UNKNOWN};
	struct explain_reader r;
	struct buf none;
	bool found = false;
	int err;

	buf_init(&none, 1);
	err = explain_reader_open(&r, json, &none);
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(fates) / sizeof(fates[0]); i++) {
		if (!str_eq(explain_str(&r, r.root, "verdict"),
			str_of(explain_fate_str(fates[i]))))
			continue;
		*out = fates[i];
		found = true;
	}
	err = explain_reader_close(&r);
	return err ? err : found ? 0 : ERR_SYNTAX;
}
