/* dns_cache over a scripted upstream and a clock that the test turns. */
#include "config.h"

#include "tests/adapt/cache_world.h"

static void
test_hold(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, (struct dns_cache_opts){.trust_ad = true});
	t_int("canary at once", w.up.canaries, 1);
	ask(&w, "a.test", RR_A);
	dns_cancel(w.dns, ask(&w, "b.test", RR_A));
	vclock_turn(&w.loop, 60000);
	t_int("held", w.up.asked, 0);
	t_int("held", w.answers, 0);
	canary(&w, set_of(RR_NS, RR_OK, true, 60));
	t_int("DANE-58 told", w.changes, 1);
	t_int("from", w.from, DNS_STATE_UNKNOWN);
	t_int("to", w.to, DNS_STATE_OK);
	t_int("asked", w.up.asked, 1);
	reply(&w, "a.test", set_of(RR_A, RR_OK, true, 60));
	t_int("answered", w.answers, 1);
	t_bool("secure", w.secure, true);
	world_close(&w);
}

static void
test_coalesce(void **state)
{
	struct dns_query *q;
	struct world w;

	(void)state;
	world_well(&w, (struct dns_cache_opts){0});
	ask(&w, "a.test", RR_A);
	q = ask(&w, "A.TEST", RR_A);
	ask(&w, "a.test", RR_A);
	ask(&w, "a.test", RR_AAAA);
	t_int("one a type", w.up.asked, 2);
	dns_cancel(w.dns, q);
	up_answer(&w.up, "a.test", set_of(RR_A, RR_OK, true, 60));
	t_int("later", w.answers, 0);
	vclock_turn(&w.loop, 0);
	t_int("two waited", w.answers, 2);
	dns_cancel(w.dns, ask(&w, "a.test", RR_A));
	vclock_turn(&w.loop, 0);
	t_int("canceled before the answer", w.answers, 2);
	w.ask_again = "a.test";
	t_bool("a callback asks", is_hit(&w, "a.test", RR_A), false);
	t_int("and is answered", w.answers, 4);
	t_int(
	    "hits", (int64_t)metrics_get(&w.metrics, METRIC_DNS_CACHE_HITS), 3);
	world_close(&w);
	t_int("the other lookup", w.up.canceled, 1);
}

/* RESOLVER.md 1.4 */
static void
test_ttl(void **state)
{
	static const struct {
		const char *name;
		enum rr_type type;
		enum rr_status status;
		uint32_t ttl;
		int64_t keep; /* seconds */
	} cases[] = {
	    {"ttl", RR_A, RR_OK, 10, 10},
	    {"cap", RR_MX, RR_OK, 86400, 300},
	    {"cap of TLSA", RR_TLSA, RR_OK, 86400, 100},
	    {"nodata", RR_TLSA, RR_NODATA, 30, 30},
	    {"cap of nodata", RR_TLSA, RR_NODATA, 3600, 60},
	    {"cap of nxdomain", RR_MX, RR_NXDOMAIN, 3600, 60},
	    {"huge", RR_A, RR_OK, UINT32_MAX, 300},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct world w;

		world_well(&w, (struct dns_cache_opts){0});
		ask(&w, "a.test", cases[i].type);
		reply(&w, "a.test",
		    set_of(cases[i].type, cases[i].status, true, cases[i].ttl));
		vclock_turn(&w.loop, cases[i].keep * 1000 - 1);
		t_bool(
		    cases[i].name, is_hit(&w, "a.test", cases[i].type), true);
		vclock_turn(&w.loop, 1);
		t_bool(
		    cases[i].name, is_hit(&w, "a.test", cases[i].type), false);
		world_close(&w);
	}
}

static void
test_ttl_zero(void **state)
{
	struct world w;

	(void)state;
	world_well(&w, (struct dns_cache_opts){0});
	ask(&w, "a.test", RR_A);
	reply(&w, "a.test", set_of(RR_A, RR_OK, true, 0));
	t_int("answered", w.answers, 1);
	t_bool("not kept", is_hit(&w, "a.test", RR_A), false);
	world_close(&w);
}

/* RFC 9520: failures are kept, longer each time. */
static void
test_backoff(void **state)
{
	static const int64_t keep[] = {5, 10, 20, 40, 60, 60};
	struct world w;
	size_t i;

	(void)state;
	world_well(&w, (struct dns_cache_opts){0});
	for (i = 0; i < T_COUNT(keep); i++) {
		t_bool("asked", is_hit(&w, "a.test", RR_TLSA), false);
		reply(&w, "a.test", failure(RR_TLSA, RR_WHY_BOGUS));
		vclock_turn(&w.loop, keep[i] * 1000 - 1);
		t_bool("kept", is_hit(&w, "a.test", RR_TLSA), true);
		t_cstr("why", rr_why_str(w.why), "bogus");
		vclock_turn(&w.loop, 1);
	}
	t_bool("asked", is_hit(&w, "a.test", RR_TLSA), false);
	reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 0));
	t_bool("asked", is_hit(&w, "a.test", RR_TLSA), false);
	reply(&w, "a.test", failure(RR_TLSA, RR_WHY_BOGUS));
	vclock_turn(&w.loop, 5000);
	t_bool("starts anew", is_hit(&w, "a.test", RR_TLSA), false);
	world_close(&w);
}

