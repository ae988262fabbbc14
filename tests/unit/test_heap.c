/* relay/base/heap: against a plain search for the smallest. */
#include "config.h"

#include "relay/base/heap.h"
#include "relay/base/rng.h"
#include "tests/unit/t.h"

#define NODES 200

static void
test_order(void **state)
{
	static const int64_t keys[] = {5, 3, 8, 3, INT64_MIN, 0, INT64_MAX, -1};
	struct heap_node v[T_COUNT(keys)] = {{0}};
	struct heap h;
	int64_t before = INT64_MIN;

	(void)state;
	heap_init(&h);
	t_bool("empty", heap_min(&h) == NULL, true);
	for (size_t i = 0; i < T_COUNT(keys); i++) {
		t_bool("not in", heap_has(&v[i]), false);
		heap_add(&h, &v[i], keys[i]);
		t_bool("in", heap_has(&v[i]), true);
	}
	for (size_t i = 0; i < T_COUNT(keys); i++) {
		struct heap_node *node = heap_min(&h);

		t_bool("rises", node->key >= before, true);
		before = node->key;
		heap_remove(&h, node);
		t_bool("out", heap_has(node), false);
	}
	t_bool("empty again", heap_min(&h) == NULL, true);
	heap_clear(&h);
}

static void
check(const struct heap *h, const struct heap_node *v)
{
	const struct heap_node *min = heap_min(h);
	int64_t want = INT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < NODES; i++) {
		if (!heap_has(&v[i]))
			continue;
		n++;
		t_bool("place", h->v[v[i].at - 1] == &v[i], true);
		if (v[i].key < want)
			want = v[i].key;
	}
	t_int("count", (int64_t)h->n, (int64_t)n);
	t_bool("minimum there", min != NULL, n > 0);
	if (min)
		t_int("minimum", min->key, want);
}

static void
test_random(void **state)
{
	struct heap_node v[NODES] = {{0}};
	struct heap h;
	struct rng r;

	(void)state;
	rng_init_seed(&r, 1);
	heap_init(&h);
	for (int step = 0; step < 20000; step++) {
		struct heap_node *node = &v[rng_below(&r, NODES)];
		int64_t key = (int64_t)rng_below(&r, 1000) - 500;

		if (!heap_has(node))
			heap_add(&h, node, key);
		else if (rng_below(&r, 2))
			heap_update(&h, node, key);
		else
			heap_remove(&h, node);
		if (step % 50 == 0)
			check(&h, v);
	}
	check(&h, v);
	heap_clear(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
