/*
 * Routes while nobody validates: what a domain was known for is held, and
 * nothing that was heard meanwhile is believed (DANE-58).
 */
#include "config.h"

#include "tests/adapt/decide_world.h"

static void
test_untrusted(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, false, "m1.a");
	tabledns_addr(&w.dns, "m1.a", "192.0.2.1", false);
	w.dns_state = DNS_STATE_UNTRUSTED;
	run(&w, "a.example");
	t_cstr("never had TLSA", w.log,
	    "m1.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	w.had = true;
	run(&w, "a.example");
	t_cstr("DANE-58", w.log, "-m1.a/DANE-58 deferred/4.7.5/DANE-58");
	w.dns_state = DNS_STATE_UNKNOWN;
	run(&w, "a.example");
	t_cstr("not yet known", w.log, "-m1.a/DANE-58 deferred/4.7.5/DANE-58");
	w.dns_state = DNS_STATE_OK;
	run(&w, "a.example");
	t_cstr("fine", w.log,
	    "m1.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	w.dns_state = DNS_STATE_UNTRUSTED;
	w.options.dane.on = false;
	run(&w, "a.example");
	t_cstr("dane { mode = off }", w.log,
	    "m1.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	world_clear(&w);

	/* Before the first canary a secure answer is good. */
	world_init(&w);
	w.had = true;
	w.dns_state = DNS_STATE_UNKNOWN;
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("secure", w.log, "m1.a:25/dane/DANE-11 deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

/* DANE-58: an answer that nobody validated stays so, also when the resolver
 * is well again before the host is judged. */
static void
test_untrusted_before(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct world w;

	(void)state;
	for (int rounds = 1; rounds < 6; rounds++) {
		world_init(&w);
		w.had = true;
		w.dns_state = DNS_STATE_UNTRUSTED;
		MX(&w, false, "m1.a");
		tabledns_addr(&w.dns, "m1.a", "192.0.2.1", false);
		w.route = route_start(w.decide, &req, on_event, &w);
		while (strstr(buf_str(&w.dns.asked).p, "m1.a") == NULL)
			loop_run_once(w.loop);
		for (int i = 1; i < rounds; i++)
			loop_run_once(w.loop);
		w.dns_state = DNS_STATE_OK;
		w.dns_turns++;
		loop_run(w.loop);
		t_cstr("held", w.log, "-m1.a/DANE-58 deferred/4.7.5/DANE-58");
		world_clear(&w);
	}
}

/* DANE-58: nor does one count that came while it did not validate for a moment
 * between two looks at it. */
static void
test_untrusted_between(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct world w;

	(void)state;
	world_init(&w);
	w.had = true;
	MX(&w, false, "m1.a");
	tabledns_addr(&w.dns, "m1.a", "192.0.2.1", false);
	w.route = route_start(w.decide, &req, on_event, &w);
	while (strstr(buf_str(&w.dns.asked).p, "m1.a") == NULL)
		loop_run_once(w.loop);
	w.dns_turns += 2;
	loop_run(w.loop);
	t_cstr("held", w.log, "-m1.a/DANE-58 deferred/4.7.5/DANE-58");
	world_clear(&w);
}

/* DANE-58: a denial that nobody validated bounces nothing that is protected. */
static void
test_untrusted_denial(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.dns_state = DNS_STATE_UNTRUSTED;
	run(&w, "a.example");
	t_cstr("unprotected", w.log, "bounced/5.1.2/SMTP-14");
	w.had = true;
	run(&w, "a.example");
	t_cstr("no domain", w.log, "deferred/4.7.5/DANE-58");
	MX(&w, false, "");
	run(&w, "a.example");
	t_cstr("null MX", w.log, "deferred/4.7.5/DANE-58");
	world_site(&w, SITE_DEFAULT, NULL);
	w.site.continuity = CONTINUITY_LOG;
	run(&w, "a.example");
	t_cstr("continuity = log", w.log, "bounced/5.1.10/NMX-01");
	world_clear(&w);

	world_init(&w);
	w.dns_state = DNS_STATE_UNTRUSTED;
	world_site(&w, SITE_VERIFIED, NULL);
	run(&w, "a.example");
	t_cstr("verified", w.log, "deferred/4.7.5/DANE-58");
	world_site(&w, SITE_STS, NULL);
	run(&w, "a.example");
	t_cstr("sts", w.log, "bounced/5.1.2/SMTP-14");
	world_site(&w, SITE_DANE, NULL);
	tabledns_status(&w.dns, "a.example", RR_MX, RR_FAIL, false);
	run(&w, "a.example");
	t_cstr("a failure is one", w.log, "deferred/4.4.3/DANE-05");
	world_clear(&w);

	world_init(&w);
	w.dns_state = DNS_STATE_UNTRUSTED;
	world_site(&w, SITE_DANE, NULL);
	MX(&w, false, "m1.a");
	run(&w, "a.example");
	t_cstr("no address", w.log, "-m1.a/DANE-23 deferred/4.4.4/DANE-23");
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_untrusted),
	    cmocka_unit_test(test_untrusted_before),
	    cmocka_unit_test(test_untrusted_between),
	    cmocka_unit_test(test_untrusted_denial),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
