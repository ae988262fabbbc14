/* JSON that can't fail to be built, whatever text goes into it. */
#include "relay/ctl/ctl_json.h"

#include "tests/unit/t.h"

static void
test_members(void **state)
{
	struct json_t *o = ctl_json_answer(true), *list = ctl_json_array();
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	ctl_json_bool(o, "b", true);
	ctl_json_number(o, "n", -3);
	ctl_json_text(o, "t", "a\xff\"");
	ctl_json_text(o, "none", NULL);
	ctl_json_str(o, "s", str_n("x\0y", 3));
	ctl_json_time(o, "at", 1790000000);
	ctl_json_time(o, "never", 0);
	ctl_json_null(o, "null");
	ctl_json_append_text(list, "e");
	ctl_json_append(list, ctl_json_object());
	ctl_json_set(o, "list", list);
	ctl_json_number(o, "n", 4);
	ctl_json_write(o, &b);
	t_cstr("one line", b.p,
	    "{\"ok\":true,\"b\":true,\"n\":4,\"t\":\"a\\\\xff\\\"\",\"none\":\"\","
	    "\"s\":\"x\\u0000y\",\"at\":\"2026-09-21T14:13:20Z\","
	    "\"never\":null,\"null\":null,\"list\":[\"e\",{}]}\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_members)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
