/* Questions and answers of the control protocol. */
#include "relay/ctl/ctl_proto.h"

#include "tests/unit/t.h"

#define MAX (1u << 20)
#define QID "0000000000012"
#define QID_NUMBER 34

static const struct {
	const char *in;
	int err;
	struct ctl_question want;
} questions[] = {
    {"{\"cmd\":\"status\"}", 0, {CTL_STATUS, 0, 100, 0, "", 0}},
    {" { \"cmd\" : \"queue-stats\" } ", 0, {CTL_QUEUE_STATS, 0, 100, 0, "", 0}},
    {"{\"cmd\":\"queue-list\"}", 0, {CTL_QUEUE_LIST, 0, 100, 0, "", 0}},
    {"{\"after\":7,\"limit\":5,\"cmd\":\"queue-list\",\"message\":"
     "\"" QID "\"}",
	0, {CTL_QUEUE_LIST, 7, 5, QID_NUMBER, "", 0}},
    {"{\"cmd\":\"queue-list\",\"after\":9223372036854775807}", 0,
	{CTL_QUEUE_LIST, INT64_MAX, 100, 0, "", 0}},
    {"{\"cmd\":\"queue-release\",\"message\":\"" QID "\"}", 0,
	{CTL_QUEUE_RELEASE, 0, 100, QID_NUMBER, "", 0}},
    {"{\"cmd\":\"queue-release\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-release\",\"message\":\"\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-release\",\"message\":\"" QID "\","
     "\"limit\":1}",
	ERR_SYNTAX, {0}},
    {"{\"cmd\":\"receipt\",\"message\":\"" QID "\"}", 0,
	{CTL_RECEIPT, 0, 100, QID_NUMBER, "", 0}},
    {"{\"cmd\":\"receipt\",\"message\":\"" QID "\",\"after\":7,"
     "\"limit\":3}",
	0, {CTL_RECEIPT, 7, 3, QID_NUMBER, "", 0}},
    {"{\"cmd\":\"receipt\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"policy-list\"}", 0, {CTL_POLICY_LIST, 0, 100, 0, "", 0}},
    {"{\"cmd\":\"policy-list\",\"domain\":\"\"}", 0,
	{CTL_POLICY_LIST, 0, 100, 0, "", 0}},
    {"{\"cmd\":\"policy-show\",\"domain\":\"A.B.\"}", 0,
	{CTL_POLICY_SHOW, 0, 100, 0, "a.b", 0}},
    {"{\"cmd\":\"policy-ask\",\"domain\":\"a.b\"}", 0,
	{CTL_POLICY_ASK, 0, 100, 0, "a.b", 0}},
    {"{\"cmd\":\"policy-refresh\",\"domain\":\"a.b\"}", 0,
	{CTL_POLICY_REFRESH, 0, 100, 0, "a.b", 0}},
    {"{\"cmd\":\"policy-forget\",\"domain\":\"a.b\"}", 0,
	{CTL_POLICY_FORGET, 0, 100, 0, "a.b", 0}},
    {"{\"cmd\":\"policy-forget\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"policy-forget\",\"domain\":\"\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"policy-show\",\"domain\":\"192.0.2.1\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"policy-show\",\"domain\":\"a.b\\u0000c\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"policy-show\",\"domain\":7}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"policy-show\",\"message\":\"" QID "\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"A.Example\"}", 0,
	{.cmd = CTL_EXPLAIN, .limit = 100, .domain = "a.example"}},
    {"{\"port\":26,\"cmd\":\"explain\",\"domain\":\"[::1]\"}", 0,
	{.cmd = CTL_EXPLAIN, .limit = 100, .domain = "[::1]", .port = 26}},
    {"{\"cmd\":\"explain\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"a..b\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"[a.b]\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"[]\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":1}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"a.b\",\"port\":0}", ERR_RANGE, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"a.b\",\"port\":65536}", ERR_RANGE, {0}},
    {"{\"cmd\":\"explain\",\"domain\":\"a.b\",\"limit\":1}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"status\",\"domain\":\"a.b\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"stop\"}", ERR_NOTFOUND, {0}},
    {"{\"cmd\":\"\"}", ERR_NOTFOUND, {0}},
    {"{}", ERR_SYNTAX, {0}},
    {"", ERR_SYNTAX, {0}},
    {"status", ERR_SYNTAX, {0}},
    {"[\"status\"]", ERR_SYNTAX, {0}},
    {"{\"cmd\":1}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"status\"", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"status\"}x", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"status\",\"cmd\":\"status\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"status\",\"limit\":1}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-stats\",\"x\":1}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-list\",\"x\":1}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-list\",\"limit\":0}", ERR_RANGE, {0}},
    {"{\"cmd\":\"queue-list\",\"limit\":101}", ERR_RANGE, {0}},
    {"{\"cmd\":\"queue-list\",\"limit\":1.5}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-list\",\"after\":-1}", ERR_RANGE, {0}},
    {"{\"cmd\":\"queue-list\",\"after\":9223372036854775808}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-list\",\"message\":12}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"queue-list\",\"message\":\"12\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"sta\\u0000tus\"}", ERR_SYNTAX, {0}},
    {"{\"cmd\":\"\xff\"}", ERR_SYNTAX, {0}},
};

