/*
 * Intrusive doubly linked list, a ring through its head: no end is special,
 * so unlinking needs neither the head nor a test.
 */
#include "config.h"

#include "relay/base/list.h"

void
list_init(struct list *l)
{
	l->prev = l->next = l;
}

bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* Puts node between two neighbours. */
static void
link_between(struct list *prev, struct list *node, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

void
list_push(struct list *head, struct list *node)
{
	link_between(head->prev, node, head);
}

void
list_push_front(struct list *head, struct list *node)
{
	link_between(head, node, head->next);
}

void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

struct list *
list_pop(struct list *head)
{
	struct list *node = head->next;

	if (node == head)
		return NULL;
	list_remove(node);
	return node;
}
