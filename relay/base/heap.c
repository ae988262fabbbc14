/*
 * Binary min-heap. Each node knows its 1-based place, so that a timer or a
 * destination can leave the middle in O(log n). The children of place i are
 * 2i and 2i + 1; v[i - 1] holds place i.
 */
#include "config.h"

#include "relay/base/heap.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

#define HEAP_FIRST 16 /* nodes of the first allocation */

void
heap_init(struct heap *h)
{
	*h = (struct heap){0};
}

void
heap_clear(struct heap *h)
{
	free(h->v);
	heap_init(h);
}

static void
put(struct heap *h, size_t at, struct heap_node *node)
{
	h->v[at - 1] = node;
	node->at = at;
}

static void
move_up(struct heap *h, struct heap_node *node)
{
	size_t at = node->at;

	while (at > 1 && h->v[at / 2 - 1]->key > node->key) {
		put(h, at, h->v[at / 2 - 1]);
		at /= 2;
	}
	put(h, at, node);
}

static void
move_down(struct heap *h, struct heap_node *node)
{
	size_t at = node->at;

	for (;;) {
		size_t kid = at * 2;

		if (kid > h->n)
			break;
		if (kid < h->n && h->v[kid]->key < h->v[kid - 1]->key)
			kid++;
		if (h->v[kid - 1]->key >= node->key)
			break;
		put(h, at, h->v[kid - 1]);
		at = kid;
	}
	put(h, at, node);
}

static void
check_member(const struct heap *h, const struct heap_node *node)
{
	if (node->at == 0 || node->at > h->n || h->v[node->at - 1] != node)
		BUG("node is not in this heap");
}

void
heap_add(struct heap *h, struct heap_node *node, int64_t key)
{
	if (node->at != 0)
		BUG("node is in a heap");
	if (h->n == h->cap) {
		h->cap = h->cap > 0 ? h->cap * 2 : HEAP_FIRST;
		h->v = xrealloc(h->v, h->cap * sizeof(struct heap_node *));
	}
	node->key = key;
	h->n++;
	put(h, h->n, node);
	move_up(h, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	struct heap_node *last;

	check_member(h, node);
	last = h->v[h->n - 1];
	h->n--;
	if (last != node) {
		put(h, node->at, last);
		move_up(h, last);
		move_down(h, last);
	}
	node->at = 0;
}

void
heap_update(struct heap *h, struct heap_node *node, int64_t key)
{
	check_member(h, node);
	node->key = key;
	move_up(h, node);
	move_down(h, node);
}

struct heap_node *
heap_min(const struct heap *h)
{
	return h->n > 0 ? h->v[0] : NULL;
}

bool
heap_has(const struct heap_node *node)
{
	return node->at != 0;
}
