/* A copy of a proof has texts of its own. */
#include "config.h"

#include "relay/base/buf.h"
#include "relay/model/receipt.h"
#include "tests/unit/t.h"

static void
test_copy(void **state)
{
	struct receipt_proof a = {.port = 25, .rule = "DANE-11"}, b, c;

	(void)state;
	a.tlsa_set = xstrdup("3 1 1 ab\n");
	receipt_proof_copy(&b, &a);
	receipt_proof_clear(&a);
	t_cstr("cleared", a.tlsa_set, NULL);
	t_cstr("cleared", a.rule, "");
	t_cstr("copy", b.tlsa_set, "3 1 1 ab\n");
	t_cstr("copy", b.sts_text, NULL);
	t_cstr("copy", b.rule, "DANE-11");
	b.sts_text = xstrdup("mode: enforce\n");
	receipt_proof_copy(&c, &b);
	receipt_proof_clear(&b);
	t_cstr("copy", c.sts_text, "mode: enforce\n");
	receipt_proof_clear(&c);
	receipt_proof_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
