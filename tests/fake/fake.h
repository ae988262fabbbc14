/*
 * The world that the fakes make up: one clock that jumps from event to event,
 * and everything that a relay sees of the outside as an event of it. No
 * threads, no sockets, no chance but that of a seed: the same calls give the
 * same run.
 *
 * tests/fake implements the headers of the adapters on this (timer, mailbox,
 * conn, dns, http, store, tls). One world at a time; one thread.
 */
#ifndef TESTS_FAKE_FAKE_H
#define TESTS_FAKE_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/clock.h"
#include "relay/base/err.h"
#include "relay/base/list.h"
#include "relay/base/rng.h"
#include "relay/base/str.h"

#define FAKE_EPOCH 1700000000 /* real time at the start, seconds */

typedef void fake_fn(void *arg);
struct fake_event;

/* Runs fn once, ms later, after all that is due before. */
struct fake_event *fake_at(int64_t ms, fake_fn *fn, void *arg);
/* Never runs; *e becomes NULL. NULL is fine. To be called by fn's owner also
 * from within another event, not for an event that has run. */
void fake_drop(struct fake_event **e);

void fake_begin(uint64_t seed);
/* Frees the world. What is still alive in it is a leak: see fake_live. */
void fake_end(void);

int64_t fake_now_ms(void);
int64_t fake_real_s(void);
struct clock fake_clock(void);
struct rng *fake_rng(void);
/* Milliseconds that something on the net takes: 1, or by the seed when jitter
 * is on. */
int64_t fake_latency(void);
void fake_set_jitter(unsigned max_ms); /* 0: off */

/*
 * Runs events until none is due up to ms from now; the clock then stands
 * there. False: the world did not come to rest (a loop without time), or
 * fake_failed.
 */
bool fake_run(int64_t ms);
/* When the next event is due, ms from now; -1: there is none. */
int64_t fake_next(void);

/* ---- faults ---- */

enum fake_fault {
	FAKE_FINE,
	FAKE_LOSS, /* it breaks: reset, SERVFAIL, I/O error */
	FAKE_SILENCE, /* it never comes */
	FAKE_STOP, /* the relay is told to stop just before */
	FAKE_CRASH, /* the relay is gone just before */
	FAKE_FAULTS
};
const char *fake_fault_str(enum fake_fault f);

/* The step with this number (from 1) has this fault; 0: none. */
void fake_inject(uint64_t step, enum fake_fault fault);
/* Each step has a fault with chance 1 in n, by the seed; 0: none. STOP and
 * CRASH one in ten of these. */
void fake_inject_random(unsigned n);
/* A step is something that comes to the relay from outside. Called by whoever
 * delivers it, once: what happens to it. SILENCE when the relay is gone. */
enum fake_fault fake_step(void);
uint64_t fake_steps(void);
/* Faults that hit something so far. */
unsigned fake_hits(void);
/* STOP or CRASH was hit: fn runs once, outside of any event. */
void fake_on_end(void (*fn)(void *arg, enum fake_fault f), void *arg);

/* As if the step now had f: FAKE_STOP or FAKE_CRASH. False: it ends already. */
bool fake_end_relay(enum fake_fault f);

/* The relay is gone: no step reaches it, and what it still does while it is
 * taken down goes nowhere. */
void fake_freeze(bool frozen);
bool fake_frozen(void);

/* ---- what is alive, and what went wrong ---- */

enum fake_thing {
	FAKE_TIMERS,
	FAKE_MAILBOXES,
	FAKE_CONNS,
	FAKE_QUERIES,
	FAKE_GETS,
	FAKE_JOBS,
	FAKE_LOOPS,
	FAKE_THINGS
};
void fake_count(enum fake_thing t, int n);
/* Writes what is left of the relay, "timers 1, conns 2"; "" when nothing. */
void fake_live(char out[160]);

/* An invariant does not hold: remembers the first text. */
void fake_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* NULL: all is well. */
const char *fake_failed(void);

#endif
