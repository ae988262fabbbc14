/*
 * Each grant of the scheduler is a small life: attempt, judge, finish, done.
 * All decisions about when are in relay/sched (pure); here are only the
 * timer, the store pages and the lists of what is under way. A grant whose
 * body must be read waits while the bodies of others take the memory that
 * there is for them; one is always read. A message that was in work at a crash
 * waits for its turn: one of them is tried at a time.
 */
#include "config.h"

#include "relay/deliver/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/list.h"
#include "relay/deliver/attempt.h"
#include "relay/deliver/finish.h"

#define DISPATCH_PAGE 500 /* rows of one page */
#define DISPATCH_RETRY_MS 1000 /* until a page that failed is asked again */
#define DISPATCH_SUSPECT_S 5 /* until a suspect too many is granted again */
#define DISPATCH_BURST 64 /* grants started in one round of the loop */

struct dispatch {
	struct dispatch_opts o;
	struct sched *sched;
	struct list works;
	struct list hungry; /* struct work.wait: no memory for their bodies */
	struct list suspects; /* struct work.wait: it is not their turn */
	bool asked; /* for a turn, which has not come yet */
	uint64_t loaded; /* bytes of bodies read for attempts */
	struct timer *wake, *page_retry;
	int64_t page_next_try; /* where the next page begins */
	uint64_t page_id;
	bool paging, stopping;
	void (*done_fn)(void *arg);
	void *done_arg;
};

struct work {
	struct list node, wait;
	struct dispatch *d;
	const struct sched_grant *g;
	struct attempt *attempt;
	struct finish *finish;
	int64_t *next_try;
	uint32_t *tries;
	bool *done;
	bool host_failed;
	bool has_turn; /* of a suspect */
	uint64_t msg; /* of a suspect: g goes before the turn ends */
	bool watched; /* the watch knows it, at place */
	size_t place;
	uint64_t loaded; /* bytes of its body in d->loaded */
};

static void dispatch_page(void *arg);

/* Tests of the whole relay want a message that crashes it. */
static void
test_crash(const char *where, const struct msg *m)
{
#ifdef WAXSEAL_TEST_BUILD
	const char *what = getenv("WAXSEAL_TEST_CRASH");
	size_t n = strlen(where);

	if (what && strncmp(what, where, n) == 0 && what[n] == ':' &&
	    strcmp(what + n + 1, m->sender) == 0)
		abort();
#else
	(void)where;
	(void)m;
#endif
}

/* ---- the watch ---- */

static void
work_watch(struct work *w)
{
	const struct deliver_watch *v = &w->d->o.watch;

	if (!v->begin)
		return;
	w->place = v->begin(v->arg, w->g->msg->id);
	w->watched = true;
}

static void
work_unwatch(struct work *w)
{
	const struct deliver_watch *v = &w->d->o.watch;

	if (w->watched)
		v->end(v->arg, w->place);
	w->watched = false;
}

static bool
work_is_suspect(const struct work *w)
{
	const struct deliver_watch *v = &w->d->o.watch;

	return v->is_suspect && v->is_suspect(v->arg, w->g->msg->id);
}

/* For the first of those that wait. */
static void
dispatch_ask_turn(struct dispatch *d)
{
	const struct work *w;

	if (d->asked || d->stopping || list_empty(&d->suspects))
		return;
	w = CONTAINER_OF(d->suspects.next, struct work, wait);
	d->asked = true;
	d->o.watch.ask_turn(d->o.watch.arg, w->g->msg->id);
}

/* ---- works ---- */

static void
work_free(struct work *w)
{
	work_unwatch(w);
	list_remove(&w->node);
	list_remove(&w->wait);
	free(w->next_try);
	free(w->tries);
	free(w->done);
	free(w);
}

static void
dispatch_gauge(struct dispatch *d, const struct sched_stats *was)
{
	struct sched_stats now;

	sched_stats(d->sched, &now);
	metrics_add(d->o.metrics, METRIC_RCPTS_IN_MEMORY,
	    (int64_t)now.rcpts - (int64_t)was->rcpts);
}

