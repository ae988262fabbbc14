/* relay/base/arena: memory with one lifetime. */
#include "config.h"

#include "relay/base/arena.h"
#include "tests/unit/t.h"

static void
test_pieces(void **state)
{
	static const size_t sizes[] = {
	    1, 0, 7, 16, 100, 900, 1000, 1001, 3999, 4000, 4001, 100000, 3, 1};
	struct arena a;
	unsigned char *pieces[10 * T_COUNT(sizes)];
	size_t count = 0;

	(void)state;
	arena_init(&a);
	for (size_t round = 0; round < 10; round++) {
		for (size_t i = 0; i < T_COUNT(sizes); i++) {
			unsigned char *p = arena_alloc(&a, sizes[i]);

			t_int("aligned",
			    (int64_t)((uintptr_t)p % _Alignof(max_align_t)), 0);
			for (size_t j = 0; j < sizes[i]; j++)
				t_int("zeroed", p[j], 0);
			memset(p, (int)(count % 255 + 1), sizes[i]);
			pieces[count++] = p;
		}
	}
	/* No piece was written by another. */
	for (size_t k = 0; k < count; k++) {
		size_t n = sizes[k % T_COUNT(sizes)];

		for (size_t j = 0; j < n; j++)
			t_int("own", pieces[k][j], (int64_t)(k % 255 + 1));
	}
	arena_clear(&a);
	t_bool("usable again", arena_alloc(&a, 1) != NULL, true);
	arena_clear(&a);
}

static void
test_strings(void **state)
{
	struct arena a;
	struct str s;

	(void)state;
	arena_init(&a);
	t_cstr("copy", arena_strdup(&a, STR("abc")), "abc");
	t_cstr("of nothing", arena_strdup(&a, str_of(NULL)), "");
	s = arena_str(&a, STR("a\0b"));
	t_str("str", s, STR("a\0b"));
	t_int("NUL behind it", s.p[3], 0);
	arena_clear(&a);
	arena_clear(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
