/* Intrusive doubly linked list. The head is a node of its own. */
#ifndef RELAY_BASE_LIST_H
#define RELAY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev, *next;
};

/* The struct of given type around its member at p. */
#define CONTAINER_OF(p, type, member) \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

void list_init(struct list *l);
bool list_empty(const struct list *l);
void list_push(struct list *head, struct list *node); /* at the end */
void list_push_front(struct list *head, struct list *node);
/* Unlinks node and makes it empty; a node that is not in a list is fine if
 * it was list_init()ed. */
void list_remove(struct list *node);
/* First node unlinked, or NULL. */
struct list *list_pop(struct list *head);

#endif
