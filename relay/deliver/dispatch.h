/*
 * The scheduler of one shard brought to life: recipients in, grants to
 * attempts, outcomes to finish, back-off, paging from the store.
 */
#ifndef RELAY_DELIVER_DISPATCH_H
#define RELAY_DELIVER_DISPATCH_H

#include <stddef.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/deliver/watch.h"
#include "relay/model/options.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"
#include "relay/sched/sched.h"

struct decide;
struct dispatch;
struct smtp_outs;

struct dispatch_opts {
	struct loop *loop;
	struct decide *decide;
	struct smtp_outs *outs;
	struct store *store;
	unsigned shard, shards;
	const struct options *options;
	struct clock clock;
	struct rng *rng;
	struct log *log;
	struct metrics *metrics;
	void (*handoff)(void *arg, struct rcpt *take_r); /* of DSNs */
	void *handoff_arg;
	struct deliver_watch watch;
};

struct dispatch *dispatch_new(const struct dispatch_opts *o);
/* Reads the queue of this shard and begins. */
void dispatch_start(struct dispatch *d);
/* One queued recipient of this shard, taken over. */
void dispatch_add(struct dispatch *d, struct rcpt *take_r);
/* Rows of this shard were left to the store by somebody: page again. */
void dispatch_repage(struct dispatch *d);
/* The turn that the watch was asked for has come. */
void dispatch_turn(struct dispatch *d);
/*
 * No new grants; sessions that are not in their body end now. done_fn runs
 * once, later, when no attempt and no finish job is left.
 */
void dispatch_stop(struct dispatch *d, void (*done_fn)(void *arg), void *arg);
/* Drops what is left, without callbacks. NULL is fine. */
void dispatch_free(struct dispatch *d);

#endif
