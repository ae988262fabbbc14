/* MTA-STS for a domain: cache, record, fetch, and what fails of them. */
#include "config.h"

#include "tests/adapt/sts_world.h"

#include "sts/sts_fetch.h"

static void
test_first_fetch(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	ask(&w, "fetched", "fresh enforce 1");
	t_cstr("rule", w.rule, "STS-29");
	t_cstr("STS-08", w.http.url,
	    "https://mta-sts.a.example/.well-known/mta-sts.txt");
	t_cstr("address", w.http.addrs, "192.7 ");
	t_int("STS-41 stored", w.store.puts, 1);
	t_int("STS-14", w.store.row.expires, NOW + 86400);
	t_cstr("id", w.store.row.id, "1");
	t_is("body", str_n(w.store.row.body, w.store.row.body_len),
	    BODY("enforce"));
	ask(&w, "cached", "fresh enforce 1");
	t_int("one fetch", w.http.gets, 1);
	t_bool("logged",
	    strstr(w.lines,
		"event=sts-fetch domain=a.example "
		"id=1 result=ok mode=enforce") != NULL,
	    true);
	t_int("warnings", w.warnings, 0);
	t_int(
	    "metric", (int64_t)metrics_get(&w.metrics, METRIC_STS_FETCHES), 1);
	world_clear(&w);
}

/* Without a store it answers all the same, and says that no cache was read;
 * nothing is kept. */
static void
test_no_store(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.opts.store = NULL;
	world_again(&w);
	ask(&w, "no record", "no-policy none ");
	t_bool("STS-24 it says so", w.seen.no_store, true);
	t_bool("asked", w.seen.asked, true);
	publish(&w, "v=STSv1; id=1;");
	ask(&w, "fetched", "fresh enforce 1");
	t_bool("it says so", w.seen.no_store, true);
	t_cstr("record", w.seen.record, "v=STSv1; id=1;");
	ask(&w, "again", "fresh enforce 1");
	t_int("fetched again", w.http.gets, 2);
	t_int("no store was asked", w.store.gets + w.store.puts, 0);
	t_int("nor missed", w.warnings, 0);
	world_clear(&w);
}

static void
test_no_record(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	ask(&w, "no record", "no-policy none ");
	t_cstr("rule", w.rule, "STS-02");
	t_int("STS-41 the store was read", w.store.gets, 1);
	t_int("no fetch", w.http.gets, 0);
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=-;");
	ask(&w, "invalid", "no-policy none ");
	t_cstr("rule", w.rule, "STS-03");
	world_clear(&w);

	world_init(&w);
	tabledns_status(&w.dns, "_mta-sts.a.example", RR_TXT, RR_FAIL, false);
	ask(&w, "TXT fails", "no-policy none ");
	t_cstr("rule", w.rule, "STS-40");
	world_clear(&w);
}

/* STS-24: what is cached stays. */
static void
test_cached(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	ask(&w, "record gone", "cached enforce 1");
	t_cstr("rule", w.rule, "STS-24");
	world_clear(&w);

	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	tabledns_put(&w.dns, "_mta-sts.a.example", RR_TXT, NULL, false);
	w.opts.txt_timeout_ms = 5;
	world_again(&w);
	ask(&w, "TXT hangs", "cached enforce 1");
	world_clear(&w);

	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	publish(&w, "v=STSv1; id=2;");
	w.http.res.err = ERR_TIMEOUT;
	ask(&w, "new id, host down", "cached enforce 1");
	t_int("warned", w.warnings, 1);
	ask(&w, "STS-21 no second try", "cached enforce 1");
	t_int("STS-21 no second try", w.http.gets, 1);
	w.now += 300;
	w.http.res.err = 0;
	w.http.res.body = STR(BODY("testing"));
	ask(&w, "STS-21 five minutes later", "fresh testing 2");
	world_clear(&w);

	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	w.now = NOW + 1000000;
	ask(&w, "expired", "no-policy none ");
	world_clear(&w);
}

/* STS-25: a policy that mail goes by is fetched when it is long due, also when
 * nobody goes through those that are stored. */
