/* One at a time, first come first served. */
#include "config.h"

#include "relay/sched/turns.h"

#include "tests/unit/t.h"

static void
next_is(struct turns *t, const char *name, unsigned want, uint64_t want_msg)
{
	unsigned who = 99;
	uint64_t msg = 0;

	t_bool(name, turns_next(t, &who, &msg), true);
	t_int(name, who, want);
	t_int(name, (int64_t)msg, (int64_t)want_msg);
}

static void
nobody(struct turns *t, const char *name)
{
	unsigned who;
	uint64_t msg;

	t_bool(name, turns_next(t, &who, &msg), false);
}

static void
test_order(void **state)
{
	struct turns *t = turns_new(3);

	(void)state;
	nobody(t, "empty");
	turns_ask(t, 2, 20);
	turns_ask(t, 0, 5);
	turns_ask(t, 2, 21);
	next_is(t, "first", 2, 20);
	nobody(t, "one at a time");
	turns_end(t, 0, 5);
	turns_end(t, 2, 5);
	nobody(t, "not by another one's end");
	turns_ask(t, 2, 22);
	turns_ask(t, 1, 10);
	turns_end(t, 2, 20);
	next_is(t, "second", 0, 5);
	turns_end(t, 0, 5);
	next_is(t, "again", 2, 22);
	turns_end(t, 2, 22);
	next_is(t, "round the ring", 1, 10);
	turns_end(t, 1, 10);
	nobody(t, "all went");
	turns_free(t);
	turns_free(NULL);
}

static void
test_expire(void **state)
{
	struct turns *t = turns_new(2);
	uint64_t msg = 0;

	(void)state;
	t_bool("nobody's", turns_expire(t, &msg), false);
	turns_ask(t, 0, 7);
	turns_ask(t, 1, 8);
	next_is(t, "first", 0, 7);
	t_bool("over", turns_expire(t, &msg), true);
	t_int("whose", (int64_t)msg, 7);
	next_is(t, "next", 1, 8);
	turns_end(t, 0, 7); /* the one that was over ends late */
	turns_ask(t, 0, 9);
	nobody(t, "1 still goes");
	turns_end(t, 1, 8);
	next_is(t, "then", 0, 9);
	turns_ask(t, 0, 10);
	t_bool("over", turns_expire(t, &msg), true);
	next_is(t, "the same shard has another one", 0, 10);
	turns_end(t, 0, 9);
	turns_ask(t, 1, 11);
	nobody(t, "that was the one before");
	turns_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_expire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
