/*
 * The report as one JSON object. People get theirs from the same object
 * (explain_text.c), so the two can't say different things.
 */
#include "config.h"

#include "relay/ctl/explain_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/codec.h"
#include "relay/ctl/ctl_json.h"

static json_t *
answer_object(const struct explain_answer *a)
{
	json_t *o = ctl_json_object(), *list = ctl_json_array();

	ctl_json_text(o, "name", a->name);
	ctl_json_text(o, "type", rr_type_str(a->type));
	ctl_json_text(o, "status", rr_status_str(a->status));
	if (a->status == RR_FAIL)
		ctl_json_text(o, "why", rr_why_str(a->why));
	ctl_json_bool(o, "secure", a->secure);
	if (a->target[0])
		ctl_json_text(o, "alias_of", a->target);
	ctl_json_number(o, "ttl", a->ttl);
	for (size_t i = 0; i < a->n; i++)
		ctl_json_append_text(list, a->records[i]);
	ctl_json_set(o, "records", list);
	ctl_json_number(o, "left_out", (int64_t)(a->total - a->n));
	return o;
}

/* ---- a host ---- */

static json_t *
tlsa_array(const struct explain_host *h)
{
	json_t *list = ctl_json_array();

	for (size_t i = 0; i < h->n_tlsa; i++) {
		json_t *o = ctl_json_object();

		ctl_json_text(o, "record", h->tlsa[i].text);
		ctl_json_bool(o, "used", !h->tlsa[i].why);
		if (h->tlsa[i].why) {
			ctl_json_text(o, "rule", h->tlsa[i].rule);
			ctl_json_text(o, "why", h->tlsa[i].why);
		}
		ctl_json_append(list, o);
	}
	return list;
}

static json_t *
dane_object(const struct explain_host *h)
{
	json_t *o = ctl_json_object();

	ctl_json_text(o, "verdict", dane_kind_str(h->dane));
	ctl_json_text(o, "rule", h->dane_rule);
	if (h->dane == DANE_FAILED)
		ctl_json_text(o, "why", rr_why_str(h->dane_why));
	ctl_json_text(o, "base", h->dane_base);
	ctl_json_set(o, "tlsa", tlsa_array(h));
	return o;
}

static const char *
version_str(enum tls_version v)
{
	switch (v) {
	case TLS_V1_0:
		return "1.0";
	case TLS_V1_1:
		return "1.1";
	case TLS_V1_2:
		return "1.2";
	case TLS_V1_3:
		return "1.3";
	}
	return "";
}

static json_t *
plan_object(const struct tls_plan *p)
{
	json_t *o = ctl_json_object();
	json_t *names = ctl_json_array(), *tlsa = ctl_json_array();
	struct buf text;

	ctl_json_text(o, "level", tls_level_str(p->level));
	ctl_json_text(o, "policy", tls_policy_by_str(p->by));
	ctl_json_text(o, "rule", p->rule);
	ctl_json_text(o, "min", version_str(p->min));
	ctl_json_text(o, "on_no_starttls", tls_fail_str(p->on_no_starttls));
	ctl_json_text(o, "on_tls_failure", tls_fail_str(p->on_tls_failure));
	ctl_json_text(o, "sni", p->sni);
	for (size_t i = 0; i < p->n_dane_names; i++)
		ctl_json_append_text(names, p->dane_names[i]);
	ctl_json_set(o, "dane_names", names);
	ctl_json_text(o, "pkix_name", p->pkix_name);
	buf_init(&text, 3 * RR_TLSA_MAX);
	for (size_t i = 0; i < p->n_tlsa; i++) {
		buf_reset(&text);
		rr_tlsa_text(&text, &p->tlsa[i]);
		ctl_json_append_text(tlsa, text.p);
	}
	buf_clear(&text);
	ctl_json_set(o, "tlsa", tlsa);
	ctl_json_bool(o, "audit_pkix", p->audit_pkix);
	ctl_json_bool(o, "audit_mismatch", p->audit_mismatch);
	ctl_json_bool(o, "mx_insecure", p->mx_insecure);
	return o;
}

static json_t *
skip_object(const struct outcome *k)
{
	json_t *o = ctl_json_object();

	ctl_json_text(o, "rule", k->rule);
	ctl_json_text(o, "dsn", k->dsn);
	ctl_json_text(o, "reason", k->reply);
	ctl_json_text(o, "policy", tls_policy_by_str(k->by));
	ctl_json_bool(o, "permanent", k->cls == OUT_BOUNCED);
	return o;
}

