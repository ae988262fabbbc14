/*
 * The one way out of the queue: the outcomes of a grant become ONE store job
 * (rows, DSN, together), tried again until it is committed; then a delivery
 * line a recipient.
 */
#ifndef RELAY_DELIVER_FINISH_H
#define RELAY_DELIVER_FINISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/model/options.h"
#include "relay/model/outcome.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"
#include "relay/sched/sched.h"

struct finish;

struct finish_ctx {
	struct loop *loop;
	struct store *store;
	const struct options *options;
	struct clock clock;
	struct rng *rng;
	struct log *log;
	struct metrics *metrics;
	/* DSNs made here go to the shards of their next hops. */
	void (*handoff)(void *arg, struct rcpt *take_r);
	void *handoff_arg;
};

struct finish_req {
	const struct sched_grant *grant;
	const struct outcome *outcomes; /* judged; copied */
	const int64_t *next_try; /* copied */
	const uint32_t *tries; /* copied */
	struct blob *body; /* counted; NULL: DSN without it */
	const struct receipt_proof *proof; /* copied; of attempt_result */
};

/* The rows are committed. */
typedef void finish_fn(void *arg);

/* fn runs exactly once, later, however long the store needs. */
struct finish *finish_start(const struct finish_ctx *ctx,
    const struct finish_req *req, finish_fn *fn, void *arg);
/* No callback. A job that is with the store is still carried out; else the
 * rows stay as they are, and the next run tries them again. */
void finish_free(struct finish *f);

#endif
