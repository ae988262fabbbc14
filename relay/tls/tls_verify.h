/* Verification of a chain by PKIX, and what its errors mean. relay/tls only. */
#ifndef RELAY_TLS_TLS_VERIFY_H
#define RELAY_TLS_TLS_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/err.h"
#include "relay/model/tls_result.h"

/* OpenSSL's: 112 bits, so RSA from 2048 bits, no SHA-1. */
#define TLS_VERIFY_SECURITY_LEVEL 2

/* Whether s may be a reference identifier: a name and no address; a name that
 * begins with a dot would stand for all below it. */
bool tls_verify_is_name(const char *s);
/* Makes ssl demand a trusted chain for name: RFC 8461 4.2. ERR_TLS. */
NODISCARD int tls_verify_setup(void *ssl, const char *name);
/*
 * Checks leaf (X509) with untrusted (STACK_OF(X509), may be NULL) against
 * store, now, for name: the rules of tls_verify_setup. Returns an X509_V_
 * code, 0 when all is well.
 */
int tls_verify_chain(
    void *store, void *leaf, void *untrusted, const char *name);
/*
 * Hangs our verification into an SSL_CTX: OpenSSL's, then the dates of a
 * DANE-TA anchor, then, for an SSL that tls_verify_also named a second name
 * for, PKIX on top. All must hold.
 */
void tls_verify_install(void *ssl_ctx);
/* name is kept by reference, as long as ssl. */
NODISCARD int tls_verify_also(void *ssl, const char *name);
/* Class of an X509_V_ code. */
enum tls_failure tls_verify_failure(long code);

#endif
