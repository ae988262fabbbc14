/* One message at a time after a crash: three lives of a relay in one folder. */
#include "config.h"

#include "relay/main/careful.h"

#include "relay/net/loop.h"
#include "tests/adapt/store_world.h"

enum { LAMB = 7, WOLF = 8, OTHER = 9 };

struct life {
	struct loop *loop;
	struct careful *c;
	struct deliver_watch watch[2];
	unsigned turns[2]; /* given to the shards */
};

static void
on_turn(void *arg, unsigned shard)
{
	((struct life *)arg)->turns[shard]++;
}

/* The relay starts; held: this one must be judged so, 0: nobody. */
static void
begin(struct life *l, struct world *w, bool crashed, uint64_t held)
{
	struct careful_opts o = {.state_dir = w->dir,
	    .shards = 2,
	    .places = 4,
	    .crashed = crashed,
	    .log = &w->sink,
	    .give_turn = on_turn,
	    .arg = l};
	struct work_entry *v;
	uint64_t found = 0;
	size_t n;

	memset(l, 0, sizeof(*l));
	l->c = careful_new(&o);
	v = careful_entries(l->c, &n);
	for (size_t i = 0; i < n; i++)
		if (v[i].flags & WORK_HOLD)
			found = v[i].msg;
	t_int("held", (int64_t)found, (int64_t)held);
	careful_opened(l->c);
	t_err("loop", loop_new(&l->loop), 0);
	t_err("start", careful_start(l->c, l->loop), 0);
	l->watch[0] = careful_watch(l->c, 0);
	l->watch[1] = careful_watch(l->c, 1);
}

static void
spin(struct life *l)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(l->loop);
}

/* The relay is gone; what it was at is left in the files. */
static void
over(struct life *l)
{
	careful_stop(l->c);
	careful_free(l->c);
	loop_free(l->loop);
}

static size_t
work_on(struct life *l, unsigned shard, uint64_t msg)
{
	return l->watch[shard].begin(l->watch[shard].arg, msg);
}

static void
ask(struct life *l, unsigned shard, uint64_t msg)
{
	l->watch[shard].ask_turn(l->watch[shard].arg, msg);
	spin(l);
}

static bool
is_suspect(struct life *l, uint64_t msg)
{
	return l->watch[0].is_suspect(l->watch[0].arg, msg);
}

static void
test_the_culprit_is_found(void **state)
{
	struct world *w = *state;
	struct life l;
	size_t place;

	begin(&l, w, false, 0);
	t_bool("nobody is suspected", is_suspect(&l, WOLF), false);
	place = work_on(&l, 0, OTHER);
	l.watch[0].end(l.watch[0].arg, place);
	work_on(&l, 0, LAMB);
	work_on(&l, 1, WOLF);
	over(&l);

	begin(&l, w, true, 0);
	t_bool("it was done", is_suspect(&l, OTHER), false);
	t_bool("it was in work", is_suspect(&l, LAMB), true);
	t_bool("so was that", is_suspect(&l, WOLF), true);
	ask(&l, 0, LAMB);
	ask(&l, 1, WOLF);
	t_int("the first has the turn", l.turns[0], 1);
	t_int("the other waits", l.turns[1], 0);
	l.watch[0].end_turn(l.watch[0].arg, LAMB);
	spin(&l);
	t_int("until it is over", l.turns[1], 1);
	work_on(&l, 1, WOLF);
	work_on(&l, 0, OTHER);
	over(&l);

	begin(&l, w, true, WOLF);
	t_bool("who was not in work again stays a suspect",
	    is_suspect(&l, LAMB), true);
	t_bool("a bystander is one now", is_suspect(&l, OTHER), true);
	t_bool("the held one is out of it", is_suspect(&l, WOLF), false);
	over(&l);
}

static void
test_no_turn_behind_the_stop(void **state)
{
	struct world *w = *state;
	struct life l;

	begin(&l, w, false, 0);
	work_on(&l, 0, LAMB);
	work_on(&l, 1, WOLF);
	over(&l);
	begin(&l, w, true, 0);
	ask(&l, 0, LAMB);
	/* Both are on their way when the stop comes. */
	l.watch[1].ask_turn(l.watch[1].arg, WOLF);
	l.watch[0].end_turn(l.watch[0].arg, LAMB);
	careful_stop(l.c);
	spin(&l);
	t_int("the shard that has ended gets none", l.turns[1], 0);
	l.watch[0].ask_turn(l.watch[0].arg, LAMB); /* to a shut mailbox */
	spin(&l);
	t_int("nor does one that asks later", l.turns[0], 1);
	careful_free(l.c);
	loop_free(l.loop);
}

static void
test_a_killed_relay_accuses_nobody(void **state)
{
	struct world *w = *state;
	struct life l;

	begin(&l, w, false, 0);
	work_on(&l, 0, LAMB);
	over(&l);
	begin(&l, w, false, 0);
	t_bool("no suspect", is_suspect(&l, LAMB), false);
	over(&l);
}

static int
setup(void **state)
{
	*state = world_new();
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_culprit_is_found),
	    TEST(test_no_turn_behind_the_stop),
	    TEST(test_a_killed_relay_accuses_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
