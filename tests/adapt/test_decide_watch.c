/* The downgrade watch of a route: what is noted, whom it looks at, and what
 * it says is gone. CONTINUITY. */
#include "config.h"

#include "tests/adapt/decide_world.h"

static void
begin(struct world *w)
{
	world_init(w);
	w->options.sts.on = true;
	w->had = true;
}

static bool
was_asked(struct world *w, const char *name)
{
	return strstr(buf_str(&w->dns.asked).p, name) != NULL;
}

static void
hold(struct world *w)
{
	world_site(w, SITE_DEFAULT, NULL);
	w->site.continuity = CONTINUITY_HOLD;
}

/* A route that began before its domain was forgotten brings nothing back. */
static void
test_forgotten_meanwhile(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct world w;

	(void)state;
	for (unsigned forgets = 0; forgets < 2; forgets++) {
		begin(&w);
		w.had = false;
		MX(&w, true, "m1.a");
		secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
		w.route = route_start(w.decide, &req, on_event, &w);
		while (strstr(buf_str(&w.dns.asked).p, "m1.a") == NULL)
			loop_run_once(w.loop);
		w.forgets += forgets;
		loop_run(w.loop);
		t_int("noted", (int64_t)w.seen, forgets ? 0 : HAD_DANE);
		world_clear(&w);
	}
}

/* It had TLSA, and no host of the set has any. */
static void
test_gone(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", NULL);
	run(&w, "a.example");
	t_cstr("log", w.log,
	    "m1.a:25/opportunistic/DANE-13 m2.a:25/opportunistic/DANE-13 "
	    "deferred/4.4.1/SMTP-16");
	t_int("said once", w.had_gone, 1);
	t_bool("not held", w.held, false);
	t_int("nothing was seen", (int64_t)w.seen, 0);
	world_clear(&w);

	begin(&w);
	hold(&w);
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("hold", w.log, "-m1.a/CONTINUITY deferred/4.7.5/CONTINUITY");
	t_bool("held", w.held, true);
	run(&w, "a.example");
	t_cstr("still", w.log, "-m1.a/CONTINUITY deferred/4.7.5/CONTINUITY");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("back", w.log, "m1.a:25/dane/DANE-11 deferred/4.4.1/SMTP-16");
	t_int("seen", (int64_t)w.seen, HAD_DANE);
	t_cstr("by itself", w.seen_via, "a.example");
	w.had = false;
	world_clear(&w);
}

