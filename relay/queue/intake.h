/*
 * The one way into the queue: trace header, hop check, body, store job. 250
 * goes out when the commit is done, and the recipients go to their shards.
 * RFC 5321 4.4, 6.1, 6.3.
 */
#ifndef RELAY_QUEUE_INTAKE_H
#define RELAY_QUEUE_INTAKE_H

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/model/options.h"
#include "relay/model/sink.h"
#include "relay/queue/store.h"

struct intake;

struct intake_opts {
	struct store *store;
	const struct options *options;
	struct clock clock;
	struct rng *rng;
	struct log *log;
	struct metrics *metrics;
	/* Takes over one queued recipient: hands it to its owner shard. */
	void (*handoff)(void *arg, struct rcpt *take_r);
	void *handoff_arg;
};

struct intake *intake_new(const struct intake_opts *o);
void intake_free(struct intake *in); /* transactions end without a reply */
/* The sink that sessions write to; valid as long as in. */
const struct mail_sink *intake_sink(struct intake *in);

#endif
