/*
 * Lines of an export, from a file that anybody may have written. What is taken
 * is a policy, lives no longer than it says itself, and is written and read
 * again the same.
 */
#include "config.h"

#include "relay/ctl/ctl_policy.h"

#include "sts/sts_policy.h"
#include "tests/fuzz/fuzz.h"

#define NOW 1800000000

static void
check_entry(const struct sts_entry *e)
{
	struct sts_policy p = {0};
	struct sts_entry again;
	const char *text = NULL;
	struct buf b;

	FUZZ_CHECK(e->domain[0] && e->id[0]);
	FUZZ_CHECK(e->fetched >= 0 && e->fetched <= NOW);
	FUZZ_CHECK(!sts_policy_parse(str_n(e->body, e->body_len), &p, NULL));
	FUZZ_CHECK(e->expires == e->fetched + p.max_age);
	sts_policy_clear(&p);
	buf_init(&b, 1u << 20);
	ctl_policy_line(e, false, &b);
	FUZZ_CHECK(!b.full);
	FUZZ_CHECK(!ctl_policy_parse(
	    str_trim(buf_str(&b)), false, NOW, &again, &text));
	FUZZ_CHECK(strcmp(e->domain, again.domain) == 0);
	FUZZ_CHECK(strcmp(e->id, again.id) == 0);
	FUZZ_CHECK(e->fetched == again.fetched && e->expires == again.expires);
	FUZZ_CHECK(str_eq(
	    str_n(e->body, e->body_len), str_n(again.body, again.body_len)));
	sts_entry_clear(&again);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	const char *text = NULL;
	struct sts_entry e = {.fetched = 77};
	int err = ctl_policy_parse(s, false, NOW, &e, &text);

	FUZZ_CHECK(err == 0 || (err == ERR_SYNTAX && text));
	FUZZ_CHECK(!err || e.fetched == 77);
	if (!err) {
		check_entry(&e);
		sts_entry_clear(&e);
	}
	if (!ctl_policy_parse(s, true, NOW, &e, &text))
		sts_entry_clear(&e);
	return 0;
}
