/* Routes on a table of DNS answers: hosts, skips, ends. */
#include "config.h"

#include "tests/adapt/decide_world.h"

static void
test_hosts(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.2", "_25._tcp.m2.a");
	run(&w, "a.example");
	t_cstr("DANE-16 DANE-20 mixed", w.log,
	    "m1.a:25/opportunistic/DANE-13 m2.a:25/dane/DANE-11 "
	    "deferred/4.4.1/SMTP-16");
	t_int("DANE-58 noted", w.had_set, 1);
	t_int("STS is asked once", w.sts.asked, 1);
	t_cstr("STS of the domain", w.sts.domain, "a.example");
	world_clear(&w);
}

/* Hosts are looked at when their turn comes, not before. */
static void
stop_at_host(void *arg, const struct route_event *ev)
{
	note_event(arg, ev);
}

static void
test_lazy(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	w.route = route_start(w.decide, &req, stop_at_host, &w);
	loop_run(w.loop);
	t_cstr("one host", w.log, "m1.a:25/opportunistic/DANE-13 ");
	t_bool("m2 is not asked",
	    strstr(buf_str(&w.dns.asked).p, "m2.a") == NULL, true);
	world_clear(&w);
}

static void
test_ends(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	run(&w, "a.example");
	t_cstr("no such domain", w.log, "bounced/5.1.2/SMTP-14");
	world_clear(&w);

	world_init(&w);
	MX(&w, false, "");
	run(&w, "a.example");
	t_cstr("null MX", w.log, "bounced/5.1.10/NMX-01");
	world_clear(&w);

	world_init(&w);
	tabledns_status(&w.dns, "a.example", RR_MX, RR_FAIL, false);
	run(&w, "a.example");
	t_cstr("DANE-05", w.log, "deferred/4.4.3/DANE-05");
	t_cstr("reason", w.end.reply, "a.example: MX lookup failed: servfail");
	t_int("no STS", w.sts.asked, 0);
	world_clear(&w);

	world_init(&w);
	MX(&w, true, "relay.example", "m2.a");
	run(&w, "a.example");
	t_cstr("SMTP-17", w.log, "bounced/5.4.6/SMTP-17");
	world_clear(&w);

	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	run(&w, "a.example");
	t_cstr("no addresses", w.log,
	    "-m1.a/DANE-23 -m2.a/DANE-23 bounced/5.4.4/DANE-23");
	world_clear(&w);

	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	tabledns_status(&w.dns, "m2.a", RR_A, RR_FAIL, false);
	run(&w, "a.example");
	t_cstr("DANE-06", w.log,
	    "-m1.a/DANE-23 -m2.a/DANE-06 deferred/4.4.3/DANE-06");
	world_clear(&w);
}

