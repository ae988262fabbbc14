/* Cached policies as lines: what is written is read, and nothing else is. */
#include "config.h"

#include "relay/ctl/ctl_policy.h"

#include "relay/ctl/ctl_proto.h"
#include "sts/sts_state.h"
#include "tests/unit/t.h"

#define NOW 1800000000
#define BODY "version: STSv1\r\nmode: enforce\r\nmx: a.b\r\nmax_age: 1000\r\n"
#define JBODY \
	"version: STSv1\\r\\nmode: enforce\\r\\nmx: a.b\\r\\nmax_age: 1000\\r\\n"
#define LINE \
	"{\"domain\":\"a.example\",\"id\":\"2026x\",\"fetched\":1799999900," \
	"\"expires\":1800000900,\"body\":\"" JBODY "\"}"

static void
test_round(void **state)
{
	struct sts_entry e = {.domain = "a.example",
	    .id = "2026x",
	    .fetched = NOW - 100,
	    .expires = NOW + 900,
	    .body_len = sizeof(BODY) - 1};
	char body[] = BODY;
	struct sts_entry got;
	struct ctl_question q;
	const char *text = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, CTL_LINE_MAX);
	e.body = body;
	ctl_policy_line(&e, false, &b);
	t_is("line", buf_str(&b), LINE "\n");
	t_err("read", ctl_policy_parse(STR(LINE), false, NOW, &got, &text), 0);
	t_cstr("domain", got.domain, "a.example");
	t_cstr("id", got.id, "2026x");
	t_int("STS-44 fetched", got.fetched, NOW - 100);
	t_int("expires", got.expires, NOW + 900);
	t_str("body", str_n(got.body, got.body_len), STR(BODY));
	sts_entry_clear(&got);
	buf_reset(&b);
	ctl_policy_line(&e, true, &b);
	t_err("question", ctl_question_parse(str_trim(buf_str(&b)), &q), 0);
	t_int("its command", q.cmd, CTL_POLICY_IMPORT);
	t_err("read",
	    ctl_policy_parse(str_trim(buf_str(&b)), true, NOW, &got, &text), 0);
	sts_entry_clear(&got);
	t_err("no line of a file",
	    ctl_policy_parse(str_trim(buf_str(&b)), false, NOW, &got, &text),
	    ERR_SYNTAX);
	buf_clear(&b);
}

