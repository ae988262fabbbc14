/* Has a domain lost what it had? CONTINUITY. */
#include "config.h"

#include "relay/policy/downgrade.h"

#include "tests/unit/t.h"

static void
test_hosts(void **state)
{
	static const struct {
		const char *name, *kinds; /* n none, u usable, x unusable, f */
		size_t n;
		enum mx_security mx;
		enum downgrade_has want;
	} cases[] = {
	    {"nobody was looked at", "", 2, MX_SECURE, DOWNGRADE_UNSEEN},
	    {"one of two", "n", 2, MX_SECURE, DOWNGRADE_UNSEEN},
	    {"all", "nn", 2, MX_SECURE, DOWNGRADE_HAS_NOT},
	    {"one has", "nu", 2, MX_SECURE, DOWNGRADE_HAS},
	    {"the first has", "u", 2, MX_SECURE, DOWNGRADE_HAS},
	    {"DANE-12 unusable ones are some", "nx", 2, MX_SECURE,
		DOWNGRADE_HAS},
	    {"DANE-07 a failure is not none", "fn", 2, MX_SECURE,
		DOWNGRADE_UNKNOWN},
	    {"a failure, others unseen", "f", 2, MX_SECURE, DOWNGRADE_UNKNOWN},
	    {"a failure, one has", "fu", 2, MX_SECURE, DOWNGRADE_HAS},
	    {"the domain is the host", "n", 1, MX_IMPLICIT, DOWNGRADE_HAS_NOT},
	    {"a next hop", "u", 1, MX_NEXTHOP, DOWNGRADE_HAS},
	    {"DANE-19 a forged set", "u", 1, MX_INSECURE, DOWNGRADE_HAS_NOT},
	    {"DANE-15 an address", "", 1, MX_LITERAL, DOWNGRADE_HAS_NOT},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct downgrade_hosts h = {0};

		for (size_t k = 0; cases[i].kinds[k]; k++) {
			char c = cases[i].kinds[k];

			downgrade_host(&h, k,
			    c == 'u'       ? DANE_USABLE
				: c == 'x' ? DANE_UNUSABLE
				: c == 'f' ? DANE_FAILED
					   : DANE_NONE);
			/* Another look at the first one changes nothing. */
			downgrade_host(&h, 0, DANE_NONE);
		}
		t_int(cases[i].name,
		    (int)downgrade_dane(&h, cases[i].n, cases[i].mx),
		    (int)cases[i].want);
	}
}

static void
test_sts(void **state)
{
	static const struct {
		const char *name;
		enum sts_source source;
		enum sts_mode mode;
		const char *rule;
		enum downgrade_has want;
	} cases[] = {
	    {"STS-29", STS_FRESH, STS_MODE_ENFORCE, "", DOWNGRADE_HAS},
	    {"STS-24 cached", STS_CACHED, STS_MODE_ENFORCE, "", DOWNGRADE_HAS},
	    {"STS-32 testing", STS_FRESH, STS_MODE_TESTING, "",
		DOWNGRADE_HAS_NOT},
	    {"STS-33 none", STS_FRESH, STS_MODE_NONE, "", DOWNGRADE_HAS_NOT},
	    {"STS-02 no record", STS_NO_POLICY, STS_MODE_ENFORCE, "STS-02",
		DOWNGRADE_HAS_NOT},
	    {"STS-03 bad record", STS_NO_POLICY, STS_MODE_NONE, "STS-03",
		DOWNGRADE_HAS_NOT},
	    {"STS-40 the lookup failed", STS_NO_POLICY, STS_MODE_NONE, "STS-40",
		DOWNGRADE_UNKNOWN},
	    {"STS-23 no policy to be had", STS_UNOBTAINABLE, STS_MODE_NONE,
		"STS-23", DOWNGRADE_HAS_NOT},
	    {"STS-41 store", STS_STORE_ERROR, STS_MODE_NONE, "STS-41",
		DOWNGRADE_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct sts_verdict v = {.source = cases[i].source,
		    .policy = {.mode = cases[i].mode},
		    .rule = cases[i].rule};

		t_int(
		    cases[i].name, (int)downgrade_sts(&v), (int)cases[i].want);
	}
	t_int("nobody asked", (int)downgrade_sts(NULL), DOWNGRADE_UNKNOWN);
}

static void
test_had(void **state)
{
	static const struct {
		const char *name, *via;
		int64_t dane, sts;
		bool dane_on, sts_on;
		unsigned want;
	} cases[] = {
	    {"both", "a.example", 1, 2, true, true, HAD_DANE | HAD_STS},
	    {"DANE", "a.example", 1, 0, true, true, HAD_DANE},
	    {"STS", "A.Example", 0, 1, true, true, HAD_STS},
	    {"nothing", "a.example", 0, 0, true, true, 0},
	    {"DANE is off", "a.example", 1, 2, false, true, HAD_STS},
	    {"STS is off", "a.example", 1, 2, true, false, HAD_DANE},
	    {"STS-27 by another next hop", "gw.example", 1, 2, true, true, 0},
	    {"of an older version", "", 1, 0, true, true, HAD_DANE},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct had_entry e = {
		    .dane = cases[i].dane, .sts = cases[i].sts};

		snprintf(e.via, sizeof(e.via), "%s", cases[i].via);
		t_int(cases[i].name,
		    downgrade_had(
			&e, "a.example", cases[i].dane_on, cases[i].sts_on),
		    cases[i].want);
	}
	t_int("unknown", downgrade_had(NULL, "a.example", true, true), 0);
}

/* The whole product, by an oracle that says when each answer is due. */
static void
test_judge(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 4 * 2 * 2 * 4 * 3; n++) {
		struct downgrade_in in = {.had = n % 4,
		    .known = n / 4 % 2,
		    .holds = n / 8 % 2,
		    .dane = (enum downgrade_has)(n / 16 % 4),
		    .sts = (enum downgrade_has)(n / 64 % 3)};
		bool lost = in.had && in.dane != DOWNGRADE_HAS &&
		    in.sts != DOWNGRADE_HAS;
		bool sure = in.dane == DOWNGRADE_HAS_NOT &&
		    in.sts == DOWNGRADE_HAS_NOT;
		/* To be told, or to be held. */
		bool matters = in.holds || !in.known;
		bool helps = in.dane == DOWNGRADE_UNSEEN &&
		    (in.holds || in.sts == DOWNGRADE_HAS_NOT);
		const char *want = !lost || !matters ? "none"
		    : helps                          ? "look"
		    : sure                           ? "gone"
						     : "unsure";
		char name[80];

		snprintf(name, sizeof(name),
		    "CONTINUITY had %u known %d holds %d dane %d sts %d",
		    in.had, in.known, in.holds, (int)in.dane, (int)in.sts);
		t_cstr(name, downgrade_str(downgrade_judge(&in)), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_sts),
	    cmocka_unit_test(test_had),
	    cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
