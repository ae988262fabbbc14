/*
 * Certificates, plans and a server side for the tests of relay/tls: a case
 * names the chain that is presented, the TLSA records and the outcome.
 */
#ifndef TESTS_ADAPT_TLS_WORLD_H
#define TESTS_ADAPT_TLS_WORLD_H

#include <openssl/err.h>

#include "relay/tls/tls_ctx.h"
#include "relay/tls/tls_engine.h"
#include "tests/adapt/pki.h"
#include "tests/unit/t.h"

#define MX "mx.example.com"
#define DOMAIN "example.com"
#define OTHER "other.example.net"

/* All certificates; the first block issue, the others are leaves. */
enum cert {
	NONE_,
	ROOT,
	ROOT_2,
	ROOT_OLD, /* expired */
	ROOT_NARROW, /* name constraint: only example.net */
	SUB, /* issued by ROOT */
	SUB_OLD, /* the same, expired */
	SUB_EARLY, /* the same, not yet valid */
	SUB_ODD, /* the same, with an end that nobody can read */
	ROOT_SHORT, /* path length 0 */
	SUB_SHORT, /* issued by it, though */
	ROOT_WEAK, /* RSA, 1024 bits */
	NO_CA,
	NO_SIGNER, /* a CA whose key may not sign certificates */
	ISSUERS_END_,
	GOOD = ISSUERS_END_,
	GOOD_SUB,
	GOOD_OLD_ROOT,
	GOOD_SUB_OLD,
	GOOD_SUB_EARLY,
	GOOD_SUB_ODD,
	GOOD_NARROW,
	FOREIGN_NARROW,
	GOOD_SHORT,
	GOOD_TOO_LONG,
	GOOD_WEAK_ROOT,
	GOOD_NO_CA,
	GOOD_NO_SIGNER,
	CLIENT, /* its key is for clients alone */
	FOREIGN, /* another name */
	EXPIRED,
	EARLY,
	CN_ONLY,
	CN_OTHER_SAN,
	CN_MAIL_SAN, /* no DNS-ID, as the next one */
	CN_IP_SAN,
	CN_WILD,
	CN_PARTIAL,
	WILD,
	WILD_BARE,
	PARTIAL,
	PARTIAL_END,
	STAR_ALONE,
	STAR_SECOND,
	STAR_TWICE,
	STAR_TOP,
	DOMAIN_NAMED,
	SELF,
	SELF_BAD, /* expired, another name */
	WEAK,
	OLD_DIGEST,
	CERTS_END_
};

