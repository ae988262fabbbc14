/* Messages that are held when the store opens, and released. */
#include "config.h"

#include "relay/queue/store.h"

#include "tests/adapt/store_world.h"

static int
setup(void **state)
{
	struct world *w = world_new();

	*state = w;
	return world_open(w);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	world_close(w);
	world_free(w);
	return 0;
}

/* Rows that the schedulers get to see. */
static size_t
paged(struct world *w)
{
	size_t n;

	world_drop_rcpts(w);
	world_started(
	    w, store_page(w->s, 0, 1, INT64_MIN, 0, 100, on_rcpts, w));
	t_err("page", world_wait(w), 0);
	n = w->n;
	world_drop_rcpts(w);
	return n;
}

static void
list(struct world *w, uint64_t msg)
{
	world_started(w, store_list(w->s, msg, 0, 64, on_rows, w));
	t_err("list", world_wait(w), 0);
}

static void
on_count(void *arg, int err, uint64_t n)
{
	struct world *w = arg;

	w->n_rows = n;
	world_answer(w, err);
}

static size_t
release(struct world *w, uint64_t msg)
{
	world_started(w, store_release(w->s, msg, on_count, w));
	t_err("release", world_wait(w), 0);
	return w->n_rows;
}

static void
reopen_with(struct world *w, struct work_entry *v, size_t n)
{
	w->o.work = v;
	w->o.n_work = n;
	world_reopen(w);
	w->o.work = NULL;
	w->o.n_work = 0;
}

static void
test_hold(void **state)
{
	struct world *w = *state;
	struct work_entry v[] = {
	    {5, 2, WORK_HOLD}, {6, 1, 0}, {7, 1, 0}, {9, 2, WORK_HOLD}};

	t_err("put", put(w, 5, "example.com", 2, 100), 0);
	t_err("put", put(w, 6, "example.com", 1, 100), 0);
	world_drop_rcpts(w);
	reopen_with(w, v, T_COUNT(v));
	t_int("held", (int64_t)v[0].msg, 5);
	t_int("suspect", (int64_t)v[1].msg, 6);
	t_int("gone", (int64_t)v[2].msg, 0);
	t_int("gone, was to be held", (int64_t)v[3].msg, 0);
	t_int("others are paged", (int64_t)paged(w), 1);
	list(w, 5);
	t_int("both rows", (int64_t)w->n_rows, 2);
	t_cstr("state", w->rows[1].state, "held");
	t_cstr("rule", w->rows[1].rule, "POISON");
	t_cstr("dsn", w->rows[1].dsn, "4.3.0");
	t_cstr("reply", w->rows[1].reply,
	    "held: the relay crashed at least twice while working on it");
	list(w, 6);
	t_cstr("the other", w->rows[0].state, "queued");
	get_stats(w);
	t_int("counted", (int64_t)w->stats.held, 2);
	t_int("metric: messages",
	    (int64_t)metrics_get(&w->metrics, METRIC_POISON_HELD), 1);
	t_bool("logged",
	    strstr(w->log.p,
		"event=held qid=0000000000005 "
		"from=s@example.org rule=POISON crashes=2") != NULL,
	    true);
}

/* What was held is not held twice, and stays so without a word. */
static void
test_again(void **state)
{
	struct world *w = *state;
	struct work_entry v[] = {{5, 2, WORK_HOLD}};

	t_err("put", put(w, 5, "example.com", 1, 100), 0);
	reopen_with(w, v, 1);
	reopen_with(w, v, 1);
	world_reopen(w);
	t_int(
	    "metric", (int64_t)metrics_get(&w->metrics, METRIC_POISON_HELD), 1);
	t_int("held", (int64_t)paged(w), 0);
}

static void
test_release(void **state)
{
	struct world *w = *state;
	struct work_entry v[] = {{5, 2, WORK_HOLD}, {6, 2, WORK_HOLD}};

	t_err("put", put(w, 5, "example.com", 2, 100), 0);
	t_err("put", put(w, 6, "example.com", 1, 100), 0);
	world_drop_rcpts(w);
	t_int("not held", (int64_t)release(w, 5), 0);
	reopen_with(w, v, 2);
	t_int("all held", (int64_t)paged(w), 0);
	t_int("unknown", (int64_t)release(w, 8), 0);
	t_int("released", (int64_t)release(w, 5), 2);
	t_int("once", (int64_t)release(w, 5), 0);
	t_int("paged", (int64_t)paged(w), 2);
	world_reopen(w);
	t_int("for good", (int64_t)paged(w), 2);
	get_stats(w);
	t_int("one left", (int64_t)w->stats.held, 1);
	list(w, 5);
	t_bool("due now",
	    w->rows[0].next_try <= clock_real_s(&w->o.clock) &&
		w->rows[0].next_try > 1700000000,
	    true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_release, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
