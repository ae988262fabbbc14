/*
 * The front door of one shard: SMTP sessions of clients that may relay,
 * written to a struct mail_sink. server_fsm decides what is said.
 */
#ifndef RELAY_IN_SMTP_IN_H
#define RELAY_IN_SMTP_IN_H

#include <stddef.h>

#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/model/options.h"
#include "relay/model/sink.h"
#include "relay/net/sockaddr.h"
#include "relay/net/timer.h"

struct smtp_in; /* all sessions of a shard */

struct smtp_in_opts {
	struct loop *loop;
	const struct options *options;
	const struct mail_sink *sink;
	struct log *log;
	struct metrics *metrics;
};

struct smtp_in *smtp_in_new(const struct smtp_in_opts *o);
/* A client came in on listener l. fd is owned by the callee. Over the limit
 * of sessions it gets 421 and is closed. */
void smtp_in_accept(struct smtp_in *s, const struct opt_listen *l, int take_fd,
    const struct sockaddr_any *peer);
/*
 * Shutdown: sessions that do not wait for a commit get 421 and are closed;
 * the others end with their answer. done_fn runs once, later, when none is
 * left.
 */
void smtp_in_stop(struct smtp_in *s, void (*done_fn)(void *arg), void *arg);
/* Drops what is left. Handles close in later rounds of the loop. */
void smtp_in_free(struct smtp_in *s);

#endif
