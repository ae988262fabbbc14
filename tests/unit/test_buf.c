/* relay/base/buf: owned bytes with a maximum. */
#include "config.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "tests/unit/t.h"

/* What holds for a buffer at any time. */
static void
check(const char *name, const struct buf *b, const char *want)
{
	t_is(name, buf_str(b), want);
	t_bool(name, b->n <= b->cap && b->cap <= b->max, true);
	if (b->p)
		t_int(name, b->p[b->n], '\0');
}

static void
test_append(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	check("new", &b, "");
	t_err("add", buf_add(&b, "abc", 2), 0);
	t_err("add nothing", buf_add(&b, NULL, 0), 0);
	t_err("str", buf_add_str(&b, STR("cd")), 0);
	t_err("cstr", buf_add_cstr(&b, "ef"), 0);
	t_err("NULL cstr", buf_add_cstr(&b, NULL), 0);
	t_err("char", buf_add_char(&b, 'g'), 0);
	t_err("format", buf_addf(&b, "-%d-%s", 12, "x"), 0);
	t_err("empty format", buf_addf(&b, "%s", ""), 0);
	check("all", &b, "abcdefg-12-x");
	buf_clear(&b);
	check("cleared", &b, "");
	t_int("same max", (int64_t)b.max, 1000);
}

static void
test_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	t_err("fits", buf_add_cstr(&b, "abcd"), 0);
	t_err("does not", buf_add_cstr(&b, "ef"), ERR_TOOBIG);
	check("nothing added", &b, "abcd");
	t_bool("full", b.full, true);
	t_err("the last byte", buf_add_char(&b, 'e'), 0);
	t_bool("full stays", b.full, true);
	t_err("format", buf_addf(&b, "%d", 1), ERR_TOOBIG);
	check("exactly max", &b, "abcde");
	buf_reset(&b);
	t_bool("not full after reset", b.full, false);
	check("reset", &b, "");
	t_err("format past max", buf_addf(&b, "%s", "123456"), ERR_TOOBIG);
	check("still empty", &b, "");
	t_err("format of max", buf_addf(&b, "%s", "12345"), 0);
	check("format", &b, "12345");
	buf_clear(&b);

	buf_init(&b, 0);
	t_err("max 0", buf_add_char(&b, 'a'), ERR_TOOBIG);
	t_err("nothing fits", buf_add(&b, "", 0), 0);
	check("max 0", &b, "");
	buf_clear(&b);

	buf_init(&b, SIZE_MAX);
	t_err("no maximum", buf_add_cstr(&b, "ab"), 0);
	t_err("a length that overflows", buf_add(&b, "", SIZE_MAX - 2),
	    ERR_TOOBIG);
	check("unharmed", &b, "ab");
	buf_clear(&b);
}

static void
test_growth(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1001);
	for (size_t i = 0; i < 1001; i++)
		t_err("grows", buf_add_char(&b, (char)('a' + i % 26)), 0);
	t_int("length", (int64_t)b.n, 1001);
	for (size_t i = 0; i < b.n; i++)
		t_int("contents", b.p[i], (int64_t)('a' + i % 26));
	t_err("no more", buf_add_char(&b, 'x'), ERR_TOOBIG);
	buf_clear(&b);
}

static void
test_shift_and_cut(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_shift(&b, 0);
	buf_truncate(&b, 0);
	check("empty", &b, "");
	buf_add_cstr(&b, "0123456789");
	buf_shift(&b, 3);
	check("shift", &b, "3456789");
	buf_truncate(&b, 4);
	check("cut", &b, "3456");
	buf_add_cstr(&b, "x");
	check("goes on", &b, "3456x");
	buf_shift(&b, 5);
	check("all gone", &b, "");
	buf_clear(&b);
}

static void
test_take(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 10);
	p = buf_take(&b);
	t_cstr("of nothing", p, "");
	free(p);
	buf_add_cstr(&b, "abc");
	p = buf_take(&b);
	t_cstr("bytes", p, "abc");
	free(p);
	check("empty now", &b, "");
	t_int("same max", (int64_t)b.max, 10);
	buf_clear(&b);
}

static void
test_alloc(void **state)
{
	char *p = xmalloc(0), *q;

	(void)state;
	t_bool("0 bytes are an address", p != NULL, true);
	p = xrealloc(p, 4);
	memcpy(p, "abc", 4);
	q = xstrdup(p);
	t_cstr("strdup", q, "abc");
	free(q);
	q = xstrndup(p, 2);
	t_cstr("strndup", q, "ab");
	free(q);
	q = xstrndup(p, 20);
	t_cstr("strndup, short", q, "abc");
	free(q);
	q = str_dup(STR("a\0b"));
	t_bool("NUL inside", memcmp(q, "a\0b", 4) == 0, true);
	free(q);
	free(p);
	t_cstr("NULL", xstrdup(NULL), NULL);
	p = xcalloc(3, 2);
	t_bool("zeroed", memcmp(p, "\0\0\0\0\0\0", 6) == 0, true);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_append),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_growth),
	    cmocka_unit_test(test_shift_and_cut),
	    cmocka_unit_test(test_take),
	    cmocka_unit_test(test_alloc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
