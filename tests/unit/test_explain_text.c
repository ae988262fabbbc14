/* The report for people: the verdict first, 80 columns, nothing raw. */
#include "relay/ctl/explain_text.h"

#include "relay/ctl/explain_conn_text.h"
#include "relay/ctl/explain_host_text.h"
#include "relay/ctl/explain_read.h"
#include "tests/unit/explain_make.h"
#include "tests/unit/t.h"

/* Runs of white space as one space: where a line is broken does not count. */
static void
squeeze(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		bool space = s.p[i] == ' ' || s.p[i] == '\n';

		if (!space)
			buf_add_char(out, s.p[i]);
		else if (out->n == 0 || out->p[out->n - 1] != ' ')
			buf_add_char(out, ' ');
	}
}

static void
has(const struct buf *b, const char *what)
{
	struct buf all, part;

	buf_init(&all, 1u << 20);
	buf_init(&part, 1u << 20);
	squeeze(buf_str(b), &all);
	squeeze(str_of(what), &part);
	t_bool(what, all.p && strstr(all.p, part.p) != NULL, true);
	buf_clear(&all);
	buf_clear(&part);
}

static void
check_lines(const struct buf *b)
{
	struct str rest = buf_str(b), line;

	while (str_cut(&rest, '\n', &line)) {
		t_bool("80 columns", line.n <= EXPLAIN_COLUMNS, true);
		for (size_t i = 0; i < line.n; i++)
			t_bool("no control character",
			    (unsigned char)line.p[i] >= ' ' &&
				line.p[i] != 0x7f,
			    true);
	}
}

static void
show(int hosts, struct buf *text)
{
	struct buf json;

	buf_init(&json, 1u << 20);
	make_json(hosts, &json);
	t_err("text", explain_text(buf_str(&json), text), 0);
	check_lines(text);
	buf_clear(&json);
}

static void
test_sent(void **state)
{
	static const char first[] =
	    "SENT        Mail for a.example would be sent, first to "
	    "mx.a.example:";
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	show(2, &b);
	t_bool(
	    "the verdict is first", str_starts(buf_str(&b), STR(first)), true);
	has(&b, "site rule   .a.example: require verified, reason: partner");
	has(&b, "MX set      the set is INSECURE");
	has(&b, "  MX        a.example: INSECURE: 10 mx.a.example.");
	has(&b, "MTA-STS     mode enforce (cached, STS-24)");
	has(&b, "and 18 more");
	has(&b, "  AAAA      mx.a.example: lookup failed: timeout");
	has(&b, "    used    3 1 1");
	has(&b, "    unused  1 1 2");
	has(&b, "DANE-38");
	has(&b, "no STARTTLS: the mail waits; TLS fails: the next host;");
	has(&b, "(DANE-19)");
	has(&b, "(STS-32)");
	has(&b, "  SKIPPED   TLSA lookup failed\\x1b");
	buf_clear(&b);
}

static void
test_held(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	show(1, &b);
	t_bool("the verdict is first",
	    str_starts(buf_str(&b),
		STR("HELD        Mail for a.example would wait in the queue: "
		    "TLSA lookup")),
	    true);
	has(&b, "(DANE-07,");
	buf_clear(&b);
}

/* The words for each kind of thing. */
static void
test_words(void **state)
{
	static const struct {
		enum mx_security security;
		enum sts_source source;
		enum dane_kind dane;
		const char *mx, *sts, *host;
	} cases[] = {
	    {MX_SECURE, STS_NO_POLICY, DANE_NONE, "vouches", "no policy (",
		"no secure TLSA records"},
	    {MX_IMPLICIT, STS_UNOBTAINABLE, DANE_UNUSABLE, "itself is the host",
		"can't be had", "none of which counts"},
	    {MX_LITERAL, STS_STORE_ERROR, DANE_FAILED, "DANE-15",
		"cache can't be read", "may not be used: timeout"},
	    {MX_NEXTHOP, STS_FRESH, DANE_USABLE, "names the next hop",
		"mode enforce (fresh", "records that count"},
	};
	struct explain_source source = make_source;

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct explain e;
		struct buf json, text;

		buf_init(&json, 1u << 20);
		buf_init(&text, 1u << 20);
		make_report(&e, 2);
		e.security = cases[i].security;
		e.sts.source = cases[i].source;
		e.sts.no_store = true;
		e.self_dropped = true;
		e.more_hosts = 7;
		e.dane_on = e.sts_on = false;
		e.hosts[0].dane = cases[i].dane;
		e.hosts[0].dane_why = RR_WHY_TIMEOUT;
		source.trusted = false;
		source.doubt = "is not on this machine";
		explain_json_build(&e, &source, &json);
		t_err("text", explain_text(buf_str(&json), &text), 0);
		check_lines(&text);
		has(&text, cases[i].mx);
		has(&text, cases[i].sts);
		has(&text, cases[i].host);
		has(&text, "cache was not read");
		has(&text, "dane { mode = off }");
		has(&text, "sts { mode = off }");
		has(&text, "SMTP-17");
		has(&text, "7 more hosts are not shown");
		has(&text, "DANE is");
		has(&text, "It is not on this machine.");
		explain_clear(&e);
		buf_clear(&json);
		buf_clear(&text);
	}
}

