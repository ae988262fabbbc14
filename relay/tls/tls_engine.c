/*
 * One TLS client over two memory BIOs.
 *
 * The plan decides what is verified; the verdict comes from OpenSSL during
 * the handshake (SSL_VERIFY_PEER, so a failure ends it with an alert) and is
 * looked at again before the engine says that it is done. Until then neither
 * read nor write touches the SSL: SSL_write on its own would go on with the
 * handshake.
 */
#include "config.h"

#include "relay/tls/tls_engine.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/tls/tls_dane.h"
#include "relay/tls/tls_offline.h"
#include "relay/tls/tls_verify.h"

enum engine_state { ENGINE_HANDSHAKE, ENGINE_DONE, ENGINE_FAILED };

struct tls_engine {
	struct tls_ctx *ctx;
	SSL *ssl;
	BIO *in, *out; /* owned by ssl */
	struct tls_plan plan;
	enum engine_state state;
	struct tls_result result;
};

/* Puts ASCII text into the result. */
static void
set_text(struct tls_engine *e, const char *text)
{
	char *p = e->result.text;

	snprintf(p, sizeof(e->result.text), "%s", text);
	for (; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

/* The library's first reason, which is the cause; all are then forgotten. */
static void
set_reason(struct tls_engine *e, const char *fallback)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	set_text(e, reason ? reason : fallback);
	ERR_clear_error();
}

/* What the peer must prove, into the SSL. */
static int
setup_level(struct tls_engine *e)
{
	const struct tls_plan *p = &e->plan;

	switch (p->level) {
	case TLS_OPPORTUNISTIC:
	case TLS_ENCRYPT:
		SSL_set_verify(e->ssl, SSL_VERIFY_NONE, NULL);
		return 0;
	case TLS_PKIX:
		SSL_set_verify(e->ssl, SSL_VERIFY_PEER, NULL);
		return tls_verify_setup(e->ssl, p->pkix_name);
	case TLS_DANE:
		SSL_set_verify(e->ssl, SSL_VERIFY_PEER, NULL);
		return tls_dane_setup(e->ssl, p);
	case TLS_DANE_PKIX:
		SSL_set_verify(e->ssl, SSL_VERIFY_PEER, NULL);
		if (tls_dane_setup(e->ssl, p) != 0)
			return ERR_TLS;
		return tls_verify_also(e->ssl, p->pkix_name);
	}
	return ERR_TLS;
}

static int
setup_ssl(struct tls_engine *e)
{
	char *sni;
	long min;

	e->ssl = SSL_new(tls_ctx_ssl(e->ctx, e->plan.level));
	e->in = BIO_new(BIO_s_mem());
	e->out = BIO_new(BIO_s_mem());
	if (!e->ssl || !e->in || !e->out) {
		BIO_free(e->in);
		BIO_free(e->out);
		return ERR_TLS;
	}
	SSL_set_bio(e->ssl, e->in, e->out);
	SSL_set_connect_state(e->ssl);
	/* The plan may ask for more than the class, never for less. */
	min = SSL_get_min_proto_version(e->ssl);
	if ((long)e->plan.min > min &&
	    SSL_set_min_proto_version(e->ssl, (int)e->plan.min) != 1)
		return ERR_TLS;
	if (setup_level(e) != 0)
		return ERR_TLS;
	/* After SSL_dane_enable, which sets one of its own. RFC 7672 8.1,
	 * RFC 8461 7.1. */
	sni = e->plan.sni[0] ? e->plan.sni : NULL;
	if (SSL_set_tlsext_host_name(e->ssl, sni) != 1)
		return ERR_TLS;
	return 0;
}

int
tls_engine_new(
    struct tls_ctx *ctx, const struct tls_plan *plan, struct tls_engine **out)
{
	struct tls_engine *e = xcalloc(1, sizeof(*e));

	ERR_clear_error();
	e->ctx = ctx;
	e->result.depth = -1;
	tls_plan_init(&e->plan);
	tls_plan_copy(&e->plan, plan);
	if (setup_ssl(e) != 0) {
		ERR_clear_error();
		tls_engine_free(e);
		return ERR_TLS;
	}
	*out = e;
	return 0;
}

void
tls_engine_free(struct tls_engine *e)
{
	if (!e)
		return;
	SSL_free(e->ssl);
	tls_plan_clear(&e->plan);
	free(e);
}

void
tls_engine_feed(struct tls_engine *e, const void *p, size_t n)
{
	size_t done = 0;

	if (n > 0 && (BIO_write_ex(e->in, p, n, &done) != 1 || done != n))
		BUG("a memory BIO that takes no more");
}

/* What the library says a failed handshake failed by. */
static int
fail_handshake(struct tls_engine *e)
{
	long code = SSL_get_verify_result(e->ssl);
	bool asked = e->plan.level != TLS_OPPORTUNISTIC &&
	    e->plan.level != TLS_ENCRYPT;

	e->state = ENGINE_FAILED;
	if (asked && code != X509_V_OK) {
		e->result.failure = tls_verify_failure(code);
		set_text(e, X509_verify_cert_error_string(code));
		ERR_clear_error();
	} else {
		e->result.failure = TLS_HANDSHAKE;
		set_reason(e, "handshake failed");
	}
	return ERR_TLS;
}

/* The library is content but the proof is not there. */
static int
fail_proof(struct tls_engine *e, enum tls_failure failure)
{
	e->state = ENGINE_FAILED;
	e->result.failure = failure;
	set_text(e, "no proof though the handshake went through");
	SSL_shutdown(e->ssl);
	ERR_clear_error();
	return ERR_TLS;
}

/* RFC 7672 9.1: what the plan would have said that is only looked at. The
 * handshake verified nothing, so that nothing could end it. */
static void
audit_plan(struct tls_engine *e)
{
	const struct tls_plan *would = e->plan.audit;
	STACK_OF(X509) * chain;
	struct tls_result r;

	if (!would || would->level == TLS_OPPORTUNISTIC)
		return;
	chain = SSL_get_peer_cert_chain(e->ssl);
	if (SSL_version(e->ssl) < (int)would->min)
		e->result.would = TLS_HANDSHAKE;
	else if (would->level == TLS_ENCRYPT)
		e->result.would = TLS_OK;
	else if (!chain || sk_X509_num(chain) < 1)
		e->result.would = TLS_NOT_TRUSTED;
	else if (tls_offline_chain(e->ctx, would, chain, &r) != 0)
		e->result.would = TLS_TLSA_MISMATCH;
	else
		e->result.would = r.failure;
}

/* RFC 8461 5: what an MTA-STS policy in mode enforce would have said. */
static void
audit(struct tls_engine *e)
{
	X509 *leaf = SSL_get0_peer_certificate(e->ssl);

	if (!e->plan.audit_pkix)
		return;
	if (SSL_version(e->ssl) < TLS1_2_VERSION)
		e->result.audit = TLS_HANDSHAKE;
	else if (!leaf)
		e->result.audit = TLS_NOT_TRUSTED;
	else
		e->result.audit = tls_verify_failure(
		    tls_verify_chain(tls_ctx_store(e->ctx), leaf,
			SSL_get_peer_cert_chain(e->ssl), e->plan.pkix_name));
}

/* The proof that the level asks for, read from the SSL itself. */
static int
check_proof(struct tls_engine *e)
{
	struct tls_result *r = &e->result;

	switch (e->plan.level) {
	case TLS_OPPORTUNISTIC:
	case TLS_ENCRYPT:
		return 0;
	case TLS_PKIX:
		if (SSL_get_verify_result(e->ssl) != X509_V_OK ||
		    !SSL_get0_peer_certificate(e->ssl) ||
		    !SSL_get0_peername(e->ssl))
			return fail_proof(e, TLS_NOT_TRUSTED);
		r->proof = TLS_PROOF_PKIX;
		break;
	case TLS_DANE:
	case TLS_DANE_PKIX:
		if (SSL_get_verify_result(e->ssl) != X509_V_OK ||
		    !SSL_get0_peer_certificate(e->ssl) ||
		    tls_dane_proof(e->ssl, r) != 0)
			return fail_proof(e, TLS_TLSA_MISMATCH);
		break;
	}
	r->verified = true;
	return 0;
}

/* What the peer showed, by its SHA-256; without one there is nothing to say. */
static void
take_fingerprints(struct tls_engine *e)
{
	struct tls_result *r = &e->result;
	const X509 *leaf = SSL_get0_peer_certificate(e->ssl);
	unsigned char *spki = NULL;
	int n;

	if (!leaf)
		return;
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
	r->has_cert = n > 0 &&
	    EVP_Digest(spki, (size_t)n, r->spki_sha256, NULL, EVP_sha256(),
		NULL) == 1 &&
	    X509_digest(leaf, EVP_sha256(), r->cert_sha256, NULL) == 1;
	OPENSSL_free(spki);
	ERR_clear_error();
}

int
tls_engine_handshake(struct tls_engine *e)
{
	struct tls_result *r = &e->result;
	int rc;

	if (e->state == ENGINE_DONE)
		return 0;
	if (e->state == ENGINE_FAILED)
		return ERR_TLS;
	ERR_clear_error();
	rc = SSL_do_handshake(e->ssl);
	if (rc != 1) {
		int why = SSL_get_error(e->ssl, rc);

		if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
			return ERR_MORE;
		return fail_handshake(e);
	}
	snprintf(r->version, sizeof(r->version), "%s", SSL_get_version(e->ssl));
	snprintf(
	    r->cipher, sizeof(r->cipher), "%s", SSL_get_cipher_name(e->ssl));
	take_fingerprints(e);
	if (check_proof(e) != 0)
		return ERR_TLS;
	audit(e);
	audit_plan(e);
	r->established = true;
	e->state = ENGINE_DONE;
	return 0;
}

const struct tls_result *
tls_engine_result(const struct tls_engine *e)
{
	return &e->result;
}

void
tls_engine_chain(const struct tls_engine *e, struct buf *pem)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(e->ssl);
	BIO *bio = BIO_new(BIO_s_mem());
	char chunk[4096];
	size_t n = 0;

	if (!chain)
		chain = SSL_get0_verified_chain(e->ssl);
	for (int i = 0; bio && i < sk_X509_num(chain); i++)
		(void)PEM_write_bio_X509(bio, sk_X509_value(chain, i));
	while (bio && BIO_read_ex(bio, chunk, sizeof(chunk), &n) == 1)
		(void)buf_add(pem, chunk, n);
	BIO_free(bio);
	ERR_clear_error();
}

