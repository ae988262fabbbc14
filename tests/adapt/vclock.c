/* See vclock.h. */
#include "config.h"

#include "tests/adapt/vclock.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/net/timer.h"

struct timer {
	struct list node;
	struct loop *loop;
	timer_fn *fn;
	void *arg;
	int64_t due; /* -1: stopped */
};

struct timer *
timer_new(struct loop *loop, timer_fn *fn, void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->fn = fn;
	t->arg = arg;
	t->due = -1;
	list_push(&loop->timers, &t->node);
	return t;
}

void
timer_start(struct timer *t, int64_t ms)
{
	t->due = t->loop->now + ms;
}

void
timer_stop(struct timer *t)
{
	t->due = -1;
}

bool
timer_active(const struct timer *t)
{
	return t->due >= 0;
}

void
timer_free(struct timer *t)
{
	if (!t)
		return;
	list_remove(&t->node);
	free(t);
}

int64_t
timer_now(const struct loop *loop)
{
	return loop->now;
}

static struct timer *
next_due(struct loop *l, int64_t until)
{
	struct timer *best = NULL;
	struct list *node;

	for (node = l->timers.next; node != &l->timers; node = node->next) {
		struct timer *t = CONTAINER_OF(node, struct timer, node);

		if (t->due >= 0 && t->due <= until &&
		    (!best || t->due < best->due))
			best = t;
	}
	return best;
}

void
vclock_turn(struct loop *l, int64_t ms)
{
	int64_t until = l->now + ms;
	struct timer *t;

	while ((t = next_due(l, until)) != NULL) {
		if (t->due > l->now)
			l->now = t->due;
		t->due = -1;
		t->fn(t->arg);
	}
	l->now = until;
}

void
vclock_init(struct loop *l)
{
	l->now = 1000;
	list_init(&l->timers);
}
