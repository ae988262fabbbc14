/*
 * The end of an attempt for one recipient: done, to be tried again, or past
 * the lifetime of its message (QUE-03, QUE-04).
 */
#include "config.h"

#include "relay/sched/judge.h"

#include <stdio.h>
#include <string.h>

#include "relay/base/rng.h"
#include "relay/sched/backoff.h"

static void
expire(struct outcome *io, int64_t lifetime_s)
{
	char last[OUTCOME_TEXT];

	io->cls = OUT_EXPIRED;
	/* RFC 3463 3.5: X.4.7 delivery time expired */
	(void)snprintf(io->dsn, sizeof(io->dsn), "4.4.7");
	/* A peer's reply stays as it is: RFC 3464 2.3.6. */
	if (io->remote)
		return;
	memcpy(last, io->reply, sizeof(last));
	last[sizeof(last) - 1] = '\0';
	(void)snprintf(io->reply, sizeof(io->reply),
	    "not delivered within %lld s: %.400s", (long long)lifetime_s, last);
}

void
judge_rcpt(const struct judge *j, const struct rcpt *r, int64_t now,
    struct outcome *io, int64_t *next_try, uint32_t *tries)
{
	int64_t end = r->msg->arrived + j->lifetime_s;
	struct rng rng;

	*tries = r->tries + 1;
	*next_try = now;
	if (io->cls != OUT_DEFERRED)
		return;
	if (now >= end) {
		expire(io, j->lifetime_s);
		return;
	}
	rng_init_seed(&rng, j->seed);
	*next_try = now + backoff_delay(j->retry_s, j->n_retry, *tries, &rng);
	/* The last try is at the end of the lifetime, not long after it. */
	if (*next_try > end)
		*next_try = end;
}
