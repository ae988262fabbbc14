/* What the files of relay/net share of a loop; nobody else includes this. */
#ifndef RELAY_NET_LOOP_INT_H
#define RELAY_NET_LOOP_INT_H

#include <stddef.h>

#include "relay/base/list.h"

struct loop;

/* A call that waits for the next round of the loop. Embedded in its owner. */
struct loop_soon {
	struct list node;
	void (*fn)(void *arg);
	void *arg;
};

void loop_soon_init(struct loop_soon *s, void (*fn)(void *arg), void *arg);
/* fn runs once in the next round; does nothing when it is already due. */
void loop_soon_call(struct loop *l, struct loop_soon *s);
/* fn does not run any more. Safe at any time after loop_soon_init. */
void loop_soon_cancel(struct loop_soon *s);
bool loop_soon_due(const struct loop_soon *s);

/*
 * Bytes for one read, shared by all connections of the loop: what is in them
 * lasts until the next callback of the loop.
 */
char *loop_scratch(struct loop *l, size_t *n);

/* Counts the connections that still write out after their close. */
void loop_linger(struct loop *l, int delta);

#endif