static void
test_overdue(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	publish(&w, "v=STSv1; id=1;");
	w.now = NOW + 100000;
	ask(&w, "STS-25 due", "fresh enforce 1");
	t_int("is left to the refresh", w.http.gets, 0);
	w.now = NOW + 400000;
	w.http.res.err = ERR_TIMEOUT;
	ask(&w, "STS-25 long due", "fresh enforce 1");
	t_int("is fetched behind the answer", w.http.gets, 1);
	t_int("which nobody waits for", w.calls, 1);
	ask(&w, "STS-21 it failed", "fresh enforce 1");
	t_int("and is not tried each time", w.http.gets, 1);
	w.now += 300;
	w.http.res.err = 0;
	ask(&w, "STS-21 later", "fresh enforce 1");
	t_int("again", w.http.gets, 2);
	t_int("kept", w.store.row.fetched, w.now);
	ask(&w, "STS-25 new", "fresh enforce 1");
	t_int("is not due", w.http.gets, 2);
	world_clear(&w);
}

/* STS-25: at once only a few, and each once. */
static void
test_overdue_at_once(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	publish(&w, "v=STSv1; id=1;");
	w.now = NOW + 400000;
	w.http.silent = true;
	ask(&w, "one", "fresh enforce 1");
	ask(&w, "the same", "fresh enforce 1");
	t_int("each once", w.http.gets, 1);
	world_clear(&w);
}

