/* relay/base/metrics: counters, gauges and their names. */
#include "config.h"

#include "relay/base/metrics.h"
#include "tests/unit/t.h"

static void
test_values(void **state)
{
	struct metrics m;

	(void)state;
	metrics_init(&m);
	for (int i = 0; i < METRIC_COUNT; i++)
		t_int("zero", (int64_t)metrics_get(&m, (enum metric)i), 0);
	metrics_add(&m, METRIC_SENT, 3);
	metrics_add(&m, METRIC_SENT, 4);
	metrics_add(&m, METRIC_DNS_IN_FLIGHT, 2);
	metrics_add(&m, METRIC_DNS_IN_FLIGHT, -1);
	t_int("counter", (int64_t)metrics_get(&m, METRIC_SENT), 7);
	t_int("gauge", (int64_t)metrics_get(&m, METRIC_DNS_IN_FLIGHT), 1);
	t_int("others", (int64_t)metrics_get(&m, METRIC_BOUNCED), 0);
}

/* Names are an interface: lower case, and no two alike. */
static void
test_names(void **state)
{
	(void)state;
	t_cstr("name", metric_name(METRIC_SESSIONS_IN), "sessions_in_total");
	t_cstr(
	    "help", metric_help(METRIC_STORE_ERRORS), "store jobs that failed");
	for (int i = 0; i < METRIC_COUNT; i++) {
		const char *name = metric_name((enum metric)i);

		t_int(name,
		    (int64_t)strspn(name, "abcdefghijklmnopqrstuvwxyz_"),
		    (int64_t)strlen(name));
		t_bool(name, metric_help((enum metric)i)[0] != '\0', true);
		for (int j = 0; j < i; j++)
			t_bool(name,
			    strcmp(name, metric_name((enum metric)j)) != 0,
			    true);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
