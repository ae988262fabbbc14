/* Site rules and their dates. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/policy/site_policy.h"

static void
test_require(void **state)
{
	static const struct {
		const char *name;
		enum site_require rule;
		int64_t expires, now;
		enum site_require want;
	} cases[] = {
	    {"for ever", SITE_DANE, 0, 5000, SITE_DANE},
	    {"before its end", SITE_AUDIT, 1000, 999, SITE_AUDIT},
	    {"at its end", SITE_AUDIT, 1000, 1000, SITE_DEFAULT},
	    {"after it", SITE_OPPORTUNISTIC, 1000, 5000, SITE_DEFAULT},
	    {"a strict one with a date", SITE_DANE, 1000, 999, SITE_DANE},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct opt_site s = {
		    .require = cases[i].rule, .expires_s = cases[i].expires};

		t_int(cases[i].name, (int)site_policy_require(&s, cases[i].now),
		    (int)cases[i].want);
	}
	t_int("none", (int)site_policy_require(NULL, 0), (int)SITE_DEFAULT);
}

static void
test_kinds(void **state)
{
	static const struct {
		const char *name;
		enum site_require rule;
		bool strict;
	} cases[] = {
	    {"default", SITE_DEFAULT, false},
	    {"opportunistic", SITE_OPPORTUNISTIC, false},
	    {"audit", SITE_AUDIT, false},
	    {"encrypted", SITE_ENCRYPTED, true},
	    {"verified", SITE_VERIFIED, true},
	    {"sts", SITE_STS, true},
	    {"dane", SITE_DANE, true},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		t_bool(cases[i].name, site_policy_is_strict(cases[i].rule),
		    cases[i].strict);
	}
}

/* log and hold are said, and each means something else than saying nothing:
 * DANE-58 and CONTINUITY. */
static void
test_continuity(void **state)
{
	static const struct {
		const char *name;
		enum site_continuity rule;
		int64_t now;
		bool logs, holds;
	} cases[] = {
	    {"log", CONTINUITY_LOG, 9, true, false},
	    {"log, over", CONTINUITY_LOG, 10, false, false},
	    {"hold", CONTINUITY_HOLD, 9, false, true},
	    {"hold, over", CONTINUITY_HOLD, 10, false, false},
	    {"not said", CONTINUITY_DEFAULT, 9, false, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct opt_site s = {
		    .continuity = cases[i].rule, .expires_s = 10};

		t_bool(cases[i].name,
		    site_policy_logs_continuity(&s, cases[i].now),
		    cases[i].logs);
		t_bool(cases[i].name,
		    site_policy_holds_continuity(&s, cases[i].now),
		    cases[i].holds);
	}
	t_bool("none", site_policy_logs_continuity(NULL, 9), false);
	t_bool("none", site_policy_holds_continuity(NULL, 9), false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_require),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_continuity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
