/* The report as JSON: its members, and what connections do to its verdict. */
#include "relay/ctl/explain_json.h"

#include "tests/unit/explain_make.h"
#include "tests/unit/t.h"

static void
has(const struct buf *b, const char *what)
{
	t_bool(what, b->p && strstr(b->p, what) != NULL, true);
}

static void
test_sent(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	make_json(2, &b);
	has(&b,
	    "{\"ok\":true,\"schema\":1,\"domain\":\"a.example\","
	    "\"verdict\":\"sent\",\"rule\":\"DANE-17\",");
	has(&b, "\"host\":\"mx.a.example\",\"complete\":true,");
	has(&b,
	    "\"asked\":\"daemon\",\"resolver\":{\"mode\":\"managed\","
	    "\"address\":\"\",\"state\":\"validating\",\"trusted\":true,");
	has(&b,
	    "\"mx\":{\"security\":\"insecure\",\"own_name_in_it\":false,"
	    "\"answer\":{\"name\":\"a.example\",\"type\":\"MX\","
	    "\"status\":\"ok\",\"secure\":false,\"ttl\":60,"
	    "\"records\":[\"10 mx.a.example.\"],\"left_out\":0}}");
	has(&b, "\"source\":\"cached\",\"rule\":\"STS-24\",");
	has(&b, "\"cache\":\"entry\"");
	has(&b, "\"status\":\"fail\",\"why\":\"timeout\",\"secure\":false,");
	has(&b, "\"used\":false,\"rule\":\"DANE-38\",");
	has(&b,
	    "\"plan\":{\"level\":\"dane+pkix\",\"policy\":\"dane\","
	    "\"rule\":\"DANE-17\",\"min\":\"1.2\","
	    "\"on_no_starttls\":\"defer\",\"on_tls_failure\":\"next\",");
	has(&b, "\"skip\":{\"rule\":\"DANE-07\",\"dsn\":\"4.7.5\",");
	has(&b, "\"connections\":null}\n");
	t_bool("no raw control character", strchr(b.p, '\x1b') == NULL, true);
	t_bool("one line", strchr(b.p, '\n') == b.p + b.n - 1, true);
	buf_clear(&b);
}

static void
test_verdicts(void **state)
{
	struct explain_source source = make_source;
	struct explain e;
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	make_json(1, &b);
	has(&b, "\"verdict\":\"held\",\"rule\":\"DANE-07\",\"dsn\":\"4.7.5\",");
	buf_reset(&b);
	make_report(&e, 1);
	e.site.continuity = "hold";
	source.blind = true;
	explain_json_build(&e, &source, &b);
	has(&b, "\"verdict\":\"unknown\"");
	has(&b, "\"continuity\":\"hold\"");
	buf_reset(&b);
	e.ended = false;
	source.blind = false;
	explain_json_build(&e, &source, &b);
	has(&b,
	    "\"verdict\":\"unknown\",\"rule\":\"\",\"dsn\":\"\","
	    "\"reason\":\"not all questions were answered in time\"");
	has(&b, "\"complete\":false");
	buf_reset(&b);
	e.sts.no_store = true;
	explain_json_build(&e, &source, &b);
	has(&b, "\"cache\":\"not-read\"");
	buf_reset(&b);
	e.sts.known = false;
	e.site.any = false;
	explain_json_build(&e, &source, &b);
	has(&b, "\"sts\":null");
	has(&b, "\"site\":null");
	explain_clear(&e);
	buf_clear(&b);
}

static void
test_connections(void **state)
{
	struct explain_conn c[2];
	struct buf b, out;

	(void)state;
	buf_init(&b, 1u << 20);
	buf_init(&out, 1u << 20);
	make_json(2, &b);
	make_conn(&c[0]);
	make_conn(&c[1]);
	t_err("failed", explain_json_connect(buf_str(&b), c, 2, true, &out), 0);
	has(&out, "\"verdict\":\"held\"");
	has(&out, "\"rule\":\"DANE-17\"");
	has(&out,
	    "\"reason\":\"mx.a.example: validation-failure: "
	    "no matching record\"");
	has(&out, "\"tlsa_matches\":[{\"tlsa\":0,\"depth\":-1}]");
	has(&out, "\"spki_sha256\":\"cdcdcd");
	buf_reset(&out);
	t_err(
	    "not all", explain_json_connect(buf_str(&b), c, 2, false, &out), 0);
	has(&out, "\"verdict\":\"unknown\"");
	buf_reset(&out);
	c[1].ready = true;
	t_err("one", explain_json_connect(buf_str(&b), c, 2, true, &out), 0);
	has(&out, "\"verdict\":\"sent\"");
	has(&out, "\"verdict\":\"ready\"");
	buf_reset(&out);
	c[1].ready = false;
	c[1].clear = true;
	t_err("clear", explain_json_connect(buf_str(&b), c, 2, true, &out), 0);
	has(&out, "\"verdict\":\"clear\"");
	has(&out, "\"verdict\":\"sent\"");
	buf_reset(&out);
	t_err("none", explain_json_connect(buf_str(&b), c, 0, true, &out), 0);
	has(&out, "\"verdict\":\"sent\"");
	has(&out, "\"connections\":[]");
	t_err("no report", explain_json_connect(STR("{}"), c, 0, true, &out),
	    ERR_SYNTAX);
	make_conn_clear(&c[0]);
	make_conn_clear(&c[1]);
	buf_clear(&b);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sent),
	    cmocka_unit_test(test_verdicts),
	    cmocka_unit_test(test_connections)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
