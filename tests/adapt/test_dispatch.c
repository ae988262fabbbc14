/*
 * What dispatch tells its watch, and how suspects wait for their turns. The
 * attempts are stand-ins that end when the test says so; the store is real.
 */
#include "config.h"

#include "relay/deliver/dispatch.h"

#include "relay/deliver/attempt.h"
#include "tests/adapt/store_world.h"

#define PLACES 8
#define NOBODY 0

struct attempt {
	const struct sched_grant *g;
	attempt_fn *fn;
	void *arg;
	struct attempt **slot;
};

static const int64_t retry[] = {3600};

struct bench {
	struct world *w;
	struct options options;
	struct rng rng;
	struct dispatch *d;
	uint64_t in_work[PLACES]; /* message by place */
	size_t begun, ended;
	uint64_t suspect_from; /* messages from this id on are suspects */
	uint64_t asked; /* for a turn, NOBODY: not asked */
	uint64_t turn_ended;
	int64_t now; /* seconds; the clock of the scheduler */
	bool stopped;
};

/* The attempts under way, by the last digit of their message. */
static struct attempt *attempts[10];

/* ---- stand-ins ---- */

struct attempt *
attempt_start(const struct attempt_ctx *ctx, const struct sched_grant *g,
    attempt_fn *fn, void *arg)
{
	struct attempt *a = xcalloc(1, sizeof(*a));

	(void)ctx;
	a->g = g;
	a->fn = fn;
	a->arg = arg;
	a->slot = &attempts[g->msg->id % 10];
	t_bool("one at a time", *a->slot == NULL, true);
	*a->slot = a;
	return a;
}

void
attempt_free(struct attempt *a)
{
	if (!a)
		return;
	*a->slot = NULL;
	free(a);
}

static void
end_attempt(uint64_t msg, bool released)
{
	struct attempt *a = attempts[msg % 10];
	struct outcome o;
	struct attempt_result res = {.outcomes = &o, .released = released};

	assert_non_null(a);
	outcome_init(&o, OUT_DEFERRED);
	outcome_set(&o, OUT_DEFERRED, "4.4.1", "SMTP-16", "later");
	a->fn(a->arg, &res);
	attempt_free(a);
}

void
attempt_hurry(struct attempt *a)
{
	(void)a; /* its end comes by itself */
}

/* ---- the watch ---- */

static size_t
begin(void *arg, uint64_t msg)
{
	struct bench *b = arg;
	size_t i = 0;

	while (b->in_work[i] != NOBODY)
		i++;
	b->in_work[i] = msg;
	b->begun++;
	return i;
}

static void
end(void *arg, size_t place)
{
	struct bench *b = arg;

	t_bool("in work", b->in_work[place] != NOBODY, true);
	b->in_work[place] = NOBODY;
	b->ended++;
}

static bool
is_suspect(void *arg, uint64_t msg)
{
	return msg >= ((struct bench *)arg)->suspect_from;
}

static void
ask_turn(void *arg, uint64_t msg)
{
	struct bench *b = arg;

	t_int("one question at a time", (int64_t)b->asked, NOBODY);
	b->asked = msg;
}

static void
end_turn(void *arg, uint64_t msg)
{
	((struct bench *)arg)->turn_ended = msg;
}

static int64_t
bench_now(void *arg)
{
	return ((struct bench *)arg)->now;
}

/* ---- the bench ---- */

static void
never(void *arg, struct rcpt *take_r)
{
	(void)arg;
	rcpt_free(take_r);
	fail_msg("a bounce");
}

static void
on_stopped(void *arg)
{
	((struct bench *)arg)->stopped = true;
}

static void
on_count(void *arg, int err, uint64_t n)
{
	t_int("held by nobody", (int64_t)n, 0);
	world_answer(arg, err);
}

/* What is with the store is carried out and answered: behind it a read, and a
 * write that forces the commit. Twice: an answer may lead to a question. */
static void
settle(struct bench *b)
{
	for (int i = 0; i < 2; i++) {
		world_started(b->w, store_stats(b->w->s, on_stats, b->w));
		world_started(
		    b->w, store_release(b->w->s, 999, on_count, b->w));
		t_err("settle", world_wait(b->w), 0);
		loop_run_once(b->w->loop);
	}
}

/* Six seconds later, when those that were put off are granted again. */
static void
later(struct bench *b)
{
	b->now += 6;
	dispatch_repage(b->d);
	settle(b);
}