/* Sets the alarm: now, at the time the scheduler names, or not at all. */
static void
dispatch_arm(struct dispatch *d, bool more)
{
	int64_t at = sched_wake(d->sched), now = clock_real_s(&d->o.clock);

	if (d->stopping)
		return;
	if (more)
		timer_start(d->wake, 0);
	else if (at >= 0)
		timer_start(d->wake, at <= now ? 0 : (at - now) * 1000);
	else
		timer_stop(d->wake);
	if (sched_wants_page(d->sched) && !d->paging)
		dispatch_page(d);
}

static void
work_end(struct work *w)
{
	struct dispatch *d = w->d;
	bool has_turn = w->has_turn;
	uint64_t msg = has_turn ? w->msg : 0;

	work_free(w);
	if (has_turn)
		d->o.watch.end_turn(d->o.watch.arg, msg);
	if (d->stopping && list_empty(&d->works) && d->done_fn)
		d->done_fn(d->done_arg);
}

static void
work_committed(void *arg)
{
	struct work *w = arg;
	struct dispatch *d = w->d;
	struct sched_stats was;

	w->finish = NULL;
	work_unwatch(w);
	sched_stats(d->sched, &was);
	sched_done(d->sched, w->g, w->done, w->next_try, w->tries,
	    w->host_failed ? SCHED_HOST_FAILED : SCHED_REACHED,
	    clock_real_s(&d->o.clock));
	dispatch_gauge(d, &was);
	dispatch_arm(d, true);
	work_end(w);
}

static void work_attempted(void *arg, const struct attempt_result *res);

/* Bytes of bodies read from the store, here and in the gauge. */
static void
work_count(struct work *w, uint64_t n)
{
	struct dispatch *d = w->d;

	metrics_add(
	    d->o.metrics, METRIC_BODY_BYTES, (int64_t)n - (int64_t)w->loaded);
	d->loaded += n - w->loaded;
	w->loaded = n;
}

static bool
dispatch_has_memory(const struct dispatch *d, uint64_t n)
{
	return d->loaded == 0 ||
	    metrics_get(d->o.metrics, METRIC_BODY_BYTES) + n <=
	    d->o.options->queue.memory / d->o.shards;
}

static void
work_run(struct work *w)
{
	struct dispatch *d = w->d;
	struct attempt_ctx ctx = {.loop = d->o.loop,
	    .decide = d->o.decide,
	    .outs = d->o.outs,
	    .store = d->o.store,
	    .log = d->o.log,
	    .metrics = d->o.metrics};
	uint64_t n = w->g->msg->body ? 0 : w->g->msg->size;

	if (n > 0 && !dispatch_has_memory(d, n)) {
		list_push_front(&d->hungry, &w->wait);
		return;
	}
	work_count(w, n);
	work_watch(w);
	test_crash("attempt", w->g->msg);
	w->attempt = attempt_start(&ctx, w->g, work_attempted, w);
}

/* Those that wait, first come first served, as long as there is memory. */
static void
dispatch_feed(struct dispatch *d)
{
	struct list *n;

	while (!d->stopping && (n = list_pop(&d->hungry)) != NULL) {
		struct work *w = CONTAINER_OF(n, struct work, wait);

		work_run(w);
		if (!w->attempt)
			return;
	}
}

