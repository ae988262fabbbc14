/*
 * Memory with one lifetime. Blocks hang in a list; the head is the one that
 * is being filled. A request that is big beside a block gets a block of its
 * own behind the head, so that the room left in the head is not wasted.
 * Blocks come zeroed and are never reused, so each piece is zeroed too.
 */
#include "config.h"

#include "relay/base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"

#define ARENA_BLOCK 4000 /* bytes of data in an ordinary block */

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	max_align_t data[];
};

void
arena_init(struct arena *a)
{
	a->head = NULL;
}

void
arena_clear(struct arena *a)
{
	while (a->head) {
		struct arena_block *next = a->head->next;

		free(a->head);
		a->head = next;
	}
}

static struct arena_block *
new_block(size_t cap)
{
	struct arena_block *k;

	if (cap > SIZE_MAX - sizeof(*k))
		BUG("size overflows");
	k = xcalloc(1, sizeof(*k) + cap);
	k->cap = cap;
	return k;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t align = _Alignof(max_align_t);
	struct arena_block *k = a->head;
	char *p;

	if (n > SIZE_MAX - align)
		BUG("size overflows");
	n = (n + align - 1) / align * align;
	if (n == 0)
		n = align; /* each piece has an address of its own */
	if (!k || n > k->cap - k->used) {
		k = new_block(n > ARENA_BLOCK / 4 ? n : ARENA_BLOCK);
		if (k->cap == n && a->head) {
			k->next = a->head->next;
			a->head->next = k;
		} else {
			k->next = a->head;
			a->head = k;
		}
	}
	p = (char *)k->data + k->used;
	k->used += n;
	return p;
}

char *
arena_strdup(struct arena *a, struct str s)
{
	char *p;

	if (s.n == SIZE_MAX)
		BUG("length overflows");
	p = arena_alloc(a, s.n + 1);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct str
arena_str(struct arena *a, struct str s)
{
	return str_n(arena_strdup(a, s), s.n);
}
