/* DANE for one host: questions asked, answers handed out, deadline, cancel. */
#include "config.h"

#include "tests/unit/t.h"

#include "dane/dane_lookup.h"
#include "relay/net/loop.h"
#include "tests/adapt/tabledns.h"

struct world {
	struct loop *loop;
	struct tabledns dns;
	int calls;
	enum dane_addr addr;
	enum dane_kind kind;
	enum rr_why why;
	char addrs[200], base[DOMAIN_MAX], rule[16];
	size_t n_tlsa;
	bool addrs_secure;
};

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	t_err("loop", loop_new(&w->loop), 0);
	tabledns_init(&w->dns, w->loop);
}

static void
world_clear(struct world *w)
{
	t_int("no question left", (int64_t)w->dns.open, 0);
	tabledns_clear(&w->dns);
	loop_free(w->loop);
}

static void
on_host(void *arg, const struct dane_host *h)
{
	struct world *w = arg;
	size_t n = 0;

	w->calls++;
	w->addr = h->addr_state;
	w->why = h->addr_state == DANE_ADDR_FAIL ? h->why : h->verdict->why;
	w->kind = h->verdict->kind;
	w->n_tlsa = h->verdict->n_tlsa;
	w->addrs_secure = h->addrs_secure;
	snprintf(w->base, sizeof(w->base), "%s", h->verdict->base);
	snprintf(w->rule, sizeof(w->rule), "%s", h->verdict->rule);
	w->addrs[0] = '\0';
	for (size_t i = 0; i < h->n_addrs; i++) {
		char text[RR_ADDR_TEXT];

		rr_addr_str(&h->addrs[i], text);
		n += (size_t)snprintf(
		    w->addrs + n, sizeof(w->addrs) - n, "%s ", text);
	}
}

static void
look(struct world *w, bool on, int64_t timeout)
{
	dane_lookup_start(
	    w->loop, &w->dns.dns, "mx.a", 25, on, timeout, on_host, w);
	t_int("never at once", w->calls, 0);
	loop_run(w->loop);
	t_int("exactly once", w->calls, 1);
}

static void
test_usable(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	tabledns_addr(&w.dns, "mx.a", "2001:db8::1", true);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, true, 10000);
	t_cstr("DANE-11", dane_kind_str(w.kind), "usable");
	t_cstr("base", w.base, "mx.a");
	t_int("records", (int64_t)w.n_tlsa, 1);
	t_cstr("IPv6 first", w.addrs, "2001:db8::1 192.0.2.1 ");
	t_bool("secure", w.addrs_secure, true);
	t_is("DANE-21 DANE-28", buf_str(&w.dns.asked),
	    "mx.a/1 mx.a/28 _25._tcp.mx.a/52 ");
	world_clear(&w);
}

/* One family is enough, and the order of families stays. */
static void
test_families(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "2001:db8::1", true);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, true, 10000);
	t_cstr("IPv6 alone", dane_kind_str(w.kind), "usable");
	t_cstr("IPv6 alone", w.addrs, "2001:db8::1 ");
	t_bool("IPv6 alone", w.addrs_secure, true);
	world_clear(&w);

	world_init(&w);
	tabledns_status(&w.dns, "mx.a", RR_A, RR_FAIL, false);
	tabledns_addr(&w.dns, "mx.a", "2001:db8::1", true);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, true, 10000);
	t_cstr("DANE-56", dane_kind_str(w.kind), "usable");
	t_cstr("DANE-56", w.addrs, "2001:db8::1 ");
	world_clear(&w);

	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	tabledns_addr(&w.dns, "mx.a", "2001:db8::1", false);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, true, 10000);
	t_cstr("one secure", dane_kind_str(w.kind), "usable");
	t_bool("not all are secure", w.addrs_secure, false);
	world_clear(&w);

	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", false);
	tabledns_addr(&w.dns, "mx.a", "2001:db8::1", false);
	look(&w, true, 10000);
	t_cstr("DANE-22", dane_kind_str(w.kind), "none");
	t_cstr("DANE-22", w.addrs, "2001:db8::1 192.0.2.1 ");
	t_bool("DANE-22", w.addrs_secure, false);
	world_clear(&w);

	world_init(&w);
	tabledns_status(&w.dns, "mx.a", RR_A, RR_NODATA, true);
	tabledns_status(&w.dns, "mx.a", RR_AAAA, RR_FAIL, false);
	look(&w, true, 10000);
	t_int("DANE-06", (int)w.addr, DANE_ADDR_FAIL);
	t_cstr("DANE-06", rr_why_str(w.why), "servfail");
	world_clear(&w);
}

/* DANE-25: a secure alias is asked at the name it leads to, then here. */
static void
test_expanded(void **state)
{
	struct rr_set *a;
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	a = w.dns.v[0].set;
	a->has_cname = true;
	memcpy(a->final_name, "real.b", 7);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, true, 10000);
	t_cstr("original", w.base, "mx.a");
	t_is("original", buf_str(&w.dns.asked),
	    "mx.a/1 mx.a/28 _25._tcp.real.b/52 _25._tcp.mx.a/52 ");
	tabledns_tlsa(&w.dns, "_25._tcp.real.b", 3, true);
	buf_reset(&w.dns.asked);
	w.calls = 0;
	look(&w, true, 10000);
	t_cstr("expanded", w.base, "real.b");
	t_is("expanded", buf_str(&w.dns.asked),
	    "mx.a/1 mx.a/28 _25._tcp.real.b/52 ");
	world_clear(&w);
}