static json_t *
host_object(const struct explain_host *h)
{
	json_t *o = ctl_json_object();
	json_t *answers = ctl_json_array(), *addrs = ctl_json_array();
	char text[RR_ADDR_TEXT];

	ctl_json_text(o, "host", h->name);
	ctl_json_number(o, "preference", h->pref);
	ctl_json_number(o, "port", h->port);
	for (size_t i = 0; i < h->n_answers; i++)
		ctl_json_append(answers, answer_object(&h->answers[i]));
	ctl_json_set(o, "answers", answers);
	ctl_json_set(o, "dane", h->judged ? dane_object(h) : json_null());
	ctl_json_bool(o, "tried", h->tried);
	for (size_t i = 0; i < h->n_addrs; i++) {
		rr_addr_str(&h->addrs[i], text);
		ctl_json_append_text(addrs, text);
	}
	ctl_json_set(o, "addresses", addrs);
	ctl_json_set(o, "plan", h->tried ? plan_object(&h->plan) : json_null());
	ctl_json_set(o, "skip", h->tried ? json_null() : skip_object(&h->skip));
	return o;
}

/* ---- the rest ---- */

static json_t *
site_object(const struct explain_site *s)
{
	json_t *o;

	if (!s->any)
		return json_null();
	o = ctl_json_object();
	ctl_json_text(o, "domain", s->domain);
	ctl_json_text(o, "require", s->require);
	ctl_json_text(o, "continuity", s->continuity);
	ctl_json_text(o, "nexthop", s->nexthop);
	ctl_json_text(o, "reason", s->reason);
	ctl_json_text(o, "author", s->author);
	ctl_json_time(o, "expires", s->expires);
	ctl_json_bool(o, "in_force", s->in_force);
	return o;
}

static json_t *
mx_object(const struct explain *e)
{
	json_t *o = ctl_json_object();

	ctl_json_text(
	    o, "security", e->has_mx ? mx_security_str(e->security) : "none");
	ctl_json_bool(o, "own_name_in_it", e->self_dropped);
	ctl_json_set(
	    o, "answer", e->asked_mx ? answer_object(&e->mx) : json_null());
	return o;
}

static const char *
cache_str(const struct explain_sts *s)
{
	if (s->no_store)
		return "not-read";
	if (!s->store_err)
		return "entry";
	return s->store_err == ERR_NOTFOUND ? "empty" : "error";
}

static json_t *
sts_object(const struct explain *e)
{
	const struct explain_sts *s = &e->sts;
	bool in_force = s->source == STS_FRESH || s->source == STS_CACHED;
	json_t *o, *mx;

	if (!s->known)
		return json_null();
	o = ctl_json_object();
	mx = ctl_json_array();
	ctl_json_text(o, "domain", e->policy);
	ctl_json_text(o, "source", sts_source_str(s->source));
	ctl_json_text(o, "rule", s->rule);
	ctl_json_text(o, "why", s->text);
	ctl_json_text(o, "mode", in_force ? sts_mode_str(s->mode) : "");
	ctl_json_text(o, "id", s->id);
	ctl_json_number(o, "max_age", s->max_age);
	ctl_json_time(o, "fetched", s->fetched);
	ctl_json_time(o, "expires", s->expires);
	for (size_t i = 0; i < s->n_mx; i++)
		ctl_json_append_text(mx, s->mx[i]);
	ctl_json_set(o, "mx", mx);
	ctl_json_text(o, "cache", cache_str(s));
	ctl_json_set(
	    o, "txt", s->has_txt ? answer_object(&s->txt) : json_null());
	return o;
}

static void
put_verdict(
    json_t *o, const struct explain *e, const struct explain_source *source)
{
	const struct explain_host *first;
	enum explain_fate fate = explain_fate(e, &first);
	bool over = !first && e->ended;

	if (source->blind && fate != EXPLAIN_SENT)
		fate = EXPLAIN_UNKNOWN;

	ctl_json_text(o, "verdict", explain_fate_str(fate));
	ctl_json_text(o, "rule",
	    first      ? first->plan.rule
		: over ? e->end.rule
		       : "");
	ctl_json_text(o, "dsn", over ? e->end.dsn : "");
	ctl_json_text(o, "reason",
	    first && fate == EXPLAIN_UNKNOWN
		? "what the domain had is known to the daemon alone, and its "
		  "rule says continuity = hold"
		: first ? ""
		: over  ? e->end.reply
			: "not all questions were answered in time");
	ctl_json_text(o, "host", first ? first->name : "");
}

void
explain_json_build(const struct explain *e, const struct explain_source *source,
    struct buf *out)
{
	json_t *o = ctl_json_object(), *resolver = ctl_json_object();
	json_t *hosts = ctl_json_array();

	ctl_json_bool(o, "ok", true);
	ctl_json_number(o, "schema", 1);
	ctl_json_text(o, "domain", e->domain);
	put_verdict(o, e, source);
	ctl_json_bool(o, "complete", e->ended);
	ctl_json_time(o, "time", e->now);
	ctl_json_number(o, "port", e->port);
	ctl_json_text(o, "asked", source->by);
	ctl_json_text(resolver, "mode", source->mode);
	ctl_json_text(resolver, "address", source->address);
	ctl_json_text(resolver, "state", e->resolver);
	ctl_json_bool(resolver, "trusted", source->trusted);
	ctl_json_text(resolver, "doubt", source->doubt);
	ctl_json_set(o, "resolver", resolver);
	ctl_json_bool(o, "dane_on", e->dane_on);
	ctl_json_bool(o, "sts_on", e->sts_on);
	ctl_json_set(o, "site", site_object(&e->site));
	ctl_json_set(o, "mx", mx_object(e));
	ctl_json_set(o, "sts", sts_object(e));
	for (size_t i = 0; i < e->n_hosts; i++)
		ctl_json_append(hosts, host_object(&e->hosts[i]));
	ctl_json_set(o, "hosts", hosts);
	ctl_json_number(o, "hosts_left_out", (int64_t)e->more_hosts);
	ctl_json_null(o, "connections");
	ctl_json_write(o, out);
}

