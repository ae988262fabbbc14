/* Binary min-heap of intrusive nodes, ordered by a 64-bit key. */
#ifndef RELAY_BASE_HEAP_H
#define RELAY_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	size_t at; /* 1-based place in the heap, 0 = not in one */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
};

void heap_init(struct heap *h);
void heap_clear(struct heap *h); /* frees the array, not the nodes */
void heap_add(struct heap *h, struct heap_node *node, int64_t key);
void heap_remove(struct heap *h, struct heap_node *node);
void heap_update(struct heap *h, struct heap_node *node, int64_t key);
/* Node with the smallest key, NULL when empty; stays in the heap. */
struct heap_node *heap_min(const struct heap *h);
bool heap_has(const struct heap_node *node);

#endif
