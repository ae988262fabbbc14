/* TLSA records as text: what is read and written is read again as the same. */
#include "config.h"

#include "dane/tlsa_text.h"

#include "tests/fuzz/fuzz.h"

static void
check_again(const struct rr_tlsa *t)
{
	struct rr_tlsa again = {.data = NULL};
	const char *what = NULL;
	struct buf b;

	buf_init(&b, 3 * RR_TLSA_MAX);
	rr_tlsa_text(&b, t);
	FUZZ_CHECK(!b.full);
	FUZZ_CHECK(tlsa_text_parse(buf_str(&b), &again, &what) == 0);
	FUZZ_CHECK(again.usage == t->usage && again.selector == t->selector &&
	    again.mtype == t->mtype && again.len == t->len);
	FUZZ_CHECK(memcmp(again.data, t->data, t->len) == 0);
	free(again.data);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	struct rr_tlsa t = {.data = NULL};
	const char *what = NULL;
	int err = tlsa_text_parse(s, &t, &what);

	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX || err == ERR_TOOBIG);
	FUZZ_CHECK((err == 0) == (what == NULL));
	if (err) {
		FUZZ_CHECK(t.data == NULL);
		return 0;
	}
	FUZZ_CHECK(t.len >= 1 && t.len <= RR_TLSA_MAX);
	FUZZ_CHECK(fuzz_is_printable(s, "\t"));
	check_again(&t);
	free(t.data);
	return 0;
}