/* ---- connections ---- */

static void
put_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	struct buf b;

	buf_init(&b, 2 * n);
	codec_hex(&b, p, n);
	ctl_json_str(o, key, buf_str(&b));
	buf_clear(&b);
}

static json_t *
cert_object(const struct explain_cert *c)
{
	json_t *o = ctl_json_object();

	ctl_json_text(o, "subject", c->subject);
	ctl_json_text(o, "issuer", c->issuer);
	ctl_json_text(o, "names", c->names);
	ctl_json_time(o, "not_before", c->not_before);
	ctl_json_time(o, "not_after", c->not_after);
	put_hex(o, "sha256", c->sha256, sizeof(c->sha256));
	put_hex(o, "spki_sha256", c->spki_sha256, sizeof(c->spki_sha256));
	return o;
}

static json_t *
tls_object(const struct tls_result *t)
{
	json_t *o = ctl_json_object();

	ctl_json_bool(o, "established", t->established);
	ctl_json_bool(o, "verified", t->verified);
	ctl_json_text(o, "proof", tls_proof_str(t->proof));
	ctl_json_text(o, "failure", tls_failure_str(t->failure));
	ctl_json_text(o, "audit", tls_failure_str(t->audit));
	ctl_json_text(o, "version", t->version);
	ctl_json_text(o, "cipher", t->cipher);
	ctl_json_text(o, "text", t->text);
	return o;
}

static const char *
conn_verdict(const struct explain_conn *c)
{
	if (c->ready)
		return "ready";
	return c->clear ? "clear" : "failed";
}

static json_t *
conn_object(const struct explain_conn *c)
{
	json_t *o = ctl_json_object();
	json_t *certs = ctl_json_array(), *matches = ctl_json_array();
	char text[RR_ADDR_TEXT];

	rr_addr_str(&c->addr, text);
	ctl_json_text(o, "host", c->host);
	ctl_json_text(o, "address", text);
	ctl_json_number(o, "port", c->port);
	ctl_json_text(o, "verdict", conn_verdict(c));
	ctl_json_bool(o, "connected", c->connected);
	ctl_json_text(o, "failure", c->failure);
	ctl_json_text(o, "text", c->text);
	ctl_json_set(o, "tls", c->starttls ? tls_object(&c->tls) : json_null());
	for (size_t i = 0; i < c->n_certs; i++)
		ctl_json_append(certs, cert_object(&c->certs[i]));
	ctl_json_set(o, "chain", certs);
	for (size_t i = 0; i < c->n_matches; i++) {
		json_t *m = ctl_json_object();

		ctl_json_number(m, "tlsa", (int64_t)c->matches[i].tlsa);
		ctl_json_number(m, "depth", c->matches[i].depth);
		ctl_json_append(matches, m);
	}
	ctl_json_set(o, "tlsa_matches", matches);
	return o;
}

/* Why a connection came to nothing. */
static void
put_failure(json_t *o, const struct explain_conn *c)
{
	bool tls = c->starttls && c->tls.failure != TLS_OK;
	const char *text = tls ? c->tls.text : c->text;
	struct buf b;

	buf_init(&b, 4096);
	buf_addf(&b, "%s: %s%s%s", c->host,
	    tls ? tls_failure_str(c->tls.failure) : c->failure,
	    text[0] ? ": " : "", text);
	ctl_json_str(o, "reason", buf_str(&b));
	buf_clear(&b);
}

/* What the hosts did is worth more than what was to be expected. */
static void
connected_verdict(json_t *o, const struct explain_conn *v, size_t n, bool all)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].ready || v[i].clear) {
			ctl_json_text(o, "host", v[i].host);
			return;
		}
	}
	ctl_json_text(o, "verdict",
	    explain_fate_str(all ? EXPLAIN_HELD : EXPLAIN_UNKNOWN));
	ctl_json_text(o, "host", v[0].host);
	put_failure(o, &v[0]);
}

int
explain_json_connect(struct str json, const struct explain_conn *v, size_t n,
    bool all, struct buf *out)
{
	json_t *o = json_loadb(json.p, json.n, 0, NULL), *list;

	if (!json_is_object(o) ||
	    !json_is_string(json_object_get(o, "verdict"))) {
		json_decref(o);
		return ERR_SYNTAX;
	}
	if (n > 0)
		connected_verdict(o, v, n, all);
	list = ctl_json_array();
	for (size_t i = 0; i < n; i++)
		ctl_json_append(list, conn_object(&v[i]));
	ctl_json_set(o, "connections", list);
	ctl_json_write(o, out);
	return 0;
}
