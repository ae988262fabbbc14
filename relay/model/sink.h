/*
 * Where an inbound session puts a message. Wired by main to queue/intake
 * (store, then 250) or live. All calls on the session's shard thread.
 */
#ifndef RELAY_MODEL_SINK_H
#define RELAY_MODEL_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/model/msg.h"

/* What the session knows about its client; for the trace header. */
struct sink_client {
	char addr[64]; /* "192.0.2.1" or "unix" */
	char helo[DOMAIN_MAX + 8];
	const char *protocol; /* "ESMTP", "SMTP", "ESMTPS": RFC 3848 */
};

struct sink_envelope {
	const struct sink_client *client;
	const char *sender; /* canonical mailbox, "" = null */
	uint32_t flags; /* enum msg_flags */
	const char *envid;
	const struct rcpt_in *rcpts;
	size_t n_rcpts;
};

/* The reply to the final dot. text is one line without code. */
typedef void sink_reply_fn(
    void *arg, int code, const char *dsn, const char *text);

struct sink_txn; /* one message being received */

struct mail_sink {
	void *ctx;
	/* Starts a message: at DATA, before the 354. 0, or an error that
	 * becomes 452 4.3.1 (ERR_FULL) or 451 4.3.0. */
	int (*begin)(
	    void *ctx, const struct sink_envelope *env, struct sink_txn **out);
	/* Body bytes, dots removed, CRLF line ends. ERR_TOOBIG: 552 5.3.4;
	 * after an error the session still reads to the final dot and then
	 * calls abort. */
	int (*body)(struct sink_txn *t, const void *p, size_t n);
	/* All bytes are there. reply_fn runs exactly once, later, unless abort
	 * is called first; t is gone then. A message may still become queued
	 * after an abort that follows end (client gone): it is then delivered,
	 * RFC 5321 4.1.1.4 allows the duplicate. */
	void (*end)(struct sink_txn *t, sink_reply_fn *reply_fn, void *arg);
	void (*abort)(struct sink_txn *t);
};

#endif