static void
work_attempted(void *arg, const struct attempt_result *res)
{
	struct work *w = arg;
	struct dispatch *d = w->d;
	struct outcome *v;
	struct finish_ctx ctx = {.loop = d->o.loop,
	    .store = d->o.store,
	    .options = d->o.options,
	    .clock = d->o.clock,
	    .rng = d->o.rng,
	    .log = d->o.log,
	    .metrics = d->o.metrics,
	    .handoff = d->o.handoff,
	    .handoff_arg = d->o.handoff_arg};
	struct finish_req req = {.grant = w->g,
	    .next_try = w->next_try,
	    .tries = w->tries,
	    .body = res->body,
	    .proof = res->proof};
	int64_t now = clock_real_s(&d->o.clock);
	size_t i;

	w->attempt = NULL;
	work_count(w, 0);
	dispatch_feed(d);
	/* Only while we stop: the rows stay as they are, and the grant goes
	 * with the scheduler. */
	if (res->released) {
		work_end(w);
		return;
	}
	v = xcalloc(w->g->n, sizeof(*v));
	req.outcomes = v;
	w->host_failed = res->host_failed;
	for (i = 0; i < w->g->n; i++) {
		v[i] = res->outcomes[i];
		sched_judge(d->sched, w->g, i, now, &v[i], &w->next_try[i],
		    &w->tries[i]);
		w->done[i] = v[i].cls != OUT_DEFERRED;
	}
	test_crash("finish", w->g->msg);
	w->finish = finish_start(&ctx, &req, work_committed, w);
	free(v);
}

/* Runs it, or behind those that wait for memory. */
static void
work_line_up(struct work *w)
{
	struct dispatch *d = w->d;

	if (w->g->msg->body || list_empty(&d->hungry))
		work_run(w);
	else
		list_push(&d->hungry, &w->wait);
}

/* One suspect waits at a time, so that others find a place; and a message has
 * one attempt at a time, so that the end of a turn is that of its attempt. */
static bool
dispatch_has_suspect(struct dispatch *d, uint64_t msg)
{
	struct list *n;

	for (n = d->works.next; n != &d->works; n = n->next) {
		const struct work *w = CONTAINER_OF(n, struct work, node);

		if (w->has_turn && w->msg == msg)
			return true;
	}
	return !list_empty(&d->suspects);
}

/* Back to the scheduler, as if it had not been granted. */
static void
work_put_off(struct work *w)
{
	struct dispatch *d = w->d;
	int64_t now = clock_real_s(&d->o.clock);
	struct sched_stats was;
	size_t i;

	for (i = 0; i < w->g->n; i++) {
		w->next_try[i] = now + DISPATCH_SUSPECT_S;
		w->tries[i] = w->g->rcpts[i]->tries;
	}
	sched_stats(d->sched, &was);
	sched_done(d->sched, w->g, w->done, w->next_try, w->tries,
	    SCHED_NOT_TRIED, now);
	dispatch_gauge(d, &was);
	work_free(w);
}

static void
work_start(struct dispatch *d, const struct sched_grant *g)
{
	struct work *w = xcalloc(1, sizeof(*w));

	list_init(&w->node);
	list_init(&w->wait);
	w->d = d;
	w->g = g;
	w->next_try = xcalloc(g->n, sizeof(*w->next_try));
	w->tries = xcalloc(g->n, sizeof(*w->tries));
	w->done = xcalloc(g->n, sizeof(*w->done));
	if (work_is_suspect(w) && dispatch_has_suspect(d, g->msg->id)) {
		work_put_off(w);
		return;
	}
	list_push(&d->works, &w->node);
	if (work_is_suspect(w)) {
		list_push(&d->suspects, &w->wait);
		dispatch_ask_turn(d);
	} else {
		work_line_up(w);
	}
}

void
dispatch_turn(struct dispatch *d)
{
	struct list *n = d->stopping ? NULL : list_pop(&d->suspects);
	struct work *w;

	if (!n)
		return; /* we stop, and so does whoever gave it */
	w = CONTAINER_OF(n, struct work, wait);
	w->has_turn = true;
	w->msg = w->g->msg->id;
	work_line_up(w);
	d->asked = false;
	dispatch_arm(d, true);
}

static void
dispatch_run(void *arg)
{
	struct dispatch *d = arg;
	int64_t now = clock_real_s(&d->o.clock);
	const struct sched_grant *g = NULL;
	unsigned i;

	for (i = 0; i < DISPATCH_BURST && !d->stopping; i++) {
		g = sched_next(d->sched, now);
		if (!g)
			break;
		work_start(d, g);
	}
	dispatch_arm(d, g != NULL);
}

