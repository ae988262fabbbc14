/*
 * The world of test_sts_lookup: store and HTTP made here. Both are told by the
 * test what to answer, and note what they were asked.
 */
#ifndef TESTS_ADAPT_STS_WORLD_H
#define TESTS_ADAPT_STS_WORLD_H

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
	bool refuse_put, silent_put;
	int err, put_err, drop_err;
	struct sts_entry row;
	int gets, puts, drops, scans;
};

struct store_call {
	struct list link;
	struct timer *timer;
	struct store *store;
	store_sts_fn *got;
	store_done_fn *done;
	store_sts_page_fn *paged;
	struct store_sts_scan scan;
	int done_err;
	void *arg;
};

/* A store of one row. */
static void
store_page_of(const struct store_call *c)
{
	const struct store *s = c->store;
	const struct sts_entry *e = &s->row;
	struct store_sts_page page = {.rows = e, .next_due = INT64_MAX};

	if (s->has && e->expires > c->scan.now &&
	    sts_entry_due(e) > c->scan.now)
		page.next_due = sts_entry_due(e);
	else if (s->has &&
	    (e->expires > c->scan.now ||
		e->expires + STS_KEEP_S <= c->scan.now))
		page.n = 1;
	c->paged(c->arg, s->err, s->err ? NULL : &page);
}

static void
store_fire(void *arg)
{
	struct store_call c = *(struct store_call *)arg;

	list_remove(&((struct store_call *)arg)->link);
	timer_free(c.timer);
	free(arg);
	if (c.paged)
		store_page_of(&c);
	else if (c.done)
		c.done(c.arg, c.done_err);
	else if (c.store->err)
		c.got(c.arg, c.store->err, NULL);
	else
		c.got(c.arg, c.store->has ? 0 : ERR_NOTFOUND,
		    c.store->has ? &c.store->row : NULL);
}

static void
answer_later(
    struct store *s, store_sts_fn *got, store_done_fn *done, int err, void *arg)
{
	struct store_call *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	list_push(&s->calls, &c->link);
	c->store = s;
	c->got = got;
	c->done = done;
	c->done_err = err;
	c->arg = arg;
	c->timer = timer_new(s->loop, store_fire, c);
	if (got ? !s->silent : !s->silent_put)
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
	answer_later(s, fn, NULL, 0, arg);
	return 0;
}

int
store_sts_put(
    struct store *s, const struct sts_entry *e, store_done_fn *fn, void *arg)
{
	s->puts++;
	if (s->refuse || s->refuse_put)
		return ERR_FULL;
	sts_entry_clear(&s->row);
	sts_entry_copy(&s->row, e);
	s->has = true;
	answer_later(s, NULL, fn, s->put_err, arg);
	return 0;
}

int
store_sts_drop(struct store *s, const char *domain, int64_t before,
    store_done_fn *fn, void *arg)
{
	(void)domain;
	s->drops++;
	if (s->refuse)
		return ERR_FULL;
	if (!s->drop_err && s->has && s->row.expires < before) {
		sts_entry_clear(&s->row);
		s->has = false;
	}
	answer_later(s, NULL, fn, s->drop_err, arg);
	return 0;
}

int
store_sts_scan(struct store *s, const struct store_sts_scan *q,
    store_sts_page_fn *fn, void *arg)
{
	s->scans++;
	if (s->refuse)
		return ERR_FULL;
	answer_later(s, NULL, NULL, 0, arg);
	CONTAINER_OF(s->calls.prev, struct store_call, link)->paged = fn;
	CONTAINER_OF(s->calls.prev, struct store_call, link)->scan = *q;
	return 0;
}

void
store_later(struct store *s, store_done_fn *fn, void *arg)
{
	answer_later(s, NULL, fn, 0, arg);
}

/* ---- HTTP ---- */

struct http {
	struct loop *loop;
	int gets, canceled;
	struct http_response res;
	int64_t timeout_ms;
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
	h->timeout_ms = o->timeout_ms;
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
	int done, done_err; /* of sts_forget */
	char got[500], rule[16], text[160], lines[2000];
	struct sts_seen seen;
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
	    .shards = 1,
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
	w->seen = v->seen;
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

#endif
