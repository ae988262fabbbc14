/*
 * What is handed over, on both sides: which TLSA records OpenSSL is given,
 * and what the server is offered. SSL_dane_tlsa_add is wrapped by the linker,
 * so that each call of it is seen.
 */
#include "config.h"

#include "relay/tls/tls_offline.h"
#include "tests/adapt/tls_world.h"
#include "tests/unit/t.h"

/* Extensions of a ClientHello: RFC 6962 3.3.1, RFC 7250 3. */
enum { EXT_SCT = 18, EXT_CLIENT_CERT_TYPE = 19, EXT_SERVER_CERT_TYPE = 20 };

int __real_SSL_dane_tlsa_add(SSL *s, uint8_t usage, uint8_t selector,
    uint8_t mtype, const unsigned char *data, size_t dlen);
int __wrap_SSL_dane_tlsa_add(SSL *s, uint8_t usage, uint8_t selector,
    uint8_t mtype, const unsigned char *data, size_t dlen);

static struct {
	unsigned by_usage[256];
	unsigned calls;
} given;

int
__wrap_SSL_dane_tlsa_add(SSL *s, uint8_t usage, uint8_t selector, uint8_t mtype,
    const unsigned char *data, size_t dlen)
{
	given.calls++;
	given.by_usage[usage]++;
	return __real_SSL_dane_tlsa_add(s, usage, selector, mtype, data, dlen);
}

/* A plan with one record of each usage, of the certificate that is shown. */
static void
make_full_plan(
    struct world *w, uint8_t selector, uint8_t mtype, struct tls_plan *p)
{
	tls_plan_init(p);
	p->level = TLS_DANE;
	snprintf(p->dane_names[p->n_dane_names++], DOMAIN_MAX, "%s", MX);
	snprintf(p->pkix_name, sizeof(p->pkix_name), "%s", MX);
	p->tlsa = xcalloc(256, sizeof(p->tlsa[0]));
	for (unsigned usage = 0; usage < 256; usage++) {
		struct rr_tlsa *t = &p->tlsa[p->n_tlsa++];
		struct buf b;

		buf_init(&b, RR_TLSA_MAX);
		pki_tlsa_data(
		    &b, w->cert[usage % 2 ? GOOD : ROOT].x, selector, mtype);
		t->usage = (uint8_t)usage;
		t->selector = selector;
		t->mtype = mtype;
		t->len = (uint16_t)b.n;
		t->data = (uint8_t *)buf_take(&b);
	}
}

/* Once into a handshake, once into a verification without one. */
static void
hand_over(struct world *w, const struct tls_plan *p)
{
	static const struct tcase c = {.name = "x", .chain = {GOOD, ROOT}};
	struct tls_engine *e = NULL;
	struct tls_result r;
	struct buf pem;

	t_err("engine", tls_engine_new(w->ctx, p, &e), 0);
	tls_engine_free(e);
	chain_pem(w, &c, &pem);
	t_err(
	    "offline", tls_offline_verify(w->ctx, p, buf_str(&pem), -1, &r), 0);
	buf_clear(&pem);
}

/* DANE-38: OpenSSL would take usages 0 and 1, and judge by them; a plan that
 * had them in spite of dane/tlsa must not bring them there. */
static void
test_usages(void **state)
{
	struct world *w = world_of(state);
	static const enum tls_level levels[] = {TLS_DANE, TLS_DANE_PKIX};

	for (unsigned i = 0; i < 2 * 2 * 3; i++) {
		struct tls_plan p;

		memset(&given, 0, sizeof(given));
		make_full_plan(w, i % 2, (uint8_t)(i / 4), &p);
		p.level = levels[i / 2 % 2];
		if (p.level == TLS_DANE) {
			hand_over(w, &p);
		} else {
			struct tls_engine *e = NULL;

			t_err("both", tls_engine_new(w->ctx, &p, &e), 0);
			tls_engine_free(e);
		}
		t_int("DANE-38 PKIX-TA", given.by_usage[0], 0);
		t_int("DANE-38 PKIX-EE", given.by_usage[1], 0);
		t_bool("DANE-TA", given.by_usage[2] > 0, true);
		t_bool("DANE-EE", given.by_usage[3] > 0, true);
		t_int("DANE-39 and no other",
		    given.calls - given.by_usage[2] - given.by_usage[3], 0);
		tls_plan_clear(&p);
	}
}

/* Without records of usages 2 and 3 nothing is handed over at all. */
static void
test_usages_alone(void **state)
{
	struct world *w = world_of(state);
	struct tls_plan p;
	struct tls_engine *e = NULL;

	memset(&given, 0, sizeof(given));
	make_full_plan(w, 1, 1, &p);
	p.tlsa[2].usage = 0;
	p.tlsa[3].usage = 1;
	t_err("DANE-38", tls_engine_new(w->ctx, &p, &e), ERR_TLS);
	assert_null(e);
	t_int("DANE-38", given.calls, 0);
	tls_plan_clear(&p);
}

/* Full(0) that looks like DER and is no certificate or key: nothing matches
 * it, so that alone it holds mail; it does not spoil the records beside it. */
