/*
 * MTA-STS for a domain, with store and HTTP made here: both are told by the
 * test what to answer, and note what they were asked.
 */
#include "config.h"

#include "tests/unit/t.h"

#include <stdlib.h>

#include "relay/model/tls_result.h"
#include "relay/net/http.h"
#include "relay/net/loop.h"
#include "sts/sts_lookup.h"
#include "tests/adapt/tabledns.h"

#define BODY(mode) "version: STSv1\nmode: " mode "\nmax_age: 86400\nmx: mx.a\n"
#define NOW 1000000

/* ---- the store ---- */

struct store {
	struct loop *loop;
	struct list calls; /* struct store_call.link */
	bool has, refuse, silent;
	int err, put_err;
	struct sts_entry row;
	int gets, puts;
};

struct store_call {
	struct list link;
	struct timer *timer;
	struct store *store;
	store_sts_fn *got;
	store_done_fn *done;
	void *arg;
};

static void
store_fire(void *arg)
{
	struct store_call c = *(struct store_call *)arg;

	list_remove(&((struct store_call *)arg)->link);
	timer_free(c.timer);
	free(arg);
	if (c.done)
		c.done(c.arg, c.store->put_err);
	else if (c.store->err)
		c.got(c.arg, c.store->err, NULL);
	else
		c.got(c.arg, c.store->has ? 0 : ERR_NOTFOUND,
		    c.store->has ? &c.store->row : NULL);
}

static void
answer_later(struct store *s, store_sts_fn *got, store_done_fn *done, void *arg)
{
	struct store_call *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	list_push(&s->calls, &c->link);
	c->store = s;
	c->got = got;
	c->done = done;
	c->arg = arg;
	c->timer = timer_new(s->loop, store_fire, c);
	if (!s->silent)
		timer_start(c->timer, 0);
}

void
store_forget(struct store *s, const void *arg)
{
	struct list *at = s->calls.next;

	while (at != &s->calls) {
		struct store_call *c = CONTAINER_OF(
		    at, struct store_call, link);

		at = at->next;
		if (c->arg != arg)
			continue;
		list_remove(&c->link);
		timer_free(c->timer);
		free(c);
	}
}

int
store_sts_get(struct store *s, const char *domain, store_sts_fn *fn, void *arg)
{
	(void)domain;
	s->gets++;
	if (s->refuse)
		return ERR_FULL;
	answer_later(s, fn, NULL, arg);
	return 0;
}

int
store_sts_put(
    struct store *s, const struct sts_entry *e, store_done_fn *fn, void *arg)
{
	s->puts++;
	if (s->refuse)
		return ERR_FULL;
	sts_entry_clear(&s->row);
	sts_entry_copy(&s->row, e);
	s->has = true;
	answer_later(s, NULL, fn, arg);
	return 0;
}

/* ---- HTTP ---- */

struct http {
	struct loop *loop;
	int gets, canceled;
	struct http_response res;
	char url[300], addrs[200];
	bool silent;
};

struct http_get {
	struct http *http;
	struct timer *timer;
	http_fn *fn;
	void *arg;
};

static void
http_fire(void *arg)
{
	struct http_get g = *(struct http_get *)arg;

	timer_free(g.timer);
	free(arg);
	g.fn(g.arg, &g.http->res);
}

struct http_get *
http_get_start(struct http *h, const char *host, const char *path,
    const struct sockaddr_any *addrs, size_t n_addrs, const struct http_opts *o,
    http_fn *fn, void *arg)
{
	struct http_get *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	t_int("STS-22", (int64_t)o->max_body, STS_BODY_MAX);
	h->gets++;
	snprintf(h->url, sizeof(h->url), "https://%s%s", host, path);
	h->addrs[0] = '\0';
	for (size_t i = 0; i < n_addrs; i++)
		snprintf(h->addrs + strlen(h->addrs), 40, "%d.%d ",
		    addrs[i].ip[0], addrs[i].ip[3]);
	g->http = h;
	g->fn = fn;
	g->arg = arg;
	g->timer = timer_new(h->loop, http_fire, g);
	if (!h->silent)
		timer_start(g->timer, 0);
	return g;
}

void
http_get_cancel(struct http_get *g)
{
	g->http->canceled++;
	timer_free(g->timer);
	free(g);
}

/* ---- the world ---- */

struct world {
	struct loop *loop;
	struct tabledns dns;
	struct store store;
	struct http http;
	struct log log;
	struct metrics metrics;
	struct rng rng;
	struct sts *sts;
	struct sts_opts opts;
	struct sts_lookup *other; /* canceled by the first answer */
	int64_t now;
	int calls, warnings;
	char got[500], rule[16], text[160], lines[2000];
};

