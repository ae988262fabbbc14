/*
 * Texts for a terminal and for JSON: what is shown has no control characters,
 * what JSON holds is UTF-8, and clean text is left alone.
 */
#include "config.h"

#include "relay/ctl/ctl_text.h"

#include <jansson.h>

#include "tests/fuzz/fuzz.h"

static void
check_terminal(struct str s)
{
	struct buf once, twice;

	buf_init(&once, 1u << 20);
	buf_init(&twice, 1u << 20);
	ctl_text_add(&once, s);
	for (size_t i = 0; i < once.n; i++) {
		unsigned char c = (unsigned char)once.p[i];

		FUZZ_CHECK(c >= ' ' && c != 0x7f);
		/* C1 controls in UTF-8 */
		FUZZ_CHECK(c != 0xc2 || (unsigned char)once.p[i + 1] >= 0xa0);
	}
	ctl_text_add(&twice, buf_str(&once));
	FUZZ_CHECK(str_eq(buf_str(&once), buf_str(&twice)));
	buf_clear(&once);
	buf_clear(&twice);
}

static void
check_utf8(struct str s)
{
	struct buf once;
	json_t *v;

	buf_init(&once, 1u << 20);
	ctl_text_utf8(&once, s);
	v = json_stringn(once.p ? once.p : "", once.n);
	FUZZ_CHECK(v != NULL);
	json_decref(v);
	v = json_stringn(s.p, s.n);
	/* What is UTF-8 stays as it is. */
	FUZZ_CHECK(!v || str_eq(buf_str(&once), s));
	json_decref(v);
	buf_clear(&once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str s = str_n((const char *)data, size);
	char text[CTL_TEXT_MAX];
	uint64_t u = fuzz_take_number(&in, 8);
	int64_t t;

	check_terminal(s);
	check_utf8(s);
	memcpy(&t, &u, sizeof(t));
	ctl_text_duration(t, text);
	FUZZ_CHECK(text[0] && fuzz_is_printable(str_of(text), ""));
	ctl_text_size(u, text);
	FUZZ_CHECK(text[0] && fuzz_is_printable(str_of(text), ""));
	return 0;
}
