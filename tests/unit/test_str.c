/* relay/base/str: borrowed bytes. */
#include "config.h"

#include "relay/base/str.h"
#include "tests/unit/t.h"

static const struct str nothing = {NULL, 0};

static int
sign(int x)
{
	return (x > 0) - (x < 0);
}

static void
test_make(void **state)
{
	(void)state;
	t_str("NULL", str_of(NULL), nothing);
	t_str("literal", str_of("abc"), STR("abc"));
	t_str("part", str_n("abcdef", 2), STR("ab"));
	t_int("with NUL inside", (int64_t)STR("a\0b").n, 3);
}

static void
test_compare(void **state)
{
	static const struct {
		const char *name;
		struct str a, b;
		bool eq, eq_ci;
		int order;
	} cases[] = {
	    {"same", {"abc", 3}, {"abc", 3}, true, true, 0},
	    {"case", {"aBc", 3}, {"AbC", 3}, false, true, 0},
	    {"less", {"abc", 3}, {"abd", 3}, false, false, -1},
	    {"prefix", {"ab", 2}, {"abc", 3}, false, false, -1},
	    {"longer", {"abc", 3}, {"ab", 2}, false, false, 1},
	    {"both empty", {NULL, 0}, {"", 0}, true, true, 0},
	    {"one empty", {NULL, 0}, {"a", 1}, false, false, -1},
	    {"NUL counts", {"a\0b", 3}, {"a\0c", 3}, false, false, -1},
	    {"unsigned", {"\xff", 1}, {"a", 1}, false, false, 1},
	    {"only ASCII folds", {"\xc4", 1}, {"\xe4", 1}, false, false, -1},
	    {"@ is no `", {"@", 1}, {"`", 1}, false, false, -1},
	    {"[ is no {", {"[", 1}, {"{", 1}, false, false, -1},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str a = cases[i].a, b = cases[i].b;

		t_bool(cases[i].name, str_eq(a, b), cases[i].eq);
		t_bool(cases[i].name, str_eq_ci(a, b), cases[i].eq_ci);
		t_int(cases[i].name, sign(str_cmp_ci(a, b)), cases[i].order);
		t_int(cases[i].name, sign(str_cmp_ci(b, a)), -cases[i].order);
	}
}

static void
test_ends(void **state)
{
	static const struct {
		const char *s, *part;
		bool starts, starts_ci, ends_ci;
	} cases[] = {
	    {"abcab", "ab", true, true, true},
	    {"ABxab", "ab", false, true, true},
	    {"abxAB", "ab", true, true, true},
	    {"ab", "ab", true, true, true},
	    {"a", "ab", false, false, false},
	    {"xaby", "ab", false, false, false},
	    {"ab", "", true, true, true},
	    {"", "", true, true, true},
	    {"", "a", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str s = str_of(cases[i].s), p = str_of(cases[i].part);

		t_bool(cases[i].s, str_starts(s, p), cases[i].starts);
		t_bool(cases[i].s, str_starts_ci(s, p), cases[i].starts_ci);
		t_bool(cases[i].s, str_ends_ci(s, p), cases[i].ends_ci);
	}
	t_bool("NULL", str_starts(nothing, nothing), true);
	t_bool("NULL", str_ends_ci(nothing, STR("a")), false);
}

static void
test_trim_and_skip(void **state)
{
	(void)state;
	t_is("both ends", str_trim(str_of(" \t a b\r\n")), "a b");
	t_is("nothing to do", str_trim(str_of("ab")), "ab");
	t_is("all blank", str_trim(str_of(" \t\r\n ")), "");
	t_is("not \\v and \\f", str_trim(str_of("\va\f")), "\va\f");
	t_str("NULL", str_trim(nothing), nothing);
	t_is("skip", str_skip(str_of("abc"), 2), "c");
	t_is("skip none", str_skip(str_of("abc"), 0), "abc");
	t_is("skip too many", str_skip(str_of("abc"), 9), "");
	t_str("skip of NULL", str_skip(nothing, 3), nothing);
}

static void
test_find(void **state)
{
	static const struct {
		const char *s;
		size_t first, last;
	} cases[] = {
	    {"a@b@c", 1, 3},
	    {"@", 0, 0},
	    {"abc", 3, 3},
	    {"", 0, 0},
	    {"@abc@", 0, 4},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str s = str_of(cases[i].s);

		t_int(cases[i].s, (int64_t)str_find(s, '@'),
		    (int64_t)cases[i].first);
		t_int(cases[i].s, (int64_t)str_find_last(s, '@'),
		    (int64_t)cases[i].last);
	}
	t_int("NULL", (int64_t)str_find(nothing, 'a'), 0);
	t_int("NULL", (int64_t)str_find_last(nothing, 'a'), 0);
	t_int("past NUL", (int64_t)str_find(STR("a\0;"), ';'), 2);
}

static void
test_cut(void **state)
{
	static const struct {
		const char *in;
		const char *want[4];
	} cases[] = {
	    {"a;;b", {"a", "", "b"}},
	    {"a", {"a"}},
	    {"", {NULL}},
	    {";", {""}},
	    {"a;", {"a"}},
	    {";a", {"", "a"}},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str rest = str_of(cases[i].in), part;
		size_t n = 0;

		while (str_cut(&rest, ';', &part)) {
			assert_true(n < 4 && cases[i].want[n]);
			t_is(cases[i].in, part, cases[i].want[n]);
			n++;
		}
		assert_true(!cases[i].want[n]);
	}
}

static void
test_classes(void **state)
{
	(void)state;
	for (int i = -128; i < 128; i++) {
		char c = (char)i;
		bool upper = i >= 'A' && i <= 'Z';
		bool lower = i >= 'a' && i <= 'z';
		bool digit = i >= '0' && i <= '9';

		t_bool("alpha", str_is_alpha(c), upper || lower);
		t_bool("digit", str_is_digit(c), digit);
		t_bool("alnum", str_is_alnum(c), upper || lower || digit);
		t_int("lower", str_lower(c), upper ? i + 32 : i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_make),
	    cmocka_unit_test(test_compare),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_trim_and_skip),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
