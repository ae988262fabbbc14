/* relay/base/list: intrusive doubly linked list. */
#include "config.h"

#include "relay/base/list.h"
#include "tests/unit/t.h"

struct item {
	char name;
	struct list node;
};

/* Names from first to last, and the same backwards. */
static void
check(const char *name, struct list *head, const char *want)
{
	char got[16], back[16];
	size_t n = 0, m = strlen(want);

	for (struct list *l = head->next; l != head; l = l->next)
		got[n++] = CONTAINER_OF(l, struct item, node)->name;
	t_str(name, str_n(got, n), str_of(want));
	n = 0;
	for (struct list *l = head->prev; l != head; l = l->prev)
		back[m - ++n] = CONTAINER_OF(l, struct item, node)->name;
	t_str(name, str_n(back, n), str_of(want));
	t_bool(name, list_empty(head), m == 0);
}

static void
test_list(void **state)
{
	struct item v[4] = {
	    {.name = 'a'}, {.name = 'b'}, {.name = 'c'}, {.name = 'd'}};
	struct list head;

	(void)state;
	list_init(&head);
	check("empty", &head, "");
	t_bool("nothing to pop", list_pop(&head) == NULL, true);
	list_push(&head, &v[0].node);
	list_push(&head, &v[1].node);
	check("push", &head, "ab");
	list_push_front(&head, &v[2].node);
	check("push_front", &head, "cab");
	list_remove(&v[0].node);
	check("remove from the middle", &head, "cb");
	t_bool("removed node is empty", list_empty(&v[0].node), true);
	list_remove(&v[0].node);
	check("remove twice", &head, "cb");
	list_push(&head, &v[0].node);
	list_push(&head, &v[3].node);
	check("again", &head, "cbad");
	t_bool("pop", list_pop(&head) == &v[2].node, true);
	check("popped", &head, "bad");
	list_remove(&v[3].node);
	list_remove(&v[1].node);
	list_remove(&v[0].node);
	check("none left", &head, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