static void
test_connections(void **state)
{
	struct explain_conn c;
	struct buf json, out, text;

	(void)state;
	buf_init(&json, 1u << 20);
	buf_init(&out, 1u << 20);
	buf_init(&text, 1u << 20);
	make_json(2, &json);
	make_conn(&c);
	t_err("connect",
	    explain_json_connect(buf_str(&json), &c, 1, true, &out), 0);
	t_err("text", explain_text(buf_str(&out), &text), 0);
	check_lines(&text);
	t_bool("the verdict is first",
	    str_starts(buf_str(&text),
		STR("HELD        Mail for a.example would wait")),
	    true);
	has(&text, "connection  mx.a.example [192.0.2.1]:25: FAILED: tls; bye");
	has(&text, "handshake FAILED: validation-failure: no matching record");
	has(&text, "no certificate here has these");
	has(&text, "  publish   _25._tcp.mx.a.example. IN TLSA 3 1 1\n");
	has(&text, "cdcdcdcd");
	c.ready = true;
	c.starttls = false;
	buf_reset(&out);
	buf_reset(&text);
	t_err("connect",
	    explain_json_connect(buf_str(&json), &c, 1, true, &out), 0);
	t_err("text", explain_text(buf_str(&out), &text), 0);
	has(&text, "WITHOUT TLS");
	c.ready = false;
	c.starttls = c.clear = c.tls.established = true;
	c.tls.failure = TLS_OK;
	c.tls.audit = TLS_EXPIRED;
	c.matches[0].depth = 0;
	snprintf(c.tls.version, sizeof(c.tls.version), "TLSv1.3");
	buf_reset(&out);
	buf_reset(&text);
	t_err("connect",
	    explain_json_connect(buf_str(&json), &c, 1, true, &out), 0);
	t_err("text", explain_text(buf_str(&out), &text), 0);
	has(&text, "the plan lets mail");
	has(&text, "TLSv1.3, certificate not checked; MTA-STS");
	has(&text, "data of cert 0");
	t_bool("is published", strstr(text.p, "publish") == NULL, true);
	make_conn_clear(&c);
	buf_clear(&json);
	buf_clear(&out);
	buf_clear(&text);
}

static void
test_fate(void **state)
{
	static const struct {
		const char *json;
		int err;
		enum explain_fate fate;
	} cases[] = {
	    {"{\"ok\":true,\"verdict\":\"sent\"}", 0, EXPLAIN_SENT},
	    {"{\"ok\":true,\"verdict\":\"held\"}", 0, EXPLAIN_HELD},
	    {"{\"ok\":true,\"verdict\":\"bounced\"}", 0, EXPLAIN_BOUNCED},
	    {"{\"ok\":true,\"verdict\":\"unknown\"}", 0, EXPLAIN_UNKNOWN},
	    {"{\"ok\":true,\"verdict\":\"perhaps\"}", ERR_SYNTAX, 0},
	    {"{\"ok\":true}", ERR_SYNTAX, 0},
	    {"{\"ok\":false,\"verdict\":\"sent\"}", ERR_SYNTAX, 0},
	    {"[]", ERR_SYNTAX, 0},
	    {"", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		enum explain_fate fate = EXPLAIN_UNKNOWN;
		struct buf b;

		t_err(cases[i].json,
		    explain_text_fate(str_of(cases[i].json), &fate),
		    cases[i].err);
		if (!cases[i].err)
			t_int(cases[i].json, fate, cases[i].fate);
		buf_init(&b, 10000);
		t_err("no whole report",
		    explain_text(str_of(cases[i].json), &b), ERR_SYNTAX);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sent),
	    cmocka_unit_test(test_held), cmocka_unit_test(test_words),
	    cmocka_unit_test(test_connections), cmocka_unit_test(test_fate)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
