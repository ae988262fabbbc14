/* TLS of HTTPS requests whose SSL_CTX is made by another library. */
#ifndef RELAY_TLS_TLS_HTTP_H
#define RELAY_TLS_TLS_HTTP_H

#include "relay/base/err.h"
#include "relay/model/tls_result.h"
#include "relay/tls/tls_ctx.h"

/*
 * Makes ssl_ctx (SSL_CTX) demand a chain to the CA store of c, valid now, with
 * a DNS-ID for host (RFC 8461 3.3: the common name never counts, a wildcard
 * only as the whole left-most label), TLS 1.2 or later. The store is shared by
 * reference. ERR_TLS.
 */
NODISCARD int tls_http_setup(
    void *ssl_ctx, struct tls_ctx *c, const char *host);
/* Class of a failed handshake by its X509_V_ code; TLS_HANDSHAKE for 0. */
enum tls_failure tls_http_failure(long verify_result);

#endif
