/* relay/base/rng: the seeded sequence, and bounds. */
#include "config.h"

#include "relay/base/rng.h"
#include "tests/unit/t.h"

static void
test_seeded(void **state)
{
	struct rng a, b, c;
	uint8_t x[37], y[37], z[37];

	(void)state;
	rng_init_seed(&a, 42);
	rng_init_seed(&b, 42);
	rng_init_seed(&c, 43);
	rng_fill(&a, x, sizeof(x));
	rng_fill(&b, y, sizeof(y));
	rng_fill(&c, z, sizeof(z));
	t_bool("same seed", memcmp(x, y, sizeof(x)) == 0, true);
	t_bool("other seed", memcmp(x, z, sizeof(x)) != 0, true);
	rng_fill(&a, y, sizeof(y));
	t_bool("goes on", memcmp(x, y, sizeof(x)) != 0, true);
}

/* First output of xoshiro256** for the state 1, 2, 3, 4 (reference code). */
static void
test_sequence(void **state)
{
	static const uint64_t want[] = {
	    11520, 0, 1509978240, UINT64_C(1215971899390074240)};
	struct rng r = {{1, 2, 3, 4}, 1};

	(void)state;
	for (size_t i = 0; i < T_COUNT(want); i++) {
		uint8_t b[8];
		uint64_t got = 0;

		rng_fill(&r, b, sizeof(b));
		for (int j = 7; j >= 0; j--)
			got = got << 8 | b[j];
		t_int("output", (int64_t)got, (int64_t)want[i]);
	}
}

static void
test_below(void **state)
{
	static const uint32_t bounds[] = {
	    1, 2, 3, 7, 1000, 0x80000001U, UINT32_MAX};
	unsigned counts[6] = {0};
	struct rng r;

	(void)state;
	rng_init_seed(&r, 1);
	t_int("0 of 0", rng_below(&r, 0), 0);
	for (size_t i = 0; i < T_COUNT(bounds); i++) {
		for (int j = 0; j < 1000; j++)
			t_bool("below", rng_below(&r, bounds[i]) < bounds[i],
			    true);
	}
	for (int j = 0; j < 60000; j++)
		counts[rng_below(&r, 6)]++;
	for (size_t i = 0; i < 6; i++)
		t_bool("fair", counts[i] > 9500 && counts[i] < 10500, true);
}

static void
test_system(void **state)
{
	struct rng r;
	uint8_t a[64] = {0}, b[64] = {0};

	(void)state;
	rng_init_system(&r);
	rng_fill(&r, a, 0);
	rng_fill(&r, a, sizeof(a));
	rng_fill(&r, b, sizeof(b));
	t_bool("never twice", memcmp(a, b, sizeof(a)) != 0, true);
	t_bool("below", rng_below(&r, 10) < 10, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_seeded),
	    cmocka_unit_test(test_sequence),
	    cmocka_unit_test(test_below),
	    cmocka_unit_test(test_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
