/* Routes watched to their end: all that was asked, and no other decision. */
#include "config.h"

#include "relay/decide/explain_run.h"

#include "tests/adapt/decide_world.h"

struct watched {
	int calls;
	struct buf log; /* hosts and answers in few words */
	struct explain_run *run;
	bool free_it;
};

static void
add_answer(struct buf *b, const struct explain_answer *a)
{
	buf_addf(b, "%s/%s/%s ", rr_type_str(a->type), rr_status_str(a->status),
	    a->secure ? "secure" : "insecure");
}

static void
on_report(void *arg, const struct explain *e)
{
	struct watched *x = arg;

	x->calls++;
	buf_addf(
	    &x->log, "%s ", e->has_mx ? mx_security_str(e->security) : "-");
	if (e->asked_mx)
		add_answer(&x->log, &e->mx);
	for (size_t i = 0; i < e->n_hosts; i++) {
		const struct explain_host *h = &e->hosts[i];

		buf_addf(&x->log, "| %s ", h->name);
		for (size_t k = 0; k < h->n_answers; k++)
			add_answer(&x->log, &h->answers[k]);
		if (h->judged)
			buf_addf(&x->log, "dane=%s tlsa=%zu ",
			    dane_kind_str(h->dane), h->n_tlsa);
		if (h->tried)
			buf_addf(&x->log, "%s/%s addrs=%zu ",
			    tls_level_str(h->plan.level), h->plan.rule,
			    h->n_addrs);
		else
			buf_addf(&x->log, "skip/%s ", h->skip.rule);
	}
	if (e->sts.known)
		buf_addf(&x->log, "| sts %s ", sts_source_str(e->sts.source));
	buf_addf(&x->log, "| %s %s %s", e->ended ? e->end.rule : "no end",
	    e->resolver, e->site.any ? e->site.require : "no site");
	if (x->free_it) {
		explain_run_free(x->run);
		x->run = NULL;
	}
}

static void
watch(struct world *w, struct watched *x, const char *domain, uint16_t port)
{
	memset(x, 0, sizeof(*x));
	buf_init(&x->log, 10000);
	x->run = explain_run_start(w->decide, domain, port, on_report, x);
	t_int("never at once", x->calls, 0);
	loop_run(w->loop);
	t_int("once", x->calls, 1);
}

static void
watched_clear(struct watched *x)
{
	explain_run_free(x->run);
	buf_clear(&x->log);
}

#define CHECK(w, x, domain, want) \
	do { \
		watch(w, x, domain, 0); \
		t_cstr(domain, (x)->log.p, want); \
		watched_clear(x); \
	} while (0)

/* DANE-11, 07, 23: each host with what was asked for it, also those behind
 * the first; and MTA-STS though DANE alone decides. */
static void
test_hosts(void **state)
{
	struct watched x;
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a.example", "m2.a.example", "m3.a.example",
	    "m4.a.example");
	secure_host(&w, "m1.a.example", "192.0.2.1", "_25._tcp.m1.a.example");
	secure_host(&w, "m2.a.example", "192.0.2.2", NULL);
	tabledns_status(
	    &w.dns, "_25._tcp.m2.a.example", RR_TLSA, RR_FAIL, false);
	tabledns_addr(&w.dns, "m4.a.example", "192.0.2.4", false);
	w.options.deliver.allow_private = true;
	CHECK(&w, &x, "a.example",
	    "secure MX/ok/secure "
	    "| m1.a.example A/ok/secure AAAA/nxdomain/insecure TLSA/ok/secure "
	    "dane=usable tlsa=1 dane/DANE-11 addrs=1 "
	    "| m2.a.example A/ok/secure AAAA/nxdomain/insecure "
	    "TLSA/fail/insecure dane=failed tlsa=0 skip/DANE-07 "
	    "| m3.a.example A/nxdomain/insecure AAAA/nxdomain/insecure "
	    "skip/DANE-23 "
	    "| m4.a.example A/ok/insecure AAAA/nxdomain/insecure "
	    "dane=none tlsa=0 opportunistic/DANE-13 addrs=1 "
	    "| sts no-policy | SMTP-16 validating no site");
	t_int("MTA-STS was asked once", w.sts.asked, 1);
	run(&w, "a.example");
	t_cstr("the same route unwatched", w.log,
	    "m1.a.example:25/dane/DANE-11 -m2.a.example/DANE-07 "
	    "-m3.a.example/DANE-23 m4.a.example:25/opportunistic/DANE-13 "
	    "deferred/4.4.1/SMTP-16");
	world_clear(&w);
}

static void
test_ends(void **state)
{
	struct watched x;
	struct world w;

	(void)state;
	world_init(&w);
	CHECK(&w, &x, "nothere.example",
	    "- MX/nxdomain/insecure | SMTP-14 validating no site");
	tabledns_status(&w.dns, "fail.example", RR_MX, RR_FAIL, false);
	CHECK(&w, &x, "fail.example",
	    "- MX/fail/insecure | DANE-05 validating no site");
	w.options.deliver.allow_private = true;
	CHECK(&w, &x, "[192.0.2.1]",
	    "literal | [192.0.2.1] opportunistic/DANE-15 addrs=1 "
	    "| SMTP-16 validating no site");
	world_site(&w, SITE_DANE, "hop.example");
	w.dns_state = DNS_STATE_UNTRUSTED;
	tabledns_addr(&w.dns, "hop.example", "192.0.2.9", false);
	CHECK(&w, &x, "a.example",
	    "nexthop | hop.example A/ok/insecure AAAA/nxdomain/insecure "
	    "dane=none tlsa=0 skip/DANE-58 | sts no-policy "
	    "| DANE-58 untrusted dane");
	world_clear(&w);
	free(w.site.nexthop);
}

/* The port goes into the TLSA name (DANE-28) and to the hosts. */
static void
test_port(void **state)
{
	struct watched x;
	struct world w;

	(void)state;
	world_init(&w);
	w.options.deliver.allow_private = true;
	MX(&w, true, "m1.a.example");
	secure_host(&w, "m1.a.example", "192.0.2.1", "_2525._tcp.m1.a.example");
	watch(&w, &x, "a.example", 2525);
	t_bool("found", strstr(x.log.p, "dane/DANE-11") != NULL, true);
	watched_clear(&x);
	world_clear(&w);
}

/* It may be freed from within, or before its end. */
static void
test_freed(void **state)
{
	struct watched x = {.free_it = true};
	struct world w;

	(void)state;
	world_init(&w);
	MX(&w, true, "m1.a.example");
	buf_init(&x.log, 10000);
	x.run = explain_run_start(w.decide, "a.example", 0, on_report, &x);
	loop_run(w.loop);
	t_int("told", x.calls, 1);
	t_bool("and freed", x.run == NULL, true);
	x.run = explain_run_start(w.decide, "a.example", 0, on_report, &x);
	loop_run_once(w.loop);
	explain_run_free(x.run);
	loop_run(w.loop);
	t_int("not told", x.calls, 1);
	explain_run_free(NULL);
	buf_clear(&x.log);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_ends), cmocka_unit_test(test_port),
	    cmocka_unit_test(test_freed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
