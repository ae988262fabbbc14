/*
 * The engine's other sides: plans that it refuses, versions, SNI, data, and
 * the settings of its contexts.
 */
#include "config.h"

#include "relay/tls/tls_ctx.h"
#include "relay/tls/tls_engine.h"
#include "tests/adapt/tls_world.h"
#include "tests/unit/t.h"

/* Plans that no handshake may be made by. */
static void
test_bad_plans(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase bad[] = {
	    {.name = "DANE-11 no record", TLS_DANE, {GOOD}},
	    {.name = "DANE-38 usage 0 only",
		TLS_DANE,
		{GOOD},
		{{0, 1, 1, ROOT}}},
	    {.name = "DANE-38 usage 1 only",
		TLS_DANE,
		{GOOD},
		{{1, 1, 1, GOOD}}},
	    {.name = "DANE-39 unknown usage",
		TLS_DANE,
		{GOOD},
		{{4, 1, 1, GOOD}}},
	    {.name = "DANE-39 unknown usage 255",
		TLS_DANE,
		{GOOD},
		{{255, 1, 1, GOOD}}},
	    {.name = "DANE-39 unknown selector",
		TLS_DANE,
		{GOOD},
		{{3, 2, 1, GOOD}}},
	    {.name = "DANE-39 unknown matching type",
		TLS_DANE,
		{GOOD},
		{{3, 1, 3, GOOD}}},
	    {.name = "no record for both", TLS_DANE_PKIX, {GOOD}},
	    {.name = "a name that stands for all below it",
		TLS_DANE,
		{GOOD},
		{{3, 1, 1, GOOD}},
		{".example.com"}},
	    {.name = "the same as second name",
		TLS_DANE,
		{GOOD},
		{{3, 1, 1, GOOD}},
		{MX, ".com"}},
	    {.name = "an address is no name",
		TLS_DANE,
		{GOOD},
		{{3, 1, 1, GOOD}},
		{MX, "192.0.2.1"}},
	};

	for (size_t i = 0; i < T_COUNT(bad); i++) {
		struct tls_engine *e = NULL;
		struct tls_plan p;

		make_plan(w, &bad[i], &p);
		t_err(bad[i].name, tls_engine_new(w->ctx, &p, &e), ERR_TLS);
		assert_null(e);
		tls_plan_clear(&p);
	}
}

static void
test_wrong_digest_length(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {
	    .name = "DANE-39 cut digest", TLS_DANE, {GOOD}, {{3, 1, 1, GOOD}}};
	struct tls_engine *e = NULL;
	struct tls_plan p;

	make_plan(w, &c, &p);
	p.tlsa[0].len = 31;
	t_err(c.name, tls_engine_new(w->ctx, &p, &e), ERR_TLS);
	tls_plan_clear(&p);
}

static void
test_bad_pkix_names(void **state)
{
	struct world *w = world_of(state);
	static const char *const names[] = {
	    "", ".example.com", "192.0.2.1", "2001:db8::1"};
	static const enum tls_level levels[] = {TLS_PKIX, TLS_DANE_PKIX};
	static const struct tcase c = {
	    .name = "x", TLS_PKIX, {GOOD}, {{3, 1, 1, GOOD}}};

	for (size_t i = 0; i < T_COUNT(names); i++) {
		for (size_t k = 0; k < T_COUNT(levels); k++) {
			struct tls_engine *e = NULL;
			struct tls_plan p;

			make_plan(w, &c, &p);
			p.level = levels[k];
			snprintf(
			    p.pkix_name, sizeof(p.pkix_name), "%s", names[i]);
			t_err(
			    names[i], tls_engine_new(w->ctx, &p, &e), ERR_TLS);
			tls_plan_clear(&p);
		}
	}
}

