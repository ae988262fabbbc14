/* The downgrade memory of a shard on the real store: what is kept, told once,
 * read back in pages, forgotten. CONTINUITY, DANE-58. */
#include "config.h"

#include "relay/main/had.h"

#include "tests/adapt/store_world.h"

#define DAY 86400

static int64_t now_s = 1800000000;

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return now_s;
}

struct memory {
	struct world *w;
	struct had *had;
	struct rng rng;
	struct metrics metrics;
	unsigned loaded;
};

static void
on_loaded(void *arg)
{
	struct memory *m = arg;

	m->loaded++;
	loop_stop(m->w->loop);
}

static void
memory_open(struct memory *m)
{
	struct had_opts o = {.store = m->w->s,
	    .rng = &m->rng,
	    .clock = {.mono_ms = clock_now, .real_s = clock_now},
	    .log = &m->w->sink,
	    .metrics = &m->metrics};

	m->had = had_new(&o);
	m->loaded = 0;
	had_load(m->had, m->w->loop, 0, 1, on_loaded, m);
	loop_run(m->w->loop);
	t_int("loaded once", m->loaded, 1);
}

static void
memory_new(struct memory *m)
{
	memset(m, 0, sizeof(*m));
	m->w = world_new();
	rng_init_seed(&m->rng, 1);
	metrics_init(&m->metrics);
	t_err(m->w->text, world_open(m->w), 0);
	memory_open(m);
}

/* As a restart. */
static void
memory_again(struct memory *m)
{
	had_free(m->had);
	world_reopen(m->w);
	memory_open(m);
}

static void
memory_free(struct memory *m)
{
	had_free(m->had);
	world_close(m->w);
	world_free(m->w);
}

static size_t
told(const struct memory *m, const char *event)
{
	struct str rest = buf_str(&m->w->log), line;
	char begin[64];
	size_t n = 0;

	snprintf(begin, sizeof(begin), "event=%s ", event);
	while (str_cut(&rest, '\n', &line))
		n += str_starts(line, str_of(begin));
	return n;
}

static void
test_once(void **state)
{
	struct had_entry e;
	struct memory m;

	(void)state;
	memory_new(&m);
	t_bool("nothing", had_get(m.had, "a.example", &e), false);
	had_gone(m.had, "a.example", false);
	t_int("never had", (int64_t)told(&m, "downgrade"), 0);
	had_seen(m.had, "a.example", "a.example", HAD_DANE);
	now_s += 100;
	had_seen(m.had, "a.example", "a.example", HAD_STS);
	had_gone(m.had, "a.example", false);
	had_gone(m.had, "a.example", true);
	t_int("once", (int64_t)told(&m, "downgrade"), 1);
	t_bool("both", strstr(m.w->log.p, "had=dane,sts ") != NULL, true);
	t_bool("since the first",
	    strstr(m.w->log.p, "since=2027-01-15T08:00:00Z") != NULL, true);
	memory_again(&m);
	t_bool("kept", had_get(m.had, "a.example", &e), true);
	t_int("dane", e.dane, 1800000000);
	t_int("sts", e.sts, 1800000100);
	t_int("gone", e.gone, 1800000100);
	t_cstr("via", e.via, "a.example");
	had_gone(m.had, "a.example", false);
	t_int("not again", (int64_t)told(&m, "downgrade"), 1);
	now_s += 100;
	had_seen(m.had, "a.example", "a.example", HAD_STS);
	t_int("over", (int64_t)told(&m, "downgrade-over"), 1);
	t_bool("there", had_get(m.had, "a.example", &e), true);
	t_int("since now", e.sts, 1800000200);
	t_int("DANE-58 ever", e.dane, 1800000000);
	t_int("not gone", e.gone, 0);
	had_gone(m.had, "a.example", true);
	t_int("another time", (int64_t)told(&m, "downgrade"), 2);
	t_int(
	    "counted", (int64_t)metrics_get(&m.metrics, METRIC_DOWNGRADES), 2);
	memory_free(&m);
}

/* STS-27: records of another next hop are another matter. */
static void
test_via(void **state)
{
	struct had_entry e;
	struct memory m;

	(void)state;
	memory_new(&m);
	had_seen(m.had, "a.example", "a.example", HAD_DANE | HAD_STS);
	had_seen(m.had, "a.example", "gw.example", HAD_STS);
	memory_again(&m);
	t_bool("kept", had_get(m.had, "a.example", &e), true);
	t_cstr("via", e.via, "gw.example");
	t_int("not of the other", e.dane, 0);
	t_bool("but its own", e.sts != 0, true);
	memory_free(&m);
}

/* What is the same is written once a day, what is new at once. */
static void
test_writes(void **state)
{
	struct memory m;
	uint64_t jobs;

	(void)state;
	memory_new(&m);
	for (int i = 0; i < 10; i++)
		had_seen(m.had, "a.example", "a.example", HAD_DANE);
	now_s += DAY - 1;
	had_seen(m.had, "a.example", "a.example", HAD_DANE);
	world_started(m.w, store_had_drop(m.w->s, "x", on_done, m.w));
	t_err("wait", world_wait(m.w), 0);
	jobs = metrics_get(&m.w->metrics, METRIC_STORE_JOBS);
	now_s += 1;
	had_seen(m.had, "a.example", "a.example", HAD_DANE);
	had_seen(m.had, "a.example", "a.example", HAD_STS);
	had_seen(m.had, "a.example", "a.example", HAD_STS);
	world_started(m.w, store_had_drop(m.w->s, "x", on_done, m.w));
	t_err("wait", world_wait(m.w), 0);
	/* Load, put and drop before; two puts and a drop since. */
	t_int("before", (int64_t)jobs, 3);
	t_int("since",
	    (int64_t)(metrics_get(&m.w->metrics, METRIC_STORE_JOBS) - jobs), 3);
	memory_free(&m);
}

/* More than a page. */
static void
test_many(void **state)
{
	struct had_entry e;
	struct memory m;
	char name[32];

	(void)state;
	memory_new(&m);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		had_seen(m.had, name, name, HAD_DANE);
		if (i % 500 < 499)
			continue;
		/* There are 1000 credits. */
		world_started(m.w, store_had_drop(m.w->s, "x", on_done, m.w));
		t_err("wait", world_wait(m.w), 0);
	}
	memory_again(&m);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "d%d.example", i);
		t_bool(name, had_get(m.had, name, &e), true);
	}
	memory_free(&m);
}

static void
test_forget(void **state)
{
	struct had_entry e;
	struct memory m;

	(void)state;
	memory_new(&m);
	had_seen(m.had, "a.example", "a.example", HAD_DANE);
	had_seen(m.had, "b.example", "b.example", HAD_DANE);
	world_started(m.w, had_forget(m.had, "a.example", on_done, m.w));
	t_bool("at once", had_get(m.had, "a.example", &e), false);
	t_err("forgotten", world_wait(m.w), 0);
	t_err(
	    "nothing to forget", had_forget(m.had, "c.example", NULL, NULL), 0);
	memory_again(&m);
	t_bool("for good", had_get(m.had, "a.example", &e), false);
	t_bool("the other not", had_get(m.had, "b.example", &e), true);
	had_gone(m.had, "a.example", false);
	t_int("not missed", (int64_t)told(&m, "downgrade"), 0);
	memory_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_once),
	    cmocka_unit_test(test_via),
	    cmocka_unit_test(test_writes),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