/* DANE-11: one host with records is enough, whichever is first. */
static void
test_mixed(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	hold(&w);
	MX(&w, true, "m1.a", "m2.a", "m3.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", "_25._tcp.m2.a");
	secure_host(&w, "m3.a", "192.0.2.3", NULL);
	run(&w, "a.example");
	t_cstr("mixed", w.log,
	    "m1.a:25/opportunistic/DANE-13 m2.a:25/dane/DANE-11 "
	    "m3.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	t_int("nothing is gone", w.had_gone, 0);
	t_int("seen", (int64_t)w.seen, HAD_DANE);
	world_clear(&w);

	/* Nobody is looked at before his turn when there is no need. */
	begin(&w);
	w.had = false;
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", NULL);
	w.free_on_event = true;
	run(&w, "a.example");
	t_bool("m1 was asked for", was_asked(&w, "m1.a"), true);
	t_bool("m2 was not", was_asked(&w, "m2.a"), false);
	w.had = true;
	run(&w, "a.example");
	t_bool("now it was", was_asked(&w, "m2.a"), true);
	t_int("gone", w.had_gone, 1);
	world_clear(&w);
}

/* DANE-07: a lookup that fails says nothing: nothing is gone, but what is to
 * be held waits. */
static void
test_unsure(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", NULL);
	tabledns_status(&w.dns, "_25._tcp.m2.a", RR_TLSA, RR_FAIL, false);
	run(&w, "a.example");
	t_cstr("log", w.log,
	    "m1.a:25/opportunistic/DANE-13 -m2.a/DANE-07 "
	    "deferred/4.4.1/SMTP-16");
	t_int("not gone", w.had_gone, 0);
	hold(&w);
	run(&w, "a.example");
	t_cstr("hold", w.log,
	    "-m1.a/CONTINUITY -m2.a/DANE-07 deferred/4.7.5/CONTINUITY");
	t_int("not gone", w.had_gone, 0);
	world_clear(&w);

	/* An address that can't be looked up is a host not looked at. */
	begin(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	tabledns_status(&w.dns, "m2.a", RR_A, RR_FAIL, false);
	tabledns_status(&w.dns, "m2.a", RR_AAAA, RR_FAIL, false);
	run(&w, "a.example");
	t_int("not gone", w.had_gone, 0);
	world_clear(&w);
}

/* MTA-STS: in force, over, another mode, unknown. */
static void
test_sts(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.had_sts = true;
	hold(&w);
	MX(&w, false, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	world_sts(&w, STS_MODE_ENFORCE, "m1.a");
	run(&w, "a.example");
	t_cstr("STS-29", w.log, "m1.a:25/pkix/STS-29 deferred/4.4.1/SMTP-16");
	t_int("seen", (int64_t)w.seen, HAD_STS);
	world_sts(&w, STS_MODE_TESTING, "m1.a");
	run(&w, "a.example");
	t_cstr("testing", w.log, "-m1.a/CONTINUITY deferred/4.7.5/CONTINUITY");
	t_int("gone", w.had_gone, 1);
	w.had_gone = 0;
	w.sts.verdict.source = STS_NO_POLICY;
	w.sts.verdict.rule = "STS-40";
	run(&w, "a.example");
	t_cstr("STS-40", w.log, "-m1.a/CONTINUITY deferred/4.7.5/CONTINUITY");
	t_int("not known", w.had_gone, 0);
	w.sts.verdict.rule = "STS-02";
	run(&w, "a.example");
	t_int("no record", w.had_gone, 1);
	w.site.continuity = CONTINUITY_DEFAULT;
	run(&w, "a.example");
	t_int("said before", w.had_gone, 1);
	world_clear(&w);

	/* From MTA-STS to DANE nothing is lost. */
	begin(&w);
	w.had_sts = true;
	hold(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", "_25._tcp.m2.a");
	run(&w, "a.example");
	t_cstr("DANE-11", w.log,
	    "m1.a:25/opportunistic/DANE-13 m2.a:25/dane/DANE-11 "
	    "deferred/4.4.1/SMTP-16");
	t_int("nothing is gone", w.had_gone, 0);
	world_clear(&w);
}

/* STS-27: what another next hop had is nothing that this one lost; nor is what
 * the configuration switched off. */
static void
test_not_counted(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	hold(&w);
	w.had_via = "gw.example";
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("another next hop", w.log,
	    "m1.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	w.had_via = NULL;
	w.options.dane.on = false;
	run(&w, "a.example");
	t_cstr("dane { mode = off }", w.log,
	    "m1.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	t_int("nothing is gone", w.had_gone, 0);
	world_clear(&w);

	begin(&w);
	world_site(&w, SITE_DEFAULT, "gw.b:2525");
	w.had_via = "gw.b";
	w.site.continuity = CONTINUITY_HOLD;
	secure_host(&w, "gw.b", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("the same next hop", w.log,
	    "-gw.b/CONTINUITY deferred/4.7.5/CONTINUITY");
	secure_host(&w, "gw.b", "192.0.2.1", "_2525._tcp.gw.b");
	run(&w, "a.example");
	t_cstr(
	    "DANE-27", w.log, "gw.b:2525/dane/DANE-11 deferred/4.4.1/SMTP-16");
	t_cstr("by the next hop", w.seen_via, "gw.b");
	world_site(&w, SITE_DEFAULT, NULL);
	world_clear(&w);

	begin(&w);
	world_site(&w, SITE_DEFAULT, "[192.0.2.1]");
	w.had_via = "";
	w.site.continuity = CONTINUITY_HOLD;
	run(&w, "a.example");
	t_cstr("DANE-15 an address has nothing to lose", w.log,
	    "[192.0.2.1]:25/opportunistic/DANE-15 deferred/4.4.1/SMTP-16");
	world_site(&w, SITE_DEFAULT, NULL);
	world_clear(&w);
}

/* DANE-19, DANE-58: an unsigned set has lost its DANE; while nobody validates
 * nothing of DANE is known. */
static void
test_insecure(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	hold(&w);
	MX(&w, false, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("a host that anybody may have named", w.log,
	    "-m1.a/CONTINUITY deferred/4.7.5/CONTINUITY");
	t_int("gone", w.had_gone, 1);
	t_int("not noted", w.had_set, 0);
	w.had_gone = 0;
	w.site.continuity = CONTINUITY_LOG;
	w.dns_state = DNS_STATE_UNTRUSTED;
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_int("nothing is known", w.had_gone, 0);
	world_clear(&w);
}

/* Somebody only asks: nothing is noted. */
static void
test_quiet(void **state)
{
	struct route_req req = {.next_hop = "a.example", .quiet = true};
	struct world w;

	(void)state;
	begin(&w);
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	world_sts(&w, STS_MODE_TESTING, "m1.a");
	w.route = route_start(w.decide, &req, on_event, &w);
	loop_run(w.loop);
	t_int("gone", w.had_gone, 0);
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	world_sts(&w, STS_MODE_ENFORCE, "m1.a");
	route_free(w.route);
	w.ends = 0;
	w.route = route_start(w.decide, &req, on_event, &w);
	loop_run(w.loop);
	t_int("seen", (int64_t)w.seen, 0);
	world_clear(&w);
}

/* The caller goes while the other hosts are looked at. */
static void
test_canceled(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct world w;

	(void)state;
	begin(&w);
	hold(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", NULL);
	w.route = route_start(w.decide, &req, on_event, &w);
	while (!was_asked(&w, "m2.a"))
		loop_run_once(w.loop);
	route_free(w.route);
	w.route = NULL;
	loop_run(w.loop);
	t_cstr("nothing is heard", w.log, "");
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forgotten_meanwhile),
	    cmocka_unit_test(test_gone),
	    cmocka_unit_test(test_mixed),
	    cmocka_unit_test(test_unsure),
	    cmocka_unit_test(test_sts),
	    cmocka_unit_test(test_not_counted),
	    cmocka_unit_test(test_insecure),
	    cmocka_unit_test(test_quiet),
	    cmocka_unit_test(test_canceled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
