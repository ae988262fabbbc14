/* relay/base/map: against a plain array, and SipHash's published values. */
#include "config.h"

#include "relay/base/map.h"
#include "relay/base/rng.h"
#include "tests/unit/t.h"

static const uint8_t seed[16] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Aumasson, Bernstein: SipHash, appendix A, and its vectors of one key. */
static void
test_siphash(void **state)
{
	static const struct {
		size_t n;
		uint64_t want;
	} cases[] = {
	    {0, 0x726fdb47dd0e0e31U},
	    {1, 0x74f839c593dc67fdU},
	    {7, 0xab0200f58b01d137U},
	    {8, 0x93f5f5799a932462U},
	    {15, 0xa129ca6149be45e5U},
	    {63, 0x958a324ceb064572U},
	};
	uint8_t in[64];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char name[32];

		snprintf(name, sizeof(name), "%zu bytes", cases[i].n);
		t_bool(name, map_hash(seed, in, cases[i].n) == cases[i].want,
		    true);
	}
}

static void
test_basics(void **state)
{
	struct map *m = map_new(seed);
	int one = 1, two = 2;
	char key[4] = "abc";
	struct str k;
	void *value;
	size_t it = 0;

	(void)state;
	t_bool("get of empty", map_get(m, STR("abc")) == NULL, true);
	t_bool("del of empty", map_del(m, STR("abc")) == NULL, true);
	t_bool("next of empty", map_next(m, &it, &k, &value), false);
	t_bool("new", map_put(m, str_of(key), &one) == NULL, true);
	key[0] = 'x'; /* the map has a copy */
	t_bool("get", map_get(m, STR("abc")) == &one, true);
	t_bool("case counts", map_get(m, STR("ABC")) == NULL, true);
	t_bool("prefix is not it", map_get(m, STR("ab")) == NULL, true);
	t_bool("former", map_put(m, STR("abc"), &two) == &one, true);
	t_bool("replaced", map_get(m, STR("abc")) == &two, true);
	t_int("count", (int64_t)map_count(m), 1);
	t_bool("empty key", map_put(m, str_of(NULL), &one) == NULL, true);
	t_bool("empty key", map_get(m, STR("")) == &one, true);
	t_bool("NUL in key", map_put(m, STR("abc\0d"), &one) == NULL, true);
	t_int("count", (int64_t)map_count(m), 3);
	t_bool("del", map_del(m, STR("abc")) == &two, true);
	t_bool("gone", map_get(m, STR("abc")) == NULL, true);
	t_bool("del twice", map_del(m, STR("abc")) == NULL, true);
	t_bool("others stay", map_get(m, STR("abc\0d")) == &one, true);
	map_free(m, NULL);
	map_free(NULL, NULL);
}

#define KEYS 500

static struct str
key_of(size_t i, char text[16])
{
	int n = snprintf(text, 16, "k%zu", i);

	return str_n(text, (size_t)n);
}

static void
check_all(const struct map *m, int *const *want, size_t count)
{
	struct str k;
	void *value;
	size_t it = 0, seen = 0;
	char text[16];

	t_int("count", (int64_t)map_count(m), (int64_t)count);
	for (size_t i = 0; i < KEYS; i++)
		t_bool("value", map_get(m, key_of(i, text)) == want[i], true);
	while (map_next(m, &it, &k, &value)) {
		t_bool("pair", map_get(m, k) == value, true);
		seen++;
	}
	t_int("walked", (int64_t)seen, (int64_t)count);
}

static void
test_random(void **state)
{
	static int values[10];
	int *want[KEYS] = {NULL};
	struct map *m = map_new(seed);
	struct rng r;
	size_t count = 0;
	char text[16];

	(void)state;
	rng_init_seed(&r, 7);
	for (int step = 0; step < 30000; step++) {
		size_t i = rng_below(&r, KEYS);
		struct str key = key_of(i, text);
		void *former;

		/* Fill, then drain, then fill: long and short chains. */
		if (rng_below(&r, 100) < (step / 5000 % 2 ? 30U : 70U)) {
			int *value = &values[rng_below(&r, 10)];

			former = map_put(m, key, value);
			t_bool("former", former == want[i], true);
			count += !want[i];
			want[i] = value;
		} else {
			former = map_del(m, key);
			t_bool("removed", former == want[i], true);
			count -= want[i] != NULL;
			want[i] = NULL;
		}
		if (step % 500 == 0)
			check_all(m, want, count);
	}
	check_all(m, want, count);
	map_free(m, NULL);
}

static void
count_free(void *value)
{
	++*(int *)value;
}

static void
test_free_values(void **state)
{
	struct map *m = map_new(seed);
	int freed[40] = {0};
	char text[16];

	(void)state;
	for (size_t i = 0; i < T_COUNT(freed); i++)
		map_put(m, key_of(i, text), &freed[i]);
	map_free(m, count_free);
	for (size_t i = 0; i < T_COUNT(freed); i++)
		t_int("freed once", freed[i], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_siphash),
	    cmocka_unit_test(test_basics),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_free_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
