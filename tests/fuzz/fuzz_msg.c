/*
 * Queue ids as text, and the bucket of a next hop: both are the same on every
 * machine and whatever the case.
 */
#include "config.h"

#include "relay/model/msg.h"

#include "tests/fuzz/fuzz.h"

static void
check_qid(uint64_t id)
{
	char text[MSG_QID_MAX];
	uint64_t again = ~id;

	msg_qid(id, text);
	FUZZ_CHECK(strlen(text) == 13);
	FUZZ_CHECK(msg_qid_parse(str_of(text), &again) == 0 && again == id);
	for (size_t i = 0; text[i]; i++)
		text[i] = str_lower(text[i]);
	FUZZ_CHECK(msg_qid_parse(str_of(text), &again) == 0 && again == id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str s = str_n((const char *)data, size);
	char *lower = fuzz_exact(s);
	uint64_t id = 7;

	if (msg_qid_parse(s, &id))
		FUZZ_CHECK(id == 7);
	else
		check_qid(id);
	for (size_t i = 0; i < size; i++)
		lower[i] = str_lower(lower[i]);
	FUZZ_CHECK(msg_bucket(s) < MSG_BUCKETS);
	FUZZ_CHECK(msg_bucket(s) == msg_bucket(str_n(lower, size)));
	free(lower);
	check_qid(fuzz_take_number(&in, 8));
	return 0;
}