static void
test_question(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(questions); i++) {
		const struct ctl_question *want = &questions[i].want;
		struct ctl_question q, again;
		struct buf b;

		t_err(questions[i].in,
		    ctl_question_parse(str_of(questions[i].in), &q),
		    questions[i].err);
		if (questions[i].err)
			continue;
		buf_init(&b, CTL_LINE_MAX);
		ctl_question_build(&q, &b);
		t_err("again",
		    ctl_question_parse(str_trim(buf_str(&b)), &again), 0);
		buf_clear(&b);
		t_cstr(questions[i].in, ctl_cmd_str(q.cmd),
		    ctl_cmd_str(want->cmd));
		t_cstr(questions[i].in, again.domain, want->domain);
		t_int(questions[i].in, again.port, want->port);
		t_int(questions[i].in, (int64_t)q.after, (int64_t)want->after);
		t_int(questions[i].in, (int64_t)q.limit, (int64_t)want->limit);
		t_int(questions[i].in, (int64_t)q.msg, (int64_t)want->msg);
		t_int("again", again.cmd, q.cmd);
		t_int("again", (int64_t)again.after, (int64_t)q.after);
		t_int("again", (int64_t)again.limit, (int64_t)q.limit);
		t_int("again", (int64_t)again.msg, (int64_t)q.msg);
	}
}

/* A parser that fails at any cut and any byte, and never crashes. */
static void
test_cuts(void **state)
{
	static const char text[] = "{\"cmd\":\"queue-list\",\"after\":7,"
				   "\"limit\":5,\"message\":\"" QID "\"}";
	char copy[sizeof(text)];
	struct ctl_question q;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		t_err(
		    "cut", ctl_question_parse(str_n(text, n), &q), ERR_SYNTAX);
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		memcpy(copy, text, sizeof(text));
		copy[n] = '\0';
		t_err("NUL",
		    ctl_question_parse(str_n(copy, sizeof(text) - 1), &q),
		    ERR_SYNTAX);
	}
}

static void
check(const char *name, struct buf *b, const char *want)
{
	t_is(name, buf_str(b), want);
	buf_clear(b);
}

static void
test_answers(void **state)
{
	static const struct store_row rows[] = {{.msg = QID_NUMBER,
	    .rcpt = 7,
	    .arrived = 1800000000,
	    .next_try = 1800000300,
	    .tries = 2,
	    .size = 1234,
	    .state = "queued",
	    .sender = "a@example.org",
	    .addr = "b\x1b\xff@example.com",
	    .next_hop = "example.com",
	    .dsn = "4.7.5",
	    .rule = "DANE-12",
	    .mx = "mx.example.com",
	    .reply = "no \"match\"\r\n"}};
	static const struct store_stats stats = {1, 2, 3, 4, 5, 1800000000, 6};
	static const struct store_stats none = {0};
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	ctl_release_build(3, &b);
	check("release", &b, "{\"ok\":true,\"recipients\":3}\n");
	ctl_error_build("it \xff fails", &b);
	check("error", &b, "{\"ok\":false,\"error\":\"it \\\\xff fails\"}\n");
	ctl_list_build(NULL, 0, &b);
	check("empty", &b, "{\"ok\":true,\"rows\":[]}\n");
	ctl_list_build(rows, 1, &b);
	check("row", &b,
	    "{\"ok\":true,\"rows\":[{\"id\":7,\"message\":\"" QID "\","
	    "\"state\":\"queued\",\"from\":\"a@example.org\","
	    "\"to\":\"b\\u001B\\\\xff@example.com\","
	    "\"next_hop\":\"example.com\",\"size\":1234,"
	    "\"arrived\":\"2027-01-15T08:00:00Z\","
	    "\"next_try\":\"2027-01-15T08:05:00Z\",\"tries\":2,"
	    "\"dsn\":\"4.7.5\",\"rule\":\"DANE-12\","
	    "\"mx\":\"mx.example.com\","
	    "\"reply\":\"no \\\"match\\\"\\r\\n\"}]}\n");
	ctl_stats_build(&stats, &b);
	check("stats", &b,
	    "{\"ok\":true,\"queue\":{\"messages\":1,\"recipients\":2,"
	    "\"deferred\":3,\"held\":6,\"destinations\":4,\"bytes\":5,"
	    "\"oldest\":\"2027-01-15T08:00:00Z\"}}\n");
	ctl_stats_build(&none, &b);
	check("no stats", &b,
	    "{\"ok\":true,\"queue\":{\"messages\":0,\"recipients\":0,"
	    "\"deferred\":0,\"held\":0,\"destinations\":0,\"bytes\":0,"
	    "\"oldest\":null}}\n");
}

