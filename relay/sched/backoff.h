/* Delays between attempts. Pure. */
#ifndef RELAY_SCHED_BACKOFF_H
#define RELAY_SCHED_BACKOFF_H

#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"

/* Seconds until try number tries+1 after `tries` failed ones (tries >= 1):
 * the schedule, its last entry repeated, plus or minus a tenth. */
int64_t backoff_delay(
    const int64_t *retry_s, size_t n, uint32_t tries, struct rng *rng);

#endif
