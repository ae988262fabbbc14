/*
 * What libcurl leaves open. On its own it accepts a certificate that has the
 * host in its common name alone, so the name is demanded by OpenSSL too, with
 * rules of our own (STS-16); and the trust anchors are ours, not those of its
 * build.
 *
 * RFC 8461 3.3, RFC 6125 6.4.
 */
#include "config.h"

#include "relay/tls/tls_http.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/tls/tls_verify.h"

#define SSL_OPTIONS \
	(SSL_OP_ALL | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | \
	    SSL_OP_NO_RENEGOTIATION)

int
tls_http_setup(void *ssl_ctx, struct tls_ctx *c, const char *host)
{
	SSL_CTX *s = ssl_ctx;
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(s);

	if (!tls_verify_is_name(host))
		return ERR_TLS;
	SSL_CTX_set_security_level(s, TLS_VERIFY_SECURITY_LEVEL);
	SSL_CTX_set_options(s, SSL_OPTIONS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set1_cert_store(s, tls_ctx_store(c));
	SSL_CTX_set_verify(s, SSL_VERIFY_PEER, NULL);
	/* STS-17: "*" as the whole first label only */
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1)
		return ERR_TLS;
	/* RFC 8461 7.2 */
	if (SSL_CTX_set_min_proto_version(s, TLS1_2_VERSION) != 1)
		return ERR_TLS;
	return 0;
}

enum tls_failure
tls_http_failure(long verify_result)
{
	if (verify_result == X509_V_OK)
		return TLS_HANDSHAKE;
	return tls_verify_failure(verify_result);
}
