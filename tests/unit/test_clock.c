/* relay/base/clock: a clock that is handed in. */
#include "config.h"

#include "relay/base/clock.h"
#include "tests/unit/t.h"

static int64_t
fake_mono(void *arg)
{
	return *(int64_t *)arg;
}

static int64_t
fake_real(void *arg)
{
	return *(int64_t *)arg / 1000 + 5;
}

static void
test_fake(void **state)
{
	int64_t now = 7000;
	struct clock c = {fake_mono, fake_real, &now};

	(void)state;
	t_int("mono", clock_mono_ms(&c), 7000);
	t_int("real", clock_real_s(&c), 12);
	now += 3000;
	t_int("later", clock_mono_ms(&c), 10000);
	t_int("later", clock_real_s(&c), 15);
}

static void
test_system(void **state)
{
	struct clock c = clock_system();
	int64_t before = clock_mono_ms(&c);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_ms(&c);

		t_bool("never goes back", now >= before, true);
		before = now;
	}
	/* 2024 to 2200: seconds, neither milliseconds nor since boot. */
	t_bool("seconds since 1970",
	    clock_real_s(&c) > INT64_C(1704067200) &&
		clock_real_s(&c) < INT64_C(7258118400),
	    true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fake),
	    cmocka_unit_test(test_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
