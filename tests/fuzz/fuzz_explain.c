/*
 * Reports of waxseal explain, as the command line reads them: from a daemon of
 * any version, so any JSON at all. What is shown fits 80 columns and has no
 * control characters; a plan is read whole or not at all.
 */
#include "config.h"

#include "relay/ctl/explain_plan.h"
#include "relay/ctl/explain_text.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(struct str s)
{
	size_t column = 0;
	struct buf b;
	int err;

	buf_init(&b, 1u << 20);
	err = explain_text(s, &b);
	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX);
	for (size_t i = 0; i < b.n; i++) {
		unsigned char c = (unsigned char)b.p[i];

		FUZZ_CHECK((c >= ' ' || c == '\n') && c != 0x7f);
		if (c == '\n')
			column = 0;
		else if ((c & 0xc0) != 0x80)
			column++;
		FUZZ_CHECK(column <= EXPLAIN_COLUMNS);
	}
	buf_clear(&b);
}

static void
check_plan(struct str s)
{
	struct explain_try *v = NULL;
	size_t n = 77;
	int err = explain_plan_read(s, &v, &n);

	FUZZ_CHECK(err == 0 || (err == ERR_SYNTAX && n == 77));
	if (err)
		return;
	for (size_t i = 0; i < n; i++) {
		FUZZ_CHECK(v[i].n_addrs <= EXPLAIN_ADDRS_MAX);
		FUZZ_CHECK(v[i].port > 0);
		FUZZ_CHECK(v[i].plan.n_dane_names <= TLS_NAMES_MAX);
		for (size_t k = 0; k < v[i].plan.n_tlsa; k++)
			FUZZ_CHECK(v[i].plan.tlsa[k].len > 0);
	}
	explain_plan_free(v, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	enum explain_fate fate;
	int err = explain_text_fate(s, &fate);

	FUZZ_CHECK(err == 0 || err == ERR_SYNTAX);
	check_text(s);
	check_plan(s);
	return 0;
}
