/*
 * Enhanced status codes at the front of a text. A code that is found, written
 * anew, is found again with the same numbers.
 */
#include "config.h"

#include "relay/smtp/ecode.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	struct ecode e = {0}, again;
	char text[ECODE_MAX];
	size_t used = 0, n;
	int err = ecode_parse(s, &e, &used);

	if (err) {
		FUZZ_CHECK(err == ERR_SYNTAX && used == 0);
		return 0;
	}
	FUZZ_CHECK(used >= 5 && used <= 9 && used <= s.n);
	FUZZ_CHECK(e.cls == 2 || e.cls == 4 || e.cls == 5);
	FUZZ_CHECK(e.subject <= 999 && e.detail <= 999);
	FUZZ_CHECK(used == s.n || strchr(" \t\n", s.p[used]));
	ecode_str(&e, text);
	FUZZ_CHECK(ecode_parse(str_of(text), &again, &n) == 0);
	FUZZ_CHECK(n == strlen(text) && n <= used);
	FUZZ_CHECK(again.cls == e.cls && again.subject == e.subject &&
	    again.detail == e.detail);
	/* Nothing of what follows is looked at. */
	FUZZ_CHECK(ecode_parse(str_n(s.p, used), &again, &n) == 0 && n == used);
	FUZZ_CHECK(ecode_parse(str_of(ecode_default((int)e.cls * 100)), &again,
		       &n) == 0);
	FUZZ_CHECK(again.cls == e.cls);
	return 0;
}
