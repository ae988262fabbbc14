/* The scheduler, case by case. The property test is test_sched_random.c. */
#include "config.h"

#include "relay/sched/sched.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "tests/unit/t.h"

#define LIFETIME 432000
#define NOW 1800000000

static const uint8_t seed[16] = {3};
static const int64_t retry[] = {300, 900, 1800};

struct world {
	struct rng rng;
	struct sched *s;
};

static struct sched_opts
opts(struct world *w)
{
	rng_init_seed(&w->rng, 5);
	return (struct sched_opts){
	    .retry_s = retry,
	    .n_retry = T_COUNT(retry),
	    .lifetime_s = LIFETIME,
	    .max_running = 10,
	    .max_per_dest = 4,
	    .max_recipients = 3,
	    .window = 10000,
	    .rng = &w->rng,
	    .seed = seed,
	};
}

static struct msg *
make_msg(uint64_t id)
{
	struct msg *m = msg_new();

	m->id = id;
	m->arrived = NOW;
	return m;
}

static int
add_from(struct world *w, uint64_t row, const char *dest, struct msg *m,
    int64_t next_try, bool paged)
{
	struct rcpt *r = xcalloc(1, sizeof(*r));

	r->id = row;
	(void)snprintf(r->next_hop, sizeof(r->next_hop), "%s", dest);
	r->msg = msg_ref(m);
	r->next_try = next_try;
	return sched_add(w->s, r, paged);
}

static int
add(struct world *w, uint64_t row, const char *dest, struct msg *m,
    int64_t next_try)
{
	return add_from(w, row, dest, m, next_try, false);
}

/* A message of its own. */
static int
add_one(struct world *w, uint64_t row, const char *dest, int64_t next_try)
{
	struct msg *m = make_msg(row);
	int rc = add(w, row, dest, m, next_try);

	msg_unref(m);
	return rc;
}

/* Ends a grant with one fate for all. */
static void
end(struct world *w, const struct sched_grant *g, bool done, int64_t next_try,
    bool host_failed, int64_t now)
{
	bool d[8];
	int64_t next[8];
	uint32_t tries[8];

	for (size_t i = 0; i < g->n; i++) {
		d[i] = done;
		next[i] = next_try;
		tries[i] = g->rcpts[i]->tries + 1;
	}
	sched_done(w->s, g, d, next, tries, host_failed, now);
}

static void
test_grant(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	struct msg *m = make_msg(1);
	const struct sched_grant *g;
	struct sched_stats st;

	(void)state;
	w.s = sched_new(&o);
	t_int("nothing to wake for", sched_wake(w.s), -1);
	t_bool("nothing", sched_next(w.s, NOW) == NULL, true);
	for (uint64_t row = 1; row <= 4; row++)
		t_err("add", add(&w, row, "a.example", m, NOW), 0);
	t_err("the same row", add(&w, 4, "a.example", m, NOW), ERR_EXISTS);
	t_err("later", add(&w, 5, "a.example", m, NOW + 60), 0);
	t_int("wake", sched_wake(w.s), NOW);
	g = sched_next(w.s, NOW);
	t_bool("granted", g != NULL, true);
	t_cstr("next hop", g->next_hop, "a.example");
	t_bool("message", g->msg == m, true);
	t_int("as many as may be", (int64_t)g->n, 3);
	t_int("first come, first served", (int64_t)g->rcpts[0]->id, 1);
	t_bool("window starts at 1", sched_next(w.s, NOW) == NULL, true);
	t_err("a running row", add(&w, 1, "a.example", m, NOW), ERR_EXISTS);
	end(&w, g, true, 0, false, NOW);
	g = sched_next(w.s, NOW);
	t_int("the rest", (int64_t)g->n, 1);
	end(&w, g, true, 0, false, NOW);
	t_bool("one is not due", sched_next(w.s, NOW + 59) == NULL, true);
	t_int("wake", sched_wake(w.s), NOW + 60);
	g = sched_next(w.s, NOW + 60);
	t_int("the last", (int64_t)g->rcpts[0]->id, 5);
	sched_stats(w.s, &st);
	t_int("rcpts", (int64_t)st.rcpts, 1);
	t_int("dests", (int64_t)st.dests, 1);
	t_int("running", (int64_t)st.running, 1);
	end(&w, g, true, 0, false, NOW);
	sched_stats(w.s, &st);
	t_int("all gone", (int64_t)(st.rcpts + st.dests + st.running), 0);
	msg_unref(m);
	sched_free(w.s);
}

