/*
 * The scheduler against a model of the store, by random events: arrivals,
 * ends, failures, pages that come late, time. What must always hold is checked
 * at each step, and in the end every recipient has left the queue once.
 */
#include "config.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/sched/sched.h"
#include "tests/unit/t.h"

#define ROWS 600
#define MSGS 200
#define DESTS 12
#define START 1800000000
#define LIFETIME 20000
#define GRANTS 8
#define PAGE 7

/* A row as the store has it. */
struct row {
	unsigned msg, dest;
	int64_t next_try;
	uint32_t tries;
	bool there; /* in the store */
	bool running;
	unsigned done; /* times that it left: 1 in the end */
};

/* A page on its way: copies of rows as they were when it was read. */
struct page {
	bool on, all;
	size_t n;
	struct row row[PAGE];
	uint64_t id[PAGE];
};

struct world {
	struct rng rng, sched_rng;
	struct sched *s;
	struct sched_opts o;
	struct row rows[ROWS + 1]; /* by id, from 1 */
	unsigned used;
	struct msg *msgs[MSGS];
	const struct sched_grant *grants[GRANTS];
	unsigned per_dest[DESTS];
	size_t n_grants;
	bool dead[DESTS];
	int64_t now;
	bool paging;
	int64_t after_try;
	uint64_t after_id;
	struct page page;
	bool quiet; /* no more arrivals and failures */
};

static uint32_t
chance(struct world *w, uint32_t n)
{
	return rng_below(&w->rng, n);
}

static struct rcpt *
make_rcpt(struct world *w, uint64_t id, const struct row *row)
{
	struct rcpt *r = xcalloc(1, sizeof(*r));

	r->id = id;
	(void)snprintf(
	    r->next_hop, sizeof(r->next_hop), "d%u.example", row->dest);
	r->next_try = row->next_try;
	r->tries = row->tries;
	r->msg = msg_ref(w->msgs[row->msg]);
	return r;
}

static void
arrive(struct world *w)
{
	unsigned n = 1 + chance(w, 4);
	unsigned msg = chance(w, MSGS);
	unsigned dest = chance(w, 3) ? chance(w, DESTS) : 0;

	if (w->quiet)
		return;
	for (; n > 0 && w->used < ROWS; n--) {
		struct row *row = &w->rows[++w->used];

		row->msg = msg;
		row->dest = dest;
		row->next_try = w->now;
		row->there = true;
		(void)sched_add(w->s, make_rcpt(w, w->used, row), false);
	}
}

/* Rows behind the cursor, in the order of the store. */
static uint64_t
next_row(const struct world *w, int64_t after_try, uint64_t after_id)
{
	uint64_t best = 0;

	for (uint64_t id = 1; id <= w->used; id++) {
		const struct row *r = &w->rows[id];

		if (!r->there || r->next_try < after_try ||
		    (r->next_try == after_try && id <= after_id))
			continue;
		if (best == 0 || r->next_try < w->rows[best].next_try)
			best = id;
	}
	return best;
}

static void
read_page(struct world *w)
{
	int64_t at = w->after_try;
	uint64_t id = w->after_id;

	w->page.on = true;
	w->page.n = 0;
	while (w->page.n < PAGE && (id = next_row(w, at, id)) != 0) {
		at = w->rows[id].next_try;
		w->page.id[w->page.n] = id;
		w->page.row[w->page.n++] = w->rows[id];
	}
	w->page.all = w->page.n < PAGE;
}

static void
deliver_page(struct world *w)
{
	bool full = false;

	w->page.on = false;
	for (size_t i = 0; i < w->page.n; i++) {
		w->after_try = w->page.row[i].next_try;
		w->after_id = w->page.id[i];
		full = sched_add(w->s,
			   make_rcpt(w, w->page.id[i], &w->page.row[i]),
			   true) == ERR_FULL &&
		    !sched_has_room(w->s);
		if (full) {
			/* The rest is dropped: the run ends here. */
			w->page.all = i + 1 == w->page.n && w->page.all;
			break;
		}
	}
	if (full || w->page.all) {
		sched_paged(w->s, w->page.all);
		w->paging = false;
	}
}

static void
step_paging(struct world *w)
{
	if (!w->paging && sched_wants_page(w->s)) {
		w->paging = true;
		w->after_try = 0;
		w->after_id = 0;
	}
	if (!w->paging)
		return;
	if (!w->page.on)
		read_page(w);
	else if (w->quiet || chance(w, 3) == 0)
		deliver_page(w);
}

static void
check_grant(struct world *w, const struct sched_grant *g)
{
	unsigned dest = w->rows[g->rcpts[0]->id].dest;

	t_bool("size", g->n >= 1 && g->n <= w->o.max_recipients, true);
	t_bool("running", w->n_grants < w->o.max_running, true);
	for (size_t i = 0; i < g->n; i++) {
		struct row *row = &w->rows[g->rcpts[i]->id];

		t_bool("not in two grants", row->running, false);
		t_bool("in the queue", row->there, true);
		t_int("message", (int64_t)g->rcpts[i]->msg->id,
		    (int64_t)g->msg->id);
		t_int("destination", row->dest, dest);
		t_bool("due", row->next_try <= w->now, true);
		row->running = true;
	}
	w->per_dest[dest]++;
	t_bool("per destination", w->per_dest[dest] <= w->o.max_per_dest, true);
}