static void
test_insecure(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", false);
	tabledns_put(&w.dns, "_25._tcp.mx.a", RR_TLSA, NULL, false);
	look(&w, true, 10000);
	t_cstr("DANE-22", dane_kind_str(w.kind), "none");
	t_is("DANE-22 no TLSA question", buf_str(&w.dns.asked),
	    "mx.a/1 mx.a/28 ");
	t_bool("insecure", w.addrs_secure, false);
	world_clear(&w);
}

static void
test_failures(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	tabledns_status(&w.dns, "_25._tcp.mx.a", RR_TLSA, RR_FAIL, false);
	look(&w, true, 10000);
	t_cstr("DANE-07", dane_kind_str(w.kind), "failed");
	t_cstr("DANE-07", w.rule, "DANE-07");
	t_cstr("DANE-07", rr_why_str(w.why), "servfail");
	world_clear(&w);

	world_init(&w);
	tabledns_status(&w.dns, "mx.a", RR_A, RR_FAIL, false);
	look(&w, true, 10000);
	t_int("DANE-06", (int)w.addr, DANE_ADDR_FAIL);
	t_cstr("DANE-06", rr_why_str(w.why), "servfail");
	world_clear(&w);

	world_init(&w);
	look(&w, true, 10000);
	t_int("DANE-23", (int)w.addr, DANE_ADDR_NONE);
	world_clear(&w);
}

/* DANE-10, DANE-24: a secure alias to an insecure target. */
static void
test_alias(void **state)
{
	struct rr_set *a, *c;
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", false);
	a = w.dns.v[0].set;
	a->has_cname = true;
	memcpy(a->final_name, "real.b", 7);
	c = rr_set_new(RR_CNAME, 1);
	memcpy(c->u.cname[0], "real.b", 7);
	tabledns_put(&w.dns, "mx.a", RR_CNAME, c, true);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, true, 10000);
	t_cstr("DANE-10", dane_kind_str(w.kind), "usable");
	t_cstr("DANE-10", w.base, "mx.a");
	t_is("DANE-10", buf_str(&w.dns.asked),
	    "mx.a/1 mx.a/28 mx.a/5 _25._tcp.mx.a/52 ");
	world_clear(&w);
}

/* DANE-59: what hangs costs this host, and nothing else. */
static void
test_deadline(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	tabledns_put(&w.dns, "_25._tcp.mx.a", RR_TLSA, NULL, false);
	look(&w, true, 5);
	t_cstr("TLSA hangs", dane_kind_str(w.kind), "failed");
	t_cstr("TLSA hangs", w.rule, "DANE-59");
	t_int("addresses are known", (int)w.addr, DANE_ADDR_OK);
	world_clear(&w);

	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", false);
	tabledns_put(&w.dns, "mx.a", RR_AAAA, NULL, false);
	look(&w, true, 5);
	t_cstr("AAAA hangs", dane_kind_str(w.kind), "failed");
	world_clear(&w);

	world_init(&w);
	tabledns_put(&w.dns, "mx.a", RR_A, NULL, false);
	tabledns_put(&w.dns, "mx.a", RR_AAAA, NULL, false);
	look(&w, true, 5);
	t_int("all hangs", (int)w.addr, DANE_ADDR_FAIL);
	t_cstr("all hangs", rr_why_str(w.why), "timeout");
	world_clear(&w);
}

static void
test_off(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	tabledns_tlsa(&w.dns, "_25._tcp.mx.a", 3, true);
	look(&w, false, 10000);
	t_cstr("off", dane_kind_str(w.kind), "none");
	t_is("off", buf_str(&w.dns.asked), "mx.a/1 mx.a/28 ");
	world_clear(&w);

	world_init(&w);
	tabledns_put(&w.dns, "mx.a", RR_A, NULL, false);
	look(&w, false, 5);
	t_cstr("off, A hangs", dane_kind_str(w.kind), "none");
	t_int("off, A hangs", (int)w.addr, DANE_ADDR_FAIL);
	world_clear(&w);
}

static void
test_cancel(void **state)
{
	struct dane_lookup *l;
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_addr(&w.dns, "mx.a", "192.0.2.1", true);
	l = dane_lookup_start(
	    w.loop, &w.dns.dns, "mx.a", 25, true, 10000, on_host, &w);
	dane_lookup_cancel(l);
	dane_lookup_cancel(NULL);
	loop_run(w.loop);
	t_int("no call", w.calls, 0);

	tabledns_put(&w.dns, "_25._tcp.mx.a", RR_TLSA, NULL, false);
	l = dane_lookup_start(
	    w.loop, &w.dns.dns, "mx.a", 25, true, 10000, on_host, &w);
	for (int i = 0; i < 10; i++)
		loop_run_once(w.loop);
	dane_lookup_cancel(l);
	loop_run(w.loop);
	t_int("no call", w.calls, 0);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_usable),
	    cmocka_unit_test(test_families),
	    cmocka_unit_test(test_expanded),
	    cmocka_unit_test(test_insecure),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_alias),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