static void
test_window(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g[8];
	size_t n = 0;

	(void)state;
	w.s = sched_new(&o);
	for (uint64_t row = 1; row <= 25; row++)
		t_err("add", add_one(&w, row, "a.example", NOW), 0);
	for (int i = 0; i < 5; i++) {
		g[0] = sched_next(w.s, NOW);
		end(&w, g[0], true, 0, false, NOW);
	}
	while ((g[n] = sched_next(w.s, NOW)) != NULL)
		n++;
	t_int("grown to max_per_dest", (int64_t)n, 4);
	end(&w, g[0], false, NOW + 300, true, NOW);
	end(&w, g[1], false, NOW + 300, true, NOW);
	end(&w, g[2], true, 0, false, NOW);
	end(&w, g[3], true, 0, false, NOW);
	n = 0;
	while ((g[n] = sched_next(w.s, NOW)) != NULL)
		n++;
	t_int("halved twice, grown twice", (int64_t)n, 3);
	sched_free(w.s);
}

/* QUE-05: a dead host is tried by one probe, not by every message. */
static void
test_backoff(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;
	int64_t wake;

	(void)state;
	w.s = sched_new(&o);
	for (uint64_t row = 1; row <= 5; row++)
		t_err("add", add_one(&w, row, "dead.example", NOW), 0);
	g = sched_next(w.s, NOW);
	end(&w, g, false, NOW + 300, true, NOW);
	t_bool("all wait", sched_next(w.s, NOW + 200) == NULL, true);
	wake = sched_wake(w.s);
	t_bool("about 5 minutes", wake >= NOW + 270 && wake <= NOW + 330, true);
	t_err("new mail", add_one(&w, 9, "dead.example", NOW), 0);
	t_bool("waits too", sched_next(w.s, wake - 1) == NULL, true);
	g = sched_next(w.s, wake);
	t_bool("a probe", g != NULL, true);
	t_bool("only one", sched_next(w.s, wake) == NULL, true);
	end(&w, g, false, wake + 300, true, wake);
	t_bool("longer",
	    sched_wake(w.s) >= wake + 810 && sched_wake(w.s) <= wake + 990,
	    true);
	wake = sched_wake(w.s);
	g = sched_next(w.s, wake);
	end(&w, g, true, 0, false, wake);
	t_bool("alive: at once", sched_next(w.s, wake) != NULL, true);
	t_bool("window of two", sched_next(w.s, wake) != NULL, true);
	sched_free(w.s);
}

static void
test_fairness(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	int small = 0;

	(void)state;
	o.max_running = 2;
	w.s = sched_new(&o);
	for (uint64_t row = 1; row <= 20; row++)
		t_err("add", add_one(&w, row, "big.example", NOW - 100), 0);
	for (uint64_t row = 21; row <= 25; row++)
		t_err("add", add_one(&w, row, "small.example", NOW), 0);
	for (int i = 0; i < 11; i++) {
		const struct sched_grant *g = sched_next(w.s, NOW);

		if (str_eq(str_of(g->next_hop), STR("small.example")))
			small++;
		end(&w, g, true, 0, false, NOW);
	}
	t_int("every other grant", small, 5);
	sched_free(w.s);
}

static void
test_max_running(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g = NULL;
	char name[32];

	(void)state;
	o.max_running = 3;
	w.s = sched_new(&o);
	for (unsigned row = 1; row <= 5; row++) {
		(void)snprintf(name, sizeof(name), "d%u.example", row);
		t_err("add", add_one(&w, row, name, NOW), 0);
	}
	for (int i = 0; i < 3; i++)
		g = sched_next(w.s, NOW);
	t_bool("three", g != NULL, true);
	t_bool("no fourth", sched_next(w.s, NOW) == NULL, true);
	t_int("wake by an end only", sched_wake(w.s), -1);
	end(&w, g, true, 0, false, NOW);
	t_bool("goes on", sched_next(w.s, NOW) != NULL, true);
	sched_free(w.s);
}

