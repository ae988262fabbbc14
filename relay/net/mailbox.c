/*
 * Mailboxes and threads. All that threads share stands under the lock of one
 * mailbox; a node is touched by its sender before the post and by the
 * receiver after it, never by both.
 *
 * The receiver is woken with the lock held: a receiver that sees the mailbox
 * shut can then be sure that no wake-up is under way any more.
 */
#include "config.h"

#include "relay/net/mailbox.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"

struct mailbox {
	uv_mutex_t lock;
	/* Under the lock. */
	struct mail_node *head;
	struct mail_node **tail;
	size_t credits; /* left */
	bool shut;

	/* Blocking receiver. */
	bool blocking;
	uv_cond_t cond;

	/* Receiver on a loop; its thread alone touches these. */
	uv_async_t async;
	mailbox_fn *fn;
	void *arg;
	struct mail_node *batch; /* taken, not yet handed to fn */
	bool closing;
};

static struct mailbox *
make(size_t credits)
{
	struct mailbox *mb = xcalloc(1, sizeof(*mb));

	if (uv_mutex_init(&mb->lock) != 0)
		BUG("no memory for a lock");
	mb->tail = &mb->head;
	mb->credits = credits;
	return mb;
}

/* Under the lock. */
static struct mail_node *
take_all(struct mailbox *mb)
{
	struct mail_node *all = mb->head;

	mb->head = NULL;
	mb->tail = &mb->head;
	return all;
}

static void
mail_came(uv_async_t *async)
{
	struct mailbox *mb = async->data;

	uv_mutex_lock(&mb->lock);
	mb->batch = take_all(mb);
	uv_mutex_unlock(&mb->lock);

	/* fn may free the mailbox: that empties the batch, and the memory stays
	 * until the handle is closed. */
	while (mb->batch) {
		struct mail_node *node = mb->batch;

		mb->batch = node->next;
		node->next = NULL;
		mb->fn(mb->arg, node);
	}
}

int
mailbox_new(struct loop *loop, size_t credits, mailbox_fn *fn, void *arg,
    struct mailbox **out)
{
	struct mailbox *mb = make(credits);

	mb->fn = fn;
	mb->arg = arg;
	if (uv_async_init(loop_uv(loop), &mb->async, mail_came) != 0) {
		uv_mutex_destroy(&mb->lock);
		free(mb);
		return ERR_IO;
	}
	mb->async.data = mb;
	*out = mb;
	return 0;
}

int
mailbox_new_blocking(size_t credits, struct mailbox **out)
{
	struct mailbox *mb = make(credits);

	mb->blocking = true;
	if (uv_cond_init(&mb->cond) != 0)
		BUG("no memory for a condition");
	*out = mb;
	return 0;
}

/* Under the lock. */
static void
wake(struct mailbox *mb)
{
	if (mb->blocking)
		uv_cond_signal(&mb->cond);
	else
		uv_async_send(&mb->async);
}

static int
post(struct mailbox *mb, struct mail_node *node, bool with_credit)
{
	int rc = 0;

	uv_mutex_lock(&mb->lock);
	if (mb->shut) {
		rc = ERR_CLOSED;
	} else if (with_credit && mb->credits == 0) {
		rc = ERR_FULL;
	} else {
		bool was_empty = mb->head == NULL;

		if (with_credit)
			mb->credits--;
		node->next = NULL;
		*mb->tail = node;
		mb->tail = &node->next;
		if (was_empty)
			wake(mb);
	}
	uv_mutex_unlock(&mb->lock);
	return rc;
}

int
mailbox_post(struct mailbox *mb, struct mail_node *node)
{
	return post(mb, node, true);
}

int
mailbox_post_always(struct mailbox *mb, struct mail_node *node)
{
	return post(mb, node, false);
}

void
mailbox_release(struct mailbox *mb, size_t n)
{
	uv_mutex_lock(&mb->lock);
	mb->credits += n;
	uv_mutex_unlock(&mb->lock);
}

struct mail_node *
mailbox_wait(struct mailbox *mb, int64_t timeout_ms)
{
	uint64_t end = 0;
	struct mail_node *all;

	if (!mb->blocking)
		BUG("waiting on the mailbox of a loop");
	if (timeout_ms >= 0)
		end = uv_hrtime() + (uint64_t)timeout_ms * 1000000u;
	uv_mutex_lock(&mb->lock);
	while (!mb->head && !mb->shut) {
		uint64_t now = uv_hrtime();

		if (timeout_ms < 0)
			uv_cond_wait(&mb->cond, &mb->lock);
		else if (now < end)
			(void)uv_cond_timedwait(
			    &mb->cond, &mb->lock, end - now);
		else
			break;
	}
	all = take_all(mb);
	uv_mutex_unlock(&mb->lock);
	return all;
}

bool
mailbox_is_shut(struct mailbox *mb)
{
	bool shut;

	uv_mutex_lock(&mb->lock);
	shut = mb->shut;
	uv_mutex_unlock(&mb->lock);
	return shut;
}

void
mailbox_shut(struct mailbox *mb)
{
	uv_mutex_lock(&mb->lock);
	mb->shut = true;
	if (mb->blocking)
		uv_cond_broadcast(&mb->cond);
	uv_mutex_unlock(&mb->lock);
}

static void
drop(struct mail_node *list, void (*drop_fn)(struct mail_node *))
{
	while (list) {
		struct mail_node *node = list;

		list = node->next;
		if (drop_fn)
			drop_fn(node);
	}
}

static void
async_closed(uv_handle_t *h)
{
	struct mailbox *mb = h->data;

	uv_mutex_destroy(&mb->lock);
	free(mb);
}

void
mailbox_free(struct mailbox *mb, void (*drop_fn)(struct mail_node *))
{
	struct mail_node *batch;
	struct mail_node *rest;

	if (!mb || mb->closing)
		return;
	mb->closing = true;
	batch = mb->batch;
	mb->batch = NULL;
	uv_mutex_lock(&mb->lock);
	mb->shut = true;
	rest = take_all(mb);
	uv_mutex_unlock(&mb->lock);
	drop(batch, drop_fn);
	drop(rest, drop_fn);
	if (mb->blocking) {
		uv_cond_destroy(&mb->cond);
		uv_mutex_destroy(&mb->lock);
		free(mb);
		return;
	}
	uv_close((uv_handle_t *)&mb->async, async_closed);
}

#define THREAD_NAME_MAX 16 /* bytes with the NUL, of the kernel */

struct net_thread {
	uv_thread_t id;
	void (*fn)(void *arg);
	void *arg;
	char name[THREAD_NAME_MAX];
};

static void
thread_main(void *arg)
{
	struct net_thread *t = arg;

	(void)pthread_setname_np(pthread_self(), t->name);
	t->fn(t->arg);
}

int
net_thread_start(
    void (*fn)(void *arg), void *arg, const char *name, struct net_thread **out)
{
	struct net_thread *t = xcalloc(1, sizeof(*t));
	sigset_t all;
	sigset_t old;
	int rc;

	t->fn = fn;
	t->arg = arg;
	for (size_t i = 0; i + 1 < sizeof(t->name) && name[i]; i++)
		t->name[i] = name[i];
	/* Signals belong to the main thread; a new thread has its mask from
	 * the thread that makes it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = uv_thread_create(&t->id, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		free(t);
		return ERR_IO;
	}
	*out = t;
	return 0;
}

void
net_thread_join(struct net_thread *t)
{
	if (!t)
		return;
	if (uv_thread_join(&t->id) != 0)
		BUG("a thread that cannot be joined");
	free(t);
}