static const struct {
	enum cert issuer;
	struct pki_spec spec;
} specs[CERTS_END_] = {
    [ROOT] = {NONE_,
	{.cn = "Root", .basic = "critical,CA:TRUE", .from = -20, .to = 30}},
    [ROOT_2] = {NONE_, {.cn = "Root 2", .basic = "critical,CA:TRUE"}},
    [ROOT_OLD] = {NONE_,
	{.cn = "Old", .basic = "critical,CA:TRUE", .from = -9, .to = -2}},
    [ROOT_NARROW] = {NONE_,
	{.cn = "Narrow",
	    .basic = "critical,CA:TRUE",
	    .names = "critical,permitted;DNS:example.net"}},
    [SUB] = {ROOT, {.cn = "Sub", .basic = "critical,CA:TRUE"}},
    [SUB_OLD] = {ROOT,
	{.cn = "Sub old", .basic = "critical,CA:TRUE", .from = -9, .to = -2}},
    [SUB_EARLY] = {ROOT,
	{.cn = "Sub early", .basic = "critical,CA:TRUE", .from = 2, .to = 9}},
    [SUB_ODD] = {ROOT,
	{.cn = "Sub odd", .basic = "critical,CA:TRUE", .odd_end = true}},
    [ROOT_SHORT] = {NONE_,
	{.cn = "Short", .basic = "critical,CA:TRUE,pathlen:0"}},
    [SUB_SHORT] = {ROOT_SHORT, {.cn = "Sub", .basic = "critical,CA:TRUE"}},
    [ROOT_WEAK] = {NONE_,
	{.cn = "Weak", .basic = "critical,CA:TRUE", .rsa_bits = 1024}},
    [NO_CA] = {NONE_, {.cn = "No CA", .basic = "critical,CA:FALSE"}},
    [NO_SIGNER] = {NONE_,
	{.cn = "No signer",
	    .basic = "critical,CA:TRUE",
	    .usage = "critical,cRLSign"}},
    [GOOD] = {ROOT, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_SUB] = {SUB, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_OLD_ROOT] = {ROOT_OLD, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_SUB_OLD] = {SUB_OLD, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_SUB_EARLY] = {SUB_EARLY, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_SUB_ODD] = {SUB_ODD, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_NARROW] = {ROOT_NARROW, {.cn = "x", .san = "DNS:" MX}},
    [FOREIGN_NARROW] = {ROOT_NARROW, {.cn = "x", .san = "DNS:" OTHER}},
    [GOOD_SHORT] = {ROOT_SHORT, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_TOO_LONG] = {SUB_SHORT, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_WEAK_ROOT] = {ROOT_WEAK, {.cn = "x", .san = "DNS:" MX}},
    [GOOD_NO_SIGNER] = {NO_SIGNER, {.cn = "x", .san = "DNS:" MX}},
    [CLIENT] = {ROOT, {.cn = "x", .san = "DNS:" MX, .purpose = "clientAuth"}},
    [GOOD_NO_CA] = {NO_CA, {.cn = "x", .san = "DNS:" MX}},
    [FOREIGN] = {ROOT, {.cn = "x", .san = "DNS:" OTHER}},
    [EXPIRED] = {ROOT, {.cn = "x", .san = "DNS:" MX, .from = -9, .to = -2}},
    [EARLY] = {ROOT, {.cn = "x", .san = "DNS:" MX, .from = 2, .to = 9}},
    [CN_ONLY] = {ROOT, {.cn = MX}},
    [CN_OTHER_SAN] = {ROOT, {.cn = MX, .san = "DNS:" OTHER}},
    [CN_MAIL_SAN] = {ROOT, {.cn = MX, .san = "email:a@" OTHER}},
    [CN_IP_SAN] = {ROOT, {.cn = MX, .san = "IP:192.0.2.1"}},
    [CN_WILD] = {ROOT, {.cn = "*.example.com"}},
    [CN_PARTIAL] = {ROOT, {.cn = "m*.example.com"}},
    [WILD] = {ROOT, {.cn = "x", .san = "DNS:*.example.com"}},
    [WILD_BARE] = {ROOT, {.cn = "x", .san = "DNS:*.mx.example.com"}},
    [PARTIAL] = {ROOT, {.cn = "x", .san = "DNS:m*.example.com"}},
    [PARTIAL_END] = {ROOT, {.cn = "x", .san = "DNS:*x.example.com"}},
    [STAR_ALONE] = {ROOT, {.cn = "x", .san = "DNS:*"}},
    [STAR_SECOND] = {ROOT, {.cn = "x", .san = "DNS:mx.*.com"}},
    [STAR_TWICE] = {ROOT, {.cn = "x", .san = "DNS:*.*.com"}},
    [STAR_TOP] = {ROOT, {.cn = "x", .san = "DNS:*.com"}},
    [DOMAIN_NAMED] = {ROOT, {.cn = "x", .san = "DNS:" DOMAIN}},
    [SELF] = {NONE_, {.cn = "x", .san = "DNS:" MX}},
    [SELF_BAD] = {NONE_,
	{.cn = OTHER, .san = "DNS:" OTHER, .from = -9, .to = -2}},
    [WEAK] = {ROOT, {.cn = "x", .san = "DNS:" MX, .rsa_bits = 1024}},
    [OLD_DIGEST] = {ROOT, {.cn = "x", .san = "DNS:" MX, .sha1 = true}},
};

struct world {
	struct pki_cert cert[CERTS_END_];
	char ca_file[64];
	struct tls_ctx *ctx;
};

struct tlsa_spec {
	uint8_t usage, selector, mtype;
	enum cert cert; /* NONE_: no more records */
};

struct tcase {
	const char *name;
	enum tls_level level;
	enum cert chain[3]; /* presented, leaf first */
	struct tlsa_spec tlsa[3];
	const char *names[3]; /* of DANE; NULL: MX alone */
	enum tls_failure want;
	enum tls_proof proof;
};

static inline struct world *
world_of(void **state)
{
	return *state;
}

static inline int
world_setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct tls_ctx_opts o = {.min = TLS_V1_2};
	char text[160];

	for (int i = ROOT; i < CERTS_END_; i++)
		w->cert[i] = pki_make(&specs[i].spec,
		    specs[i].issuer ? &w->cert[specs[i].issuer] : NULL,
		    100 + i);
	pki_write_pem(w->ca_file, &w->cert[ROOT].x, 1);
	o.ca_file = w->ca_file;
	o.opportunistic_min = TLS_V1_0;
	t_err("context", tls_ctx_new(&o, &w->ctx, text), 0);
	*state = w;
	return 0;
}

static inline int
world_teardown(void **state)
{
	struct world *w = world_of(state);

	for (int i = ROOT; i < CERTS_END_; i++)
		pki_free(&w->cert[i]);
	unlink(w->ca_file);
	tls_ctx_free(w->ctx);
	free(w);
	return 0;
}