/* Recipients that are deferred together come back together. */
static void
test_judge_together(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	struct msg *m = make_msg(1);
	const struct sched_grant *g;
	int64_t next[3];
	uint32_t tries[3];
	const bool done[3] = {false, false, false};

	(void)state;
	w.s = sched_new(&o);
	for (uint64_t row = 1; row <= 3; row++)
		t_err("add", add(&w, row, "a.example", m, NOW), 0);
	g = sched_next(w.s, NOW);
	for (size_t i = 0; i < 3; i++) {
		struct outcome out;

		outcome_init(&out, OUT_DEFERRED);
		sched_judge(w.s, g, i, NOW, &out, &next[i], &tries[i]);
	}
	t_int("same", next[0], next[1]);
	t_int("same", next[0], next[2]);
	sched_done(w.s, g, done, next, tries, false, NOW);
	g = sched_next(w.s, next[0]);
	t_int("together", (int64_t)g->n, 3);
	msg_unref(m);
	sched_free(w.s);
}

static void
test_overflow(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	char name[32];

	(void)state;
	o.window = 10;
	w.s = sched_new(&o);
	sched_paged(w.s, true);
	for (unsigned row = 1; row <= 10; row++) {
		(void)snprintf(name, sizeof(name), "d%u.example", row);
		t_err("add", add_one(&w, row, name, NOW + 100), 0);
	}
	t_bool("full", sched_has_room(w.s), false);
	t_bool("nothing outside", sched_wants_page(w.s), false);
	t_err("later ones wait outside",
	    add_one(&w, 11, "e.example", NOW + 200), ERR_FULL);
	t_bool("no room yet", sched_wants_page(w.s), false);
	t_err("an earlier one puts one out", add_one(&w, 12, "f.example", NOW),
	    0);
	t_bool("still full", sched_has_room(w.s), false);
	for (int i = 0; i < 5; i++) {
		const struct sched_grant *g = sched_next(w.s, NOW + 10);

		if (!g)
			g = sched_next(w.s, NOW + 100);
		end(&w, g, true, 0, false, NOW + 100);
	}
	t_bool("half empty: page", sched_wants_page(w.s), true);
	t_err("row again", add_one(&w, 11, "e.example", NOW + 200), 0);
	t_err("finished meanwhile", add_one(&w, 12, "f.example", NOW), 0);
	sched_paged(w.s, true);
	t_bool("all here", sched_wants_page(w.s), false);
	sched_free(w.s);
}

/* What was deferred while rows wait outside goes behind them. */
static void
test_overflow_deferred(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;
	struct sched_stats st;

	(void)state;
	o.window = 4;
	w.s = sched_new(&o);
	sched_paged(w.s, true);
	for (unsigned row = 1; row <= 5; row++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "d%u.example", row);
		t_err("add", add_one(&w, row, name, NOW),
		    row == 5 ? ERR_FULL : 0);
	}
	g = sched_next(w.s, NOW);
	end(&w, g, false, NOW + 300, false, NOW);
	sched_stats(w.s, &st);
	t_int("left memory", (int64_t)st.rcpts, 3);
	sched_free(w.s);
}

/* QUE-08: a page that was read before a finish must not bring a row back. */
static void
test_stale_page(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;

	(void)state;
	w.s = sched_new(&o);
	t_err("add", add_one(&w, 1, "a.example", NOW), 0);
	g = sched_next(w.s, NOW);
	end(&w, g, true, 0, false, NOW);
	t_err("old page", add_one(&w, 1, "a.example", NOW), ERR_EXISTS);
	sched_paged(w.s, true);
	t_err("late from elsewhere", add_one(&w, 1, "a.example", NOW),
	    ERR_EXISTS);
	t_bool("nothing", sched_next(w.s, NOW) == NULL, true);
	sched_free(w.s);
}

/* A dead destination with many rows leaves room for the others. */
static void
test_share(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;
	struct sched_stats st;
	unsigned in = 0;

	(void)state;
	o.window = 400;
	w.s = sched_new(&o);
	sched_paged(w.s, true);
	for (uint64_t row = 1; row <= 300; row++) {
		if (add_one(&w, row, "dead.example", NOW) == 0)
			in++;
	}
	t_int("a quarter", in, 100);
	g = sched_next(w.s, NOW);
	end(&w, g, false, NOW + 300, true, NOW);
	sched_stats(w.s, &st);
	t_int("less while it is dead", (int64_t)st.rcpts, 6);
	t_err("others have room", add_one(&w, 999, "b.example", NOW), 0);
	g = sched_next(w.s, NOW);
	t_cstr("and run", g->next_hop, "b.example");
	sched_free(w.s);
}

