/*
 * Certificates made on the spot, and a TLS server over memory, for the tests
 * of relay/tls and relay/net. Any failure here ends the test.
 */
#ifndef TESTS_ADAPT_PKI_H
#define TESTS_ADAPT_PKI_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/model/rr.h"
#include "tests/unit/t.h"

#define PKI_DAY (24L * 3600)

struct pki_cert {
	X509 *x;
	EVP_PKEY *key;
};

struct pki_spec {
	const char *cn;
	const char *san; /* "DNS:a,DNS:b" or NULL */
	const char *basic; /* basicConstraints; NULL: "CA:FALSE" */
	const char *names; /* nameConstraints or NULL */
	const char *usage; /* keyUsage or NULL */
	const char *purpose; /* extendedKeyUsage or NULL */
	long from, to; /* days from now; both 0: -1 to 30 */
	int rsa_bits; /* 0: P-256 */
	bool sha1; /* how the issuer signs it */
	bool odd_end; /* notAfter without seconds: RFC 5280 4.1.2.5.1 */
};

static inline void
pki_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* issuer NULL: signed by itself. */
static inline struct pki_cert
pki_make(const struct pki_spec *s, const struct pki_cert *issuer, long serial)
{
	struct pki_cert c;
	long from = s->from || s->to ? s->from : -1;
	long to = s->from || s->to ? s->to : 30;
	X509_NAME *name;

	c.key = s->rsa_bits ? EVP_RSA_gen((unsigned)s->rsa_bits)
			    : EVP_EC_gen("P-256");
	c.x = X509_new();
	assert_non_null(c.key);
	assert_non_null(c.x);
	if (!issuer)
		issuer = &c;
	X509_set_version(c.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial);
	X509_gmtime_adj(X509_getm_notBefore(c.x), from * PKI_DAY);
	X509_gmtime_adj(X509_getm_notAfter(c.x), to * PKI_DAY);
	if (s->odd_end)
		assert_int_equal(
		    ASN1_STRING_set(X509_getm_notAfter(c.x), "4901010000Z", -1),
		    1);
	name = X509_get_subject_name(c.x);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)s->cn, -1, -1, 0);
	X509_set_issuer_name(c.x, X509_get_subject_name(issuer->x));
	X509_set_pubkey(c.x, c.key);
	pki_ext(c.x, issuer->x, NID_basic_constraints,
	    s->basic ? s->basic : "CA:FALSE");
	pki_ext(c.x, issuer->x, NID_subject_key_identifier, "hash");
	if (s->san)
		pki_ext(c.x, issuer->x, NID_subject_alt_name, s->san);
	if (s->names)
		pki_ext(c.x, issuer->x, NID_name_constraints, s->names);
	if (s->usage)
		pki_ext(c.x, issuer->x, NID_key_usage, s->usage);
	if (s->purpose)
		pki_ext(c.x, issuer->x, NID_ext_key_usage, s->purpose);
	assert_true(X509_sign(c.x, issuer->key,
			s->sha1 ? EVP_sha1() : EVP_sha256()) > 0);
	return c;
}

static inline void
pki_free(struct pki_cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	memset(c, 0, sizeof(*c));
}

/* The data of a TLSA record for x, appended to b. RFC 6698 2.1. */
static inline void
pki_tlsa_data(struct buf *b, X509 *x, uint8_t selector, uint8_t mtype)
{
	unsigned char *der = NULL;
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned md_len = 0;
	int n = selector == 0 ? i2d_X509(x, &der)
			      : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	assert_true(n > 0);
	if (mtype == 0) {
		buf_add(b, der, (size_t)n);
	} else {
		EVP_Digest(der, (size_t)n, md, &md_len,
		    mtype == 1 ? EVP_sha256() : EVP_sha512(), NULL);
		buf_add(b, md, md_len);
	}
	OPENSSL_free(der);
}

/* Writes certificates as PEM to a new temporary file; caller unlinks. */
static inline void
pki_write_pem(char path[64], X509 **v, size_t n)
{
	FILE *f;
	int fd;

	snprintf(path, 64, "test_pki_XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	for (size_t i = 0; i < n; i++)
		PEM_write_X509(f, v[i]);
	fclose(f);
}

/* A server side over memory. */
struct pki_server {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	bool done; /* its handshake is over */
	bool failed;
	char sni[256];
};

/* chain: leaf first, n of them, key of the leaf. max: 0 or a version. */
static inline void
pki_server_start(
    struct pki_server *s, EVP_PKEY *key, X509 **chain, size_t n, int max)
{
	memset(s, 0, sizeof(*s));
	s->ctx = SSL_CTX_new(TLS_server_method());
	assert_non_null(s->ctx);
	SSL_CTX_set_security_level(s->ctx, 0);
	SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(s->ctx, max);
	SSL_CTX_set_cipher_list(s->ctx, "ALL");
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, chain[0]), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, key), 1);
	for (size_t i = 1; i < n; i++)
		assert_int_equal(SSL_CTX_add1_chain_cert(s->ctx, chain[i]), 1);
	/* Only what is named is sent. */
	SSL_CTX_set_mode(s->ctx, SSL_MODE_NO_AUTO_CHAIN);
	s->ssl = SSL_new(s->ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_accept_state(s->ssl);
}

static inline void
pki_server_feed(struct pki_server *s, const void *p, size_t n)
{
	if (n > 0)
		assert_int_equal(BIO_write(s->in, p, (int)n), (int)n);
	if (s->done || s->failed)
		return;
	if (SSL_do_handshake(s->ssl) == 1) {
		const char *sni = SSL_get_servername(
		    s->ssl, TLSEXT_NAMETYPE_host_name);

		s->done = true;
		snprintf(s->sni, sizeof(s->sni), "%s", sni ? sni : "");
	} else if (SSL_get_error(s->ssl, -1) == SSL_ERROR_SSL) {
		s->failed = true;
	}
	ERR_clear_error();
}

/* What the server wants to send. */
static inline size_t
pki_server_output(struct pki_server *s, char *p, size_t n)
{
	int got = BIO_read(s->out, p, (int)n);

	return got > 0 ? (size_t)got : 0;
}

/* Application bytes that the server has; 0 for none. */
static inline size_t
pki_server_read(struct pki_server *s, char *p, size_t n)
{
	size_t got = 0;

	if (!s->done || SSL_read_ex(s->ssl, p, n, &got) != 1)
		got = 0;
	ERR_clear_error();
	return got;
}

static inline void
pki_server_stop(struct pki_server *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	memset(s, 0, sizeof(*s));
}

#endif