/* STS-44, STS-13: the text and the time of the fetch say when it ends. */
static void
test_times(void **state)
{
	static const struct {
		const char *name, *fetched, *expires;
		int err;
		int64_t want_fetched, want_expires;
	} cases[] = {
	    {"forged end", "1799999900", "9900000000", 0, NOW - 100, NOW + 900},
	    {"long gone", "1", "0", 0, 1, 1001},
	    {"clock ahead", "1800000300", "1", 0, NOW, NOW + 1000},
	    {"future", "1800000301", "1", ERR_SYNTAX, 0, 0},
	    {"negative", "-1", "1", ERR_SYNTAX, 0, 0},
	    {"huge", "9223372036854775807", "1", ERR_SYNTAX, 0, 0},
	    {"text", "\"1799999900\"", "1", ERR_SYNTAX, 0, 0},
	    {"fraction", "1799999900.5", "1", ERR_SYNTAX, 0, 0},
	    {"end no number", "1799999900", "\"x\"", ERR_SYNTAX, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct sts_entry e;
		const char *text = NULL;
		struct buf b;

		buf_init(&b, 4096);
		buf_addf(&b,
		    "{\"domain\":\"a.example\",\"id\":\"x\",\"fetched\":%s,"
		    "\"expires\":%s,\"body\":\"" JBODY "\"}",
		    cases[i].fetched, cases[i].expires);
		t_err(cases[i].name,
		    ctl_policy_parse(buf_str(&b), false, NOW, &e, &text),
		    cases[i].err);
		buf_clear(&b);
		if (cases[i].err) {
			t_bool(cases[i].name, text != NULL, true);
			continue;
		}
		t_int(cases[i].name, e.fetched, cases[i].want_fetched);
		t_int(cases[i].name, e.expires, cases[i].want_expires);
		sts_entry_clear(&e);
	}
}

#define WITH(domain, id, body) \
	"{\"domain\":" domain ",\"id\":" id \
	",\"fetched\":1799999900,\"body\":" body "}"
#define OK_BODY "\"" JBODY "\""

static void
test_lines(void **state)
{
	static const struct {
		const char *in;
		const char *text; /* begins so; NULL: fine */
	} cases[] = {
	    {WITH("\"A.Example.\"", "\"x\"", OK_BODY), NULL},
	    {"", "it is not a JSON object"},
	    {"[]", "it is not a JSON object"},
	    {"{", "it is not a JSON object"},
	    {"{\"domain\":\"a.b\",\"domain\":\"a.b\"}",
		"it is not a JSON object"},
	    {"{}", "domain"},
	    {WITH("1", "\"x\"", OK_BODY), "domain"},
	    {WITH("\"\"", "\"x\"", OK_BODY), "domain"},
	    {WITH("\"a_b.example\"", "\"x\"", OK_BODY), "domain"},
	    {WITH("\"[192.0.2.1]\"", "\"x\"", OK_BODY), "domain"},
	    {WITH("\"a.b\\u0000c\"", "\"x\"", OK_BODY), "domain"},
	    {WITH("\"a.b\"", "\"\"", OK_BODY), "id"},
	    {WITH("\"a.b\"", "\"x-y\"", OK_BODY), "id"},
	    {WITH("\"a.b\"", "\"x\\u0000\"", OK_BODY), "id"},
	    {WITH("\"a.b\"", "7", OK_BODY), "id"},
	    {WITH("\"a.b\"", "\"012345678901234567890123456789012\"", OK_BODY),
		"id"},
	    {WITH("\"a.b\"", "\"x\"", "7"), "body"},
	    {WITH("\"a.b\"", "\"x\"", "\"\""), ""},
	    {WITH("\"a.b\"", "\"x\"", "\"version: STSv1\\nmode: enforce\\n\""),
		""},
	    {WITH("\"a.b\"", "\"x\"",
		 "\"version: STSv1\\nmode: none\\nmax_age: 1\\nx: \\u0000\\n\""),
		""},
	    {"{\"x\":1,\"domain\":\"a.b\"}", "there is a member"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct sts_entry e = {.fetched = 77};
		const char *text = NULL;
		int err = ctl_policy_parse(
		    str_of(cases[i].in), false, NOW, &e, &text);

		t_err(cases[i].in, err, cases[i].text ? ERR_SYNTAX : 0);
		if (!err) {
			t_cstr(cases[i].in, e.domain, "a.example");
			sts_entry_clear(&e);
			continue;
		}
		t_int("untouched", e.fetched, 77);
		t_bool(cases[i].in, text && text[0], true);
		t_bool(text, str_starts(str_of(text), str_of(cases[i].text)),
		    true);
	}
}

static void
test_answers(void **state)
{
	char body[] = "b";
	struct sts_entry e = {.domain = "a.example",
	    .id = "x",
	    .fetched = 1,
	    .expires = 2,
	    .body = body,
	    .body_len = 1};
	struct sts_verdict v;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	ctl_policies_build(&e, 1, true, &b);
	ctl_policies_build(NULL, 0, false, &b);
	ctl_import_build(true, &b);
	ctl_import_build(false, &b);
	ctl_forget_build("a.example", &b);
	sts_verdict_init(&v);
	v.rule = "STS-01";
	ctl_verdict_build("a.example", &v, &b);
	v.source = STS_CACHED;
	v.policy.mode = STS_MODE_TESTING;
	v.fetched = 7;
	v.expires = 9;
	memcpy(v.id, "x", 2);
	memcpy(v.text, "no", 3);
	ctl_verdict_build("a.example", &v, &b);
	t_is("answers", buf_str(&b),
	    "{\"ok\":true,\"rows\":[{\"domain\":\"a.example\",\"id\":\"x\","
	    "\"fetched\":1,\"expires\":2,\"body\":\"b\"}],\"more\":true}\n"
	    "{\"ok\":true,\"rows\":[],\"more\":false}\n"
	    "{\"ok\":true,\"taken\":true}\n"
	    "{\"ok\":true,\"taken\":false}\n"
	    "{\"ok\":true,\"domain\":\"a.example\"}\n"
	    "{\"ok\":true,\"domain\":\"a.example\",\"source\":\"no-policy\","
	    "\"mode\":\"\",\"id\":\"\",\"fetched\":null,\"expires\":null,"
	    "\"rule\":\"STS-01\",\"text\":\"\"}\n"
	    "{\"ok\":true,\"domain\":\"a.example\",\"source\":\"cached\","
	    "\"mode\":\"testing\",\"id\":\"x\","
	    "\"fetched\":\"1970-01-01T00:00:07Z\","
	    "\"expires\":\"1970-01-01T00:00:09Z\","
	    "\"rule\":\"STS-01\",\"text\":\"no\"}\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_times),
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