static void
step_grant(struct world *w)
{
	const struct sched_grant *g = sched_next(w->s, w->now);
	struct sched_stats st;
	int64_t wake;

	if (g) {
		check_grant(w, g);
		w->grants[w->n_grants++] = g;
		return;
	}
	wake = sched_wake(w->s);
	sched_stats(w->s, &st);
	t_int("grants", (int64_t)st.running, (int64_t)w->n_grants);
	t_bool("window", st.rcpts <= w->o.window, true);
	if (wake >= 0)
		t_bool("wake is to come", wake > w->now, true);
}

static void
step_end(struct world *w)
{
	const struct sched_grant *g;
	bool done[16];
	int64_t next[16];
	uint32_t tries[16];
	size_t at;
	unsigned dest;
	bool dead;

	if (w->n_grants == 0)
		return;
	at = chance(w, (uint32_t)w->n_grants);
	g = w->grants[at];
	w->grants[at] = w->grants[--w->n_grants];
	dest = w->rows[g->rcpts[0]->id].dest;
	dead = w->dead[dest];
	w->per_dest[dest]--;
	for (size_t i = 0; i < g->n; i++) {
		struct row *row = &w->rows[g->rcpts[i]->id];
		struct outcome o;

		outcome_init(&o,
		    dead || (!w->quiet && chance(w, 4) == 0) ? OUT_DEFERRED
							     : OUT_SENT);
		sched_judge(w->s, g, i, w->now, &o, &next[i], &tries[i]);
		done[i] = o.cls != OUT_DEFERRED;
		row->running = false;
		if (done[i]) {
			row->there = false;
			row->done++;
		} else {
			row->next_try = next[i];
			row->tries = tries[i];
		}
	}
	sched_done(w->s, g, done, next, tries, dead, w->now);
}

static void
world_init(struct world *w, uint64_t seed)
{
	static const uint8_t map_seed[16] = {4};
	static const int64_t retry[] = {30, 60, 600};

	rng_init_seed(&w->rng, seed);
	rng_init_seed(&w->sched_rng, seed + 1);
	w->now = START;
	w->o = (struct sched_opts){
	    .retry_s = retry,
	    .n_retry = T_COUNT(retry),
	    .lifetime_s = LIFETIME,
	    .max_running = 1 + chance(w, GRANTS),
	    .max_per_dest = 1 + chance(w, 4),
	    .max_recipients = 1 + chance(w, 5),
	    .window = 5 + chance(w, 300),
	    .rng = &w->sched_rng,
	    .seed = map_seed,
	};
	w->s = sched_new(&w->o);
	sched_paged(w->s, true);
	for (unsigned i = 0; i < MSGS; i++) {
		w->msgs[i] = msg_new();
		w->msgs[i]->id = i + 1;
		w->msgs[i]->arrived = START;
	}
	for (unsigned i = 0; i < DESTS; i++)
		w->dead[i] = chance(w, 3) == 0;
}

static void
world_clear(struct world *w)
{
	sched_free(w->s);
	for (unsigned i = 0; i < MSGS; i++)
		msg_unref(w->msgs[i]);
}

static void
step(struct world *w)
{
	switch (chance(w, 8)) {
	case 0:
		arrive(w);
		break;
	case 1:
		w->now += chance(w, 20);
		break;
	case 2:
	case 3:
		step_end(w);
		break;
	case 4:
		step_paging(w);
		break;
	default:
		step_grant(w);
		break;
	}
}

static size_t
left(const struct world *w)
{
	size_t n = 0;

	for (unsigned id = 1; id <= w->used; id++)
		n += w->rows[id].there;
	return n;
}

/* Nothing random any more: only what the scheduler asks for. */
static void
drain(struct world *w)
{
	int rounds = 0;

	w->quiet = true;
	while (left(w) > 0) {
		int64_t wake;

		t_bool("comes to an end", ++rounds < 100000, true);
		step_paging(w);
		step_grant(w);
		step_end(w);
		wake = sched_wake(w->s);
		if (wake > w->now && !w->paging && w->n_grants == 0)
			w->now = wake;
	}
	while (w->n_grants > 0)
		step_end(w);
}

static void
test_random(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct world *w = xcalloc(1, sizeof(*w));

		world_init(w, seed);
		for (int i = 0; i < 6000; i++)
			step(w);
		/* Half of the runs end with the dead hosts dead: their mail
		 * expires. */
		for (unsigned i = 0; i < DESTS && seed % 2; i++)
			w->dead[i] = false;
		drain(w);
		for (unsigned id = 1; id <= w->used; id++)
			t_int("left the queue once", w->rows[id].done, 1);
		world_clear(w);
		free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
