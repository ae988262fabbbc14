/*
 * One attempt for one grant: body, route, hosts, addresses, sessions, until
 * each recipient has an outcome.
 */
#ifndef RELAY_DELIVER_ATTEMPT_H
#define RELAY_DELIVER_ATTEMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/model/outcome.h"
#include "relay/model/receipt.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"
#include "relay/sched/sched.h"

struct decide;
struct smtp_outs;
struct attempt;

/* What attempts of a shard share. */
struct attempt_ctx {
	struct loop *loop;
	struct decide *decide;
	struct smtp_outs *outs;
	struct store *store;
	struct log *log;
	struct metrics *metrics;
};

/* Borrowed for the call. */
struct attempt_result {
	const struct outcome *outcomes; /* one a recipient of the grant */
	bool host_failed; /* no session came to the recipients at all */
	bool released; /* dropped at shutdown: that was no attempt */
	struct blob *body; /* NULL when it could not be read */
	/* Of the transaction that took those which are OUT_SENT; NULL when none
	 * is. */
	const struct receipt_proof *proof;
};

typedef void attempt_fn(void *arg, const struct attempt_result *res);

/* fn runs exactly once, later. g stays valid until then. */
struct attempt *attempt_start(const struct attempt_ctx *ctx,
    const struct sched_grant *g, attempt_fn *fn, void *arg);
/* Shutdown: a session that is not in its body is dropped and all recipients
 * are released at once (fn runs later); one that is in it goes on. */
void attempt_hurry(struct attempt *a);
/* No callback; sessions are dropped. NULL is fine. */
void attempt_free(struct attempt *a);

#endif