static void
test_lru(void **state)
{
	static const char *const names[] = {"a.test", "b.test", "c.test"};
	struct world w;
	size_t i;

	(void)state;
	world_well(&w, (struct dns_cache_opts){.entries = 3});
	for (i = 0; i < T_COUNT(names); i++) {
		ask(&w, names[i], RR_A);
		reply(&w, names[i], set_of(RR_A, RR_OK, true, 60));
	}
	t_bool("used", is_hit(&w, "a.test", RR_A), true);
	ask(&w, "d.test", RR_A);
	reply(&w, "d.test", set_of(RR_A, RR_OK, true, 60));
	t_bool("a stays", is_hit(&w, "a.test", RR_A), true);
	t_bool("d stays", is_hit(&w, "d.test", RR_A), true);
	t_bool("b went", is_hit(&w, "b.test", RR_A), false);
	reply(&w, "b.test", set_of(RR_A, RR_OK, true, 60));
	world_close(&w);
}

static void
test_judge(void **state)
{
	static const struct {
		const char *name;
		bool managed, trust_ad;
		enum rr_status status;
		enum rr_why why;
		bool secure;
		enum dns_state want;
		enum rr_why want_why; /* of an answer, NONE: asked */
	} cases[] = {
	    {"validating", false, true, RR_OK, RR_WHY_NONE, true, DNS_STATE_OK,
		RR_WHY_NONE},
	    {"DANE-03 AD of a resolver that is not trusted", false, false,
		RR_OK, RR_WHY_NONE, true, DNS_STATE_UNTRUSTED, RR_WHY_NONE},
	    {"external without AD", false, true, RR_OK, RR_WHY_NONE, false,
		DNS_STATE_UNTRUSTED, RR_WHY_NONE},
	    {"external, denies the root", false, true, RR_NXDOMAIN, RR_WHY_NONE,
		true, DNS_STATE_DEAD, RR_WHY_UNTRUSTED},
	    {"external, has no root", false, true, RR_NODATA, RR_WHY_NONE,
		false, DNS_STATE_DEAD, RR_WHY_UNTRUSTED},
	    {"external, refused", false, true, RR_FAIL, RR_WHY_REFUSED, false,
		DNS_STATE_UNTRUSTED, RR_WHY_NONE},
	    {"external, silent", false, true, RR_FAIL, RR_WHY_TIMEOUT, false,
		DNS_STATE_DEAD, RR_WHY_UNREACHABLE},
	    {"managed without AD", true, true, RR_OK, RR_WHY_NONE, false,
		DNS_STATE_DEAD, RR_WHY_UNTRUSTED},
	    {"managed, bogus", true, true, RR_FAIL, RR_WHY_BOGUS, false,
		DNS_STATE_DEAD, RR_WHY_UNREACHABLE},
	};
	size_t i;

	(void)state;
	for (i = 0; i < T_COUNT(cases); i++) {
		struct rr_set *set;
		struct world w;

		world_open(&w,
		    (struct dns_cache_opts){.managed = cases[i].managed,
			.trust_ad = cases[i].trust_ad});
		vclock_turn(&w.loop, 6000); /* the canary took its time */
		set = set_of(RR_NS, cases[i].status, cases[i].secure, 60);
		set->why = cases[i].why;
		canary(&w, set);
		t_cstr(cases[i].name, dns_state_str(dns_cache_state(w.dns)),
		    dns_state_str(cases[i].want));
		ask(&w, "a.test", RR_TLSA);
		vclock_turn(&w.loop, 0);
		t_int(
		    cases[i].name, w.up.asked, cases[i].want != DNS_STATE_DEAD);
		if (cases[i].want == DNS_STATE_DEAD) {
			t_cstr(cases[i].name, rr_status_str(w.status), "fail");
			t_cstr(cases[i].name, rr_why_str(w.why),
			    rr_why_str(cases[i].want_why));
		} else {
			reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 60));
			t_bool(cases[i].name, w.secure,
			    cases[i].want == DNS_STATE_OK);
		}
		world_close(&w);
	}
}

