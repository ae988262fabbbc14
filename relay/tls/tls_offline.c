/*
 * The verification of a handshake without the handshake: the same SSL set up
 * by the same code, whose DANE state and parameters are then lent to an
 * X509_STORE_CTX, as libssl does it itself.
 */
#include "config.h"

#include "relay/tls/tls_offline.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "relay/tls/tls_dane.h"
#include "relay/tls/tls_verify.h"

#define CHAIN_MAX 64 /* certificates */

/* All certificates of pem in order, or NULL. */
static struct stack_st_X509 *
read_chain(struct str pem)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio;
	X509 *x;
	unsigned long why;

	if (pem.n > INT_MAX || !chain)
		goto fail;
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (!bio)
		goto fail;
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_num(chain) >= CHAIN_MAX ||
		    sk_X509_push(chain, x) <= 0) {
			X509_free(x);
			break;
		}
	}
	why = ERR_peek_last_error();
	BIO_free(bio);
	/* Running out of input is how it ends well. */
	if (!x && sk_X509_num(chain) > 0 && ERR_GET_LIB(why) == ERR_LIB_PEM &&
	    ERR_GET_REASON(why) == PEM_R_NO_START_LINE)
		return chain;
fail:
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

static int
setup(SSL *ssl, const struct tls_plan *plan)
{
	switch (plan->level) {
	case TLS_DANE:
	case TLS_DANE_PKIX:
		return tls_dane_setup(ssl, plan);
	case TLS_PKIX:
		return tls_verify_setup(ssl, plan->pkix_name);
	case TLS_OPPORTUNISTIC:
	case TLS_ENCRYPT:
		break;
	}
	BUG("no offline verification for level %s", tls_level_str(plan->level));
}

/* An X509_V_ code. */
static int
verify(SSL *ssl, X509_STORE *store, STACK_OF(X509) * chain, int64_t now)
{
	X509_STORE_CTX *sctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int code = X509_V_ERR_UNSPECIFIED;

	if (!sctx ||
	    X509_STORE_CTX_init(sctx, store, sk_X509_value(chain, 0), chain) !=
		1)
		goto out;
	X509_STORE_CTX_set0_dane(sctx, SSL_get0_dane(ssl));
	param = X509_STORE_CTX_get0_param(sctx);
	X509_VERIFY_PARAM_set_auth_level(param, TLS_VERIFY_SECURITY_LEVEL);
	if (X509_STORE_CTX_set_default(sctx, "ssl_server") != 1 ||
	    X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)) != 1)
		goto out;
	if (now >= 0)
		X509_STORE_CTX_set_time(sctx, 0, (time_t)now);
	if (X509_verify_cert(sctx) == 1) {
		code = tls_dane_check_anchor(ssl, sctx);
		goto out;
	}
	code = X509_STORE_CTX_get_error(sctx);
	if (code == X509_V_OK)
		code = X509_V_ERR_UNSPECIFIED;
out:
	X509_STORE_CTX_free(sctx);
	return code;
}

/* The verdict as a result. */
static void
conclude(
    SSL *ssl, const struct tls_plan *plan, int code, struct tls_result *out)
{
	SSL_set_verify_result(ssl, code);
	out->failure = tls_verify_failure(code);
	if (code != X509_V_OK) {
		snprintf(out->text, sizeof(out->text), "%s",
		    X509_verify_cert_error_string(code));
		return;
	}
	if (plan->level == TLS_PKIX)
		out->proof = TLS_PROOF_PKIX;
	else if (tls_dane_proof(ssl, out) != 0)
		out->failure = TLS_TLSA_MISMATCH;
	out->verified = out->failure == TLS_OK;
}

static SSL *
begin(struct tls_ctx *ctx, const struct tls_plan *plan, struct tls_result *out)
{
	SSL *ssl;

	memset(out, 0, sizeof(*out));
	out->depth = -1;
	out->failure = TLS_HANDSHAKE;
	ERR_clear_error();
	ssl = SSL_new(tls_ctx_ssl(ctx, plan->level));
	if (ssl && setup(ssl, plan) == 0)
		return ssl;
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}

int
tls_offline_verify(struct tls_ctx *ctx, const struct tls_plan *plan,
    struct str pem, int64_t now, struct tls_result *out)
{
	STACK_OF(X509) *chain = NULL;
	SSL *ssl;
	int rc = ERR_SYNTAX;

	if (plan->level == TLS_DANE_PKIX)
		BUG("no verification of both from PEM");
	ssl = begin(ctx, plan, out);
	if (!ssl)
		return ERR_TLS;
	chain = read_chain(pem);
	if (!chain)
		goto out;
	conclude(ssl, plan, verify(ssl, tls_ctx_store(ctx), chain, now), out);
	rc = 0;
out:
	sk_X509_pop_free(chain, X509_free);
	SSL_free(ssl);
	ERR_clear_error();
	return rc;
}

int
tls_offline_chain(struct tls_ctx *ctx, const struct tls_plan *plan,
    void *vchain, struct tls_result *out)
{
	STACK_OF(X509) *chain = vchain;
	SSL *ssl = begin(ctx, plan, out);
	int code;

	if (!ssl)
		return ERR_TLS;
	code = verify(ssl, tls_ctx_store(ctx), chain, -1);
	if (code == X509_V_OK && plan->level == TLS_DANE_PKIX)
		code = tls_verify_chain(tls_ctx_store(ctx),
		    sk_X509_value(chain, 0), chain, plan->pkix_name);
	conclude(ssl, plan, code, out);
	SSL_free(ssl);
	ERR_clear_error();
	return 0;
}
