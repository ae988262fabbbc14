/* Memory of failed fetches and refreshes. */
#include "config.h"

#include "tests/unit/t.h"

#include "sts/sts_notes.h"

static void
test_failures(void **state)
{
	struct sts_notes *n;
	struct rng rng;

	(void)state;
	rng_init_seed(&rng, 1);
	n = sts_notes_new(&rng, 0);
	assert_null(sts_notes_find(n, "a.example"));
	sts_notes_failed(n, "a.example", "1", 100);
	t_cstr("id", sts_notes_find(n, "a.example")->failed_id, "1");
	t_int("at", sts_notes_find(n, "a.example")->failed_at, 100);
	sts_notes_failed(n, "a.example", "2", 200);
	t_cstr("new id", sts_notes_find(n, "a.example")->failed_id, "2");
	assert_null(sts_notes_find(n, "b.example"));
	sts_notes_free(n);
	sts_notes_free(NULL);
}

static void
test_bound(void **state)
{
	struct sts_notes *n;
	struct rng rng;
	char domain[20];
	int known = 0;

	(void)state;
	rng_init_seed(&rng, 1);
	n = sts_notes_new(&rng, 10);
	for (int i = 0; i < 95; i++) {
		snprintf(domain, sizeof(domain), "d%d", i);
		sts_notes_failed(n, domain, "1", 1);
	}
	for (int i = 0; i < 95; i++) {
		snprintf(domain, sizeof(domain), "d%d", i);
		known += sts_notes_find(n, domain) != NULL;
	}
	t_int("kept", known, 5);
	t_cstr("the last", sts_notes_find(n, "d94")->failed_id, "1");
	sts_notes_free(n);
}

/* STS-25: daily, and one try an hour. */
static void
test_refresh(void **state)
{
	const int64_t day = STS_REFRESH_AGE_S, hour = STS_REFRESH_GAP_S;
	struct sts_notes *n;
	struct rng rng;

	(void)state;
	rng_init_seed(&rng, 1);
	n = sts_notes_new(&rng, 0);
	t_bool("young", sts_notes_refresh(n, "a", 1, day), false);
	t_bool("a day old", sts_notes_refresh(n, "a", 1, day + 1), true);
	t_bool("just tried", sts_notes_refresh(n, "a", 1, day + 2), false);
	t_bool("an hour later", sts_notes_refresh(n, "a", 1, day + 1 + hour),
	    true);
	t_bool("clock set back", sts_notes_refresh(n, "a", 1, day + 1), true);
	t_bool("another domain", sts_notes_refresh(n, "b", 1, day + 1), true);
	sts_notes_free(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_bound),
	    cmocka_unit_test(test_refresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
