/*
 * The sending side of one SMTP session as step(state, event) -> bytes and
 * wants. No sockets, no clock: the caller moves bytes, starts TLS and keeps
 * the deadlines it is told. RFC 5321, 3207, 2920, 1870, 6152.
 */
#ifndef RELAY_SMTP_CLIENT_FSM_H
#define RELAY_SMTP_CLIENT_FSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"
#include "relay/model/tls_plan.h"
#include "relay/smtp/reply.h"

struct client_fsm;

enum client_tls {
	CLIENT_TLS_NONE, /* stay in clear: only for a plan's fallback */
	CLIENT_TLS_TRY, /* use it when offered (opportunistic) */
	CLIENT_TLS_MUST /* no STARTTLS: report and quit before MAIL */
};

struct client_opts {
	const char *helo; /* our name; copied */
	enum client_tls tls;
	bool requiretls; /* needs REQUIRETLS after STARTTLS, or end */
};

/* One transaction; all borrowed until CLIENT_TXN_DONE or the end. */
struct client_txn {
	const char *sender;
	const char *const *rcpts;
	size_t n_rcpts;
	size_t size; /* bytes of the body */
	bool eightbit, smtputf8;
};

enum client_event_kind {
	CLIENT_EV_CONNECTED,
	CLIENT_EV_DATA, /* bytes of the peer (decrypted when TLS is up) */
	CLIENT_EV_TLS_OK, /* handshake done and as the plan demands */
	CLIENT_EV_TLS_FAILED,
	CLIENT_EV_CLOSED, /* EOF, error or deadline: err */
	CLIENT_EV_BODY_SENT /* the caller wrote the dot-stuffed body and final
			     * dot it was asked for */
};

struct client_event {
	enum client_event_kind kind;
	struct str data;
	int err;
};

/*
 * What the caller must do now; at most one of these at a time. STARTTLS, TXN,
 * BODY and TXN_DONE are returned once, when it comes to that; then INPUT. A
 * session that ends within a transaction returns OVER, not TXN_DONE, and the
 * results are there too.
 */
enum client_want {
	CLIENT_WANT_INPUT, /* wait for bytes, up to timeout */
	CLIENT_WANT_STARTTLS, /* start the handshake */
	CLIENT_WANT_TXN, /* session is ready: client_fsm_mail or _quit */
	CLIENT_WANT_BODY, /* 354 is here: send the body */
	CLIENT_TXN_DONE, /* results of the transaction are final; then as
				* CLIENT_WANT_TXN unless client_fsm_over */
	CLIENT_OVER /* session ended: see client_fsm_failure */
};

/* Which of options.timeouts runs now. */
enum client_timer {
	CLIENT_T_GREETING,
	CLIENT_T_EHLO,
	CLIENT_T_STARTTLS,
	CLIENT_T_MAIL,
	CLIENT_T_RCPT,
	CLIENT_T_DATA,
	CLIENT_T_BLOCK,
	CLIENT_T_FINAL,
	CLIENT_T_QUIT
};

/* Why a session ended before a transaction could begin, or in it. */
#define CLIENT_FAIL_LIST(X) \
	X(CLIENT_OK, "ok") \
	X(CLIENT_FAIL_GREETING, "greeting") /* reply kept */ \
	X(CLIENT_FAIL_EHLO, "ehlo") /* reply kept */ \
	X(CLIENT_FAIL_NO_STARTTLS, "no-starttls") /* not offered or refused */ \
	X(CLIENT_FAIL_TLS, "tls") \
	X(CLIENT_FAIL_NO_REQUIRETLS, "no-requiretls") \
	X(CLIENT_FAIL_PROTOCOL, "protocol") /* nonsense, injected bytes */ \
	X(CLIENT_FAIL_CLOSED, "closed") \
	X(CLIENT_FAIL_TIMEOUT, "timeout")

enum client_fail {
#define CLIENT_ENUM_(id, text) id,
	CLIENT_FAIL_LIST(CLIENT_ENUM_)
#undef CLIENT_ENUM_
};
const char *client_fail_str(enum client_fail f);

struct client_fsm *client_fsm_new(const struct client_opts *o);
void client_fsm_free(struct client_fsm *f); /* NULL is fine */

/*
 * One step. Bytes to send are appended to out. The return says what is wanted
 * next. Consumes all of ev->data. After CLIENT_OVER further steps are no-ops.
 * While the body is being written a "250" waits for CLIENT_EV_BODY_SENT; a
 * refusal ends the session at once.
 * Bytes left over when the 220 to STARTTLS came are CLIENT_FAIL_PROTOCOL.
 */
enum client_want client_fsm_step(
    struct client_fsm *f, const struct client_event *ev, struct buf *out);
/* Begins a transaction (after CLIENT_WANT_TXN / TXN_DONE). */
enum client_want client_fsm_mail(
    struct client_fsm *f, const struct client_txn *txn, struct buf *out);
/* Sends QUIT; WANT_INPUT, then OVER. In the middle of things: OVER at once.
 * A session that fails before MAIL says QUIT by itself: client_fsm_failure is
 * known then, and OVER comes with the answer. */
enum client_want client_fsm_quit(struct client_fsm *f, struct buf *out);

enum client_timer client_fsm_timer(const struct client_fsm *f);
/* Whole replies so far: with the timer, what a peer has to move on for more
 * time. Bytes of a reply that never ends are not enough (SMTP-28). */
unsigned client_fsm_replies(const struct client_fsm *f);
bool client_fsm_over(const struct client_fsm *f);
enum client_fail client_fsm_failure(const struct client_fsm *f);
/* Reply that ended the session or transaction, or NULL. Borrowed. */
const struct reply *client_fsm_reply(const struct client_fsm *f);

/* Results, after CLIENT_TXN_DONE or CLIENT_OVER within a transaction. */
enum client_rcpt_state {
	CLIENT_RCPT_NONE, /* no answer came: see failure */
	CLIENT_RCPT_ACCEPTED, /* body accepted by 2yz */
	CLIENT_RCPT_REPLY, /* refused: the reply says how (at MAIL, RCPT,
				* DATA or the final dot) */
	CLIENT_RCPT_LOCAL, /* we refuse: too big for SIZE, needs 8BITMIME
				* or SMTPUTF8; local_dsn, local_text */
	CLIENT_RCPT_UNCERTAIN /* body sent, answer lost: QUE-09 */
};
struct client_rcpt_result {
	enum client_rcpt_state state;
	const struct reply *reply; /* ACCEPTED and REPLY; borrowed */
	const char *stage; /* "MAIL", "RCPT", "DATA", "end of data" */
	const char *local_dsn, *local_text; /* static */
};
void client_fsm_result(
    const struct client_fsm *f, size_t i, struct client_rcpt_result *out);

#endif
