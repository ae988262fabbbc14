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

/* STS-25: about daily, each at its own time, and before it expires. */
static void
test_due(void **state)
{
	const int64_t hour = 3600;
	int64_t least = 24 * hour, most = 0;
	struct sts_entry e = {.fetched = 1000000};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t age;

		snprintf(e.domain, sizeof(e.domain), "d%d.example", i);
		e.expires = e.fetched + 31557600;
		age = sts_entry_due(&e) - e.fetched;
		least = age < least ? age : least;
		most = age > most ? age : most;
	}
	t_bool(
	    "STS-25 20 hours", least >= 20 * hour && least < 21 * hour, true);
	t_bool("STS-25 24 hours", most > 23 * hour && most < 24 * hour, true);
	e.expires = e.fetched + 10 * hour;
	t_int("STS-25 half of it", sts_entry_due(&e), e.fetched + 5 * hour);
	e.expires = e.fetched + hour;
	t_int("STS-25 not that often", sts_entry_due(&e), e.fetched + hour);
	e.expires = e.fetched;
	t_int("STS-25 max_age 0", sts_entry_due(&e), e.fetched + hour);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_copy_empty),
	    cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