/* STS-23: everything that is no policy is one thing. */
static void
test_failed_fetch(void **state)
{
	static const struct {
		const char *name;
		struct http_response res;
		const char *text;
	} cases[] = {
	    {"404",
		{.status = 404,
		    .type = {"text/plain", 10},
		    .body = {BODY("enforce"), sizeof(BODY("enforce")) - 1}},
		"HTTP status 404"},
	    {"STS-19 redirect", {.status = 301}, "HTTP status 301"},
	    {"STS-19 redirect with a policy",
		{.status = 302,
		    .type = {"text/plain", 10},
		    .body = {BODY("enforce"), sizeof(BODY("enforce")) - 1}},
		"HTTP status 302"},
	    {"STS-18 204", {.status = 204}, "HTTP status 204"},
	    {"STS-09 HTML",
		{.status = 200,
		    .type = {"text/html", 9},
		    .body = {BODY("enforce"), sizeof(BODY("enforce")) - 1}},
		"media type is not text/plain"},
	    {"no policy",
		{.status = 200,
		    .type = {"text/plain", 10},
		    .body = {"hello", 5}},
		"a line has no colon"},
	    {"STS-16",
		{.err = ERR_TLS,
		    .tls_failure = TLS_EXPIRED,
		    .text = "certificate has expired"},
		"certificate has expired"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct world w;

		world_init(&w);
		publish(&w, "v=STSv1; id=1;");
		w.http.res = cases[i].res;
		ask(&w, cases[i].name, "fetch-failed none ");
		t_cstr(cases[i].name, w.rule, "STS-23");
		t_cstr(cases[i].name, w.text, cases[i].text);
		t_int(cases[i].name, w.store.puts, 0);
		t_int(cases[i].name, w.warnings, 1);
		t_bool(cases[i].name, strstr(w.lines, cases[i].text) != NULL,
		    true);
		t_int(cases[i].name,
		    (int64_t)metrics_get(&w.metrics, METRIC_STS_FETCH_FAILED),
		    1);
		world_clear(&w);
	}
}

static void
test_addresses(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_txt(&w.dns, "_mta-sts.a.example", "v=STSv1; id=1;");
	ask(&w, "no address", "fetch-failed none ");
	t_int("no request", w.http.gets, 0);
	world_clear(&w);

	world_init(&w);
	tabledns_txt(&w.dns, "_mta-sts.a.example", "v=STSv1; id=1;");
	tabledns_addr(&w.dns, "mta-sts.a.example", "127.0.0.1", false);
	tabledns_addr(&w.dns, "mta-sts.a.example", "::1", false);
	ask(&w, "STS-42 private", "fetch-failed none ");
	t_int("STS-42 no request", w.http.gets, 0);
	w.opts.allow_private = true;
	world_again(&w);
	ask(&w, "STS-42 allowed", "fresh enforce 1");
	world_clear(&w);

	world_init(&w);
	tabledns_txt(&w.dns, "_mta-sts.a.example", "v=STSv1; id=1;");
	tabledns_put(&w.dns, "mta-sts.a.example", RR_A, NULL, false);
	w.opts.txt_timeout_ms = 5;
	world_again(&w);
	ask(&w, "address hangs", "fetch-failed none ");
	t_cstr("address hangs", w.text,
	    "address lookup of the policy host failed");
	world_clear(&w);
}

/* A store that can't be read is a lookup error, never "no policy". */
static void
test_store_errors(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.store.err = ERR_IO;
	ask(&w, "read error", "store-error none ");
	t_cstr("rule", w.rule, "STS-41");
	world_clear(&w);

	world_init(&w);
	w.store.refuse = true;
	ask(&w, "no credit", "store-error none ");
	world_clear(&w);

	world_init(&w);
	w.store.silent = true;
	w.opts.txt_timeout_ms = 5;
	world_again(&w);
	ask(&w, "store hangs", "store-error none ");
	world_clear(&w);

	world_init(&w);
	put_row(&w, "1", "not a policy", NOW);
	ask(&w, "corrupt row", "store-error none ");
	w.now += 1000000;
	ask(&w, "STS-14 corrupt and over", "no-policy none ");
	publish(&w, "v=STSv1; id=1;");
	w.dns.v[0].name = "_mta-sts.a.example";
	ask(&w, "corrupt row is cured", "fresh enforce 1");
	ask(&w, "and stays so", "fresh enforce 1");
	t_int("one fetch", w.http.gets, 1);
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.store.put_err = ERR_FULL;
	ask(&w, "can't be stored", "fresh enforce 1");
	t_int("warned", w.warnings, 1);
	world_clear(&w);
}

/* STS-41: a policy that is not stored is in force for those who asked. */
static void
test_put_errors(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.store.refuse_put = true;
	ask(&w, "put refused", "fresh enforce 1");
	t_int("tried", w.store.puts, 1);
	t_bool("warned",
	    strstr(w.lines, "policy of a.example is not stored") != NULL, true);
	w.store.refuse_put = false;
	ask(&w, "asked again", "fresh enforce 1");
	t_int("fetched again", w.http.gets, 2);
	ask(&w, "now it is stored", "fresh enforce 1");
	t_int("no third fetch", w.http.gets, 2);
	world_clear(&w);
}

/* More addresses than anybody needs; those that fail beside one that works. */
static void
test_many_addresses(void **state)
{
	struct rr_set *many = rr_set_new(RR_A, 20);
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_txt(&w.dns, "_mta-sts.a.example", "v=STSv1; id=1;");
	for (size_t i = 0; i < many->n; i++) {
		char text[40];

		snprintf(text, sizeof(text), "192.0.2.%zu", i + 1);
		t_err("address", rr_addr_parse(str_of(text), &many->u.addr[i]),
		    0);
	}
	tabledns_put(&w.dns, "mta-sts.a.example", RR_A, many, false);
	ask(&w, "20 addresses", "fresh enforce 1");
	t_cstr("8 of them", w.http.addrs,
	    "192.1 192.2 192.3 192.4 192.5 192.6 192.7 192.8 ");
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	tabledns_status(&w.dns, "mta-sts.a.example", RR_AAAA, RR_FAIL, false);
	ask(&w, "AAAA fails", "fresh enforce 1");
	world_clear(&w);

	world_init(&w);
	tabledns_txt(&w.dns, "_mta-sts.a.example", "v=STSv1; id=1;");
	tabledns_status(&w.dns, "mta-sts.a.example", RR_A, RR_FAIL, false);
	ask(&w, "A fails", "fetch-failed none ");
	t_cstr("A fails", w.text, "address lookup of the policy host failed");
	t_int("no request", w.http.gets, 0);
	world_clear(&w);
}

/* A domain for which no _mta-sts name can exist has no policy. */
static void
test_long_domain(void **state)
{
	char domain[DOMAIN_MAX], host[DOMAIN_MAX] = "";

	(void)state;
	for (size_t i = 0; i < 248; i++)
		domain[i] = i % 2 ? '.' : 'a';
	memcpy(domain + 247, "b", 2);
	t_err("STS-08", sts_fetch_host(domain, host), ERR_TOOBIG);
	t_cstr("STS-08", host, "");
	for (int i = 0; i < 3; i++) {
		struct world w;

		world_init(&w);
		w.store.refuse = i == 1;
		w.store.silent = i == 2;
		w.opts.txt_timeout_ms = i == 2 ? 5 : 5000;
		world_again(&w);
		sts_lookup_start(w.sts, domain, on_verdict, &w);
		t_int("not at once", w.calls, 0);
		loop_run(w.loop);
		t_int("once", w.calls, 1);
		t_cstr("verdict", w.got,
		    i == 0 ? "no-policy none " : "store-error none ");
		t_cstr("rule", w.rule, i == 0 ? "STS-02" : "STS-41");
		t_is("nothing is asked", buf_str(&w.dns.asked), "");
		world_clear(&w);
	}
}

/* STS-22, STS-40: limits of time that were not set have their default. */
static void
test_default_timeouts(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.opts.txt_timeout_ms = 0;
	world_again(&w);
	ask(&w, "answers are waited for", "fresh enforce 1");
	t_int("STS-22 one minute", w.http.timeout_ms, 60000);
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.opts.fetch_timeout_ms = 7000;
	world_again(&w);
	ask(&w, "configured", "fresh enforce 1");
	t_int("configured", w.http.timeout_ms, 7000);
	world_clear(&w);
	sts_free(NULL);
}

static void
test_coalescing(void **state)
{
	struct sts_lookup *canceled;
	struct world w;

	(void)state;
	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	for (int i = 0; i < 5; i++)
		sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	canceled = sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	w.other = sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	sts_lookup_cancel(canceled);
	sts_lookup_cancel(NULL);
	loop_run(w.loop);
	t_int("answers", w.calls, 5);
	t_int("one read", w.store.gets, 1);
	t_int("one fetch", w.http.gets, 1);
	world_clear(&w);
}

static void
test_moot(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	sts_lookup_start(w.sts, "[192.0.2.1]", on_verdict, &w);
	loop_run(w.loop);
	t_cstr("STS-28 literal", w.got, "no-policy none ");
	t_int("nothing is asked", w.store.gets, 0);
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.opts.on = false;
	world_again(&w);
	ask(&w, "off", "no-policy none ");
	t_int("nothing is asked", w.store.gets, 0);
	world_clear(&w);
}

/* Freed in the middle of everything: no callback, nothing leaks. */
static void
test_freed_early(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	tabledns_put(&w.dns, "_mta-sts.a.example", RR_TXT, NULL, false);
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	for (int i = 0; i < 5; i++)
		loop_run_once(w.loop);
	world_again(&w);
	t_int("no call", w.calls, 0);
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.http.silent = true;
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	for (int i = 0; i < 10; i++)
		loop_run_once(w.loop);
	t_int("request is out", w.http.gets, 1);
	world_again(&w);
	t_int("request is canceled", w.http.canceled, 1);
	t_int("no call", w.calls, 0);
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.store.silent_put = true;
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	for (int i = 0; i < 20; i++)
		loop_run_once(w.loop);
	t_int("the store has it", w.store.puts, 1);
	world_again(&w);
	t_bool("the store owes nothing", list_empty(&w.store.calls), true);
	t_int("no call", w.calls, 0);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_fetch),
	    cmocka_unit_test(test_no_store),
	    cmocka_unit_test(test_no_record),
	    cmocka_unit_test(test_cached),
	    cmocka_unit_test(test_overdue),
	    cmocka_unit_test(test_overdue_at_once),
	    cmocka_unit_test(test_failed_fetch),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_store_errors),
	    cmocka_unit_test(test_put_errors),
	    cmocka_unit_test(test_many_addresses),
	    cmocka_unit_test(test_long_domain),
	    cmocka_unit_test(test_default_timeouts),
	    cmocka_unit_test(test_coalescing),
	    cmocka_unit_test(test_moot),
	    cmocka_unit_test(test_freed_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
