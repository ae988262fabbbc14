/*
 * Errands go out by the mailbox of the shard and come home by that of the
 * asker. Every errand that was sent comes back once, or is dropped when there
 * is nobody to come back to. A shard that ends sends all back; homes are freed
 * only when no shard runs any more.
 */
#include "config.h"

#include "relay/main/errand.h"

#include <stdbool.h>
#include <stdlib.h>

#include "relay/base/buf.h"

struct errand_home {
	struct mailbox *mailbox;
};

struct errands {
	struct mailbox *mailbox;
	struct errand_desk desk;
	struct list at_work;
	bool ended;
};

/* ---- home ---- */

static void
on_home(void *arg, struct mail_node *node)
{
	struct errand *e = (struct errand *)node;

	(void)arg;
	e->back(e, e->err);
}

static void
drop_node(struct mail_node *node)
{
	struct errand *e = (struct errand *)node;

	e->drop(e);
}

int
errand_home_new(struct loop *loop, struct errand_home **out)
{
	struct errand_home *h = xcalloc(1, sizeof(*h));
	int err = mailbox_new(loop, 1, on_home, h, &h->mailbox);

	if (err) {
		free(h);
		return err;
	}
	*out = h;
	return 0;
}

void
errand_home_free(struct errand_home *h)
{
	if (!h)
		return;
	mailbox_shut(h->mailbox);
	mailbox_free(h->mailbox, drop_node);
	free(h);
}

/* ---- at the shard ---- */

static void
send_home(struct errand *e, int err)
{
	mailbox_release(e->at->mailbox, 1);
	e->err = err;
	if (mailbox_post_always(e->home->mailbox, &e->node))
		e->drop(e);
}

void
errand_back(struct errand *e, int err)
{
	list_remove(&e->link);
	send_home(e, err);
}

static void
on_errand(void *arg, struct mail_node *node)
{
	struct errands *s = arg;
	struct errand *e = (struct errand *)node;

	if (s->ended) {
		send_home(e, ERR_CLOSED);
		return;
	}
	list_push(&s->at_work, &e->link);
	e->run(e, &s->desk);
}

int
errands_new(struct loop *loop, size_t credits, struct errands **out)
{
	struct errands *s = xcalloc(1, sizeof(*s));
	int err = mailbox_new(loop, credits, on_errand, s, &s->mailbox);

	if (err) {
		free(s);
		return err;
	}
	list_init(&s->at_work);
	*out = s;
	return 0;
}

void
errands_open(struct errands *s, const struct errand_desk *desk)
{
	s->desk = *desk;
}

void
errands_end(struct errands *s)
{
	struct list *node;

	s->ended = true;
	while ((node = list_pop(&s->at_work)) != NULL) {
		struct errand *e = CONTAINER_OF(node, struct errand, link);

		e->cancel(e);
		send_home(e, ERR_CLOSED);
	}
}

void
errands_free(struct errands *s)
{
	if (!s)
		return;
	mailbox_shut(s->mailbox);
	mailbox_free(s->mailbox, drop_node);
	free(s);
}

int
errands_send(struct errands *s, struct errand *e, struct errand_home *home)
{
	e->home = home;
	e->at = s;
	list_init(&e->link);
	return mailbox_post(s->mailbox, &e->node);
}
