/*
 * TLS without a socket: bytes of the wire in and out through memory, one
 * handshake by a tls_plan, verified before anybody sees it as done.
 */
#ifndef RELAY_TLS_TLS_ENGINE_H
#define RELAY_TLS_TLS_ENGINE_H

#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "relay/tls/tls_ctx.h"

struct tls_engine;

/*
 * Client engine for plan (copied). A plan whose TLSA records OpenSSL does not
 * take any of is ERR_TLS: never a weaker handshake.
 */
NODISCARD int tls_engine_new(
    struct tls_ctx *ctx, const struct tls_plan *plan, struct tls_engine **out);
void tls_engine_free(struct tls_engine *e); /* NULL is fine */

/* Bytes that came from the peer. */
void tls_engine_feed(struct tls_engine *e, const void *p, size_t n);
/*
 * Goes on with the handshake. ERR_MORE: flush output, wait for input. 0: done
 * and as the plan demands (see tls_engine_result). ERR_TLS: failed, result
 * says why; flush output (alert), then close.
 */
NODISCARD int tls_engine_handshake(struct tls_engine *e);
const struct tls_result *tls_engine_result(const struct tls_engine *e);
/*
 * When the handshake has ended, well or not: appends the certificates that the
 * peer showed, as PEM, its own first. After a failed verification they are
 * those that it came to; none when it did not come to any.
 */
void tls_engine_chain(const struct tls_engine *e, struct buf *pem);
/* After the handshake. Encrypts into the output. ERR_TLS. */
NODISCARD int tls_engine_write(struct tls_engine *e, const void *p, size_t n);
/* Decrypts up to n bytes into p, *got says how many. ERR_MORE when there is
 * no more for now, ERR_CLOSED on close_notify, ERR_TLS. */
NODISCARD int tls_engine_read(
    struct tls_engine *e, void *p, size_t n, size_t *got);
/* Moves what must go to the peer into out; bytes moved. */
size_t tls_engine_output(struct tls_engine *e, struct buf *out);
/* Queues close_notify. */
void tls_engine_shutdown(struct tls_engine *e);

#endif
