/* One transaction of a sending session: a part of client_fsm. */
#ifndef RELAY_SMTP_CLIENT_TXN_H
#define RELAY_SMTP_CLIENT_TXN_H

#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/smtp/client_state.h"

/* Begins txn in CS_READY or CS_DONE; CS_ENVELOPE follows, or CS_DONE at once
 * when the server can't take the message by what it offers. */
void client_txn_begin(
    struct client_fsm *f, const struct client_txn *txn, struct buf *out);
/* A reply to RSET, MAIL, RCPT, DATA or the final dot; x is taken off. */
void client_txn_reply(struct client_fsm *f, const struct reply *r,
    struct expect x, struct buf *out);
/*
 * A reply while the body is being written: true when it is dealt with or must
 * stay where it is until CLIENT_EV_BODY_SENT.
 */
bool client_txn_early(struct client_fsm *f, const struct reply *r);
/* The body and its final dot are out. */
void client_txn_body_sent(struct client_fsm *f);
/* The connection went away. */
void client_txn_lost(struct client_fsm *f);
void client_txn_get(
    const struct client_fsm *f, size_t i, struct client_rcpt_result *out);
/* Frees the results. */
void client_txn_clear(struct client_fsm *f);

#endif