static void
test_no_certificate(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase both = {.name = "DANE-39 beside a good one",
	    TLS_DANE,
	    {GOOD},
	    {{3, 0, 0, SELF}, {3, 1, 1, GOOD}},
	    .proof = TLS_PROOF_DANE_EE};

	for (unsigned i = 0; i < 4; i++) {
		struct tls_engine *e = NULL;
		struct pki_server s;
		struct tls_plan p;
		struct rr_tlsa *t;

		make_plan(w, &both, &p);
		t = &p.tlsa[0];
		t->usage = (uint8_t)(2 + i % 2);
		t->selector = (uint8_t)(i / 2);
		memset(t->data + 4, 0x05, t->len - 4u);
		start_server(w, both.chain, 0, &s);
		t_err(both.name, tls_engine_new(w->ctx, &p, &e), 0);
		carry(e, &s);
		check_success(&both, e, &s);
		tls_engine_free(e);
		pki_server_stop(&s);
		e = NULL;
		free(p.tlsa[1].data);
		p.n_tlsa = 1;
		t_err("DANE-39 alone", tls_engine_new(w->ctx, &p, &e), ERR_TLS);
		assert_null(e);
		tls_plan_clear(&p);
	}
}

struct hello {
	bool seen, ext[64];
	bool suite[65536];
};

static int
on_hello(SSL *ssl, int *alert, void *arg)
{
	struct hello *h = arg;
	const unsigned char *suites;
	size_t n = 0;
	int *exts = NULL;

	(void)alert;
	h->seen = true;
	if (SSL_client_hello_get1_extensions_present(ssl, &exts, &n) != 1)
		return SSL_CLIENT_HELLO_ERROR;
	for (size_t i = 0; i < n; i++)
		if (exts[i] < 64)
			h->ext[exts[i]] = true;
	OPENSSL_free(exts);
	n = SSL_client_hello_get0_ciphers(ssl, &suites);
	for (size_t i = 0; i + 1 < n; i += 2)
		h->suite[suites[i] << 8 | suites[i + 1]] = true;
	return SSL_CLIENT_HELLO_SUCCESS;
}

static void
check_suites(const struct hello *h)
{
	static const struct {
		const char *name;
		unsigned suite;
		bool want;
	} v[] = {
	    {"DANE-52 TLS_AES_256_GCM_SHA384", 0x1302, true},
	    {"DANE-52 TLS_AES_128_GCM_SHA256", 0x1301, true},
	    {"DANE-52 ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b, true},
	    {"DANE-52 ECDHE-RSA-AES128-GCM-SHA256", 0xc02f, true},
	    {"DANE-52 DHE-RSA-AES128-GCM-SHA256", 0x009e, true},
	    {"DANE-52 ADH-AES128-GCM-SHA256", 0x00a6, false},
	    {"DANE-52 AECDH-AES128-SHA", 0xc018, false},
	    {"DANE-52 NULL-SHA256", 0x003b, false},
	};

	for (size_t i = 0; i < T_COUNT(v); i++)
		t_bool(v[i].name, h->suite[v[i].suite], v[i].want);
}

/* DANE-52: suites with certificates are offered, not anonymous ones alone.
 * DANE-54: no raw public keys, whatever the records are: a server that sends
 * one could then not match a record of its certificate.
 * DANE-55: no proof of certificate transparency is asked for. */
static void
test_hello(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {
	    .name = "x", TLS_DANE, {GOOD, ROOT}, {{3, 1, 1, GOOD}}};
	static const enum tls_level levels[] = {
	    TLS_OPPORTUNISTIC, TLS_ENCRYPT, TLS_PKIX, TLS_DANE, TLS_DANE_PKIX};

	for (size_t k = 0; k < T_COUNT(levels); k++) {
		struct hello *h = test_calloc(1, sizeof(*h));
		struct tls_engine *e = NULL;
		struct pki_server s;
		struct tls_plan p;

		make_plan(w, &c, &p);
		p.level = levels[k];
		start_server(w, c.chain, 0, &s);
		SSL_CTX_set_client_hello_cb(s.ctx, on_hello, h);
		t_err(c.name, tls_engine_new(w->ctx, &p, &e), 0);
		tls_plan_clear(&p);
		carry(e, &s);
		t_bool("handshake", tls_engine_result(e)->established, true);
		t_bool("hello", h->seen, true);
		check_suites(h);
		t_bool("DANE-54 server", h->ext[EXT_SERVER_CERT_TYPE], false);
		t_bool("DANE-54 client", h->ext[EXT_CLIENT_CERT_TYPE], false);
		t_bool("DANE-55", h->ext[EXT_SCT], false);
		tls_engine_free(e);
		pki_server_stop(&s);
		test_free(h);
	}
}

/* DANE-55: nor is one that comes unasked looked at. */
static void
test_no_ct(void **state)
{
	struct world *w = world_of(state);
	static const enum tls_level levels[] = {
	    TLS_PKIX, TLS_DANE, TLS_DANE_PKIX, TLS_ENCRYPT, TLS_OPPORTUNISTIC};

	for (size_t k = 0; k < T_COUNT(levels); k++)
		t_int("DANE-55",
		    SSL_CTX_ct_is_enabled(tls_ctx_ssl(w->ctx, levels[k])), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usages),
	    cmocka_unit_test(test_usages_alone),
	    cmocka_unit_test(test_no_certificate),
	    cmocka_unit_test(test_hello),
	    cmocka_unit_test(test_no_ct),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
