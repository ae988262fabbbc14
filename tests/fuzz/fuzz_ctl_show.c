/*
 * Answers of the control socket, as the command line reads them: from a
 * daemon of any version, so any JSON at all. What is shown has no control
 * characters.
 */
#include "config.h"

#include "relay/ctl/ctl_show.h"

#include "relay/ctl/ctl_receipt.h"
#include "tests/fuzz/fuzz.h"

typedef int text_fn(struct str json, struct buf *out);

static void
check_text(text_fn *fn, struct str s)
{
	struct buf b;
	int err;

	buf_init(&b, 1u << 20);
	err = fn(s, &b);
	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX);
	for (size_t i = 0; i < b.n; i++)
		FUZZ_CHECK(((unsigned char)b.p[i] >= ' ' || b.p[i] == '\n') &&
		    b.p[i] != 0x7f);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	struct ctl_answer a = {.rows = 77};
	int err = ctl_answer_parse(s, &a);

	FUZZ_CHECK(err == 0 || (err == ERR_SYNTAX && a.rows == 77));
	if (!err) {
		FUZZ_CHECK(a.ok || strlen(a.error) < sizeof(a.error));
		FUZZ_CHECK(!a.ok || a.error[0] == '\0');
	}
	check_text(ctl_status_text, s);
	check_text(ctl_list_text, s);
	check_text(ctl_stats_text, s);
	check_text(ctl_receipts_text, s);
	return 0;
}
