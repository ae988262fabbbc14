/*
 * DANE for SMTP, RFC 7672 3, by OpenSSL's own verification.
 *
 * OpenSSL would also accept usages 0 and 1; they never reach it (RFC 7672
 * 3.1.3). It would also go on without any record it took, as plain PKIX or
 * nothing; that is refused here.
 */
#include "config.h"

#include "relay/tls/tls_dane.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "relay/base/codec.h"
#include "relay/tls/tls_verify.h"

enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3, SELECTOR_MAX = 1, MTYPE_MAX = 2 };

static bool
is_usable(const struct rr_tlsa *t)
{
	return (t->usage == USAGE_DANE_TA || t->usage == USAGE_DANE_EE) &&
	    t->selector <= SELECTOR_MAX && t->mtype <= MTYPE_MAX && t->data &&
	    t->len > 0;
}

/* All names of the plan; RFC 7672 3.2.2, DANE-35. */
static int
add_names(SSL *ssl, const struct tls_plan *plan)
{
	if (plan->n_dane_names == 0 || plan->n_dane_names > TLS_NAMES_MAX)
		return ERR_TLS;
	for (size_t i = 0; i < plan->n_dane_names; i++)
		if (!tls_verify_is_name(plan->dane_names[i]))
			return ERR_TLS;
	/* The first name is set by SSL_dane_enable. */
	for (size_t i = 1; i < plan->n_dane_names; i++)
		if (SSL_add1_host(ssl, plan->dane_names[i]) != 1)
			return ERR_TLS;
	return 0;
}

int
tls_dane_setup(void *vssl, const struct tls_plan *plan)
{
	SSL *ssl = vssl;
	size_t taken = 0;

	if (plan->n_dane_names == 0 ||
	    SSL_dane_enable(ssl, plan->dane_names[0]) != 1)
		return ERR_TLS;
	/* RFC 7672 3.1.1: a DANE-EE match makes names and dates irrelevant:
	 * DANE-33, and DANE-34, for which OpenSSL needs no flag. */
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	/* RFC 7672 3.2.3: no partial wildcards, DANE-46. The CN counts only
	 * in the absence of any DNS-ID, which is what OpenSSL does unless
	 * told: DANE-45. */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (add_names(ssl, plan) != 0)
		return ERR_TLS;
	for (size_t i = 0; i < plan->n_tlsa; i++) {
		const struct rr_tlsa *t = &plan->tlsa[i];

		/* OpenSSL puts the certificate of a "2 0 0" record into the
		 * chain (DANE-37), and holds those below to what it says
		 * (DANE-36). */
		if (is_usable(t) &&
		    SSL_dane_tlsa_add(ssl, t->usage, t->selector, t->mtype,
			t->data, t->len) > 0)
			taken++;
	}
	/* What it did not take has left reasons behind. */
	ERR_clear_error();
	return taken > 0 ? 0 : ERR_TLS;
}

/*
 * OpenSSL looks at the dates of a trust anchor only if it has signed itself.
 * RFC 7672 3.1.2 knows no such difference, and an anchor that its owner let
 * expire vouches for nobody: DANE-35.
 */
int
tls_dane_check_anchor(void *vssl, void *store_ctx)
{
	SSL *ssl = vssl;
	X509_STORE_CTX *sctx = store_ctx;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(sctx);
	X509 *anchor = NULL;
	time_t at = X509_VERIFY_PARAM_get_time(param);
	bool now = !(
	    X509_VERIFY_PARAM_get_flags(param) & X509_V_FLAG_USE_CHECK_TIME);
	int from, to;

	if (SSL_get0_dane_authority(ssl, &anchor, NULL) <= 0 || !anchor)
		return X509_V_OK;
	/* 0: it is no time at all */
	from = X509_cmp_time(X509_get0_notBefore(anchor), now ? NULL : &at);
	to = X509_cmp_time(X509_get0_notAfter(anchor), now ? NULL : &at);
	if (from == 0)
		return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
	if (to == 0)
		return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
	if (from > 0)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	return to < 0 ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

/* The record for people: RFC 6698 2.2, its data cut. */
static void
set_record(struct tls_result *r, uint8_t usage, uint8_t selector, uint8_t mtype,
    struct str data)
{
	struct buf b;

	buf_init(&b, sizeof(r->tlsa) - 1);
	(void)buf_addf(&b, "%u %u %u ", usage, selector, mtype);
	codec_hex(&b, data.p, data.n > TLS_SHA256 ? TLS_SHA256 : data.n);
	(void)snprintf(r->tlsa, sizeof(r->tlsa), "%s", b.p);
	buf_clear(&b);
}

int
tls_dane_proof(void *vssl, struct tls_result *r)
{
	SSL *ssl = vssl;
	uint8_t usage = 255, selector = 255, mtype = 255;
	const unsigned char *data = NULL;
	size_t n = 0;
	int depth = SSL_get0_dane_authority(ssl, NULL, NULL);

	if (depth < 0 ||
	    SSL_get0_dane_tlsa(ssl, &usage, &selector, &mtype, &data, &n) < 0)
		return ERR_TLS;
	if (usage == USAGE_DANE_EE)
		r->proof = TLS_PROOF_DANE_EE;
	else if (usage == USAGE_DANE_TA)
		r->proof = TLS_PROOF_DANE_TA;
	else
		return ERR_TLS;
	r->depth = depth;
	set_record(r, usage, selector, mtype, str_n((const char *)data, n));
	return 0;
}