/* What follows the key in a line, up to its end. */
static struct str
part(struct str line, const char *key)
{
	struct str k = str_of(key);

	while (line.n > 0 && !str_starts(line, k))
		line = str_skip(line, 1);
	return str_trim(line);
}

static const struct store_stats queue = {1, 2, 3, 4, 5, 0, 0};
static const struct store_stats held = {1, 2, 3, 4, 5, 0, 2};

static const struct metrics risky = {.v = {[METRIC_STS_AT_RISK] = 3}};
static const struct opt_site ended[] = {{.domain = "a.example"},
    {.domain = ".b.example", .expires_s = 1801353600},
    {.domain = "c.example", .expires_s = 1801353601},
    {.domain = "d.example", .expires_s = 1801353600}};

static const struct {
	const char *name;
	struct ctl_status s;
	const char *resolver, *problems;
} statuses[] = {
    {"fine", {.resolver = DNS_STATE_OK, .managed = true, .stats = &queue},
	"\"resolver\":{\"mode\":\"managed\",\"state\":\"validating\"},"
	"\"store\":{\"state\":\"ok\"}",
	"\"problems\":[]}"},
    {"just started",
	{.resolver = DNS_STATE_UNKNOWN, .uptime_s = 59, .stats = &queue},
	"\"resolver\":{\"mode\":\"external\",\"state\":\"unknown\"}",
	"\"problems\":[]}"},
    {"unknown for long",
	{.resolver = DNS_STATE_UNKNOWN, .uptime_s = 60, .stats = &queue},
	"\"resolver\":{\"mode\":\"external\",\"state\":\"unknown\"}",
	"\"problems\":[{\"what\":\"resolver\",\"text\":\"nothing is known "
	"about the resolver yet: no answer since the start\",\"todo\":"},
    {"dead", {.resolver = DNS_STATE_DEAD, .managed = true, .stats = &queue},
	"\"resolver\":{\"mode\":\"managed\",\"state\":\"dead\"}",
	"\"problems\":[{\"what\":\"resolver\",\"text\":\"the resolver does "
	"not answer: all mail is held\",\"todo\":\"look for event=resolver-says"},
    {"dead external", {.resolver = DNS_STATE_DEAD, .stats = &queue},
	"\"resolver\":{\"mode\":\"external\",\"state\":\"dead\"}",
	"\"problems\":[{\"what\":\"resolver\",\"text\":\"the resolver does "
	"not answer: all mail is held\",\"todo\":\"start the resolver"},
    {"untrusted", {.resolver = DNS_STATE_UNTRUSTED, .stats = &queue},
	"\"resolver\":{\"mode\":\"external\",\"state\":\"untrusted\"}",
	"\"problems\":[{\"what\":\"resolver\",\"text\":\"answers come without "
	"DNSSEC validation: DANE can't be used, domains known to use it are "
	"held\",\"todo\":\"let the resolver validate"},
    {"full",
	{.resolver = DNS_STATE_OK,
	    .store_err = ERR_FULL,
	    .store_text = "disk of /x is full",
	    .stats = &queue},
	"\"store\":{\"state\":\"error\",\"error\":\"full\"}",
	"\"problems\":[{\"what\":\"store\",\"text\":\"disk of /x is full\","
	"\"todo\":\"make room on the disk of state_dir; mail is taken again by "
	"itself\"}]}"},
    {"no text",
	{.resolver = DNS_STATE_OK, .store_err = ERR_CORRUPT, .stats = &queue},
	"\"store\":{\"state\":\"error\",\"error\":\"corrupt\"}",
	"\"problems\":[{\"what\":\"store\",\"text\":\"corrupt\",\"todo\":"
	"\"stop waxseald"},
    {"no stats", {.resolver = DNS_STATE_OK}, "\"queue\":null",
	"\"problems\":[{\"what\":\"store\",\"text\":\"the queue could not be "
	"read\",\"todo\":"},
    {"held", {.resolver = DNS_STATE_OK, .managed = true, .stats = &held},
	"\"held\":2,",
	"\"problems\":[{\"what\":\"held\",\"text\":\"2 recipients are held: "
	"the relay crashed at least twice while working on their messages\",\"todo\":"
	"\"report the crash"},
    {"STS-26", {.resolver = DNS_STATE_OK, .stats = &queue, .metrics = &risky},
	"\"sts_policies_at_risk\":3",
	"\"problems\":[{\"what\":\"sts\",\"text\":\"3 MTA-STS policies "
	"can't be fetched again and end soon\",\"todo\":\"event=sts-fetch"},
    {"no rule has ended",
	{.resolver = DNS_STATE_OK,
	    .stats = &queue,
	    .sites = ended,
	    .n_sites = 4,
	    .now = 1801353599},
	"\"held\":0,", "\"problems\":[]}"},
    {"a rule has ended",
	{.resolver = DNS_STATE_OK,
	    .stats = &queue,
	    .sites = ended,
	    .n_sites = 2,
	    .now = 1801353600},
	"\"held\":0,",
	"\"problems\":[{\"what\":\"site\",\"text\":\"the site rule for "
	"\\\".b.example\\\" ended on 2027-01-31 and has no "
	"effect\",\"todo\":\"waxseald -t"},
    {"two have ended",
	{.resolver = DNS_STATE_OK,
	    .stats = &queue,
	    .sites = ended,
	    .n_sites = 4,
	    .now = 1801353600},
	"\"held\":0,",
	"\"problems\":[{\"what\":\"site\",\"text\":\"the site rule for "
	"\\\".b.example\\\" ended on 2027-01-31 and has no effect, and 1 "
	"other\",\"todo\":\"waxseald -t"},
    {"the store first",
	{.resolver = DNS_STATE_DEAD, .store_err = ERR_IO, .stats = &queue},
	"\"store\":{\"state\":\"error\"", "\"problems\":[{\"what\":\"store\","},
};

