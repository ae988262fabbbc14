/* Words for what tlsa_usable and tlsa_select decide: DANE-38, 39, 47. */
#include "dane/tlsa_why.h"

#include "dane/tlsa.h"
#include "tests/unit/t.h"

static void
test_agrees(void **state)
{
	static uint8_t data[64];
	static const uint16_t lens[] = {0, 1, 31, 32, 33, 63, 64};

	(void)state;
	for (unsigned u = 0; u < 5; u++)
		for (unsigned s = 0; s < 3; s++)
			for (unsigned m = 0; m < 4; m++)
				for (size_t i = 0; i < T_COUNT(lens); i++) {
					struct rr_tlsa t = {(uint8_t)u,
					    (uint8_t)s, (uint8_t)m, lens[i],
					    data};
					char what[40];

					snprintf(what, sizeof(what),
					    "%u %u %u %u bytes", u, s, m,
					    (unsigned)lens[i]);
					t_bool(what,
					    tlsa_why(&t, &t, 1) == NULL,
					    tlsa_usable(&t));
				}
}

static void
test_words(void **state)
{
	static uint8_t data[64];
	static const struct {
		struct rr_tlsa t;
		const char *rule, *text;
	} cases[] = {
	    {{0, 1, 1, 32, data}, "DANE-38", "usages 0 and 1"},
	    {{1, 0, 1, 32, data}, "DANE-38", "usages 0 and 1"},
	    {{4, 1, 1, 32, data}, "DANE-39", "unknown usage"},
	    {{3, 2, 1, 32, data}, "DANE-39", "unknown selector"},
	    {{3, 1, 3, 32, data}, "DANE-39", "unknown matching type"},
	    {{3, 1, 1, 31, data}, "DANE-39", "length"},
	    {{3, 0, 0, 31, data}, "DANE-39", "no certificate"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const struct tlsa_why *w = tlsa_why(&cases[i].t, NULL, 0);

		t_bool(cases[i].text, w != NULL, true);
		t_cstr(cases[i].text, w->rule, cases[i].rule);
		t_bool(w->text, strstr(w->text, cases[i].text) != NULL, true);
	}
}

/* DANE-47: of two digests the weaker one is not used, though usable. */
static void
test_agility(void **state)
{
	static uint8_t data[64];
	const struct rr_tlsa set[] = {
	    {3, 1, 1, 32, data}, {3, 1, 2, 64, data}, {2, 1, 1, 32, data}};
	struct rr_tlsa *used;
	size_t n;

	(void)state;
	tlsa_select(set, 3, &used, &n);
	t_cstr("DANE-47", tlsa_why(&set[0], used, n)->rule, "DANE-47");
	t_bool("the stronger", tlsa_why(&set[1], used, n) == NULL, true);
	t_bool("another usage", tlsa_why(&set[2], used, n) == NULL, true);
	rr_tlsa_free(used, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees),
	    cmocka_unit_test(test_words), cmocka_unit_test(test_agility)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