static int64_t
world_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
on_line(void *arg, enum log_level level, struct str line)
{
	struct world *w = arg;
	size_t n = strlen(w->lines);

	if (level >= LOG_WARN)
		w->warnings++;
	snprintf(w->lines + n, sizeof(w->lines) - n, "%.*s\n", STR_FMT(line));
}

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	t_err("loop", loop_new(&w->loop), 0);
	tabledns_init(&w->dns, w->loop);
	w->store.loop = w->http.loop = w->loop;
	w->log = (struct log){
	    .level = LOG_DEBUG, .write_fn = on_line, .arg = w};
	metrics_init(&w->metrics);
	rng_init_seed(&w->rng, 1);
	list_init(&w->store.calls);
	w->now = NOW;
	w->http.res.status = 200;
	w->http.res.type = STR("text/plain");
	w->http.res.body = STR(BODY("enforce"));
	w->opts = (struct sts_opts){.loop = w->loop,
	    .dns = &w->dns.dns,
	    .http = &w->http,
	    .store = &w->store,
	    .clock = {.mono_ms = world_now, .real_s = world_now, .arg = w},
	    .log = &w->log,
	    .metrics = &w->metrics,
	    .rng = &w->rng,
	    .on = true,
	    .txt_timeout_ms = 5000};
	w->sts = sts_new(&w->opts);
}

static void
world_again(struct world *w)
{
	sts_free(w->sts);
	w->sts = sts_new(&w->opts);
}

static void
world_clear(struct world *w)
{
	sts_free(w->sts);
	t_bool("store is owed nothing", list_empty(&w->store.calls), true);
	t_int("no question left", (int64_t)w->dns.open, 0);
	tabledns_clear(&w->dns);
	sts_entry_clear(&w->store.row);
	loop_free(w->loop);
}

static void
on_verdict(void *arg, const struct sts_verdict *v)
{
	struct world *w = arg;

	w->calls++;
	snprintf(w->got, sizeof(w->got), "%s %s %s", sts_source_str(v->source),
	    sts_mode_str(v->policy.mode), v->id);
	snprintf(w->rule, sizeof(w->rule), "%s", v->rule);
	snprintf(w->text, sizeof(w->text), "%s", v->text);
	sts_lookup_cancel(w->other);
	w->other = NULL;
}

static void
ask(struct world *w, const char *name, const char *want)
{
	w->calls = 0;
	sts_lookup_start(w->sts, "a.example", on_verdict, w);
	t_int(name, w->calls, 0);
	loop_run(w->loop);
	t_int(name, w->calls, 1);
	t_cstr(name, w->got, want);
}

static void
publish(struct world *w, const char *txt)
{
	tabledns_txt(&w->dns, "_mta-sts.a.example", txt);
	tabledns_addr(&w->dns, "mta-sts.a.example", "192.0.2.7", false);
}

static void
put_row(struct world *w, const char *id, const char *body, int64_t fetched)
{
	struct sts_entry *e = &w->store.row;

	memcpy(e->domain, "a.example", 10);
	memcpy(e->id, id, strlen(id) + 1);
	e->fetched = fetched;
	e->expires = fetched + 1000000;
	e->body = xstrdup(body);
	e->body_len = strlen(body);
	w->store.has = true;
}

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

/* STS-25: a policy a day old is fetched again behind the answer's back. */
static void
test_refresh(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW - 86400);
	publish(&w, "v=STSv1; id=1;");
	w.http.res.body = STR(BODY("testing"));
	ask(&w, "answer", "fresh enforce 1");
	t_int("fetched", w.http.gets, 1);
	t_int("stored", w.store.puts, 1);
	ask(&w, "next answer", "fresh testing 1");
	t_int("young again", w.http.gets, 1);
	world_clear(&w);

	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW - 86400);
	publish(&w, "v=STSv1; id=1;");
	w.http.res.err = ERR_UNREACH;
	ask(&w, "refresh fails", "fresh enforce 1");
	t_int("STS-26 alert", w.warnings, 1);
	ask(&w, "no second try", "fresh enforce 1");
	t_int("no second try", w.http.gets, 1);
	world_clear(&w);

	world_init(&w);
	put_row(
	    &w, "1", "version: STSv1\nmode: none\nmax_age: 5\n", NOW - 86400);
	publish(&w, "v=STSv1; id=1;");
	w.http.res.err = ERR_UNREACH;
	ask(&w, "mode none", "fresh none 1");
	t_int("STS-26 no alert", w.warnings, 0);
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
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_fetch),
	    cmocka_unit_test(test_no_record),
	    cmocka_unit_test(test_cached),
	    cmocka_unit_test(test_failed_fetch),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_store_errors),
	    cmocka_unit_test(test_coalescing),
	    cmocka_unit_test(test_refresh),
	    cmocka_unit_test(test_moot),
	    cmocka_unit_test(test_freed_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
