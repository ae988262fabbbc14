/* Answers read again: text for people, and what a program must know. */
#include "relay/ctl/ctl_show.h"

#include "relay/ctl/ctl_proto.h"
#include "tests/unit/t.h"

#define MAX (1u << 20)

static void
test_answer(void **state)
{
	static const struct {
		const char *in;
		int err;
		bool ok;
		const char *error;
		size_t problems, rows;
		uint64_t last;
		uint64_t recipients;
	} cases[] = {
	    {"{\"ok\":true}", 0, true, "", 0, 0, 0, 0},
	    {"{\"ok\":true,\"recipients\":4}", 0, true, "", 0, 0, 0, 4},
	    {"{\"ok\":false,\"error\":\"a\\u001bb\"}", 0, false, "a\\x1bb", 0,
		0, 0, 0},
	    {"{\"ok\":true,\"problems\":[{},{}]}", 0, true, "", 2, 0, 0, 0},
	    {"{\"ok\":true,\"rows\":[]}", 0, true, "", 0, 0, 0, 0},
	    {"{\"ok\":true,\"rows\":[{\"id\":3},{\"id\":9}]}", 0, true, "", 0,
		2, 9, 0},
	    {"{\"ok\":true,\"rows\":[{\"id\":3},{\"id\":\"x\"}]}", 0, true, "",
		0, 2, 0, 0},
	    {"{\"ok\":true,\"rows\":[{}]}", ERR_SYNTAX, false, "", 0, 0, 0, 0},
	    {"{\"ok\":false}", ERR_SYNTAX, false, "", 0, 0, 0, 0},
	    {"{\"ok\":1}", ERR_SYNTAX, false, "", 0, 0, 0, 0},
	    {"{}", ERR_SYNTAX, false, "", 0, 0, 0, 0},
	    {"[]", ERR_SYNTAX, false, "", 0, 0, 0, 0},
	    {"", ERR_SYNTAX, false, "", 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct ctl_answer a;

		t_err(cases[i].in, ctl_answer_parse(str_of(cases[i].in), &a),
		    cases[i].err);
		if (cases[i].err)
			continue;
		t_bool(cases[i].in, a.ok, cases[i].ok);
		t_cstr(cases[i].in, a.error, cases[i].error);
		t_int(cases[i].in, (int64_t)a.problems,
		    (int64_t)cases[i].problems);
		t_int(cases[i].in, (int64_t)a.rows, (int64_t)cases[i].rows);
		t_int(cases[i].in, (int64_t)a.last, (int64_t)cases[i].last);
		t_int(cases[i].in, (int64_t)a.recipients,
		    (int64_t)cases[i].recipients);
	}
}

static void
test_list(void **state)
{
	static const struct store_row rows[] = {{.msg = 34,
						    .rcpt = 7,
						    .arrived = 1800000000,
						    .next_try = 1800000300,
						    .tries = 2,
						    .size = 2048,
						    .state = "queued",
						    .sender = "",
						    .addr = "b@example.com",
						    .next_hop = "example.com",
						    .dsn = "4.7.5",
						    .rule = "DANE-12",
						    .mx = "mx.example.com",
						    .reply = "no\x1b[2J"},
	    {.msg = 35,
		.rcpt = 8,
		.arrived = 1800000000,
		.next_try = 1800000000,
		.size = 10,
		.state = "queued",
		.sender = "a@example.org",
		.addr = "c@example.com",
		.next_hop = "example.com"},
	    {.msg = 35,
		.rcpt = 9,
		.arrived = 1800000000,
		.next_try = 1800000000,
		.size = 10,
		.state = "held",
		.sender = "a@example.org",
		.addr = "d@example.com",
		.next_hop = "example.com"}};
	struct buf json, text;

	(void)state;
	buf_init(&json, MAX);
	buf_init(&text, MAX);
	ctl_list_build(rows, 3, &json);
	t_err("list", ctl_list_text(buf_str(&json), &text), 0);
	t_is("list", buf_str(&text),
	    "0000000000012     2.0k  2027-01-15T08:00:00Z  <>\n"
	    "    <b@example.com> queued, 2 tries, next 2027-01-15T08:05:00Z\n"
	    "    4.7.5 DANE-12 mx.example.com: no\\x1b[2J\n"
	    "0000000000013       10  2027-01-15T08:00:00Z  <a@example.org>\n"
	    "    <c@example.com> queued, 0 tries, next 2027-01-15T08:00:00Z\n"
	    "0000000000013       10  2027-01-15T08:00:00Z  <a@example.org>\n"
	    "    <d@example.com> held, 0 tries\n");
	buf_clear(&json);
	buf_clear(&text);
}

static void
test_stats(void **state)
{
	struct store_stats st = {3, 4, 1, 2, 2048, 1800000000, 0};
	struct buf json, text;

	(void)state;
	buf_init(&json, MAX);
	buf_init(&text, MAX);
	ctl_stats_build(&st, &json);
	t_err("stats", ctl_stats_text(buf_str(&json), &text), 0);
	t_is("stats", buf_str(&text),
	    "queue      3 messages (2.0k), 4 recipients of which 1 deferred, "
	    "2 destinations\n"
	    "oldest     2027-01-15T08:00:00Z\n");
	st.held = 3;
	buf_reset(&json);
	buf_reset(&text);
	ctl_stats_build(&st, &json);
	t_err("stats", ctl_stats_text(buf_str(&json), &text), 0);
	t_is("stats", buf_str(&text),
	    "queue      3 messages (2.0k), 4 recipients of which 1 deferred, "
	    "3 held, 2 destinations\n"
	    "oldest     2027-01-15T08:00:00Z\n");
	buf_clear(&json);
	buf_clear(&text);
}

static void
test_release(void **state)
{
	struct buf json, text;

	(void)state;
	buf_init(&json, MAX);
	buf_init(&text, MAX);
	ctl_release_build(2, &json);
	t_err("released", ctl_release_text(buf_str(&json), &text), 0);
	t_is("released", buf_str(&text),
	    "2 recipients released, to be tried now\n");
	buf_reset(&json);
	buf_reset(&text);
	ctl_release_build(0, &json);
	t_err("none", ctl_release_text(buf_str(&json), &text), 0);
	t_is("none", buf_str(&text), "no such message is held\n");
	t_err("another answer", ctl_release_text(STR("{\"ok\":true}"), &text),
	    ERR_SYNTAX);
	buf_clear(&json);
	buf_clear(&text);
}

static void
test_status(void **state)
{
	static char tcp[] = "127.0.0.1:2525";
	static const struct opt_listen listens[] = {{.text = tcp}};
	static const struct store_stats st = {0};
	struct metrics m;
	struct ctl_status s = {.version = "1.2.3",
	    .uptime_s = 90061,
	    .workers = 2,
	    .resolver = DNS_STATE_DEAD,
	    .stats = &st,
	    .listens = listens,
	    .n_listens = 1,
	    .metrics = &m};
	struct buf json, text;

	(void)state;
	metrics_init(&m);
	metrics_add(&m, METRIC_MSGS_IN, 5);
	metrics_add(&m, METRIC_SENT, 4);
	metrics_add(&m, METRIC_DANE_SENT, 3);
	buf_init(&json, MAX);
	buf_init(&text, MAX);
	ctl_status_build(&s, &json);
	t_err("status", ctl_status_text(buf_str(&json), &text), 0);
	t_is("status", buf_str(&text),
	    "waxseald   1.2.3, up 1d 1h, 2 workers\n"
	    "listening  127.0.0.1:2525 (smarthost)\n"
	    "resolver   external, dead\n"
	    "store      ok\n"
	    "queue      0 messages (0), 0 recipients of which 0 deferred, 0 "
	    "destinations\n"
	    "accepted   5 messages since the start\n"
	    "sent       4 recipients (3 by DANE, 0 by MTA-STS, 0 without "
	    "TLS)\n"
	    "not sent   0 attempts deferred (0 held by policy), 0 bounced, 0 "
	    "expired\n"
	    "\n"
	    "PROBLEM    resolver: the resolver does not answer: all mail is "
	    "held\n"
	    "  what to do: start the resolver that resolver { address } names, "
	    "or set resolver { mode = managed }\n");
	buf_clear(&json);
	buf_reset(&text);
	s.resolver = DNS_STATE_OK;
	s.stats = NULL;
	ctl_status_build(&s, &json);
	t_err("no queue", ctl_status_text(buf_str(&json), &text), 0);
	buf_clear(&json);
	buf_clear(&text);
}

/* What is no such answer is told, not shown. */
static void
test_bad(void **state)
{
	static const char *const cases[] = {"", "x", "{}", "[]",
	    "{\"ok\":true}", "{\"ok\":true,\"rows\":[{}]}",
	    "{\"ok\":true,\"rows\":{}}", "{\"ok\":true,\"queue\":[]}",
	    "{\"ok\":false,\"error\":\"x\"}",
	    "{\"ok\":true,\"version\":1,\"uptime\":\"x\"}"};
	struct buf text;

	(void)state;
	buf_init(&text, MAX);
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str in = str_of(cases[i]);

		t_err(cases[i], ctl_list_text(in, &text), ERR_SYNTAX);
		t_err(cases[i], ctl_stats_text(in, &text), ERR_SYNTAX);
		t_err(cases[i], ctl_status_text(in, &text), ERR_SYNTAX);
	}
	buf_clear(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_list),
	    cmocka_unit_test(test_stats),
	    cmocka_unit_test(test_release),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
