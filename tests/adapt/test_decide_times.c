/*
 * Routes on a clock that the test turns: servers that never answer cost one
 * host or one attempt, after the time that the rules give them.
 */
#include "config.h"

#include "tests/adapt/decide_world.h"
#include "tests/adapt/vclock.h"

/* The loop of decide_world.h: one that jumps from timer to timer. */
int
loop_new(struct loop **out)
{
	*out = xcalloc(1, sizeof(**out));
	vclock_init(*out);
	return 0;
}

void
loop_run(struct loop *l)
{
	vclock_turn(l, 3600 * 1000);
}

void
loop_free(struct loop *l)
{
	t_bool("no timer is left", list_empty(&l->timers), true);
	free(l);
}

/* Starts a route, and wants log before and after the time is over. */
static void
run_for(struct world *w, const char *name, int64_t ms, const char *before,
    const char *after)
{
	struct route_req req = {.next_hop = "a.example"};

	w->route = route_start(w->decide, &req, on_event, w);
	vclock_turn(w->loop, ms - 1);
	t_cstr(name, w->log, before);
	vclock_turn(w->loop, 1);
	t_cstr(name, w->log, after);
	loop_run(w->loop);
	t_cstr(name, w->log, after);
}

static void
test_mx(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_put(&w.dns, "a.example", RR_MX, NULL, false);
	run_for(&w, "DANE-59 MX hangs", 60000, "", "deferred/4.4.3/DANE-59");
	t_cstr("reason", w.end.reply, "a.example: MX lookup failed: timeout");
	t_int("no STS", w.sts.asked, 0);

	/* Whoever names the next hop does not depend on it. */
	world_site(&w, SITE_DEFAULT, "hub.b");
	secure_host(&w, "hub.b", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("next hop of a site rule", w.log,
	    "hub.b:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	world_site(&w, SITE_DEFAULT, NULL);
	world_clear(&w);
}

static void
test_host(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	tabledns_put(&w.dns, "_25._tcp.m1.a", RR_TLSA, NULL, false);
	secure_host(&w, "m2.a", "192.0.2.2", "_25._tcp.m2.a");
	run_for(&w, "DANE-59 TLSA hangs", 20000, "",
	    "-m1.a/DANE-07 m2.a:25/dane/DANE-11 deferred/4.4.1/SMTP-16");
	world_clear(&w);

	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	tabledns_put(&w.dns, "m1.a", RR_A, NULL, false);
	tabledns_put(&w.dns, "m2.a", RR_AAAA, NULL, false);
	run_for(&w, "DANE-06 addresses hang", 40000, "-m1.a/DANE-06 ",
	    "-m1.a/DANE-06 -m2.a/DANE-06 deferred/4.4.3/DANE-06");
	world_clear(&w);
}

/* A host whose own promise is DANE does not wait for MTA-STS; others do. */
static void
test_sts_hangs(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.sts.delay = 90000;
	world_sts(&w, STS_MODE_ENFORCE, "m2.a");
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	secure_host(&w, "m2.a", "192.0.2.2", NULL);
	run_for(&w, "STS-29", 90000, "m1.a:25/dane/DANE-11 ",
	    "m1.a:25/dane/DANE-11 m2.a:25/pkix/STS-29 "
	    "deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mx),
	    cmocka_unit_test(test_host),
	    cmocka_unit_test(test_sts_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
