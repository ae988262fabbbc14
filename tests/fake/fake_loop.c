/*
 * relay/net/{loop,timer,mailbox}.h on the world's clock: every loop shares
 * it, and threads are not made, so that shards run in a fixed order.
 */
#include "config.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"
#include "relay/net/mailbox.h"
#include "relay/net/timer.h"
#include "tests/fake/fake.h"

struct loop {
	bool stopped;
};

int
loop_new(struct loop **out)
{
	*out = xcalloc(1, sizeof(**out));
	fake_count(FAKE_LOOPS, 1);
	return 0;
}

/* Whoever turns the world runs it. */
void
loop_run(struct loop *l)
{
	l->stopped = false;
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}

void
loop_free(struct loop *l)
{
	if (l)
		fake_count(FAKE_LOOPS, -1);
	free(l);
}

/* ---- timers ---- */

struct timer {
	timer_fn *fn;
	void *arg;
	struct fake_event *due;
};

struct timer *
timer_new(struct loop *loop, timer_fn *fn, void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	(void)loop;
	t->fn = fn;
	t->arg = arg;
	fake_count(FAKE_TIMERS, 1);
	return t;
}

static void
timer_fire(void *arg)
{
	struct timer *t = arg;

	t->due = NULL;
	t->fn(t->arg);
}

void
timer_start(struct timer *t, int64_t ms)
{
	timer_stop(t);
	t->due = fake_at(ms, timer_fire, t);
}

void
timer_stop(struct timer *t)
{
	fake_drop(&t->due);
}

bool
timer_active(const struct timer *t)
{
	return t->due != NULL;
}

void
timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	fake_count(FAKE_TIMERS, -1);
	free(t);
}

int64_t
timer_now(const struct loop *loop)
{
	(void)loop;
	return fake_now_ms();
}

/* ---- mailboxes ---- */

struct mailbox {
	struct mail_node *head, **tail;
	size_t credits;
	bool shut;
	struct fake_event *wake;
	mailbox_fn *fn;
	void *arg;
};

int
mailbox_new(struct loop *loop, size_t credits, mailbox_fn *fn, void *arg,
    struct mailbox **out)
{
	struct mailbox *mb = xcalloc(1, sizeof(*mb));

	(void)loop;
	mb->tail = &mb->head;
	mb->credits = credits;
	mb->fn = fn;
	mb->arg = arg;
	fake_count(FAKE_MAILBOXES, 1);
	*out = mb;
	return 0;
}

static struct mail_node *
mailbox_take(struct mailbox *mb)
{
	struct mail_node *n = mb->head;

	if (n) {
		mb->head = n->next;
		n->next = NULL;
	}
	if (!mb->head)
		mb->tail = &mb->head;
	return n;
}

/* One node an event: fn may free the mailbox. */
static void
mailbox_wake(void *arg)
{
	struct mailbox *mb = arg;
	struct mail_node *n = mailbox_take(mb);

	mb->wake = NULL;
	if (mb->head)
		mb->wake = fake_at(0, mailbox_wake, mb);
	if (n)
		mb->fn(mb->arg, n);
}

int
mailbox_post_always(struct mailbox *mb, struct mail_node *node)
{
	if (mb->shut)
		return ERR_CLOSED;
	node->next = NULL;
	*mb->tail = node;
	mb->tail = &node->next;
	if (!mb->wake)
		mb->wake = fake_at(0, mailbox_wake, mb);
	return 0;
}

int
mailbox_post(struct mailbox *mb, struct mail_node *node)
{
	int err;

	if (!mb->shut && mb->credits == 0)
		return ERR_FULL;
	err = mailbox_post_always(mb, node);
	if (!err)
		mb->credits--;
	return err;
}

void
mailbox_release(struct mailbox *mb, size_t n)
{
	mb->credits += n;
}

void
mailbox_shut(struct mailbox *mb)
{
	mb->shut = true;
}

void
mailbox_free(struct mailbox *mb, void (*drop_fn)(struct mail_node *))
{
	struct mail_node *n;

	if (!mb)
		return;
	fake_drop(&mb->wake);
	while ((n = mailbox_take(mb)) != NULL) {
		if (drop_fn)
			drop_fn(n);
	}
	fake_count(FAKE_MAILBOXES, -1);
	free(mb);
}

/* ---- threads ---- */

struct net_thread {
	struct fake_event *start;
	void (*fn)(void *arg);
	void *arg;
};

static void
thread_begin(void *arg)
{
	struct net_thread *t = arg;

	t->start = NULL;
	t->fn(t->arg);
}

int
net_thread_start(
    void (*fn)(void *arg), void *arg, const char *name, struct net_thread **out)
{
	struct net_thread *t = xcalloc(1, sizeof(*t));

	(void)name;
	t->fn = fn;
	t->arg = arg;
	t->start = fake_at(0, thread_begin, t);
	*out = t;
	return 0;
}

void
net_thread_join(struct net_thread *t)
{
	if (t)
		fake_drop(&t->start);
	free(t);
}
