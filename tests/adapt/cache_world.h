/*
 * The world of test_dns_cache: a scripted upstream and a clock that the test
 * turns.
 */
#ifndef TESTS_ADAPT_CACHE_WORLD_H
#define TESTS_ADAPT_CACHE_WORLD_H

#include "tests/unit/t.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/dns/dns_cache.h"
#include "tests/adapt/vclock.h"

/* ---- the upstream ---- */

struct question {
	struct list node;
	struct upstream *up;
	char name[DOMAIN_MAX];
	enum rr_type type;
	dns_fn *fn;
	void *arg;
};

struct upstream {
	struct dns base;
	struct list open;
	unsigned asked, canaries, canceled;
};

static struct dns_query *
up_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct upstream *up = (struct upstream *)(void *)d;
	struct question *q = xcalloc(1, sizeof(*q));

	q->up = up;
	memcpy(q->name, name, strlen(name) + 1);
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	list_push(&up->open, &q->node);
	if (type == RR_NS)
		up->canaries++;
	else
		up->asked++;
	return (struct dns_query *)(void *)q;
}

static void
up_cancel(struct dns_query *dq)
{
	struct question *q = (struct question *)(void *)dq;

	q->up->canceled++;
	list_remove(&q->node);
	free(q);
}

/* Answers the oldest open question for name; takes the count of set. */
static void
up_answer(struct upstream *up, const char *name, struct rr_set *take_set)
{
	struct list *node;

	for (node = up->open.next; node != &up->open; node = node->next) {
		struct question *q = CONTAINER_OF(node, struct question, node);
		dns_fn *fn = q->fn;
		void *arg = q->arg;

		if (strcmp(q->name, name) != 0)
			continue;
		list_remove(&q->node);
		free(q);
		fn(arg, take_set);
		rr_set_unref(take_set);
		return;
	}
	fail_msg("nobody asked for %s", name);
}

static struct rr_set *
set_of(enum rr_type type, enum rr_status status, bool secure, uint32_t ttl)
{
	struct rr_set *s = rr_set_new(type, status == RR_OK ? 1 : 0);

	s->status = status;
	s->secure = secure;
	s->ttl = ttl;
	return s;
}

static struct rr_set *
failure(enum rr_type type, enum rr_why why)
{
	return rr_set_empty(type, RR_FAIL, why);
}

/* ---- the world ---- */

struct world {
	struct loop loop; /* vclock's */
	struct upstream up;
	struct metrics metrics;
	struct rng rng;
	struct dns *dns;
	unsigned asking, answers;
	enum rr_status status;
	enum rr_why why;
	bool secure;
	unsigned changes;
	enum dns_state from, to;
	const char *ask_again; /* in the next callback */
};

static void
on_state(void *arg, enum dns_state from, enum dns_state to)
{
	struct world *w = arg;

	w->changes++;
	w->from = from;
	w->to = to;
}

static struct dns_query *ask(
    struct world *w, const char *name, enum rr_type type);

static void
on_answer(void *arg, struct rr_set *set)
{
	struct world *w = arg;
	const char *again = w->ask_again;

	if (w->asking)
		fail_msg("answered inside dns_ask");
	w->answers++;
	w->status = set->status;
	w->why = set->why;
	w->secure = set->secure;
	w->ask_again = NULL;
	if (again)
		ask(w, again, RR_A);
}

static struct dns_query *
ask(struct world *w, const char *name, enum rr_type type)
{
	struct dns_query *q;

	w->asking++;
	q = dns_ask(w->dns, name, type, on_answer, w);
	w->asking--;
	return q;
}

static void
world_open(struct world *w, struct dns_cache_opts o)
{
	memset(w, 0, sizeof(*w));
	vclock_init(&w->loop);
	list_init(&w->up.open);
	w->up.base.ask = up_ask;
	w->up.base.cancel = up_cancel;
	metrics_init(&w->metrics);
	rng_init_seed(&w->rng, 1);
	o.upstream = &w->up.base;
	o.metrics = &w->metrics;
	o.rng = &w->rng;
	o.on_state = on_state;
	o.arg = w;
	t_err("new", dns_cache_new(&w->loop, &o, &w->dns), 0);
	vclock_turn(&w->loop, 0);
}

static void
world_close(struct world *w)
{
	dns_cache_free(w->dns);
	t_bool("all asked upstream is over", list_empty(&w->up.open), true);
	t_bool("no timer is left", list_empty(&w->loop.timers), true);
}

/* The canary's answer; also runs what follows at once. */
static void
canary(struct world *w, struct rr_set *take_set)
{
	up_answer(&w->up, ".", take_set);
	vclock_turn(&w->loop, 0);
}

/* A validating resolver whose canary sleeps for a day. */
static void
world_well(struct world *w, struct dns_cache_opts o)
{
	o.trust_ad = true;
	if (o.canary_ms == 0)
		o.canary_ms = 86400000;
	world_open(w, o);
	canary(w, set_of(RR_NS, RR_OK, true, 60));
	t_int("state", dns_cache_state(w->dns), DNS_STATE_OK);
}

/* Asks; is it answered without the upstream? */
static bool
is_hit(struct world *w, const char *name, enum rr_type type)
{
	unsigned asked = w->up.asked, answers = w->answers;

	ask(w, name, type);
	vclock_turn(&w->loop, 0);
	return w->up.asked == asked && w->answers == answers + 1;
}

static void
reply(struct world *w, const char *name, struct rr_set *take_set)
{
	up_answer(&w->up, name, take_set);
	vclock_turn(&w->loop, 0);
}

#endif
