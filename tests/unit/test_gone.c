/* Rows that were finished during a paging run. */
#include "config.h"

#include "relay/sched/gone.h"
#include "tests/unit/t.h"

static const uint8_t seed[16] = {1};

static void
test_what(void **state)
{
	struct gone *g = gone_new(seed);

	(void)state;
	t_int("unknown", gone_find(g, 1, 0), GONE_FRESH);
	gone_note(g, 1, true, 3);
	gone_note(g, 2, false, 3);
	t_int("done", gone_find(g, 1, 9), GONE_DONE);
	t_int("as before the try", gone_find(g, 2, 2), GONE_STALE);
	t_int("as after it", gone_find(g, 2, 3), GONE_FRESH);
	gone_note(g, 2, true, 4);
	t_int("the last note counts", gone_find(g, 2, 3), GONE_DONE);
	gone_free(g);
}

static void
test_generations(void **state)
{
	struct gone *g = gone_new(seed);

	(void)state;
	gone_note(g, 1, true, 0);
	gone_turn(g);
	t_int("the run after", gone_find(g, 1, 0), GONE_DONE);
	gone_note(g, 2, true, 0);
	gone_turn(g);
	t_int("forgotten", gone_find(g, 1, 0), GONE_FRESH);
	t_int("younger", gone_find(g, 2, 0), GONE_DONE);
	gone_free(g);
	gone_free(NULL);
}

static void
test_late(void **state)
{
	struct gone *g = gone_new(seed);

	(void)state;
	gone_paged(g, 5);
	gone_paged(g, 3);
	gone_turn(g);
	t_bool("one run ago", gone_is_late(g, 5), false);
	gone_turn(g);
	t_bool("two runs ago", gone_is_late(g, 5), true);
	t_bool("before it", gone_is_late(g, 4), true);
	t_bool("no page had it", gone_is_late(g, 6), false);
	gone_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what),
	    cmocka_unit_test(test_generations),
	    cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
