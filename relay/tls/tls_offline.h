/* A chain judged without a connection: what a handshake by a plan would say. */
#ifndef RELAY_TLS_TLS_OFFLINE_H
#define RELAY_TLS_TLS_OFFLINE_H

#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "relay/tls/tls_ctx.h"

/*
 * pem: the certificates that a server would present, leaf first. now: seconds
 * since 1970 to judge dates by, or a negative number for the present. Levels
 * TLS_DANE and TLS_PKIX; another one is a BUG. out is as after a handshake, but
 * nothing is established; it is written in any case.
 *
 * 0: see out->failure. ERR_SYNTAX: no certificate, or something else in pem.
 * ERR_TLS: the plan has no usable TLSA record or name, so that it could never
 * be fulfilled.
 */
NODISCARD int tls_offline_verify(struct tls_ctx *ctx,
    const struct tls_plan *plan, struct str pem, int64_t now,
    struct tls_result *out);
/* The same for a chain that was seen, at present: chain is a STACK_OF(X509),
 * leaf first, not empty. Also for TLS_DANE_PKIX, where both must hold.
 * relay/tls only. ERR_TLS. */
NODISCARD int tls_offline_chain(struct tls_ctx *ctx,
    const struct tls_plan *plan, void *chain, struct tls_result *out);

#endif
