/*
 * TLS contexts: one for the levels that authenticate nobody and one for those
 * that do, over one store of trust anchors.
 *
 * Every setting is made here. openssl.cnf is not read: what an administrator
 * set there for other programs must neither weaken verification nor turn
 * opportunistic TLS into plain text. Sessions are neither kept nor resumed, so
 * that each connection is verified in full.
 */
#include "config.h"

#include "relay/tls/tls_ctx.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/tls/tls_verify.h"

#define TEXT_MAX 160

/*
 * Anybody may listen anyway where nobody is authenticated, so old algorithms
 * are better there than none. Anonymous suites are not offered: RFC 7672 8.2,
 * DANE-52.
 */
#define WEAK_CIPHERS "HIGH:MEDIUM:!aNULL:!eNULL:!PSK:!SRP:!AESCCM8"
/* RFC 9325 4.1: forward secrecy. */
#define STRONG_CIPHERS "HIGH:!kRSA:!aNULL:!eNULL:!PSK:!SRP:!3DES:!AESCCM8"
#define SUITES_1_3 \
	"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:" \
	"TLS_AES_128_GCM_SHA256"

struct tls_ctx {
	X509_STORE *store;
	SSL_CTX *weak; /* opportunistic, encrypt */
	SSL_CTX *strong; /* pkix, dane, dane+pkix */
};

/* Where systems keep all their trust anchors in one file. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian */
    "/etc/pki/tls/certs/ca-bundle.crt", /* Red Hat */
    "/etc/ssl/ca-bundle.pem", /* SUSE */
    "/etc/ssl/cert.pem", /* Alpine */
};

void
tls_ctx_init_library(void)
{
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		die(3, "cannot start OpenSSL");
}

static int
openssl_failed(const char *what, char text[TEXT_MAX])
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(text, TEXT_MAX, "%s: %s", what, reason ? reason : "failed");
	ERR_clear_error();
	return ERR_TLS;
}

/* Fills the store from the system's file of trust anchors. */
static int
load_system(X509_STORE *store, char text[TEXT_MAX])
{
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (access(bundles[i], R_OK) == 0 &&
		    X509_STORE_load_file(store, bundles[i]) == 1)
			return 0;
	ERR_clear_error();
	/* Read one by one when they are needed. */
	if (X509_STORE_set_default_paths(store) != 1)
		return openssl_failed("system trust anchors", text);
	return 0;
}

static int
load_store(struct tls_ctx *c, const char *ca_file, char text[TEXT_MAX])
{
	c->store = X509_STORE_new();
	if (!c->store)
		return openssl_failed("certificate store", text);
	if (!ca_file)
		return load_system(c->store, text);
	if (access(ca_file, R_OK) != 0 ||
	    X509_STORE_load_file(c->store, ca_file) != 1) {
		ERR_clear_error();
		snprintf(text, TEXT_MAX, "no certificate could be read from %s",
		    ca_file);
		return ERR_CONFIG;
	}
	return 0;
}

/* What both contexts have in common. Not asked for: raw public keys (DANE-54)
 * and proofs of certificate transparency (DANE-55). */
static int
setup(struct tls_ctx *c, SSL_CTX *s, const char *ciphers, int level, int min)
{
	SSL_CTX_set_security_level(s, level);
	SSL_CTX_clear_options(s, SSL_CTX_get_options(s));
	SSL_CTX_set_options(s,
	    SSL_OP_ALL | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_SSLv3);
	SSL_CTX_set_mode(s,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY |
		SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(s, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set1_cert_store(s, c->store);
	if (SSL_CTX_set_min_proto_version(s, min) != 1 ||
	    SSL_CTX_set_max_proto_version(s, 0) != 1 ||
	    SSL_CTX_set_cipher_list(s, ciphers) != 1 ||
	    SSL_CTX_set_ciphersuites(s, SUITES_1_3) != 1)
		return ERR_TLS;
	return 0;
}

static int
make_weak(struct tls_ctx *c, const struct tls_ctx_opts *o)
{
	int min = o->opportunistic_min ? (int)o->opportunistic_min : TLS_V1_0;

	c->weak = SSL_CTX_new(TLS_client_method());
	if (!c->weak || setup(c, c->weak, WEAK_CIPHERS, 0, min) != 0)
		return ERR_TLS;
	SSL_CTX_set_verify(c->weak, SSL_VERIFY_NONE, NULL);
	/* Servers without RFC 5746: the alternative would be plain text. */
	SSL_CTX_set_options(c->weak, SSL_OP_LEGACY_SERVER_CONNECT);
	return 0;
}

static int
make_strong(struct tls_ctx *c, const struct tls_ctx_opts *o)
{
	/* RFC 8461 7.2, RFC 7671 3: DANE-51. */
	int min = o->min > TLS_V1_2 ? (int)o->min : TLS_V1_2;

	c->strong = SSL_CTX_new(TLS_client_method());
	if (!c->strong ||
	    setup(c, c->strong, STRONG_CIPHERS, TLS_VERIFY_SECURITY_LEVEL,
		min) != 0)
		return ERR_TLS;
	/* SHA2-512 is stronger than SHA2-256: RFC 7671 9, the default, as in
	 * dane/tlsa.c (DANE-48). */
	if (SSL_CTX_dane_enable(c->strong) != 1)
		return ERR_TLS;
	tls_verify_install(c->strong);
	return 0;
}

int
tls_ctx_new(
    const struct tls_ctx_opts *o, struct tls_ctx **out, char text[TEXT_MAX])
{
	struct tls_ctx *c = xcalloc(1, sizeof(*c));
	int rc;

	tls_ctx_init_library();
	ERR_clear_error();
	text[0] = '\0';
	rc = load_store(c, o->ca_file, text);
	if (rc != 0)
		goto out;
	if (make_weak(c, o) != 0 || make_strong(c, o) != 0) {
		rc = openssl_failed("TLS context", text);
		goto out;
	}
	*out = c;
	c = NULL;
out:
	tls_ctx_free(c);
	return rc;
}

void
tls_ctx_free(struct tls_ctx *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->weak);
	SSL_CTX_free(c->strong);
	X509_STORE_free(c->store);
	free(c);
}

void *
tls_ctx_ssl(struct tls_ctx *c, enum tls_level level)
{
	switch (level) {
	case TLS_OPPORTUNISTIC:
	case TLS_ENCRYPT:
		return c->weak;
	case TLS_PKIX:
	case TLS_DANE:
	case TLS_DANE_PKIX:
		break;
	}
	return c->strong;
}

void *
tls_ctx_store(struct tls_ctx *c)
{
	return c->store;
}
