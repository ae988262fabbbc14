/* JSON of our own: valid whatever goes in. */
#include "config.h"

#include "relay/ctl/ctl_json.h"

#include "tests/unit/t.h"

static void
test_all(void **state)
{
	struct json_t *root = ctl_json_answer(true);
	struct json_t *in = ctl_json_object();
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	ctl_json_set_text(root, "text", "a\"b\xff\n");
	ctl_json_set_text(root, "none", NULL);
	ctl_json_set_str(root, "str", str_n("x\0y", 3));
	ctl_json_set_int(root, "int", INT64_MIN);
	ctl_json_set_bool(root, "bool", false);
	ctl_json_set_time(root, "time", 1800000000);
	ctl_json_set(root, "in", in);
	ctl_json_finish(root, &b);
	t_is("line", buf_str(&b),
	    "{\"ok\":true,\"text\":\"a\\\"b\\\\xff\\n\",\"none\":\"\","
	    "\"str\":\"x\\u0000y\",\"int\":-9223372036854775808,"
	    "\"bool\":false,\"time\":\"2027-01-15T08:00:00Z\",\"in\":{}}\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