static void
test_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(statuses); i++) {
		struct ctl_status s = statuses[i].s;
		const char *name = statuses[i].name;
		struct str want, got;
		struct buf b;

		s.version = "1.2.3";
		buf_init(&b, MAX);
		ctl_status_build(&s, &b);
		got = part(buf_str(&b), statuses[i].resolver);
		t_bool(name, got.n > 0, true);
		want = str_of(statuses[i].problems);
		got = part(buf_str(&b), "\"problems\"");
		t_str(
		    name, str_n(got.p, got.n < want.n ? got.n : want.n), want);
		buf_clear(&b);
	}
}

static void
test_status_facts(void **state)
{
	static char tcp[] = "127.0.0.1:2525", path[] = "unix:/x";
	static const struct opt_listen listens[] = {
	    {.text = tcp, .role = LISTEN_SMARTHOST},
	    {.text = path, .role = LISTEN_POLICY}};
	struct metrics m;
	struct ctl_status s = {.version = "1.2.3",
	    .uptime_s = 61,
	    .workers = 4,
	    .resolver = DNS_STATE_OK,
	    .stats = &queue,
	    .listens = listens,
	    .n_listens = 2,
	    .metrics = &m};
	static const char *const want[] = {
	    "{\"ok\":true,\"version\":\"1.2.3\",\"uptime\":61,\"workers\":4,",
	    ("\"listens\":[{\"address\":\"127.0.0.1:2525\",\"role\":"
	     "\"smarthost\"},{\"address\":\"unix:/x\",\"role\":\"policy\"}]"),
	    "\"recipients_sent_total\":7,",
	};
	struct buf b;

	(void)state;
	metrics_init(&m);
	metrics_add(&m, METRIC_SENT, 7);
	buf_init(&b, MAX);
	ctl_status_build(&s, &b);
	for (size_t i = 0; i < T_COUNT(want); i++)
		t_bool(want[i], part(buf_str(&b), want[i]).n > 0, true);
	t_int(
	    "one line", (int64_t)str_find(buf_str(&b), '\n'), (int64_t)b.n - 1);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_question),
	    cmocka_unit_test(test_cuts),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_status_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