/* What was learned under another state is forgotten. */
static void
test_change(void **state)
{
	struct world w;

	(void)state;
	world_well(&w, (struct dns_cache_opts){.canary_ms = 30000});
	ask(&w, "a.test", RR_TLSA);
	reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 100));
	ask(&w, "b.test", RR_TLSA);
	vclock_turn(&w.loop, 30000);
	t_int("canary again", w.up.canaries, 2);
	canary(&w, set_of(RR_NS, RR_OK, false, 60));
	t_int("untrusted", dns_cache_state(w.dns), DNS_STATE_UNTRUSTED);
	reply(&w, "b.test", set_of(RR_TLSA, RR_OK, true, 100));
	t_int("under way does not count", w.answers, 1);
	reply(&w, "b.test", set_of(RR_TLSA, RR_OK, true, 100));
	t_bool("asked again, not believed", w.secure, false);
	t_int("answered", w.answers, 2);
	t_bool("forgotten", is_hit(&w, "a.test", RR_TLSA), false);
	reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 100));
	t_bool("insecure", w.secure, false);
	t_bool("kept so", is_hit(&w, "a.test", RR_TLSA), true);
	t_bool("kept so", w.secure, false);
	vclock_turn(&w.loop, 1000);
	t_int("asked sooner", w.up.canaries, 3);
	canary(&w, set_of(RR_NS, RR_OK, true, 60));
	t_int("well", dns_cache_state(w.dns), DNS_STATE_OK);
	t_bool("forgotten", is_hit(&w, "a.test", RR_TLSA), false);
	reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 100));
	t_bool("secure again", w.secure, true);
	t_int("changes", w.changes, 3);
	world_close(&w);
}

/* DANE-58: asked while nobody validated, answered when somebody does. */
static void
test_change_under_way(void **state)
{
	struct dns_query *q;
	struct world w;

	(void)state;
	world_open(
	    &w, (struct dns_cache_opts){.trust_ad = true, .canary_ms = 1000});
	canary(&w, set_of(RR_NS, RR_OK, false, 60));
	t_int("untrusted", dns_cache_state(w.dns), DNS_STATE_UNTRUSTED);
	ask(&w, "a.test", RR_TLSA);
	ask(&w, "a.test", RR_TLSA);
	q = ask(&w, "b.test", RR_TLSA);
	vclock_turn(&w.loop, 1000);
	canary(&w, set_of(RR_NS, RR_OK, true, 60));
	t_int("well", dns_cache_state(w.dns), DNS_STATE_OK);
	reply(&w, "a.test", set_of(RR_TLSA, RR_NODATA, false, 60));
	t_int("not answered by it", w.answers, 0);
	t_int("asked again, once", w.up.asked, 3);
	reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 60));
	t_int("both", w.answers, 2);
	t_bool("secure", w.secure, true);
	t_bool("kept", is_hit(&w, "a.test", RR_TLSA), true);
	dns_cancel(w.dns, q);
	reply(&w, "b.test", set_of(RR_TLSA, RR_NODATA, false, 60));
	t_int("nobody waits", w.up.asked, 3);
	t_bool("nor was it kept", is_hit(&w, "b.test", RR_TLSA), false);
	reply(&w, "b.test", set_of(RR_TLSA, RR_OK, true, 60));
	world_close(&w);

	/* Both answers come in one round of the loop. */
	world_open(
	    &w, (struct dns_cache_opts){.trust_ad = true, .canary_ms = 1000});
	canary(&w, set_of(RR_NS, RR_OK, false, 60));
	ask(&w, "a.test", RR_TLSA);
	vclock_turn(&w.loop, 1000);
	up_answer(&w.up, "a.test", set_of(RR_TLSA, RR_NODATA, false, 60));
	canary(&w, set_of(RR_NS, RR_OK, true, 60));
	t_int("not delivered", w.answers, 0);
	reply(&w, "a.test", set_of(RR_TLSA, RR_OK, true, 60));
	t_bool("secure", w.secure, true);
	world_close(&w);
}

/* A resolver that dies is noticed by the first lookup, and so is its return
 * within 2 s. */
static void
test_death(void **state)
{
	struct world w;

	(void)state;
	world_well(&w, (struct dns_cache_opts){.managed = true});
	ask(&w, "a.test", RR_A);
	reply(&w, "a.test", failure(RR_A, RR_WHY_UNREACHABLE));
	t_int("canary at once", w.up.canaries, 2);
	canary(&w, failure(RR_NS, RR_WHY_UNREACHABLE));
	t_int("dead", w.to, DNS_STATE_DEAD);
	t_bool("answered at once", is_hit(&w, "b.test", RR_A), true);
	t_cstr("why", rr_why_str(w.why), "resolver-unreachable");
	vclock_turn(&w.loop, 1000);
	t_int("canary", w.up.canaries, 3);
	canary(&w, failure(RR_NS, RR_WHY_UNREACHABLE));
	vclock_turn(&w.loop, 2000);
	t_int("canary", w.up.canaries, 4);
	canary(&w, failure(RR_NS, RR_WHY_UNREACHABLE));
	vclock_turn(&w.loop, 2000);
	t_int("canary", w.up.canaries, 5);
	canary(&w, set_of(RR_NS, RR_OK, true, 60));
	t_int("well", w.to, DNS_STATE_OK);
	t_int("told each change once", w.changes, 3);
	t_bool("the failure is forgotten", is_hit(&w, "a.test", RR_A), false);
	world_close(&w);
}

