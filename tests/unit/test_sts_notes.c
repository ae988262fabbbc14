/* Memory of failed fetches: how long they are put off, and what is news. */
#include "config.h"

#include "tests/unit/t.h"

#include "sts/sts_notes.h"

#define NOW 1000000

static struct sts_notes *
notes(struct rng *rng, size_t max)
{
	rng_init_seed(rng, 1);
	return sts_notes_new(rng, max);
}

static bool
fail_at(struct sts_notes *n, const char *id, int err, int64_t now)
{
	return sts_notes_failed(n,
	    &(struct sts_failure){
		.domain = "a.example", .id = id, .err = err, .now = now});
}

/* Seconds that this id has to wait. */
static int64_t
wait_of(struct sts_notes *n, const char *id, bool in_force, int64_t now)
{
	return sts_notes_when(n, "a.example", id, in_force, now) - now;
}

/* STS-21: five minutes for an id that failed, twice as long each time. */
static void
test_one_id(void **state)
{
	static const int64_t waits[] = {
	    300, 600, 1200, 2400, 4800, 9600, 14400, 14400};
	struct rng rng;
	struct sts_notes *n = notes(&rng, 0);
	int64_t now = NOW;

	(void)state;
	t_int("STS-21 nothing known", wait_of(n, "1", false, now), 0);
	for (size_t i = 0; i < T_COUNT(waits); i++) {
		fail_at(n, "1", ERR_IO, now);
		t_int("STS-21", wait_of(n, "1", false, now), waits[i]);
		t_int("STS-25", wait_of(n, NULL, false, now), waits[i]);
		now += waits[i];
		t_int("STS-21 over", wait_of(n, "1", false, now), 0);
	}
	t_int("clock set back", wait_of(n, "1", false, NOW), 0);
	t_int("another domain", sts_notes_when(n, "b.example", "1", false, NOW),
	    NOW);
	t_int("8 had failed", (int64_t)sts_notes_fetched(n, "a.example"), 8);
	t_int("STS-21 forgotten", wait_of(n, "1", false, now), 0);
	t_int("none", (int64_t)sts_notes_fetched(n, "b.example"), 0);
	sts_notes_free(n);
	sts_notes_free(NULL);
}

/* STS-21: who makes up ids does not force a fetch with each. */
static void
test_many_ids(void **state)
{
	struct rng rng;
	struct sts_notes *n = notes(&rng, 0);
	int64_t now = NOW;
	int fetches = 0;
	char id[16];

	(void)state;
	fail_at(n, "1", ERR_IO, now);
	t_int(
	    "STS-21 a new id after a minute", wait_of(n, "2", false, now), 60);
	t_int(
	    "STS-21 the old one after five", wait_of(n, "1", false, now), 300);
	t_int("STS-25 a refresh too", wait_of(n, NULL, false, now), 300);
	/* A new id every ten seconds, for two days. */
	for (int i = 0; i < 2 * 8640; i++, now += 10) {
		snprintf(id, sizeof(id), "x%d", i);
		if (wait_of(n, id, false, now) > 0)
			continue;
		fail_at(n, id, ERR_IO, now);
		fetches++;
	}
	t_int("STS-21 fetches in two days", fetches, 52);
	/* Two ids by turns are no better off. */
	for (int i = 0; i < 8640; i++, now += 10) {
		snprintf(id, sizeof(id), "y%d", i % 2);
		if (wait_of(n, id, false, now) > 0)
			continue;
		fail_at(n, id, ERR_IO, now);
		fetches++;
	}
	t_bool("STS-21 by turns", fetches < 52 + 24, true);
	sts_notes_free(n);
}

/* A policy is in force and the id changes all the time, each fetch is good. */
static void
test_changes(void **state)
{
	struct rng rng;
	struct sts_notes *n = notes(&rng, 0);
	int fetches = 0;

	(void)state;
	for (int i = 0; i < 8640; i++) {
		if (wait_of(n, "2", true, NOW + i * 10) > 0)
			continue;
		sts_notes_changed(n, "a.example", NOW + i * 10);
		sts_notes_fetched(n, "a.example");
		fetches++;
	}
	t_int("STS-21 changes in a day", fetches,
	    STS_CHANGES_BURST - 1 + 86400 / STS_CHANGES_S);
	t_bool("must wait", wait_of(n, "2", true, NOW + 86400 - 10) > 0, true);
	t_int("nothing in force", wait_of(n, "2", false, NOW + 86400 - 10), 0);
	t_int("clock set back", wait_of(n, "2", true, NOW), 0);
	sts_notes_changed(n, "a.example", NOW);
	t_int("and it works again", wait_of(n, "2", true, NOW), 0);
	sts_notes_free(n);
}

