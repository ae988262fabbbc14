/* A plan's TLSA records and reference names into an SSL. relay/tls only. */
#ifndef RELAY_TLS_TLS_DANE_H
#define RELAY_TLS_TLS_DANE_H

#include "relay/base/err.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"

/*
 * ssl is an SSL of a context with DANE enabled. ERR_TLS when the plan has no
 * reference name or OpenSSL takes none of the records. Sets no SNI of its own.
 */
NODISCARD int tls_dane_setup(void *ssl, const struct tls_plan *plan);
/*
 * Called with the X509_STORE_CTX of a chain that OpenSSL has accepted for ssl:
 * are the dates of the trust anchor in order too? An X509_V_ code; X509_V_OK
 * also where a DANE-EE record, a bare key or no record at all decided.
 */
int tls_dane_check_anchor(void *ssl, void *store_ctx);
/* After verification: what matched, into proof and depth. ERR_TLS when
 * nothing did, whatever the library said. */
NODISCARD int tls_dane_proof(void *ssl, struct tls_result *r);

#endif