static void
dispatch_on_page(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct dispatch *d = arg;
	struct sched_stats was;
	bool full = false; /* no more of it fits */
	size_t i;

	d->paging = false;
	if (err) {
		timer_start(d->page_retry, DISPATCH_RETRY_MS);
		return;
	}
	sched_stats(d->sched, &was);
	for (i = 0; i < n; i++) {
		d->page_next_try = rcpts[i]->next_try;
		d->page_id = rcpts[i]->id;
		if (sched_add(d->sched, rcpts[i], true) == ERR_FULL &&
		    !sched_has_room(d->sched))
			full = true;
	}
	free(rcpts);
	dispatch_gauge(d, &was);
	if (full || n < DISPATCH_PAGE) {
		sched_paged(d->sched, n < DISPATCH_PAGE);
		d->page_next_try = d->page_id = 0;
	} else {
		dispatch_page(d);
	}
	dispatch_arm(d, true);
}

static void
dispatch_page(void *arg)
{
	struct dispatch *d = arg;

	if (d->paging || d->stopping)
		return;
	if (store_page(d->o.store, d->o.shard, d->o.shards, d->page_next_try,
		d->page_id, DISPATCH_PAGE, dispatch_on_page, d))
		timer_start(d->page_retry, DISPATCH_RETRY_MS);
	else
		d->paging = true;
}

struct dispatch *
dispatch_new(const struct dispatch_opts *o)
{
	struct dispatch *d = xcalloc(1, sizeof(*d));
	uint8_t seed[16];
	struct sched_opts so = {.retry_s = o->options->queue.retry_s,
	    .n_retry = o->options->queue.n_retry,
	    .lifetime_s = o->options->queue.lifetime_s,
	    .max_running = o->options->deliver.max_connections,
	    .max_per_dest = o->options->deliver.max_per_destination,
	    .max_recipients = o->options->deliver.max_recipients,
	    .window = o->options->queue.max_in_memory,
	    .rng = o->rng,
	    .seed = seed};

	rng_fill(o->rng, seed, sizeof(seed));
	d->o = *o;
	d->sched = sched_new(&so);
	list_init(&d->works);
	list_init(&d->hungry);
	list_init(&d->suspects);
	d->wake = timer_new(o->loop, dispatch_run, d);
	d->page_retry = timer_new(o->loop, dispatch_page, d);
	return d;
}

void
dispatch_start(struct dispatch *d)
{
	dispatch_page(d);
}

void
dispatch_repage(struct dispatch *d)
{
	sched_outside(d->sched);
	dispatch_arm(d, false);
}

void
dispatch_add(struct dispatch *d, struct rcpt *take_r)
{
	struct sched_stats was;

	sched_stats(d->sched, &was);
	(void)sched_add(d->sched, take_r, false);
	dispatch_gauge(d, &was);
	dispatch_arm(d, true);
}

void
dispatch_stop(struct dispatch *d, void (*done_fn)(void *arg), void *arg)
{
	struct list *n;

	d->stopping = true;
	d->done_fn = done_fn;
	d->done_arg = arg;
	timer_stop(d->wake);
	timer_stop(d->page_retry);
	while ((n = list_pop(&d->hungry)) != NULL)
		work_free(CONTAINER_OF(n, struct work, wait));
	while ((n = list_pop(&d->suspects)) != NULL)
		work_free(CONTAINER_OF(n, struct work, wait));
	for (n = d->works.next; n != &d->works; n = n->next) {
		struct work *w = CONTAINER_OF(n, struct work, node);

		if (w->attempt)
			attempt_hurry(w->attempt);
	}
	if (list_empty(&d->works) && done_fn)
		done_fn(arg);
}

void
dispatch_free(struct dispatch *d)
{
	struct list *n, *next;

	if (!d)
		return;
	d->stopping = true;
	for (n = d->works.next; n != &d->works; n = next) {
		struct work *w = CONTAINER_OF(n, struct work, node);

		next = n->next;
		attempt_free(w->attempt);
		work_count(w, 0);
		finish_free(w->finish);
		work_free(w);
	}
	store_forget(d->o.store, d);
	timer_free(d->wake);
	timer_free(d->page_retry);
	sched_free(d->sched);
	free(d);
}
