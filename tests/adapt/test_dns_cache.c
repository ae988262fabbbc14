/* dns_cache over a scripted upstream and a clock that the test turns. */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/dns/dns_cache.h"
#include "tests/adapt/vclock.h"

/* ---- the upstream ---- */

struct question {
	struct list node;
	struct upstream *up;
	char name[DOMAIN_MAX];
	enum rr_type type;
	dns_fn *fn;
	void *arg;
};

struct upstream {
	struct dns base;
	struct list open;
	unsigned asked, canaries, canceled;
};

static struct dns_query *
up_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct upstream *up = (struct upstream *)(void *)d;
	struct question *q = xcalloc(1, sizeof(*q));

	q->up = up;
	memcpy(q->name, name, strlen(name) + 1);
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	list_push(&up->open, &q->node);
	if (type == RR_NS)
		up->canaries++;
	else
		up->asked++;
	return (struct dns_query *)(void *)q;
}

static void
up_cancel(struct dns_query *dq)
{
	struct question *q = (struct question *)(void *)dq;

	q->up->canceled++;
	list_remove(&q->node);
	free(q);
}

/* Answers the oldest open question for name; takes the count of set. */
static void
up_answer(struct upstream *up, const char *name, struct rr_set *take_set)
{
	struct list *node;

	for (node = up->open.next; node != &up->open; node = node->next) {
		struct question *q = CONTAINER_OF(node, struct question, node);
		dns_fn *fn = q->fn;
		void *arg = q->arg;

		if (strcmp(q->name, name) != 0)
			continue;
		list_remove(&q->node);
		free(q);
		fn(arg, take_set);
		rr_set_unref(take_set);
		return;
	}
	fail_msg("nobody asked for %s", name);
}

static struct rr_set *
set_of(enum rr_type type, enum rr_status status, bool secure, uint32_t ttl)
{
	struct rr_set *s = rr_set_new(type, status == RR_OK ? 1 : 0);

	s->status = status;
	s->secure = secure;
	s->ttl = ttl;
	return s;
}

static struct rr_set *
failure(enum rr_type type, enum rr_why why)
{
	return rr_set_empty(type, RR_FAIL, why);
}

/* ---- the world ---- */

struct world {
	struct loop loop; /* vclock's */
	struct upstream up;
	struct metrics metrics;
	struct rng rng;
	struct dns *dns;
	unsigned asking, answers;
	enum rr_status status;
	enum rr_why why;
	bool secure;
	unsigned changes;
	enum dns_state from, to;
	const char *ask_again; /* in the next callback */
};

static void
on_state(void *arg, enum dns_state from, enum dns_state to)
{
	struct world *w = arg;

	w->changes++;
	w->from = from;
	w->to = to;
}

static struct dns_query *ask(
    struct world *w, const char *name, enum rr_type type);

static void
on_answer(void *arg, struct rr_set *set)
{
	struct world *w = arg;
	const char *again = w->ask_again;

	if (w->asking)
		fail_msg("answered inside dns_ask");
	w->answers++;
	w->status = set->status;
	w->why = set->why;
	w->secure = set->secure;
	w->ask_again = NULL;
	if (again)
		ask(w, again, RR_A);
}

static struct dns_query *
ask(struct world *w, const char *name, enum rr_type type)
{
	struct dns_query *q;

	w->asking++;
	q = dns_ask(w->dns, name, type, on_answer, w);
	w->asking--;
	return q;
}

static void
world_open(struct world *w, struct dns_cache_opts o)
{
	memset(w, 0, sizeof(*w));
	vclock_init(&w->loop);
	list_init(&w->up.open);
	w->up.base.ask = up_ask;
	w->up.base.cancel = up_cancel;
	metrics_init(&w->metrics);
	rng_init_seed(&w->rng, 1);
	o.upstream = &w->up.base;
	o.metrics = &w->metrics;
	o.rng = &w->rng;
	o.on_state = on_state;
	o.arg = w;
	t_err("new", dns_cache_new(&w->loop, &o, &w->dns), 0);
	vclock_turn(&w->loop, 0);
}

static void
world_close(struct world *w)
{
	dns_cache_free(w->dns);
	t_bool("all asked upstream is over", list_empty(&w->up.open), true);
	t_bool("no timer is left", list_empty(&w->loop.timers), true);
}

/* The canary's answer; also runs what follows at once. */
static void
canary(struct world *w, struct rr_set *take_set)
{
	up_answer(&w->up, ".", take_set);
	vclock_turn(&w->loop, 0);
}

/* A validating resolver whose canary sleeps for a day. */
static void
world_well(struct world *w, struct dns_cache_opts o)
{
	o.trust_ad = true;
	if (o.canary_ms == 0)
		o.canary_ms = 86400000;
	world_open(w, o);
	canary(w, set_of(RR_NS, RR_OK, true, 60));
	t_int("state", dns_cache_state(w->dns), DNS_STATE_OK);
}

/* Asks; is it answered without the upstream? */
static bool
is_hit(struct world *w, const char *name, enum rr_type type)
{
	unsigned asked = w->up.asked, answers = w->answers;

	ask(w, name, type);
	vclock_turn(&w->loop, 0);
	return w->up.asked == asked && w->answers == answers + 1;
}

static void
reply(struct world *w, const char *name, struct rr_set *take_set)
{
	up_answer(&w->up, name, take_set);
	vclock_turn(&w->loop, 0);
}

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
	    {"external, denied", false, true, RR_NXDOMAIN, RR_WHY_NONE, true,
		DNS_STATE_UNTRUSTED, RR_WHY_NONE},
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
	t_bool("under way is not believed", w.secure, false);
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
	    cmocka_unit_test(test_death),
	    cmocka_unit_test(test_grace),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_free_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
