/* relay/base/blob: counted, immutable bytes. */
#include "config.h"

#include "relay/base/blob.h"
#include "tests/unit/t.h"

static void
test_copy(void **state)
{
	char text[] = "abc";
	struct blob *b = blob_new(str_of(text));
	struct blob *again = blob_ref(b);

	(void)state;
	text[0] = 'x';
	t_is("a copy", blob_str(b), "abc");
	t_bool("same", again == b, true);
	blob_unref(b);
	t_is("held by the other", blob_str(again), "abc");
	blob_unref(again);
	blob_unref(NULL);
}

static void
test_empty(void **state)
{
	struct blob *b = blob_new(str_of(NULL));

	(void)state;
	t_is("empty", blob_str(b), "");
	blob_unref(b);
}

static void
test_take(void **state)
{
	struct buf buf;
	struct blob *b;

	(void)state;
	buf_init(&buf, 1000);
	buf_add_cstr(&buf, "0123456789");
	b = blob_take(&buf);
	t_is("moved", blob_str(b), "0123456789");
	t_is("buffer is empty", buf_str(&buf), "");
	buf_add_cstr(&buf, "other");
	t_is("and apart", blob_str(b), "0123456789");
	blob_unref(b);
	buf_clear(&buf);
	b = blob_take(&buf);
	t_is("of an empty buffer", blob_str(b), "");
	blob_unref(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
