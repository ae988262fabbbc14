/*
 * One SMTP session to one address of one MX host: obeys a tls_plan, sends one
 * message. An actor of one shard.
 */
#ifndef RELAY_DELIVER_SMTP_OUT_H
#define RELAY_DELIVER_SMTP_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/str.h"
#include "relay/model/msg.h"
#include "relay/model/options.h"
#include "relay/model/tls_plan.h"
#include "relay/net/sockaddr.h"
#include "relay/net/timer.h"
#include "relay/smtp/client_fsm.h"

struct tls_ctx;
struct smtp_outs; /* all sessions of a shard */
struct smtp_out; /* one session */

struct smtp_outs_opts {
	struct loop *loop;
	struct tls_ctx *tls;
	const struct options *options;
	struct log *log;
	struct metrics *metrics;
};

struct smtp_outs *smtp_outs_new(const struct smtp_outs_opts *o);
/* Closes all sessions; handles go in later rounds of the loop. No callback
 * after this. */
void smtp_outs_free(struct smtp_outs *s);

struct smtp_out_req {
	struct sockaddr_any addr;
	const struct tls_plan *plan; /* copied */
	bool clear; /* the plan's fallback: no STARTTLS */
	struct msg *msg; /* counted while the session lives */
	struct blob *body; /* counted likewise */
	const struct rcpt *const *rcpts; /* copied */
	size_t n;
};

/* What the session came to; borrowed for the call. */
struct smtp_out_result {
	bool connected; /* TCP came about */
	bool transaction; /* MAIL was sent: ask client_fsm_result */
	bool not_proven; /* gate_may_mail said no: nothing was sent */
	enum client_fail failure;
	int err; /* of the connection, enum err */
	const char *err_text;
	const struct client_fsm *fsm;
	const struct tls_result *tls;
};

typedef void smtp_out_fn(void *arg, const struct smtp_out_result *res);

/*
 * Starts. fn runs exactly once, later, when the fate of all recipients is
 * known or the session ended; QUIT is said afterwards without the caller.
 * NULL: no socket can be made; fn is not called.
 */
struct smtp_out *smtp_out_start(struct smtp_outs *s,
    const struct smtp_out_req *req, smtp_out_fn *fn, void *arg);
/* fn does not run any more; the connection is dropped. */
void smtp_out_cancel(struct smtp_out *o);
/* The final dot has been or is being sent: an end now leaves it uncertain. */
bool smtp_out_in_body(const struct smtp_out *o);

#endif