/* What the versions of TLS come to: DANE-51, STS-37. */
static void
test_versions(void **state)
{
	struct world *w = world_of(state);
	static const struct {
		const char *name;
		enum tls_level level;
		int server_max;
		enum tls_version plan_min;
		enum tls_failure want;
	} v[] = {
	    {"opportunistic 1.0", TLS_OPPORTUNISTIC, TLS1_VERSION, 0, TLS_OK},
	    {"encrypt 1.1", TLS_ENCRYPT, TLS1_1_VERSION, 0, TLS_OK},
	    {"encrypt 1.1, plan wants 1.2", TLS_ENCRYPT, TLS1_1_VERSION,
		TLS_V1_2, TLS_HANDSHAKE},
	    {"STS-37 pkix 1.1", TLS_PKIX, TLS1_1_VERSION, 0, TLS_HANDSHAKE},
	    {"STS-37 pkix 1.2", TLS_PKIX, TLS1_2_VERSION, 0, TLS_OK},
	    {"pkix 1.2, plan wants 1.3", TLS_PKIX, TLS1_2_VERSION, TLS_V1_3,
		TLS_HANDSHAKE},
	    {"the plan asks for less", TLS_PKIX, TLS1_1_VERSION, TLS_V1_0,
		TLS_HANDSHAKE},
	    {"dane 1.1", TLS_DANE, TLS1_1_VERSION, 0, TLS_HANDSHAKE},
	    {"dane 1.2", TLS_DANE, TLS1_2_VERSION, 0, TLS_OK},
	};
	static const struct tcase c = {
	    .name = "x", TLS_DANE, {GOOD, ROOT}, {{3, 1, 1, GOOD}}};

	for (size_t i = 0; i < T_COUNT(v); i++) {
		struct tls_engine *e = NULL;
		struct pki_server s;
		struct tls_plan p;

		make_plan(w, &c, &p);
		p.level = v[i].level;
		p.min = v[i].plan_min;
		start_server(w, c.chain, v[i].server_max, &s);
		t_err(v[i].name, tls_engine_new(w->ctx, &p, &e), 0);
		tls_plan_clear(&p);
		carry(e, &s);
		t_cstr(v[i].name,
		    tls_failure_str(tls_engine_result(e)->failure),
		    tls_failure_str(v[i].want));
		t_bool(v[i].name, tls_engine_result(e)->established,
		    v[i].want == TLS_OK);
		tls_engine_free(e);
		pki_server_stop(&s);
	}
}

/* DANE-50: the plan's SNI and no other. */
static void
test_sni(void **state)
{
	struct world *w = world_of(state);
	static const char *const sni[] = {MX, "", "host.example.org"};
	static const enum tls_level levels[] = {
	    TLS_OPPORTUNISTIC, TLS_PKIX, TLS_DANE, TLS_DANE_PKIX};
	static const struct tcase c = {
	    .name = "x", TLS_DANE, {GOOD, ROOT}, {{3, 1, 1, GOOD}}};

	for (size_t i = 0; i < T_COUNT(sni); i++) {
		for (size_t k = 0; k < T_COUNT(levels); k++) {
			struct tls_engine *e = NULL;
			struct pki_server s;
			struct tls_plan p;

			make_plan(w, &c, &p);
			p.level = levels[k];
			snprintf(p.sni, sizeof(p.sni), "%s", sni[i]);
			start_server(w, c.chain, 0, &s);
			t_err(sni[i], tls_engine_new(w->ctx, &p, &e), 0);
			tls_plan_clear(&p);
			carry(e, &s);
			t_bool(sni[i], s.done, true);
			t_cstr(tls_level_str(levels[k]), s.sni, sni[i]);
			tls_engine_free(e);
			pki_server_stop(&s);
		}
	}
}

static void
test_not_tls(void **state)
{
	struct world *w = world_of(state);
	static const char plain[] = "454 4.7.0 TLS not available\r\n";
	static const struct tcase c = {.name = "x", TLS_OPPORTUNISTIC, {GOOD}};
	struct tls_engine *e = NULL;
	struct tls_plan p;

	make_plan(w, &c, &p);
	t_err("new", tls_engine_new(w->ctx, &p, &e), 0);
	tls_plan_clear(&p);
	t_err("first flight", tls_engine_handshake(e), ERR_MORE);
	tls_engine_feed(e, plain, sizeof(plain) - 1);
	t_err("plain text", tls_engine_handshake(e), ERR_TLS);
	t_cstr("plain text", tls_failure_str(tls_engine_result(e)->failure),
	    "handshake-failure");
	t_bool("reason", tls_engine_result(e)->text[0] != '\0', true);
	tls_engine_free(e);
}

