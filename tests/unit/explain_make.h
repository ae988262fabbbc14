/* A report with all that a report can have, for the tests of its views. */
#ifndef TESTS_UNIT_EXPLAIN_MAKE_H
#define TESTS_UNIT_EXPLAIN_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/ctl/explain_json.h"
#include "relay/model/explain.h"
#include "relay/model/explain_conn.h"

#define EVIL "\x1b[2J\r\n\xff"

static inline struct rr_set *
make_set(enum rr_type type, size_t n, bool secure)
{
	struct rr_set *s = rr_set_new(type, n);

	s->secure = secure;
	s->ttl = 60;
	return s;
}

static inline void
make_tlsa(struct explain *e, struct explain_host *h, struct tls_plan *p)
{
	struct rr_set *s = make_set(RR_TLSA, 2, true);
	struct buf b;
	char sha[64];

	memset(sha, 0xab, sizeof(sha));
	rr_set_tlsa(s, 0, 3, 1, 1, str_n(sha, 32));
	rr_set_tlsa(s, 1, 1, 1, 2, str_n(sha, 64));
	explain_put(e, &h->answers[h->n_answers++], "_25._tcp.mx.a.example",
	    RR_TLSA, s);
	h->judged = true;
	h->dane = DANE_USABLE;
	h->dane_rule = "DANE-11";
	memcpy(h->dane_base, "mx.a.example", 13);
	h->n_tlsa = 2;
	h->tlsa = xcalloc(2, sizeof(*h->tlsa));
	buf_init(&b, 1000);
	for (size_t i = 0; i < 2; i++) {
		buf_reset(&b);
		rr_tlsa_text(&b, &s->u.tlsa[i]);
		h->tlsa[i].text = str_dup(buf_str(&b));
	}
	h->tlsa[1].rule = "DANE-38";
	h->tlsa[1].why = "usages 0 and 1 are not used for SMTP";
	buf_clear(&b);
	p->tlsa = rr_tlsa_dup(s->u.tlsa, 1);
	p->n_tlsa = 1;
	rr_set_unref(s);
}

static inline void
make_good_host(struct explain *e)
{
	struct explain_host *h = explain_add_host(e);
	struct rr_set *s = make_set(RR_A, 1, true);
	struct tls_plan *p = &h->plan;

	memcpy(h->name, "mx.a.example", 13);
	h->pref = 10;
	h->port = 25;
	h->tried = true;
	s->u.addr[0] = (struct rr_addr){.family = 4, .ip = {192, 0, 2, 1}};
	h->addrs[h->n_addrs++] = s->u.addr[0];
	explain_put(e, &h->answers[h->n_answers++], h->name, RR_A, s);
	rr_set_unref(s);
	explain_put(e, &h->answers[h->n_answers++], h->name, RR_AAAA, NULL);
	make_tlsa(e, h, p);
	p->level = TLS_DANE_PKIX;
	p->by = TLS_BY_DANE;
	p->rule = "DANE-17";
	p->min = TLS_V1_2;
	p->on_no_starttls = TLS_FAIL_DEFER;
	memcpy(p->sni, "mx.a.example", 13);
	memcpy(p->pkix_name, "mx.a.example", 13);
	memcpy(p->dane_names[0], "mx.a.example", 13);
	memcpy(p->dane_names[1], "a.example", 10);
	p->n_dane_names = 2;
	p->mx_insecure = true;
	p->audit_mismatch = true;
}

static inline void
make_skipped_host(struct explain *e)
{
	struct explain_host *h = explain_add_host(e);

	memcpy(h->name, "mx2.a.example", 14);
	h->pref = 20;
	h->port = 25;
	outcome_set(&h->skip, OUT_DEFERRED, "4.7.5", "DANE-07",
	    "mx2.a.example: TLSA lookup failed%s", EVIL);
	h->skip.by = TLS_BY_DANE;
}

static inline void
make_sts(struct explain *e)
{
	struct explain_sts *s = &e->sts;

	s->known = true;
	s->source = STS_CACHED;
	s->mode = STS_MODE_ENFORCE;
	memcpy(s->id, "20260101", 9);
	s->rule = "STS-24";
	snprintf(s->text, sizeof(s->text), "TXT lookup failed: %s", EVIL);
	s->max_age = 86400;
	s->fetched = 1790000000;
	s->expires = 1790086400;
	s->n_mx = 30;
	s->mx = xcalloc(s->n_mx, sizeof(*s->mx));
	for (size_t i = 0; i < s->n_mx; i++)
		snprintf(s->mx[i], DOMAIN_MAX, "*.mx%zu.a.example", i);
	s->has_txt = true;
	explain_put(e, &s->txt, "_mta-sts.a.example", RR_TXT, NULL);
}

/* hosts: 0 none, 1 a skipped one, 2 one that would be tried before it. */
static inline void
make_report(struct explain *e, int hosts)
{
	struct rr_set *mx = make_set(RR_MX, 1, false);

	explain_init(e);
	memcpy(e->domain, "a.example", 10);
	memcpy(e->policy, "a.example", 10);
	e->port = 25;
	e->now = 1790000001;
	e->resolver = "validating";
	e->dane_on = e->sts_on = true;
	e->has_mx = true;
	e->security = MX_INSECURE;
	e->asked_mx = true;
	memcpy(mx->u.mx[0].host, "mx.a.example", 13);
	mx->u.mx[0].pref = 10;
	explain_put(e, &e->mx, "a.example", RR_MX, mx);
	rr_set_unref(mx);
	e->site.any = e->site.in_force = true;
	memcpy(e->site.domain, ".a.example", 11);
	e->site.require = "verified";
	e->site.reason = xstrdup("partner " EVIL);
	e->site.expires = 1800000000;
	make_sts(e);
	if (hosts > 1)
		make_good_host(e);
	if (hosts > 0)
		make_skipped_host(e);
	e->ended = true;
	outcome_set(&e->end, OUT_DEFERRED, "4.7.5", "DANE-07",
	    "a.example: TLSA lookup failed%s", EVIL);
}

static const struct explain_source make_source = {.by = "daemon",
    .mode = "managed",
    .address = "",
    .doubt = "",
    .trusted = true};

/* The JSON of such a report. */
static inline void
make_json(int hosts, struct buf *out)
{
	struct explain e;

	make_report(&e, hosts);
	explain_json_build(&e, &make_source, out);
	explain_clear(&e);
}

static inline void
make_conn(struct explain_conn *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->host, "mx.a.example", 13);
	c->addr = (struct rr_addr){.family = 4, .ip = {192, 0, 2, 1}};
	c->port = 25;
	c->connected = c->starttls = true;
	c->failure = "tls";
	snprintf(c->text, sizeof(c->text), "bye %s", EVIL);
	c->tls.failure = TLS_TLSA_MISMATCH;
	snprintf(c->tls.text, sizeof(c->tls.text), "no matching record");
	c->certs = xcalloc(1, sizeof(*c->certs));
	c->n_certs = 1;
	snprintf(c->certs[0].subject, EXPLAIN_NAME_MAX, "CN=x%s", EVIL);
	snprintf(c->certs[0].names, EXPLAIN_SANS_MAX, "a.b c.d%s", EVIL);
	c->certs[0].not_before = 1790000000;
	memset(c->certs[0].spki_sha256, 0xcd, 32);
	c->matches = xcalloc(1, sizeof(*c->matches));
	c->n_matches = 1;
	c->matches[0].depth = -1;
}

static inline void
make_conn_clear(struct explain_conn *c)
{
	free(c->certs);
	free(c->matches);
}

#endif