/* That a destination has its share is no reason to page and page again. */
static void
test_share_paged(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;

	(void)state;
	o.window = 400;
	w.s = sched_new(&o);
	(void)sched_next(w.s, NOW - 1);
	for (uint64_t row = 1; row <= 300; row++)
		(void)add_one(&w, row, "a.example", NOW);
	sched_paged(w.s, true);
	t_bool("has its share", sched_wants_page(w.s), false);
	t_int("now", sched_wake(w.s), NOW);
	for (int i = 0; i < 49; i++) {
		g = sched_next(w.s, NOW);
		end(&w, g, true, 0, false, NOW);
	}
	t_bool("more than half of it", sched_wants_page(w.s), false);
	g = sched_next(w.s, NOW);
	end(&w, g, true, 0, false, NOW);
	t_bool("room for more", sched_wants_page(w.s), true);
	for (uint64_t row = 51; row <= 300; row++)
		(void)add_one(&w, row, "a.example", NOW);
	sched_paged(w.s, true);
	g = sched_next(w.s, NOW);
	end(&w, g, false, NOW + 300, true, NOW);
	t_bool("dead now", sched_wants_page(w.s), false);
	t_int("looked at later", sched_wake(w.s), NOW + 60);
	sched_free(w.s);
}

/* A row that a page brought may come again from the shard that took it in,
 * however late that is. */
static void
test_late_handoff(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;

	(void)state;
	w.s = sched_new(&o);
	t_err("by page", add_one(&w, 1, "a.example", NOW), 0);
	sched_paged(w.s, true);
	g = sched_next(w.s, NOW);
	end(&w, g, true, 0, false, NOW);
	t_err("late", add_one(&w, 1, "a.example", NOW), ERR_EXISTS);
	t_bool("nothing", sched_next(w.s, NOW) == NULL, true);
	sched_free(w.s);
}

/* However late: when the notes about it are forgotten, the store is asked. */
static void
test_very_late_handoff(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);
	const struct sched_grant *g;
	struct msg *m = make_msg(1);

	(void)state;
	w.s = sched_new(&o);
	t_err("by page", add_from(&w, 1, "a.example", m, NOW, true), 0);
	g = sched_next(w.s, NOW);
	end(&w, g, true, 0, false, NOW);
	for (int run = 0; run < 3; run++) {
		sched_outside(w.s);
		(void)sched_next(w.s, NOW);
		(void)sched_wants_page(w.s);
		sched_paged(w.s, true);
	}
	t_err("very late", add(&w, 1, "a.example", m, NOW), ERR_FULL);
	t_bool("nothing", sched_next(w.s, NOW) == NULL, true);
	t_int("read again", sched_wake(w.s), NOW + 60);
	t_err("new ones are not", add(&w, 2, "a.example", m, NOW), 0);
	t_err("still there", add_from(&w, 1, "a.example", m, NOW, true), 0);
	msg_unref(m);
	sched_free(w.s);
}

/* Rows outside are looked at in the end, whatever fills the window. */
static void
test_look_outside(void **state)
{
	struct world w;
	struct sched_opts o = opts(&w);

	(void)state;
	o.window = 4;
	w.s = sched_new(&o);
	(void)sched_next(w.s, NOW);
	sched_paged(w.s, true);
	for (unsigned row = 1; row <= 5; row++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "d%u.example", row);
		t_err("add", add_one(&w, row, name, NOW + 1000),
		    row == 5 ? ERR_FULL : 0);
	}
	t_bool("full", sched_wants_page(w.s), false);
	t_int("wake for it", sched_wake(w.s), NOW + 60);
	(void)sched_next(w.s, NOW + 60);
	t_bool("page", sched_wants_page(w.s), true);
	sched_paged(w.s, false);
	t_bool("not again at once", sched_wants_page(w.s), false);
	t_int("but later", sched_wake(w.s), NOW + 120);
	sched_free(w.s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_grant),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_fairness),
	    cmocka_unit_test(test_max_running),
	    cmocka_unit_test(test_judge_together),
	    cmocka_unit_test(test_overflow),
	    cmocka_unit_test(test_overflow_deferred),
	    cmocka_unit_test(test_stale_page),
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_share_paged),
	    cmocka_unit_test(test_late_handoff),
	    cmocka_unit_test(test_very_late_handoff),
	    cmocka_unit_test(test_look_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
