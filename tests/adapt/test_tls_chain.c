/* Certificates as values, and which of them has the data of a record. */
#include "config.h"

#include "relay/tls/tls_chain.h"

#include "tests/adapt/tls_world.h"

static void
add_pem(struct buf *b, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	n = BIO_get_mem_data(bio, &p);
	buf_add(b, p, (size_t)n);
	BIO_free(bio);
}

static void
test_read(void **state)
{
	static const struct pki_spec odd = {.cn = "a\x1b[2J\xc3\xa4",
	    .san = "DNS:b.example,DNS:*.c.example,email:x@y.example"};
	struct world *w = world_of(state);
	struct pki_cert c = pki_make(&odd, &w->cert[ROOT], 7);
	struct explain_cert v[2];
	struct buf pem, want;

	buf_init(&pem, 1u << 20);
	buf_init(&want, 1000);
	add_pem(&pem, c.x);
	add_pem(&pem, w->cert[ROOT].x);
	t_int("at most", (int64_t)tls_chain_read(buf_str(&pem), v, 1), 1);
	t_int("both", (int64_t)tls_chain_read(buf_str(&pem), v, 2), 2);
	t_cstr("names", v[0].names, "b.example *.c.example");
	t_cstr("issuer", v[0].issuer, "CN=Root");
	t_bool(
	    "no control character", strchr(v[0].subject, '\x1b') == NULL, true);
	t_int("days", (v[0].not_after - v[0].not_before) / PKI_DAY, 31);
	pki_tlsa_data(&want, c.x, 1, 1);
	t_int("SPKI", memcmp(v[0].spki_sha256, want.p, 32), 0);
	buf_reset(&want);
	pki_tlsa_data(&want, c.x, 0, 1);
	t_int("certificate", memcmp(v[0].sha256, want.p, 32), 0);
	t_cstr("no names", v[1].names, "");
	buf_reset(&pem);
	buf_add_cstr(&pem, "-----BEGIN CERTIFICATE-----\nAAAA\n");
	t_int("broken", (int64_t)tls_chain_read(buf_str(&pem), v, 2), 0);
	t_int("empty", (int64_t)tls_chain_read(STR(""), v, 2), 0);
	pki_free(&c);
	buf_clear(&pem);
	buf_clear(&want);
}

/* RFC 6698 2.1: each selector and type finds its certificate, no other. */
static void
test_match(void **state)
{
	struct world *w = world_of(state);
	struct buf pem, data;

	buf_init(&pem, 1u << 20);
	buf_init(&data, RR_TLSA_MAX);
	add_pem(&pem, w->cert[GOOD].x);
	add_pem(&pem, w->cert[ROOT].x);
	for (uint8_t selector = 0; selector < 2; selector++) {
		for (uint8_t mtype = 0; mtype < 3; mtype++) {
			static const struct {
				enum cert cert;
				int want;
			} cases[] = {{GOOD, 0}, {ROOT, 1}, {SELF, -1}};

			for (size_t i = 0; i < T_COUNT(cases); i++) {
				struct rr_tlsa t = {
				    3, selector, mtype, 0, NULL};

				buf_reset(&data);
				pki_tlsa_data(&data, w->cert[cases[i].cert].x,
				    selector, mtype);
				t.data = (uint8_t *)data.p;
				t.len = (uint16_t)data.n;
				t_int("match",
				    tls_chain_match(buf_str(&pem), &t),
				    cases[i].want);
			}
		}
	}
	t_int("unknown selector",
	    tls_chain_match(buf_str(&pem),
		&(struct rr_tlsa){3, 2, 1, 32, (uint8_t *)data.p}),
	    -1);
	t_int("unknown type",
	    tls_chain_match(buf_str(&pem),
		&(struct rr_tlsa){3, 1, 3, 32, (uint8_t *)data.p}),
	    -1);
	buf_clear(&pem);
	buf_clear(&data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read), cmocka_unit_test(test_match)};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
