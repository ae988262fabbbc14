/*
 * A byte stream with an optional TLS layer, used by both directions. All
 * calls on the loop's thread; callbacks never run inside a call of ours.
 */
#ifndef RELAY_NET_CONN_H
#define RELAY_NET_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "relay/net/sockaddr.h"
#include "relay/net/timer.h"

struct conn;
struct tls_ctx; /* relay/tls/tls_ctx.h */

#define CONN_EVENT_LIST(X) \
	X(CONN_CONNECTED, "connected") \
	X(CONN_DATA, "data") /* bytes: borrowed for the call */ \
	X(CONN_DRAINED, "drained") /* all that was written has gone out */ \
	X(CONN_TLS_DONE, "tls") /* handshake ended: see conn_tls_result */ \
	X(CONN_EOF, "eof") /* peer closed its side; text if not clean */ \
	X(CONN_ERROR, "error") /* err; nothing more but CONN_CLOSED */ \
	X(CONN_CLOSED, "closed") /* last event; the conn is gone after it */

enum conn_event_kind {
#define CONN_ENUM_(id, text) id,
	CONN_EVENT_LIST(CONN_ENUM_)
#undef CONN_ENUM_
};
const char *conn_event_str(enum conn_event_kind k);

struct conn_event {
	enum conn_event_kind kind;
	struct str data;
	int err; /* enum err */
	char text[128]; /* of the system, for the log */
};

typedef void conn_fn(void *arg, const struct conn_event *ev);

/*
 * Starts a TCP connection. The result comes as CONN_CONNECTED or
 * CONN_ERROR (ERR_REFUSED, ERR_UNREACH, ERR_TIMEOUT after timeout_ms,
 * ERR_IO). Returns NULL only when no socket can be made.
 *
 * After CONN_ERROR the connection closes itself and CONN_CLOSED follows; a
 * conn_close before that does no harm. CONN_ERROR of a read or write has
 * ERR_CLOSED (reset by the peer), ERR_TLS, ERR_TIMEOUT or ERR_IO.
 */
struct conn *conn_connect(struct loop *loop, const struct sockaddr_any *to,
    int64_t timeout_ms, conn_fn *fn, void *arg);
/* Wraps an accepted descriptor (TCP or unix), which it then owns; it reads
 * at once. NULL: descriptor was closed, no memory for it. */
struct conn *conn_accepted(
    struct loop *loop, int take_fd, conn_fn *fn, void *arg);
/* Peer address (family 0 for unix). */
void conn_peer(const struct conn *c, struct sockaddr_any *out);

/*
 * Queues bytes (copied); they go out in the next round of the loop. After TLS
 * is up they are encrypted. Between conn_start_tls and a successful
 * CONN_TLS_DONE, and after the connection ended, bytes are dropped: nothing
 * goes out in clear that was meant for TLS.
 */
void conn_write(struct conn *c, const void *p, size_t n);
/* Bytes queued and not yet written to the socket: back-pressure. */
size_t conn_pending(const struct conn *c);
/* Stops and restarts reading: back-pressure on the peer. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
/*
 * Client side TLS by plan on ctx, over a connection in clear. The caller has
 * made sure that no byte was left behind the 220 (STYLE 28, SMTP-22).
 * CONN_TLS_DONE follows in any case unless the connection dies first, which
 * is CONN_ERROR with ERR_TLS.
 * On failure the result says so; nothing was sent but TLS alerts. The caller
 * then closes. What is read from now on goes to TLS alone, also bytes that the
 * peer sent in clear: they fail the handshake and never come as CONN_DATA.
 */
void conn_start_tls(
    struct conn *c, struct tls_ctx *ctx, const struct tls_plan *plan);
/* Valid after CONN_TLS_DONE; zeroed with proof none before. */
const struct tls_result *conn_tls_result(const struct conn *c);
/* After CONN_TLS_DONE: appends the peer's certificates as PEM, see
 * tls_engine_chain. */
struct buf;
void conn_tls_chain(const struct conn *c, struct buf *pem);
/* One deadline, replaced at each call; 0 none. Expiry is CONN_ERROR with
 * ERR_TIMEOUT. */
void conn_deadline(struct conn *c, int64_t ms);
/*
 * Closes: flush = first writes what is queued and waits for the peer's end (at
 * most 2 s in all). Idempotent; a later call without flush ends the waiting.
 * Only CONN_CLOSED comes after it.
 */
void conn_close(struct conn *c, int flush);

#endif
