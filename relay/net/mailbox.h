/*
 * The one place where threads meet. A node moves by pointer, and ownership
 * with it. Two kinds of receiver: a loop (woken by the loop) and a thread
 * that blocks.
 */
#ifndef RELAY_NET_MAILBOX_H
#define RELAY_NET_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"

struct loop;
struct mailbox;

/* First member of everything that is sent. */
struct mail_node {
	struct mail_node *next;
};

typedef void mailbox_fn(void *arg, struct mail_node *node);

/*
 * Receiver on a loop: fn runs there for each node, in order. credits: nodes
 * that may be under way at once (posted and not yet released).
 */
NODISCARD int mailbox_new(struct loop *loop, size_t credits, mailbox_fn *fn,
    void *arg, struct mailbox **out);
/* Receiver on a blocking thread. */
NODISCARD int mailbox_new_blocking(size_t credits, struct mailbox **out);

/* Any thread. Takes a credit; ERR_FULL when none is left (the node stays the
 * caller's), ERR_CLOSED after mailbox_shut. */
NODISCARD int mailbox_post(struct mailbox *mb, struct mail_node *node);
/* Any thread. Never fails for want of credit: completions and shutdown,
 * bounded by the jobs they answer. Takes no credit. ERR_CLOSED. */
NODISCARD int mailbox_post_always(struct mailbox *mb, struct mail_node *node);
/* Gives a credit back: the receiver is done with a node of mailbox_post. */
void mailbox_release(struct mailbox *mb, size_t n);

/*
 * Blocking receiver: takes all that is there as a list in order, waiting up
 * to timeout_ms (< 0: for ever) for the first. NULL: timed out, or shut and
 * empty (see mailbox_is_shut).
 */
struct mail_node *mailbox_wait(struct mailbox *mb, int64_t timeout_ms);
bool mailbox_is_shut(struct mailbox *mb);

/* Any thread: no more posts. What is in it is still delivered. */
void mailbox_shut(struct mailbox *mb);
/* Receiver's thread, after mailbox_shut and when no sender can reach it any
 * more. Nodes still in it go to drop_fn. NULL is fine. */
void mailbox_free(struct mailbox *mb, void (*drop_fn)(struct mail_node *));

/* Threads are made here and in the store only. */
struct net_thread;
NODISCARD int net_thread_start(void (*fn)(void *arg), void *arg,
    const char *name, struct net_thread **out);
void net_thread_join(struct net_thread *t); /* frees; NULL is fine */

#endif
