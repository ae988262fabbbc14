/* Delays between attempts: QUE-03, QUE-04. */
#include "config.h"

#include "relay/sched/backoff.h"
#include "tests/unit/t.h"

static void
test_bounds(void **state)
{
	static const int64_t retry[] = {300, 900, 1800, 3600, 7200};
	static const struct {
		const char *name;
		size_t n;
		uint32_t tries;
		int64_t base;
	} cases[] = {
	    {"first", 5, 1, 300},
	    {"second", 5, 2, 900},
	    {"last", 5, 5, 7200},
	    {"the last one repeats", 5, 6, 7200},
	    {"for ever", 5, UINT32_MAX, 7200},
	    {"no try yet is like the first", 5, 0, 300},
	    {"one entry", 1, 9, 300},
	    {"no schedule: RFC 5321 4.5.4.1", 0, 1, 1800},
	};
	struct rng rng;

	(void)state;
	rng_init_seed(&rng, 7);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int64_t low = INT64_MAX;
		int64_t high = 0;

		for (int k = 0; k < 2000; k++) {
			int64_t d = backoff_delay(
			    retry, cases[i].n, cases[i].tries, &rng);

			low = d < low ? d : low;
			high = d > high ? d : high;
		}
		t_bool(cases[i].name, low >= cases[i].base * 9 / 10, true);
		t_bool(cases[i].name, high <= cases[i].base * 11 / 10, true);
		t_bool(cases[i].name, low < high, true);
	}
}

static void
test_extremes(void **state)
{
	static const int64_t odd[] = {0, -5, 1, INT64_MAX};
	struct rng rng;

	(void)state;
	rng_init_seed(&rng, 1);
	t_int("zero", backoff_delay(odd, 4, 1, &rng), 1);
	t_int("negative", backoff_delay(odd, 4, 2, &rng), 1);
	t_int("one", backoff_delay(odd, 4, 3, &rng), 1);
	t_bool("huge", backoff_delay(odd, 4, 4, &rng) <= 33 * 86400, true);
}

static void
test_same_seed_same_delay(void **state)
{
	static const int64_t retry[] = {7200};
	struct rng a;
	struct rng b;

	(void)state;
	rng_init_seed(&a, 99);
	rng_init_seed(&b, 99);
	t_int("delay", backoff_delay(retry, 1, 1, &a),
	    backoff_delay(retry, 1, 1, &b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_same_seed_same_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