/* One that hangs is asked at once too, and not given up for one lookup that
 * was slow. */
static void
test_silence(void **state)
{
	struct world w;

	(void)state;
	world_well(&w, (struct dns_cache_opts){.managed = true});
	ask(&w, "slow.test", RR_A);
	reply(&w, "slow.test", failure(RR_A, RR_WHY_TIMEOUT));
	t_int("canary at once", w.up.canaries, 2);
	canary(&w, set_of(RR_NS, RR_OK, true, 60));
	t_int("well", dns_cache_state(w.dns), DNS_STATE_OK);
	ask(&w, "a.test", RR_A);
	reply(&w, "a.test", failure(RR_A, RR_WHY_TIMEOUT));
	t_int("canary at once", w.up.canaries, 3);
	canary(&w, failure(RR_NS, RR_WHY_TIMEOUT));
	t_int("dead", w.to, DNS_STATE_DEAD);
	t_bool("answered at once", is_hit(&w, "b.test", RR_A), true);
	world_close(&w);
}

/* A managed resolver that was just started does not listen yet. */
static void
test_grace(void **state)
{
	struct world w;
	unsigned i;

	(void)state;
	world_open(
	    &w, (struct dns_cache_opts){.managed = true, .trust_ad = true});
	ask(&w, "a.test", RR_A);
	canary(&w, failure(RR_NS, RR_WHY_UNREACHABLE));
	vclock_turn(&w.loop, 1000);
	canary(&w, failure(RR_NS, RR_WHY_TIMEOUT));
	t_int("still held", dns_cache_state(w.dns), DNS_STATE_UNKNOWN);
	t_int("still held", w.answers, 0);
	for (i = 0; i < 2; i++) {
		vclock_turn(&w.loop, 2000);
		canary(&w, failure(RR_NS, RR_WHY_UNREACHABLE));
	}
	t_int("but not for ever", dns_cache_state(w.dns), DNS_STATE_DEAD);
	t_int("answered", w.answers, 1);
	t_cstr("why", rr_why_str(w.why), "resolver-unreachable");
	world_close(&w);
}

static void
test_names(void **state)
{
	static const char *const names[] = {
	    "", "a b.test", "a.test.", "a\\032.test"};
	char longest[400];
	struct world w;
	size_t i;

	(void)state;
	world_well(&w, (struct dns_cache_opts){0});
	for (i = 0; i < T_COUNT(names); i++) {
		t_bool(names[i], is_hit(&w, names[i], RR_A), true);
		t_cstr(names[i], rr_why_str(w.why), "malformed");
	}
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	t_bool("too long", is_hit(&w, longest, RR_A), true);
	t_cstr("too long", rr_why_str(w.why), "malformed");
	world_close(&w);
}

/* Everything that can be waiting is let go without a callback. */
static void
test_free_all(void **state)
{
	struct world w;
	unsigned before;

	(void)state;
	world_well(&w, (struct dns_cache_opts){.canary_ms = 1000});
	ask(&w, "a.test", RR_A);
	reply(&w, "a.test", set_of(RR_A, RR_OK, true, 60));
	before = w.answers;
	ask(&w, "a.test", RR_A); /* ready */
	ask(&w, "b.test", RR_A); /* under way */
	w.loop.now += 1000;
	up_answer(&w.up, "b.test", set_of(RR_A, RR_OK, true, 60));
	ask(&w, "c.test", RR_A);
	world_close(&w);
	t_int("no callback", w.answers, before);
	world_open(&w, (struct dns_cache_opts){0});
	ask(&w, "a.test", RR_A); /* held */
	world_close(&w);
	t_int("no callback", w.answers, 0);
	dns_cache_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_coalesce),
	    cmocka_unit_test(test_ttl),
	    cmocka_unit_test(test_ttl_zero),
	    cmocka_unit_test(test_backoff),
	    cmocka_unit_test(test_lru),
	    cmocka_unit_test(test_judge),
	    cmocka_unit_test(test_change),
	    cmocka_unit_test(test_change_under_way),
	    cmocka_unit_test(test_death),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_grace),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_free_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
