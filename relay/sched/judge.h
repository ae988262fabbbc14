/* What becomes of a recipient after an attempt. Private to relay/sched. */
#ifndef RELAY_SCHED_JUDGE_H
#define RELAY_SCHED_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "relay/model/msg.h"
#include "relay/model/outcome.h"

struct judge {
	const int64_t *retry_s;
	size_t n_retry;
	int64_t lifetime_s;
	uint64_t seed; /* of the jitter: one for all that shall stay together */
};

/* As sched_judge. */
void judge_rcpt(const struct judge *j, const struct rcpt *r, int64_t now,
    struct outcome *io, int64_t *next_try, uint32_t *tries);

#endif