/* STS-26: what is worth a line in the log. */
static void
test_news(void **state)
{
	struct rng rng;
	struct sts_notes *n = notes(&rng, 0);

	(void)state;
	t_bool("STS-26 first", fail_at(n, "1", ERR_IO, NOW), true);
	t_bool("STS-26 same", fail_at(n, "2", ERR_IO, NOW), false);
	t_bool("STS-26 other error", fail_at(n, "2", ERR_TLS, NOW), true);
	t_bool("STS-26 same", fail_at(n, "2", ERR_TLS, NOW), false);
	sts_notes_fetched(n, "a.example");
	t_bool("STS-26 again", fail_at(n, "2", ERR_TLS, NOW), true);
	sts_notes_forget(n, "a.example");
	sts_notes_forget(n, "b.example");
	t_int("forgotten", wait_of(n, "2", false, NOW), 0);
	t_bool("STS-26 forgotten", fail_at(n, "2", ERR_TLS, NOW), true);
	sts_notes_free(n);
}

/* STS-26: near its end a policy that can't be refreshed is at risk. */
static void
test_risk(void **state)
{
	static const struct {
		int64_t life, safe, risky; /* seconds left */
	} cases[] = {
	    {86400, 43201, 43200},
	    {604800, 172801, 172800},
	    {31557600, 7889401, 7889400},
	};
	struct rng rng;
	struct sts_notes *n = notes(&rng, 0);

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct sts_entry e = {
		    .fetched = NOW, .expires = NOW + cases[i].life};
		struct sts_failure f = {.domain = "a.example",
		    .id = "1",
		    .err = ERR_IO,
		    .in_force = &e};

		f.now = e.expires - cases[i].safe;
		t_bool("STS-26 first", sts_notes_failed(n, &f), true);
		t_int("STS-26 safe", (int64_t)sts_notes_risks(n, f.now), 0);
		t_bool("STS-26 no news", sts_notes_failed(n, &f), false);
		f.now = e.expires - cases[i].risky;
		t_bool("STS-26 news", sts_notes_failed(n, &f), true);
		t_bool("STS-26 once", sts_notes_failed(n, &f), false);
		t_int("STS-26 at risk", (int64_t)sts_notes_risks(n, f.now), 1);
		t_int("STS-26 until it expires",
		    (int64_t)sts_notes_risks(n, e.expires), 0);
		sts_notes_failed(n, &f);
		sts_notes_fetched(n, "a.example");
		t_int("STS-26 fetched", (int64_t)sts_notes_risks(n, f.now), 0);
	}
	sts_notes_free(n);
}

static void
test_bound(void **state)
{
	struct rng rng;
	struct sts_notes *n = notes(&rng, 10);
	char domain[20];
	int known = 0;

	(void)state;
	for (int i = 0; i < 95; i++) {
		snprintf(domain, sizeof(domain), "d%d", i);
		sts_notes_failed(n,
		    &(struct sts_failure){
			.domain = domain, .id = "1", .now = NOW});
		/* The one that is used stays. */
		sts_notes_changed(n, "d0", NOW);
	}
	for (int i = 0; i < 95; i++) {
		snprintf(domain, sizeof(domain), "d%d", i);
		known += sts_notes_when(n, domain, "1", false, NOW) > NOW;
	}
	t_int("kept", known, 10);
	t_int("used", sts_notes_when(n, "d0", "1", false, NOW), NOW + 300);
	t_int("new", sts_notes_when(n, "d94", "1", false, NOW), NOW + 300);
	t_int("old", sts_notes_when(n, "d85", "1", false, NOW), NOW);
	sts_notes_free(n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_id),
	    cmocka_unit_test(test_many_ids),
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_news),
	    cmocka_unit_test(test_risk),
	    cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
