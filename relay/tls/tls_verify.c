/*
 * PKIX as MTA-STS wants it (RFC 8461 4.2): a trusted chain, valid now, with
 * the MX host's name among the DNS-IDs. The subject's CN never counts, and "*"
 * stands for exactly one whole label. STS-35.
 *
 * What OpenSSL leaves out of DANE, and PKIX where both must hold, is checked
 * inside the handshake's verification, so that a failure of any ends the
 * handshake with an alert.
 */
#include "config.h"

#include "relay/tls/tls_verify.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/base/domain.h"
#include "relay/base/str.h"
#include "relay/tls/tls_dane.h"

#define PKIX_HOSTFLAGS \
	(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | \
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

bool
tls_verify_is_name(const char *s)
{
	return s[0] != '\0' && s[0] != '.' && !domain_is_ip(str_of(s));
}

static int
set_param(X509_VERIFY_PARAM *param, const char *name)
{
	if (!tls_verify_is_name(name) ||
	    X509_VERIFY_PARAM_set1_host(param, name, 0) != 1)
		return ERR_TLS;
	X509_VERIFY_PARAM_set_hostflags(param, PKIX_HOSTFLAGS);
	return 0;
}

int
tls_verify_setup(void *ssl, const char *name)
{
	return set_param(SSL_get0_param(ssl), name);
}

int
tls_verify_chain(void *store, void *leaf, void *untrusted, const char *name)
{
	X509_STORE_CTX *sctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int code = X509_V_ERR_UNSPECIFIED;

	if (!sctx || X509_STORE_CTX_init(sctx, store, leaf, untrusted) != 1 ||
	    X509_STORE_CTX_set_default(sctx, "ssl_server") != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(sctx);
	X509_VERIFY_PARAM_set_auth_level(param, TLS_VERIFY_SECURITY_LEVEL);
	if (set_param(param, name) != 0)
		goto out;
	if (X509_verify_cert(sctx) == 1) {
		code = X509_V_OK;
		goto out;
	}
	code = X509_STORE_CTX_get_error(sctx);
	if (code == X509_V_OK)
		code = X509_V_ERR_UNSPECIFIED;
out:
	X509_STORE_CTX_free(sctx);
	ERR_clear_error();
	return code;
}

static int
verify(X509_STORE_CTX *sctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    sctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	const char *also = ssl ? SSL_get_app_data(ssl) : NULL;
	int code;

	(void)arg;
	if (!ssl) {
		X509_STORE_CTX_set_error(sctx, X509_V_ERR_UNSPECIFIED);
		return 0;
	}
	if (X509_verify_cert(sctx) != 1)
		return 0;
	code = tls_dane_check_anchor(ssl, sctx);
	if (code == X509_V_OK && also)
		code = tls_verify_chain(
		    SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)),
		    X509_STORE_CTX_get0_cert(sctx),
		    X509_STORE_CTX_get0_untrusted(sctx), also);
	if (code == X509_V_OK)
		return 1;
	X509_STORE_CTX_set_error(sctx, code);
	return 0;
}

void
tls_verify_install(void *ssl_ctx)
{
	SSL_CTX_set_cert_verify_callback(ssl_ctx, verify, NULL);
}

int
tls_verify_also(void *ssl, const char *name)
{
	/* The cast takes const away for a pointer that is only read. */
	if (!tls_verify_is_name(name) ||
	    SSL_set_app_data((SSL *)ssl, (char *)(uintptr_t)name) != 1)
		return ERR_TLS;
	return 0;
}

enum tls_failure
tls_verify_failure(long code)
{
	switch (code) {
	case X509_V_OK:
		return TLS_OK;
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return TLS_HOST_MISMATCH;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
	case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
		return TLS_EXPIRED;
	case X509_V_ERR_DANE_NO_MATCH:
		return TLS_TLSA_MISMATCH;
	default:
		return TLS_NOT_TRUSTED;
	}
}
