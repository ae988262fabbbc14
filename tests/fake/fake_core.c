/* Clock, events and faults: see fake.h. */
#include "config.h"

#include "tests/fake/fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/heap.h"

#define SEQ_BITS 24 /* events of one world; the time stands above them */
#define BUSY_MAX 400000 /* events without any time passing */

struct fake_event {
	struct heap_node node;
	fake_fn *fn;
	void *arg;
};

struct fake_world {
	struct heap events;
	int64_t now;
	int64_t seq;
	struct rng rng;
	unsigned jitter;
	uint64_t steps, inject_step;
	enum fake_fault inject, ending;
	unsigned random, hits;
	void (*end_fn)(void *arg, enum fake_fault f);
	void *end_arg;
	bool frozen;
	int live[FAKE_THINGS];
	char failed[512];
};

/* The headers of the adapters have no place for it. */
static struct fake_world world;

void
fake_begin(uint64_t seed)
{
	memset(&world, 0, sizeof(world));
	heap_init(&world.events);
	world.now = 1000;
	rng_init_seed(&world.rng, seed);
}

void
fake_end(void)
{
	struct heap_node *n;

	while ((n = heap_min(&world.events)) != NULL) {
		heap_remove(&world.events, n);
		free(CONTAINER_OF(n, struct fake_event, node));
	}
	heap_clear(&world.events);
}

struct fake_event *
fake_at(int64_t ms, fake_fn *fn, void *arg)
{
	struct fake_event *e = xcalloc(1, sizeof(*e));

	e->fn = fn;
	e->arg = arg;
	if (++world.seq >= INT64_C(1) << SEQ_BITS)
		BUG("too many events for one world");
	if (ms < 0)
		ms = 0;
	heap_add(&world.events, &e->node,
	    (world.now + ms) * (INT64_C(1) << SEQ_BITS) + world.seq);
	return e;
}

void
fake_drop(struct fake_event **e)
{
	if (*e) {
		heap_remove(&world.events, &(*e)->node);
		free(*e);
	}
	*e = NULL;
}

int64_t
fake_now_ms(void)
{
	return world.now;
}

int64_t
fake_real_s(void)
{
	return FAKE_EPOCH + world.now / 1000;
}

static int64_t
clock_ms(void *arg)
{
	(void)arg;
	return fake_now_ms();
}

static int64_t
clock_s(void *arg)
{
	(void)arg;
	return fake_real_s();
}

struct clock
fake_clock(void)
{
	return (struct clock){.mono_ms = clock_ms, .real_s = clock_s};
}

struct rng *
fake_rng(void)
{
	return &world.rng;
}

int64_t
fake_latency(void)
{
	return 1 + (world.jitter ? rng_below(&world.rng, world.jitter) : 0);
}

void
fake_set_jitter(unsigned max_ms)
{
	world.jitter = max_ms;
}

/* ---- running ---- */

static void
run_one(struct fake_event *e)
{
	fake_fn *fn = e->fn;
	void *arg = e->arg;

	heap_remove(&world.events, &e->node);
	free(e);
	fn(arg);
}

bool
fake_run(int64_t ms)
{
	int64_t until = world.now + ms;
	unsigned busy = 0;
	struct heap_node *n;

	while ((n = heap_min(&world.events)) != NULL) {
		int64_t due = n->key >> SEQ_BITS;
		enum fake_fault ending = world.ending;

		if (world.failed[0])
			return false;
		if (due > until)
			break;
		if (due > world.now)
			busy = 0;
		if (++busy > BUSY_MAX) {
			fake_fail("no rest: %u events at one time", busy);
			return false;
		}
		world.now = due > world.now ? due : world.now;
		run_one(CONTAINER_OF(n, struct fake_event, node));
		if (ending == FAKE_FINE && world.ending != FAKE_FINE) {
			ending = world.ending;
			world.end_fn(world.end_arg, ending);
			world.ending = FAKE_FINE;
		}
	}
	if (world.now < until)
		world.now = until;
	return world.failed[0] == '\0';
}

int64_t
fake_next(void)
{
	const struct heap_node *n = heap_min(&world.events);

	return n ? (n->key >> SEQ_BITS) - world.now : -1;
}

/* ---- faults ---- */

const char *
fake_fault_str(enum fake_fault f)
{
	static const char *const names[FAKE_FAULTS] = {
	    "fine", "loss", "silence", "stop", "crash"};

	return names[f];
}

void
fake_inject(uint64_t step, enum fake_fault fault)
{
	world.inject_step = step;
	world.inject = fault;
}

void
fake_inject_random(unsigned n)
{
	world.random = n;
}

static enum fake_fault
pick_fault(void)
{
	if (world.inject_step != 0 && world.steps == world.inject_step)
		return world.inject;
	if (world.random == 0 || rng_below(&world.rng, world.random) != 0)
		return FAKE_FINE;
	if (rng_below(&world.rng, 10) == 0)
		return rng_below(&world.rng, 2) ? FAKE_STOP : FAKE_CRASH;
	return rng_below(&world.rng, 2) ? FAKE_LOSS : FAKE_SILENCE;
}

bool
fake_end_relay(enum fake_fault f)
{
	if (world.ending != FAKE_FINE || !world.end_fn)
		return false;
	world.ending = f;
	return true;
}

enum fake_fault
fake_step(void)
{
	enum fake_fault f;

	if (world.frozen)
		return FAKE_SILENCE;
	world.steps++;
	f = pick_fault();
	if (f == FAKE_FINE)
		return f;
	if (f == FAKE_STOP || f == FAKE_CRASH) {
		if (!fake_end_relay(f))
			return FAKE_FINE;
		world.hits++;
		/* What comes to a dead relay is nobody's. */
		return f == FAKE_CRASH ? FAKE_SILENCE : FAKE_FINE;
	}
	world.hits++;
	return f;
}

uint64_t
fake_steps(void)
{
	return world.steps;
}

unsigned
fake_hits(void)
{
	return world.hits;
}

void
fake_on_end(void (*fn)(void *arg, enum fake_fault f), void *arg)
{
	world.end_fn = fn;
	world.end_arg = arg;
}

void
fake_freeze(bool frozen)
{
	world.frozen = frozen;
}

bool
fake_frozen(void)
{
	return world.frozen;
}

/* ---- what is alive, and what went wrong ---- */

void
fake_count(enum fake_thing t, int n)
{
	world.live[t] += n;
	if (world.live[t] < 0)
		fake_fail("thing %d was freed twice", (int)t);
}

void
fake_live(char out[160])
{
	static const char *const names[FAKE_THINGS] = {
	    "timers", "mailboxes", "conns", "queries", "gets", "jobs", "loops"};
	struct buf b;

	buf_init(&b, 159);
	for (int i = 0; i < FAKE_THINGS; i++) {
		if (world.live[i] != 0)
			buf_addf(&b, "%s%s %d", b.n ? ", " : "", names[i],
			    world.live[i]);
	}
	snprintf(out, 160, "%s", b.p ? b.p : "");
	buf_clear(&b);
}

void
fake_fail(const char *fmt, ...)
{
	va_list ap;

	if (world.failed[0])
		return;
	va_start(ap, fmt);
	(void)vsnprintf(world.failed, sizeof(world.failed), fmt, ap);
	va_end(ap);
}

const char *
fake_failed(void)
{
	return world.failed[0] ? world.failed : NULL;
}
