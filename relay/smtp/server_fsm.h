/*
 * The receiving side of one SMTP session as step(event) -> replies and
 * wants. No sockets, no clock. RFC 5321, 1870, 2920, 6152, 2034.
 */
#ifndef RELAY_SMTP_SERVER_FSM_H
#define RELAY_SMTP_SERVER_FSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"
#include "relay/model/sink.h"

struct server_fsm;

struct server_opts {
	const char *hostname; /* copied */
	const char *client; /* address text, copied */
	bool may_relay; /* decided by in/access before the greeting */
	uint64_t max_size; /* bytes of one message */
	size_t max_rcpts, max_errors;
};

enum server_want {
	SERVER_WANT_INPUT, /* more bytes */
	SERVER_WANT_BEGIN, /* DATA: ask the sink; then server_fsm_begun */
	SERVER_WANT_BODY, /* body bytes are in server_fsm_body: hand them on,
			     * then step again with no data */
	SERVER_WANT_END, /* final dot: sink end; then server_fsm_replied */
	SERVER_WANT_ABORT, /* message is void (too big, lone LF...): sink
			     * abort; then step again with no data */
	SERVER_WANT_CLOSE /* flush replies, then close */
};

struct server_fsm *server_fsm_new(const struct server_opts *o);
void server_fsm_free(struct server_fsm *f); /* NULL is fine */

/* Greeting into out: 220, or 554 when may_relay is false (then CLOSE). */
enum server_want server_fsm_start(struct server_fsm *f, struct buf *out);
/*
 * Takes bytes (all are kept inside; commands that are pipelined wait there)
 * and goes as far as it can. Only CRLF ends a line and only CRLF.CRLF the
 * data (SMTP-02): a bare CR or LF in a command is 500; in data it voids the
 * message (550 5.6.0 at the end), so that nothing can be smuggled. While the
 * sink is asked (after WANT_BEGIN, WANT_END) it only keeps the bytes and
 * returns WANT_INPUT; more than 4 MiB of them end the session. Nothing is
 * written or wanted after WANT_CLOSE.
 */
enum server_want server_fsm_step(
    struct server_fsm *f, struct str data, struct buf *out);
/* err 0: sends 354. Else the reply that fits err and no data phase. */
enum server_want server_fsm_begun(
    struct server_fsm *f, int err, struct buf *out);
/* The sink could not take body bytes (ERR_TOOBIG, other): reads to the final
 * dot, then replies by err. The caller has called the sink's abort. */
void server_fsm_body_failed(struct server_fsm *f, int err);
/* Reply to the final dot: "250 2.0.0 text". */
enum server_want server_fsm_replied(struct server_fsm *f, int code,
    const char *dsn, const char *text, struct buf *out);
/* Body bytes of SERVER_WANT_BODY: dots removed, CRLF ends. Borrowed until the
 * next step. */
struct str server_fsm_body(const struct server_fsm *f);
/* Envelope of SERVER_WANT_BEGIN; client is filled by the caller. Borrowed
 * until the message ended. */
void server_fsm_envelope(const struct server_fsm *f, struct sink_envelope *out);
const char *server_fsm_helo(const struct server_fsm *f);
bool server_fsm_esmtp(const struct server_fsm *f);
/* 421 and close: shutdown, timeout. text without code. */
enum server_want server_fsm_goodbye(
    struct server_fsm *f, const char *dsn, const char *text, struct buf *out);
/* Counters since start, for metrics. */
unsigned server_fsm_errors(const struct server_fsm *f);

#endif