/* A plan with its records; the caller clears it. */
static inline void
make_plan(struct world *w, const struct tcase *c, struct tls_plan *p)
{
	static const char *const only_mx[3] = {MX};
	const char *const *names = c->names[0] ? c->names : only_mx;

	tls_plan_init(p);
	p->level = c->level;
	snprintf(p->sni, sizeof(p->sni), "%s", MX);
	snprintf(p->pkix_name, sizeof(p->pkix_name), "%s", MX);
	for (size_t i = 0; i < 3 && names[i]; i++)
		snprintf(p->dane_names[p->n_dane_names++], DOMAIN_MAX, "%s",
		    names[i]);
	p->tlsa = xcalloc(3, sizeof(p->tlsa[0]));
	for (size_t i = 0; i < 3 && c->tlsa[i].cert; i++) {
		const struct tlsa_spec *t = &c->tlsa[i];
		struct buf b;

		buf_init(&b, RR_TLSA_MAX);
		pki_tlsa_data(&b, w->cert[t->cert].x, t->selector, t->mtype);
		p->tlsa[p->n_tlsa].usage = t->usage;
		p->tlsa[p->n_tlsa].selector = t->selector;
		p->tlsa[p->n_tlsa].mtype = t->mtype;
		p->tlsa[p->n_tlsa].len = (uint16_t)b.n;
		p->tlsa[p->n_tlsa].data = (uint8_t *)buf_take(&b);
		p->n_tlsa++;
	}
}

static inline void
start_server(
    struct world *w, const enum cert chain[3], int max, struct pki_server *s)
{
	X509 *x[3];
	size_t n = 0;

	while (n < 3 && chain[n]) {
		x[n] = w->cert[chain[n]].x;
		n++;
	}
	pki_server_start(s, w->cert[chain[0]].key, x, n, max);
}

/* The presented chain as PEM; caller clears. */
static inline void
chain_pem(struct world *w, const struct tcase *c, struct buf *b)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	for (size_t i = 0; i < 3 && c->chain[i]; i++)
		PEM_write_bio_X509(bio, w->cert[c->chain[i]].x);
	n = BIO_get_mem_data(bio, &p);
	buf_init(b, 100000);
	buf_add(b, p, (size_t)n);
	BIO_free(bio);
}

/* Carries bytes between the two until nobody says more. */
static inline void
carry(struct tls_engine *e, struct pki_server *s)
{
	struct buf b;
	char p[4096];
	size_t n;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 20; i++) {
		buf_reset(&b);
		tls_engine_output(e, &b);
		pki_server_feed(s, b.p, b.n);
		while ((n = pki_server_output(s, p, sizeof(p))) > 0)
			tls_engine_feed(e, p, n);
		if (tls_engine_handshake(e) != ERR_MORE)
			break;
	}
	/* What the engine said last. */
	buf_reset(&b);
	tls_engine_output(e, &b);
	pki_server_feed(s, b.p, b.n);
	buf_clear(&b);
}

static inline void
check_success(const struct tcase *c, struct tls_engine *e, struct pki_server *s)
{
	const struct tls_result *r = tls_engine_result(e);
	bool asks = c->level != TLS_OPPORTUNISTIC && c->level != TLS_ENCRYPT;
	char p[64];
	struct buf b;

	t_cstr(c->name, tls_failure_str(r->failure), "ok");
	t_err(c->name, tls_engine_handshake(e), 0);
	t_bool(c->name, r->established, true);
	t_bool(c->name, r->verified, asks);
	t_cstr(c->name, tls_proof_str(r->proof), tls_proof_str(c->proof));
	t_bool(c->name, r->depth >= 0,
	    c->proof == TLS_PROOF_DANE_EE || c->proof == TLS_PROOF_DANE_TA);
	if (c->proof == TLS_PROOF_DANE_EE)
		t_int(c->name, r->depth, 0);
	t_cstr(c->name, r->version, "TLSv1.3");
	t_bool(c->name, s->done, true);
	t_cstr(c->name, s->sni, MX);
	t_err(c->name, tls_engine_write(e, "mail", 4), 0);
	buf_init(&b, 4096);
	tls_engine_output(e, &b);
	pki_server_feed(s, b.p, b.n);
	t_int(c->name, (int64_t)pki_server_read(s, p, sizeof(p)), 4);
	buf_clear(&b);
}

static inline void
check_failure(const struct tcase *c, struct tls_engine *e, struct pki_server *s)
{
	const struct tls_result *r = tls_engine_result(e);
	size_t got = 0;
	char p[64];
	struct buf b;

	t_cstr(c->name, tls_failure_str(r->failure), tls_failure_str(c->want));
	t_err(c->name, tls_engine_handshake(e), ERR_TLS);
	t_bool(c->name, r->established, false);
	t_bool(c->name, r->verified, false);
	t_cstr(c->name, tls_proof_str(r->proof), "none");
	t_bool(c->name, r->text[0] != '\0', true);
	/* Ended by an alert, before the server could think it was done. */
	t_bool(c->name, s->done, false);
	t_bool(c->name, s->failed, true);
	t_err(c->name, tls_engine_write(e, "mail", 4), ERR_TLS);
	t_err(c->name, tls_engine_read(e, p, sizeof(p), &got), ERR_TLS);
	buf_init(&b, 4096);
	t_int(c->name, (int64_t)tls_engine_output(e, &b), 0);
	buf_clear(&b);
}

#endif
