/*
 * Delays between attempts: the configured schedule with a tenth of chance, so
 * that what failed together does not come back together. RFC 5321 4.5.4.1.
 */
#include "config.h"

#include "relay/sched/backoff.h"

#define BACKOFF_DEFAULT 1800 /* seconds; RFC 5321: at least 30 minutes */
#define BACKOFF_MAX (30 * 86400)

int64_t
backoff_delay(const int64_t *retry_s, size_t n, uint32_t tries, struct rng *rng)
{
	size_t at = tries > 0 ? tries - 1 : 0;
	int64_t delay = BACKOFF_DEFAULT;
	int64_t tenth;

	if (n > 0)
		delay = retry_s[at < n ? at : n - 1];
	if (delay < 1)
		delay = 1;
	if (delay > BACKOFF_MAX)
		delay = BACKOFF_MAX;
	tenth = delay / 10;
	return delay - tenth + rng_below(rng, (uint32_t)(2 * tenth + 1));
}
