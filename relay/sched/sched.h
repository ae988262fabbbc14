/*
 * Which destination may be tried now, with which recipients: events in,
 * grants out. No I/O, no clock of its own: now is seconds since 1970.
 */
#ifndef RELAY_SCHED_SCHED_H
#define RELAY_SCHED_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"
#include "relay/model/msg.h"
#include "relay/model/outcome.h"

struct sched;

struct sched_opts {
	const int64_t *retry_s; /* seconds; the last one repeats; copied */
	size_t n_retry;
	int64_t lifetime_s;
	unsigned max_running; /* grants under way */
	unsigned max_per_dest; /* grants of one destination, upper bound of
				  * its window (starts at 1, grows by success,
				  * halves on host failure) */
	unsigned max_recipients; /* of one grant */
	unsigned window; /* recipients held in memory */
	struct rng *rng; /* jitter of up to a tenth */
	const uint8_t *seed; /* 16 bytes for the map */
};

/* One message and some of its recipients for one destination. Owned by the
 * scheduler; valid until sched_done. */
struct sched_grant {
	uint64_t id;
	const char *next_hop;
	struct msg *msg;
	struct rcpt **rcpts;
	size_t n;
};

struct sched *sched_new(const struct sched_opts *o);
void sched_free(struct sched *s); /* frees recipients and grants */

/*
 * Adds a queued recipient (taken over). 0, ERR_EXISTS (that row is here
 * already, or was finished; freed), ERR_FULL (freed; sched_wants_page says
 * true later): the window is full of recipients that are due before, or this
 * destination has its share of it; or it comes so late that it is read again,
 * to see whether it is still there. paged: a page brought it.
 */
int sched_add(struct sched *s, struct rcpt *take_r, bool paged);
/*
 * Rows were turned away and there is room again: page from the store, from the
 * beginning. Once this said true, and from sched_new on, a paging run counts
 * as under way until sched_paged: meanwhile rows that are finished are
 * remembered, because a page that was read before may still bring them.
 * In a run go on after an ERR_FULL of sched_add while sched_has_room.
 */
bool sched_wants_page(struct sched *s);
bool sched_has_room(const struct sched *s);
void sched_outside(struct sched *s); /* somebody left rows to the store */
void sched_paged(struct sched *s, bool all); /* ended; all: at the last row */

/* A grant that may run now, or NULL. */
const struct sched_grant *sched_next(struct sched *s, int64_t now);
/* When sched_next may have something again, unless something else happens
 * before: seconds since 1970, perhaps past, or -1. */
int64_t sched_wake(const struct sched *s);

/*
 * Before a finish job: what becomes of recipient i of the grant with this
 * outcome at now. Deferred ones past their lifetime become OUT_EXPIRED (in
 * place, with text); *next_try and *tries are for the row. Recipients of one
 * grant with equal tries get an equal next_try, and so stay together.
 */
void sched_judge(const struct sched *s, const struct sched_grant *g, size_t i,
    int64_t now, struct outcome *io, int64_t *next_try, uint32_t *tries);
enum sched_end {
	SCHED_REACHED, /* a session came about */
	/* None did: the destination backs off as a whole, its window shrinks. */
	SCHED_HOST_FAILED,
	SCHED_NOT_TRIED /* the grant was given back: nothing was learnt */
};
/*
 * The finish job is committed: done[i] says that recipient i left the queue;
 * the others stand with next_try[i], tries[i].
 */
void sched_done(struct sched *s, const struct sched_grant *g, const bool *done,
    const int64_t *next_try, const uint32_t *tries, enum sched_end end,
    int64_t now);

struct sched_stats {
	size_t rcpts, dests, running; /* running: grants */
};
void sched_stats(const struct sched *s, struct sched_stats *out);

#endif