static void
test_data_and_end(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {.name = "x", TLS_PKIX, {GOOD}};
	struct tls_engine *e = NULL;
	struct pki_server s;
	struct tls_plan p;
	struct buf b;
	char text[100];
	char wire[8192];
	size_t got = 0;
	size_t n;

	make_plan(w, &c, &p);
	start_server(w, c.chain, 0, &s);
	t_err("new", tls_engine_new(w->ctx, &p, &e), 0);
	tls_plan_clear(&p);
	carry(e, &s);
	t_err("nothing there", tls_engine_read(e, text, sizeof(text), &got),
	    ERR_MORE);
	assert_int_equal(SSL_write(s.ssl, "250 OK\r\n", 8), 8);
	SSL_shutdown(s.ssl);
	while ((n = pki_server_output(&s, wire, sizeof(wire))) > 0)
		tls_engine_feed(e, wire, n);
	t_err("read", tls_engine_read(e, text, 4, &got), 0);
	t_is("part", str_n(text, got), "250 ");
	t_err("read", tls_engine_read(e, text, sizeof(text), &got), 0);
	t_is("rest", str_n(text, got), "OK\r\n");
	t_err("end", tls_engine_read(e, text, sizeof(text), &got), ERR_CLOSED);
	tls_engine_shutdown(e);
	buf_init(&b, 4096);
	tls_engine_output(e, &b);
	pki_server_feed(&s, b.p, b.n);
	t_int("no data", (int64_t)pki_server_read(&s, text, sizeof(text)), 0);
	t_int("close_notify", SSL_get_shutdown(s.ssl),
	    SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	buf_clear(&b);
	tls_engine_free(e);
	pki_server_stop(&s);
}

static void
test_ca_files(void **state)
{
	struct tls_ctx_opts o = {.ca_file = "no/such/file.pem"};
	struct tls_ctx *ctx = NULL;
	char text[160] = "";
	char path[64];

	(void)state;
	t_err("missing", tls_ctx_new(&o, &ctx, text), ERR_CONFIG);
	t_bool("says which", strstr(text, "no/such/file.pem") != NULL, true);
	pki_write_pem(path, NULL, 0);
	o.ca_file = path;
	t_err("empty", tls_ctx_new(&o, &ctx, text), ERR_CONFIG);
	unlink(path);
	assert_null(ctx);
	o.ca_file = NULL;
	t_err("the system's", tls_ctx_new(&o, &ctx, text), 0);
	t_cstr("no complaint", text, "");
	tls_ctx_free(ctx);
}

static void
test_settings(void **state)
{
	static const struct {
		enum tls_version min, opportunistic_min;
		long want_strong, want_weak;
	} v[] = {
	    {0, 0, TLS1_2_VERSION, TLS1_VERSION},
	    {TLS_V1_0, TLS_V1_1, TLS1_2_VERSION, TLS1_1_VERSION},
	    {TLS_V1_3, TLS_V1_2, TLS1_3_VERSION, TLS1_2_VERSION},
	};
	static const enum tls_level levels[] = {
	    TLS_OPPORTUNISTIC, TLS_ENCRYPT, TLS_PKIX, TLS_DANE, TLS_DANE_PKIX};

	(void)state;
	for (size_t i = 0; i < T_COUNT(v); i++) {
		struct tls_ctx_opts o = {.min = v[i].min,
		    .opportunistic_min = v[i].opportunistic_min};
		struct tls_ctx *ctx = NULL;
		char text[160];

		t_err("new", tls_ctx_new(&o, &ctx, text), 0);
		for (size_t k = 0; k < T_COUNT(levels); k++) {
			const char *name = tls_level_str(levels[k]);
			SSL_CTX *s = tls_ctx_ssl(ctx, levels[k]);
			bool weak = levels[k] == TLS_OPPORTUNISTIC ||
			    levels[k] == TLS_ENCRYPT;

			t_int(name, SSL_CTX_get_min_proto_version(s),
			    weak ? v[i].want_weak : v[i].want_strong);
			t_int(name, SSL_CTX_get_max_proto_version(s), 0);
			t_int(
			    name, SSL_CTX_get_security_level(s), weak ? 0 : 2);
			t_int(name, SSL_CTX_get_session_cache_mode(s),
			    SSL_SESS_CACHE_OFF);
			t_bool(name, SSL_CTX_get_options(s) & SSL_OP_NO_TICKET,
			    true);
			t_int(name, SSL_CTX_get_verify_mode(s),
			    weak ? SSL_VERIFY_NONE : SSL_VERIFY_PEER);
			assert_ptr_equal(
			    SSL_CTX_get_cert_store(s), tls_ctx_store(ctx));
		}
		tls_ctx_free(ctx);
	}
}

/* A plan may ask for more than the context, never for less. */
static void
test_plan_lowers_nothing(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {
	    .name = "x", TLS_DANE, {GOOD}, {{3, 1, 1, GOOD}}};
	struct tls_ctx_opts o = {.min = TLS_V1_3, .ca_file = w->ca_file};
	struct tls_ctx *ctx = NULL;
	struct tls_engine *e = NULL;
	struct pki_server s;
	struct tls_plan p;
	char text[160];

	t_err("context", tls_ctx_new(&o, &ctx, text), 0);
	make_plan(w, &c, &p);
	p.min = TLS_V1_2;
	start_server(w, c.chain, TLS1_2_VERSION, &s);
	t_err("new", tls_engine_new(ctx, &p, &e), 0);
	tls_plan_clear(&p);
	carry(e, &s);
	t_bool("1.2", tls_engine_result(e)->established, false);
	tls_engine_free(e);
	pki_server_stop(&s);
	tls_ctx_free(ctx);
}

/* DANE-52: suites with certificates, and none without encryption. */
static void
test_suites(void **state)
{
	struct world *w = world_of(state);
	static const enum tls_level levels[] = {TLS_OPPORTUNISTIC, TLS_DANE};

	for (size_t k = 0; k < T_COUNT(levels); k++) {
		STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(
		    tls_ctx_ssl(w->ctx, levels[k]));
		int n = sk_SSL_CIPHER_num(all);

		t_bool(tls_level_str(levels[k]), n > 10, true);
		for (int i = 0; i < n; i++) {
			const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
			const char *name = SSL_CIPHER_get_name(c);

			t_bool(name,
			    SSL_CIPHER_get_auth_nid(c) == NID_auth_null, false);
			t_bool(name, SSL_CIPHER_get_bits(c, NULL) >= 112, true);
		}
	}
}

/*
 * A configuration file of the system that would forbid all that is below TLS
 * 1.3 must change nothing: test_versions would see it.
 */
static void
set_hostile_config(void)
{
	static const char text[] = "openssl_conf = a\n[a]\nssl_conf = b\n"
				   "[b]\nsystem_default = c\n"
				   "[c]\nMinProtocol = TLSv1.3\n"
				   "CipherString = aNULL\n"
				   "SignatureAlgorithms = ed25519\n";
	FILE *f = fopen("test_tls_engine.cnf", "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		die(3, "cannot write test_tls_engine.cnf");
	setenv("OPENSSL_CONF", "test_tls_engine.cnf", 1);
	tls_ctx_init_library();
	unlink("test_tls_engine.cnf");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad_plans),
	    cmocka_unit_test(test_wrong_digest_length),
	    cmocka_unit_test(test_bad_pkix_names),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_sni),
	    cmocka_unit_test(test_not_tls),
	    cmocka_unit_test(test_data_and_end),
	    cmocka_unit_test(test_ca_files),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_suites),
	    cmocka_unit_test(test_plan_lowers_nothing),
	};

	set_hostile_config();
	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
