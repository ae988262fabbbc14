/* Rows of the MTA-STS cache. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/model/sts_entry.h"

static void
test_copy(void **state)
{
	struct sts_entry a = {
	    .domain = "a.example", .id = "1", .fetched = 5, .expires = 9};
	struct sts_entry b;

	(void)state;
	a.body = xstrdup("mode: none\n");
	a.body_len = 11;
	sts_entry_copy(&b, &a);
	assert_ptr_not_equal(a.body, b.body);
	sts_entry_clear(&a);
	assert_null(a.body);
	t_cstr("domain", b.domain, "a.example");
	t_cstr("id", b.id, "1");
	t_int("expires", b.expires, 9);
	t_is("body", str_n(b.body, b.body_len), "mode: none\n");
	sts_entry_clear(&b);
	sts_entry_clear(&b);
}

static void
test_copy_empty(void **state)
{
	struct sts_entry a = {.domain = "a.example"}, b;

	(void)state;
	sts_entry_copy(&b, &a);
	assert_null(b.body);
	sts_entry_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_copy_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
