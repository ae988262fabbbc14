/*
 * What one sending session knows: the inside of client_fsm, shared with
 * client_txn and nobody else. One setter writes the state.
 */
#ifndef RELAY_SMTP_CLIENT_STATE_H
#define RELAY_SMTP_CLIENT_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/smtp/caps.h"
#include "relay/smtp/client_fsm.h"

#define CLIENT_STATE_LIST(X) \
	X(CS_START, "start") \
	X(CS_GREETING, "greeting") \
	X(CS_EHLO, "ehlo") \
	X(CS_HELO, "helo") \
	X(CS_STARTTLS, "starttls") \
	X(CS_TLS, "tls") /* the caller does the handshake */ \
	X(CS_READY, "ready") /* no transaction yet */ \
	X(CS_ENVELOPE, "envelope") /* RSET, MAIL, RCPT or DATA are out */ \
	X(CS_BODY, "body") /* the caller writes the body */ \
	X(CS_FINAL, "final") /* the final dot is out */ \
	X(CS_DONE, "done") /* results of a transaction are final */ \
	X(CS_QUIT, "quit") \
	X(CS_OVER, "over")

enum client_state {
#define CLIENT_ENUM_(id, text) id,
	CLIENT_STATE_LIST(CLIENT_ENUM_)
#undef CLIENT_ENUM_
};

/* Commands whose reply is still to come. */
enum expect_kind {
	X_NONE,
	X_GREETING,
	X_EHLO,
	X_HELO,
	X_STARTTLS,
	X_RSET,
	X_MAIL,
	X_RCPT,
	X_DATA,
	X_FINAL,
	X_QUIT
};

struct expect {
	enum expect_kind kind;
	size_t i; /* recipient of X_RCPT */
};

/* What became of one recipient at RCPT. */
struct client_slot {
	bool accepted;
	struct reply refusal; /* code 0: none */
};

/* What became of all the others together. */
struct client_verdict {
	enum client_rcpt_state kind;
	const char *stage, *local_dsn, *local_text;
	struct reply reply;
};

struct client_fsm {
	enum client_state state;
	struct client_opts o;
	char *helo;
	struct buf in;
	struct caps caps;
	bool tls_up;
	struct expect *queue; /* replies to come */
	size_t q_head, q_n, q_cap;
	unsigned replies; /* whole ones that came */
	enum client_fail failure;
	struct reply reply; /* that ended the session */
	struct client_txn txn;
	struct expect next; /* command of the envelope to send next */
	bool mail_ok; /* MAIL was accepted */
	bool stale; /* the server may hold half a transaction */
	size_t n_accepted;
	struct client_slot *slots;
	size_t n_slots;
	struct client_verdict verdict;
};

const char *client_state_str(enum client_state s);
/* Is this step in the table of transitions? */
bool client_state_legal(enum client_state from, enum client_state to);
/* The one that writes f->state; an illegal step is a BUG. */
void client_set_state(struct client_fsm *f, enum client_state to);

/* Puts a reply to come at the end of the queue. */
void client_expect(struct client_fsm *f, enum expect_kind kind, size_t i);
/* First reply to come (X_NONE: none), and the same taken off. */
struct expect client_expected(const struct client_fsm *f);
struct expect client_expect_pop(struct client_fsm *f);

/* Over at once. The first failure stays; reply may be NULL and is copied. */
void client_end(
    struct client_fsm *f, enum client_fail failure, const struct reply *reply);
/* Failed, but the peer is told by QUIT, unless its reply was 421. */
void client_give_up(struct client_fsm *f, enum client_fail failure,
    const struct reply *reply, struct buf *out);
void client_send_quit(struct client_fsm *f, struct buf *out);

#endif