/* The channel broke after the handshake. */
static int
fail_channel(struct tls_engine *e)
{
	e->state = ENGINE_FAILED;
	set_reason(e, "TLS channel broken");
	return ERR_TLS;
}

int
tls_engine_write(struct tls_engine *e, const void *p, size_t n)
{
	const char *at = p;

	if (e->state != ENGINE_DONE)
		return ERR_TLS;
	ERR_clear_error();
	while (n > 0) {
		size_t done = 0;

		/* A memory BIO takes all, so there is nothing to wait for. */
		if (SSL_write_ex(e->ssl, at, n, &done) != 1)
			return fail_channel(e);
		at += done;
		n -= done;
	}
	return 0;
}

int
tls_engine_read(struct tls_engine *e, void *p, size_t n, size_t *got)
{
	size_t done = 0;
	int why;

	if (e->state != ENGINE_DONE)
		return ERR_TLS;
	ERR_clear_error();
	if (SSL_read_ex(e->ssl, p, n, &done) == 1) {
		*got = done;
		return 0;
	}
	why = SSL_get_error(e->ssl, 0);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return ERR_MORE;
	if (why == SSL_ERROR_ZERO_RETURN)
		return ERR_CLOSED;
	return fail_channel(e);
}

size_t
tls_engine_output(struct tls_engine *e, struct buf *out)
{
	char chunk[16384];
	size_t moved = 0;

	for (;;) {
		size_t room = out->max - out->n;
		size_t n = 0;

		if (room > sizeof(chunk))
			room = sizeof(chunk);
		if (room == 0 || BIO_read_ex(e->out, chunk, room, &n) != 1)
			break;
		if (buf_add(out, chunk, n) != 0)
			BUG("output does not fit where there was room");
		moved += n;
	}
	return moved;
}

void
tls_engine_shutdown(struct tls_engine *e)
{
	if (e->state != ENGINE_DONE)
		return;
	ERR_clear_error();
	SSL_shutdown(e->ssl);
	ERR_clear_error();
}