/* n messages, 1 to n, each with one recipient at a destination of its own. */
static void
bench_init(struct bench *b, uint64_t n, uint64_t suspect_from, unsigned places)
{
	char domain[32];
	struct dispatch_opts o = {.shards = 1};

	memset(b, 0, sizeof(*b));
	b->suspect_from = suspect_from;
	b->now = 1000000;
	b->w = world_new();
	t_err("store", world_open(b->w), 0);
	for (uint64_t i = 1; i <= n; i++) {
		(void)snprintf(
		    domain, sizeof(domain), "d%u.example", (unsigned)i);
		t_err("put", put(b->w, i, domain, 1, 100), 0);
	}
	world_drop_rcpts(b->w);
	rng_init_seed(&b->rng, 1);
	b->options.queue.retry_s = (int64_t *)(uintptr_t)retry;
	b->options.queue.n_retry = 1;
	b->options.queue.lifetime_s = INT32_MAX;
	b->options.queue.memory = 1u << 20;
	b->options.queue.max_in_memory = 100;
	b->options.deliver.max_connections = places;
	b->options.deliver.max_per_destination = 1;
	b->options.deliver.max_recipients = 10;
	o.loop = b->w->loop;
	o.store = b->w->s;
	o.options = &b->options;
	o.clock = (struct clock){
	    .mono_ms = bench_now, .real_s = bench_now, .arg = b};
	o.rng = &b->rng;
	o.log = &b->w->sink;
	o.metrics = &b->w->metrics;
	o.handoff = never;
	o.watch = (struct deliver_watch){.begin = begin,
	    .end = end,
	    .is_suspect = is_suspect,
	    .ask_turn = ask_turn,
	    .end_turn = end_turn,
	    .arg = b};
	b->d = dispatch_new(&o);
	dispatch_start(b->d);
	settle(b);
}

static void
bench_clear(struct bench *b)
{
	dispatch_free(b->d);
	t_int("no place is lost", (int64_t)b->begun, (int64_t)b->ended);
	loop_run_once(b->w->loop);
	world_close(b->w);
	world_free(b->w);
}

static void
in_work(const struct bench *b, const char *name, size_t want)
{
	t_int(name, (int64_t)(b->begun - b->ended), (int64_t)want);
}

/* In work from the attempt until what came of it is committed. */
static void
test_watch(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 2, 100, PLACES);
	in_work(&b, "both at once", 2);
	t_int("no turn", (int64_t)b.asked, NOBODY);
	end_attempt(1, false);
	in_work(&b, "not yet committed", 2);
	settle(&b);
	in_work(&b, "committed", 1);
	t_int("the other one", (int64_t)(b.in_work[0] + b.in_work[1]), 2);
	t_int("no turn ended", (int64_t)b.turn_ended, NOBODY);
	bench_clear(&b);
}

/* Suspects go one by one, others beside them. */
static void
test_turns(void **state)
{
	struct bench b;
	uint64_t first;

	(void)state;
	bench_init(&b, 3, 2, PLACES);
	in_work(&b, "the one that is no suspect", 1);
	first = b.asked;
	t_bool("a suspect", first == 2 || first == 3, true);
	settle(&b);
	in_work(&b, "it waits", 1);
	b.asked = NOBODY;
	dispatch_turn(b.d);
	in_work(&b, "its turn", 2);
	t_bool("that one", attempts[first] != NULL, true);
	t_int("the other one was put off", (int64_t)b.asked, NOBODY);
	later(&b);
	t_int("the next one asks", (int64_t)b.asked, (int64_t)(5 - first));
	end_attempt(first, false);
	t_int("not yet committed", (int64_t)b.turn_ended, NOBODY);
	settle(&b);
	t_int("turn over", (int64_t)b.turn_ended, (int64_t)first);
	in_work(&b, "the other suspect waits still", 1);
	b.asked = NOBODY;
	dispatch_turn(b.d);
	in_work(&b, "its turn", 2);
	t_int("nobody is left", (int64_t)b.asked, NOBODY);
	bench_clear(&b);
}

/* Suspects that wait take no places from others. */
static void
test_places(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 9, 3, 3);
	in_work(&b, "the two that are no suspects", 2);
	t_bool("one", attempts[1] != NULL, true);
	t_bool("and the other", attempts[2] != NULL, true);
	t_bool("a suspect asks", b.asked >= 3, true);
	b.asked = NOBODY;
	dispatch_turn(b.d);
	in_work(&b, "its turn", 3);
	end_attempt(1, false);
	settle(&b);
	later(&b);
	t_bool("the next one asks", b.asked >= 3, true);
	bench_clear(&b);
}

/* What waits or is given up at shutdown. */
static void
test_stop(void **state)
{
	struct bench b;
	uint64_t first;

	(void)state;
	bench_init(&b, 2, 1, PLACES);
	first = b.asked;
	b.asked = NOBODY;
	dispatch_turn(b.d);
	in_work(&b, "one", 1);
	dispatch_stop(b.d, on_stopped, &b);
	t_bool("one is left", b.stopped, false);
	end_attempt(first, true);
	t_bool("none is left", b.stopped, true);
	t_int("turn over", (int64_t)b.turn_ended, (int64_t)first);
	in_work(&b, "none", 0);
	dispatch_turn(b.d);
	in_work(&b, "a turn that comes too late", 0);
	bench_clear(&b);
}

/* Dropped at the end of the time for it: no ids are left. */
static void
test_drop(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, 4, 3, PLACES);
	in_work(&b, "two", 2);
	end_attempt(1, false);
	bench_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_watch),
	    cmocka_unit_test(test_turns),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
