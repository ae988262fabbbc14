/* Queue ids, buckets, counts. */
#include "config.h"

#include "relay/model/msg.h"

#include "relay/base/buf.h"
#include "tests/unit/t.h"

static void
test_qid(void **state)
{
	static const struct {
		uint64_t id;
		const char *qid;
	} cases[] = {
	    {0, "0000000000000"},
	    {1, "0000000000001"},
	    {31, "000000000000Z"},
	    {32, "0000000000010"},
	    {0x0123456789abcdef, "028T5CY4TQKFF"},
	    {INT64_MAX, "7ZZZZZZZZZZZZ"},
	    {UINT64_MAX, "FZZZZZZZZZZZZ"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char qid[MSG_QID_MAX];
		uint64_t id = 42;

		msg_qid(cases[i].id, qid);
		t_cstr("text", qid, cases[i].qid);
		t_err(qid, msg_qid_parse(str_of(qid), &id), 0);
		t_bool(qid, id == cases[i].id, true);
	}
}

static void
test_qid_parse(void **state)
{
	static const struct {
		const char *name, *in;
		int err;
		uint64_t id;
	} cases[] = {
	    {"lower case", "000000000000z", 0, 31},
	    {"o is zero", "oooooooooooO1", 0, 1},
	    {"i and l are one", "00000000000iL", 0, 33},
	    {"short", "000000000000", ERR_SYNTAX, 0},
	    {"long", "00000000000000", ERR_SYNTAX, 0},
	    {"empty", "", ERR_SYNTAX, 0},
	    {"u is no digit", "000000000000U", ERR_SYNTAX, 0},
	    {"sign", "-000000000001", ERR_SYNTAX, 0},
	    {"space", " 000000000001", ERR_SYNTAX, 0},
	    {"slash", "../0000000001", ERR_SYNTAX, 0},
	    {"more than 64 bits", "G000000000000", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		uint64_t id = 0;

		t_err(cases[i].name, msg_qid_parse(str_of(cases[i].in), &id),
		    cases[i].err);
		t_bool(cases[i].name, id == cases[i].id, true);
	}
	t_err("NUL inside",
	    msg_qid_parse(str_n("000000\0000000", 13), &(uint64_t){0}),
	    ERR_SYNTAX);
}

/* These numbers are in databases: they must never change. */
static void
test_bucket(void **state)
{
	static const struct {
		const char *next_hop;
		uint32_t bucket;
	} cases[] = {
	    {"", 17},
	    {"a", 2466},
	    {"example.com", 3050},
	    {"EXAMPLE.com", 3050},
	    {"example.net", 3686},
	    {"[192.0.2.1]", 746},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_int(cases[i].next_hop, msg_bucket(str_of(cases[i].next_hop)),
		    cases[i].bucket);
}

static void
test_bucket_spread(void **state)
{
	size_t count[4] = {0};

	(void)state;
	for (int i = 0; i < 4000; i++) {
		char name[32];
		uint32_t b;

		(void)snprintf(name, sizeof(name), "d%d.example", i);
		b = msg_bucket(str_of(name));
		t_bool("range", b < MSG_BUCKETS, true);
		count[b % 4]++;
	}
	for (size_t i = 0; i < 4; i++)
		t_bool("spread", count[i] > 850 && count[i] < 1150, true);
}

static void
test_pick_id(void **state)
{
	struct rng rng;
	uint64_t a;
	uint64_t b;

	(void)state;
	rng_init_seed(&rng, 3);
	a = msg_pick_id(1800000000, &rng);
	b = msg_pick_id(1800000001, &rng);
	t_bool("grows", a < b, true);
	t_bool("fits a row id", b < (uint64_t)INT64_MAX, true);
	t_bool("chance", msg_pick_id(1800000000, &rng) != a, true);
}

static void
test_counts(void **state)
{
	struct metrics metrics;
	struct msg *m = msg_new();
	struct rcpt *r = xcalloc(1, sizeof(*r));

	(void)state;
	metrics_init(&metrics);
	metrics_add(&metrics, METRIC_BODY_BYTES, 10);
	m->body = blob_new(STR("Subject"));
	m->account = &metrics;
	m->accounted = 7;
	r->msg = msg_ref(m);
	msg_unref(m);
	t_int("held", (int64_t)metrics_get(&metrics, METRIC_BODY_BYTES), 10);
	rcpt_free(r);
	t_int(
	    "given back", (int64_t)metrics_get(&metrics, METRIC_BODY_BYTES), 3);
	rcpt_free(NULL);
	msg_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_qid),
	    cmocka_unit_test(test_qid_parse),
	    cmocka_unit_test(test_bucket),
	    cmocka_unit_test(test_bucket_spread),
	    cmocka_unit_test(test_pick_id),
	    cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