static void
test_implicit(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_status(&w.dns, "a.example", RR_MX, RR_NODATA, true);
	secure_host(&w, "a.example", "192.0.2.1", "_25._tcp.a.example");
	run(&w, "a.example");
	t_cstr("DANE-27", w.log,
	    "a.example:25/dane/DANE-11 deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

/* Policy skips: the route goes on to the next host by itself. */
static void
test_skips(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	tabledns_status(&w.dns, "_25._tcp.m1.a", RR_TLSA, RR_FAIL, false);
	secure_host(&w, "m2.a", "192.0.2.2", NULL);
	run(&w, "a.example");
	t_cstr("DANE-07", w.log,
	    "-m1.a/DANE-07 m2.a:25/opportunistic/DANE-13 "
	    "deferred/4.4.1/SMTP-16");
	world_clear(&w);

	world_init(&w);
	MX(&w, false, "m1.a", "evil.b");
	tabledns_addr(&w.dns, "m1.a", "192.0.2.1", false);
	secure_host(&w, "evil.b", "192.0.2.2", "_25._tcp.evil.b");
	world_sts(&w, STS_MODE_ENFORCE, "m1.a");
	run(&w, "a.example");
	t_cstr("STS-39 foreign TLSA", w.log,
	    "m1.a:25/pkix/STS-29 -evil.b/STS-34 deferred/4.4.1/SMTP-16");
	t_int("insecure MX is not noted", w.had_set, 0);
	w.sts.mx[0][0] = 'x';
	run(&w, "a.example");
	t_cstr("STS-29 none allowed", w.log,
	    "-m1.a/STS-34 -evil.b/STS-34 deferred/4.7.5/STS-34");
	t_bool("by policy", w.end.by_policy, true);
	world_clear(&w);
}

/* dane { insecure_mx = no }: not even a question. */
static void
test_insecure_mx_off(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.options.dane.insecure_mx = false;
	MX(&w, false, "m1.b");
	secure_host(&w, "m1.b", "192.0.2.1", "_25._tcp.m1.b");
	run(&w, "a.example");
	t_cstr("off", w.log,
	    "m1.b:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	t_bool("no TLSA question",
	    strstr(buf_str(&w.dns.asked).p, "_tcp") == NULL, true);
	world_clear(&w);
}

static void
test_sts(void **state)
{
	struct world w;

	(void)state;
	/* DANE decides alone: a policy host that hangs delays nothing. */
	world_init(&w);
	w.sts.silent = true;
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr(
	    "no waiting", w.log, "m1.a:25/dane/DANE-11 deferred/4.4.1/SMTP-16");
	route_free(w.route);
	w.route = NULL;
	t_int("STS-01 not asked", w.sts.asked, 0);
	world_clear(&w);

	world_init(&w);
	w.sts.silent = true;
	MX(&w, false, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("waiting", w.log, "");
	route_free(w.route);
	w.route = NULL;
	t_int("canceled", w.sts.canceled, 1);
	world_clear(&w);

	world_init(&w);
	w.sts.verdict.source = STS_STORE_ERROR;
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("STS-41", w.log, "-m1.a/STS-41 deferred/4.3.0/STS-41");
	world_clear(&w);

	world_init(&w);
	w.opts.sts = NULL;
	decide_free(w.decide);
	w.decide = decide_new(&w.opts);
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("without STS", w.log,
	    "m1.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

/* MTA-STS answers after DANE has: who waits for it, and what it adds. */
static void
test_sts_later(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.sts.silent = true;
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	tabledns_status(&w.dns, "_25._tcp.m1.a", RR_TLSA, RR_FAIL, false);
	run(&w, "a.example");
	t_cstr("DANE-07 does not wait", w.log,
	    "-m1.a/DANE-07 deferred/4.7.5/DANE-07");
	t_int("nor ask", w.sts.asked, 0);
	world_clear(&w);

	world_init(&w);
	w.sts.delay = 3;
	world_sts(&w, STS_MODE_ENFORCE, "m1.a");
	MX(&w, false, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("STS-39 insecure MX waits", w.log,
	    "m1.a:25/dane+pkix/DANE-17 deferred/4.4.1/SMTP-16");
	world_clear(&w);

	world_init(&w);
	w.sts.delay = 3;
	world_sts(&w, STS_MODE_ENFORCE, "m1.a");
	world_site(&w, SITE_STS, NULL);
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("a site rule waits", w.log,
	    "m1.a:25/dane+pkix/DANE-11 deferred/4.4.1/SMTP-16");
	world_clear(&w);

	world_init(&w);
	w.sts.delay = 3;
	world_sts(&w, STS_MODE_ENFORCE, "m1.a");
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	tabledns_tlsa(&w.dns, "_25._tcp.m1.a", 1, true);
	run(&w, "a.example");
	t_cstr("DANE-12 waits", w.log,
	    "m1.a:25/pkix/STS-29 deferred/4.4.1/SMTP-16");
	t_int("DANE-58 unusable TLSA is noted", w.had_set, 1);
	world_clear(&w);
}

/* Nobody watches the resolver, remembers domains or knows our addresses. */
static void
test_without_hooks(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.opts.dns_state = NULL;
	w.opts.had = NULL;
	w.opts.had_seen = NULL;
	w.opts.had_gone = NULL;
	w.opts.own_addr = NULL;
	decide_free(w.decide);
	w.decide = decide_new(&w.opts);
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.99", "_25._tcp.m1.a");
	run(&w, "a.example");
	t_cstr("DANE as ever", w.log,
	    "m1.a:25/dane/DANE-11 deferred/4.4.1/SMTP-16");
	run(&w, "b.example");
	t_cstr("no domain", w.log, "bounced/5.1.2/SMTP-14");
	w.opts.dns_state = dns_state;
	w.dns_state = DNS_STATE_UNTRUSTED;
	route_free(w.route);
	w.route = NULL;
	decide_free(w.decide);
	w.decide = decide_new(&w.opts);
	run(&w, "b.example");
	t_cstr("unprotected, for all we know", w.log, "bounced/5.1.2/SMTP-14");
	world_clear(&w);
}

static void
test_guard(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a", "m2.a", "m3.a");
	secure_host(&w, "m1.a", "127.0.0.1", NULL);
	secure_host(&w, "m2.a", "192.0.2.99", NULL);
	tabledns_addr(&w.dns, "m3.a", "::1", true);
	tabledns_addr(&w.dns, "m3.a", "192.0.2.3", true);
	run(&w, "a.example");
	t_cstr("guarded", w.log,
	    "-m1.a/ADDR-PRIVATE -m2.a/SMTP-17 m3.a:25/opportunistic/DANE-13 "
	    "deferred/4.4.1/SMTP-16");
	w.options.deliver.allow_private = true;
	run(&w, "a.example");
	t_cstr("allowed", w.log,
	    "m1.a:25/opportunistic/DANE-13 m2.a:25/opportunistic/DANE-13 "
	    "m3.a:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

static void
test_literal(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	run(&w, "[192.0.2.1]");
	t_cstr("DANE-15", w.log,
	    "[192.0.2.1]:25/opportunistic/DANE-15 deferred/4.4.1/SMTP-16");
	t_is("no questions", buf_str(&w.dns.asked), "");
	t_int("STS-28", w.sts.asked, 0);
	run(&w, "[127.0.0.1]");
	t_cstr("private", w.log,
	    "-[127.0.0.1]/ADDR-PRIVATE deferred/4.4.4/ADDR-PRIVATE");
	run(&w, "[nonsense]");
	t_cstr("nonsense", w.log, "bounced/5.1.3/SMTP-14");
	world_clear(&w);
}

static void
test_nexthop(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_site(&w, SITE_DEFAULT, "hub.b:2525");
	secure_host(&w, "hub.b", "10.0.0.1", "_2525._tcp.hub.b");
	run(&w, "a.example");
	t_cstr("DANE-28 real port, private is fine", w.log,
	    "hub.b:2525/dane/DANE-11 deferred/4.4.1/SMTP-16");
	t_int("DANE-58 noted", w.had_set, 1);
	world_site(&w, SITE_DEFAULT, "hub.c");
	secure_host(&w, "hub.c", "10.0.0.2", NULL);
	run(&w, "a.example");
	t_cstr("no TLSA", w.log,
	    "hub.c:25/opportunistic/DANE-13 deferred/4.4.1/SMTP-16");
	t_cstr("STS-27", w.sts.domain, "hub.c");
	t_bool("no MX question", strstr(buf_str(&w.dns.asked).p, "/15") == NULL,
	    true);
	world_site(&w, SITE_DEFAULT, "[127.0.0.1]:2525");
	run(&w, "a.example");
	t_cstr("address", w.log,
	    "[127.0.0.1]:2525/opportunistic/DANE-15 deferred/4.4.1/SMTP-16");
	world_site(&w, SITE_DANE, "hub.b:2525");
	run(&w, "a.example");
	t_cstr("DANE-49 met", w.log,
	    "hub.b:2525/dane/DANE-11 deferred/4.4.1/SMTP-16");
	world_site(&w, SITE_DEFAULT, NULL);
	world_clear(&w);
}

static void
test_site_and_flags(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a");
	secure_host(&w, "m1.a", "192.0.2.1", NULL);
	world_site(&w, SITE_DANE, NULL);
	run(&w, "a.example");
	t_cstr("DANE-49", w.log, "-m1.a/DANE-49 deferred/4.7.5/DANE-49");
	world_site(&w, SITE_ENCRYPTED, NULL);
	run(&w, "a.example");
	t_cstr("encrypted", w.log,
	    "m1.a:25/encrypt/SITE-ENCRYPTED deferred/4.4.1/SMTP-16");
	w.flags = MSG_REQUIRETLS;
	world_site(&w, SITE_DEFAULT, NULL);
	run(&w, "a.example");
	t_cstr("RTLS-04", w.log, "m1.a:25/pkix/RTLS-04 deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

/* Freed at each event, from within. */
static void
test_freed_within(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.free_on_event = true;
	MX(&w, true, "m1.a", "m2.a");
	secure_host(&w, "m2.a", "192.0.2.1", NULL);
	run(&w, "a.example");
	t_cstr("at a skip", w.log, "-m1.a/DANE-23 ");
	run(&w, "b.example");
	t_cstr("at the end", w.log, "bounced/5.1.2/SMTP-14");
	run(&w, "[192.0.2.1]");
	t_cstr("at a host", w.log, "[192.0.2.1]:25/opportunistic/DANE-15 ");
	world_clear(&w);
}

static void
test_freed_early(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct world w;

	(void)state;
	/* After each round of the loop there may be another thing to drop. */
	for (int rounds = 0; rounds < 8; rounds++) {
		world_init(&w);
		w.sts.silent = true;
		MX(&w, true, "m1.a");
		secure_host(&w, "m1.a", "192.0.2.1", NULL);
		w.route = route_start(w.decide, &req, on_event, &w);
		for (int i = 0; i < rounds; i++)
			loop_run_once(w.loop);
		route_free(w.route);
		w.route = NULL;
		loop_run(w.loop);
		t_cstr("nothing", w.log, "");
		world_clear(&w);
	}
}

/* SMTP-30: neither family crowds out the other. */
static void
test_many_addresses(void **state)
{
	struct route_req req = {.next_hop = "a.example"};
	struct rr_set *a = rr_set_new(RR_A, 20);
	struct rr_set *aaaa = rr_set_new(RR_AAAA, 20);
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a");
	for (size_t i = 0; i < 20; i++) {
		a->u.addr[i] = (struct rr_addr){4, {192, 0, 2, (uint8_t)i}};
		aaaa->u.addr[i] = (struct rr_addr){
		    6, {0x20, 1, 0xd, 0xb8, (uint8_t)i}};
	}
	tabledns_put(&w.dns, "m1.a", RR_A, a, true);
	tabledns_put(&w.dns, "m1.a", RR_AAAA, aaaa, true);
	w.route = route_start(w.decide, &req, stop_at_host, &w);
	loop_run(w.loop);
	t_int("IPv6", w.n6, ROUTE_ADDRS_MAX / 2);
	t_int("IPv4", w.n4, ROUTE_ADDRS_MAX / 2);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_lazy),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_implicit),
	    cmocka_unit_test(test_skips),
	    cmocka_unit_test(test_insecure_mx_off),
	    cmocka_unit_test(test_sts),
	    cmocka_unit_test(test_sts_later),
	    cmocka_unit_test(test_without_hooks),
	    cmocka_unit_test(test_guard),
	    cmocka_unit_test(test_literal),
	    cmocka_unit_test(test_nexthop),
	    cmocka_unit_test(test_site_and_flags),
	    cmocka_unit_test(test_freed_within),
	    cmocka_unit_test(test_freed_early),
	    cmocka_unit_test(test_many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
