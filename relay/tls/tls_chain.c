/*
 * What stands in a peer's certificates, for people. Nothing is decided by it:
 * that is done in the handshake. All of it is remote text; the printing
 * functions escape what is not ASCII, and lengths are bounded here.
 */
#include "config.h"

#include "relay/tls/tls_chain.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MATCH_MAX 64 /* certificates looked at */

static BIO *
open_pem(struct str pem)
{
	BIO *bio = NULL;

	ERR_clear_error();
	if (pem.n > 0 && pem.n <= INT_MAX)
		bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	return bio;
}

static void
put_name(char out[EXPLAIN_NAME_MAX], const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, out, EXPLAIN_NAME_MAX - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof(tm));
	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* DNS names, as many as fit. One with bytes that no name has is left out. */
static void
put_sans(char out[EXPLAIN_SANS_MAX], X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(
	    x, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		const unsigned char *p;
		int n;

		if (g->type != GEN_DNS)
			continue;
		p = ASN1_STRING_get0_data(g->d.dNSName);
		n = ASN1_STRING_length(g->d.dNSName);
		if (n <= 0 || memchr(p, '\0', (size_t)n) ||
		    memchr(p, ' ', (size_t)n) ||
		    used + (size_t)n + 2 > EXPLAIN_SANS_MAX)
			continue;
		if (used > 0)
			out[used++] = ' ';
		memcpy(out + used, p, (size_t)n);
		used += (size_t)n;
	}
	out[used] = '\0';
	GENERAL_NAMES_free(names);
}

/* The bytes that a selector means; *der is freed with OPENSSL_free. */
static int
der_of(X509 *x, unsigned selector, unsigned char **der)
{
	*der = NULL;
	if (selector == 1)
		return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), der);
	return i2d_X509(x, der);
}

static void
put_digest(uint8_t out[32], X509 *x, unsigned selector)
{
	unsigned char *der;
	int n = der_of(x, selector, &der);
	unsigned len = 0;

	memset(out, 0, 32);
	if (n > 0 &&
	    EVP_Digest(der, (size_t)n, out, &len, EVP_sha256(), NULL) != 1)
		memset(out, 0, 32);
	OPENSSL_free(der);
}

static void
put_cert(struct explain_cert *c, X509 *x)
{
	memset(c, 0, sizeof(*c));
	put_name(c->subject, X509_get_subject_name(x));
	put_name(c->issuer, X509_get_issuer_name(x));
	put_sans(c->names, x);
	c->not_before = time_of(X509_get0_notBefore(x));
	c->not_after = time_of(X509_get0_notAfter(x));
	put_digest(c->sha256, x, 0);
	put_digest(c->spki_sha256, x, 1);
}

size_t
tls_chain_read(struct str pem, struct explain_cert *out, size_t max)
{
	BIO *bio = open_pem(pem);
	size_t n = 0;
	X509 *x;

	while (bio && n < max &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		put_cert(&out[n++], x);
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n;
}

static bool
has_data(X509 *x, const struct rr_tlsa *t)
{
	unsigned char hash[EVP_MAX_MD_SIZE], *der;
	int n = der_of(x, t->selector, &der);
	const unsigned char *p = der;
	unsigned len = n > 0 ? (unsigned)n : 0;
	bool same;

	if (len > 0 && t->mtype != 0) {
		if (EVP_Digest(der, len, hash, &len,
			t->mtype == 1 ? EVP_sha256() : EVP_sha512(), NULL) != 1)
			len = 0;
		p = hash;
	}
	same = len > 0 && len == t->len && memcmp(p, t->data, len) == 0;
	OPENSSL_free(der);
	return same;
}

int
tls_chain_match(struct str pem, const struct rr_tlsa *t)
{
	BIO *bio = open_pem(pem);
	int found = -1;
	X509 *x;

	if (t->selector > 1 || t->mtype > 2) {
		BIO_free(bio);
		return -1;
	}
	for (int i = 0; bio && i < MATCH_MAX && found < 0; i++) {
		x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (!x)
			break;
		if (has_data(x, t))
			found = i;
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return found;
}
