/* Receipts as JSON, and as an answer that a person can read. */
#include "config.h"

#include "relay/ctl/ctl_receipt.h"

#include "tests/unit/t.h"

#define MAX (1u << 20)

static void
receipt_init(struct receipt *r)
{
	*r = (struct receipt){.msg = 34,
	    .rcpt = 7,
	    .arrived = 1800000000,
	    .sender = "s@own.example",
	    .addr = "u@a.example",
	    .next_hop = "a.example",
	    .dsn = "2.0.0",
	    .reply = "250 2.0.0 ok\x1b[2J",
	    .p = {.at = 1800000002,
		.mx = "mx1.a.example",
		.addr = "192.0.2.1",
		.port = 25,
		.policy = "none",
		.rule = "DANE-13",
		.level = "opportunistic",
		.mx_set = "insecure",
		.proof = "none"}};
}

static void
dane(struct receipt *r)
{
	static char set[] = "_25._tcp.mx1.a.example. TLSA 3 1 1 0011\n"
			    "_25._tcp.mx1.a.example. TLSA 3 1 1 22\n";

	receipt_init(r);
	memcpy(r->p.policy, "dane", 5);
	memcpy(r->p.rule, "DANE-11", 8);
	memcpy(r->p.level, "dane", 5);
	memcpy(r->p.mx_set, "secure", 7);
	memcpy(r->p.proof, "dane-ee", 8);
	memcpy(r->p.tls, "TLSv1.3", 8);
	memcpy(r->p.cipher, "TLS_AES_256_GCM_SHA384", 23);
	memcpy(r->p.tlsa, "3 1 1 0011", 11);
	r->p.flags = RECEIPT_CERT;
	memset(r->p.cert, 0xab, TLS_SHA256);
	memset(r->p.spki, 0xcd, TLS_SHA256);
	r->p.tlsa_set = set;
}

static void
sts(struct receipt *r)
{
	static char text[] = "version: STSv1\nmode: enforce\n";

	receipt_init(r);
	memcpy(r->p.policy, "sts", 4);
	memcpy(r->p.rule, "STS-29", 7);
	memcpy(r->p.level, "pkix", 5);
	memcpy(r->p.proof, "pkix", 5);
	memcpy(r->p.tls, "TLSv1.2", 8);
	memcpy(r->p.cipher, "C", 2);
	memcpy(r->p.sts, "cached", 7);
	memcpy(r->p.sts_mode, "enforce", 8);
	memcpy(r->p.sts_id, "2026", 5);
	memcpy(r->p.sts_mx, "*.a.example", 12);
	r->p.sts_text = text;
}

#define AB8 "abababababababab"
#define CD8 "cdcdcdcdcdcdcdcd"
#define HEAD \
	"{\"id\":7,\"message\":\"0000000000012\",\"from\":\"s@own.example\"," \
	"\"to\":\"u@a.example\",\"domain\":\"a.example\"," \
	"\"arrived\":\"2027-01-15T08:00:00Z\"," \
	"\"delivered\":\"2027-01-15T08:00:02Z\",\"mx\":\"mx1.a.example\"," \
	"\"addr\":\"192.0.2.1\",\"port\":25,"
#define TAIL "\"dsn\":\"2.0.0\",\"reply\":\"250 2.0.0 ok\\u001B[2J\"}"

static void
test_json(void **state)
{
	struct receipt v[2];
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	dane(&v[0]);
	sts(&v[1]);
	ctl_receipts_build(v, 2, &b);
	t_is("DANE, MTA-STS", buf_str(&b),
	    "{\"ok\":true,\"rows\":[" HEAD
	    "\"mx_set\":\"secure\",\"policy\":\"dane\",\"rule\":\"DANE-11\","
	    "\"level\":\"dane\",\"proof\":\"dane-ee\",\"tls\":\"TLSv1.3\","
	    "\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"mx_insecure\":false,"
	    "\"fallback\":false,\"certificate\":{\"sha256\":\"" AB8 AB8 AB8 AB8
	    "\",\"spki_sha256\":\"" CD8 CD8 CD8 CD8 "\"},"
	    "\"tlsa\":{\"matched\":\"3 1 1 0011\",\"records\":"
	    "\"_25._tcp.mx1.a.example. TLSA 3 1 1 0011\\n"
	    "_25._tcp.mx1.a.example. TLSA 3 1 1 22\\n\"},\"sts\":null," TAIL
	    "," HEAD
	    "\"mx_set\":\"insecure\",\"policy\":\"sts\",\"rule\":\"STS-29\","
	    "\"level\":\"pkix\",\"proof\":\"pkix\",\"tls\":\"TLSv1.2\","
	    "\"cipher\":\"C\",\"mx_insecure\":false,\"fallback\":false,"
	    "\"certificate\":null,\"tlsa\":null,\"sts\":{\"source\":\"cached\","
	    "\"mode\":\"enforce\",\"id\":\"2026\",\"mx\":\"*.a.example\","
	    "\"testing\":\"\",\"text\":\"version: STSv1\\nmode: "
	    "enforce\\n\"}," TAIL "]}\n");
	buf_reset(&b);
	receipt_init(&v[0]);
	v[0].p.flags = RECEIPT_FALLBACK | RECEIPT_MX_INSECURE;
	ctl_receipts_build(v, 1, &b);
	t_is("in clear", buf_str(&b),
	    "{\"ok\":true,\"rows\":[" HEAD
	    "\"mx_set\":\"insecure\",\"policy\":\"none\",\"rule\":\"DANE-13\","
	    "\"level\":\"opportunistic\",\"proof\":\"none\",\"tls\":\"none\","
	    "\"cipher\":\"\",\"mx_insecure\":true,\"fallback\":true,"
	    "\"certificate\":null,\"tlsa\":null,\"sts\":null," TAIL "]}\n");
	buf_clear(&b);
}

static void
shown(const struct receipt *r, struct buf *text)
{
	struct buf b;

	buf_init(&b, MAX);
	buf_reset(text);
	ctl_receipts_build(r, 1, &b);
	t_err("text", ctl_receipts_text(buf_str(&b), text), 0);
	buf_clear(&b);
}

static void
test_text(void **state)
{
	struct receipt r;
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	dane(&r);
	shown(&r, &b);
	t_is("DANE", buf_str(&b),
	    "<u@a.example> delivered 2027-01-15T08:00:02Z\n"
	    "  to host     mx1.a.example [192.0.2.1]:25\n"
	    "  channel     TLSv1.3, TLS_AES_256_GCM_SHA384\n"
	    "  proof       its certificate matches a TLSA record of the host\n"
	    "  by record   3 1 1 0011\n"
	    "  certificate " AB8 AB8 AB8 AB8 "\n"
	    "  public key  " CD8 CD8 CD8 CD8 "\n"
	    "  policy      DANE: TLSA records of the host (DANE-11)\n"
	    "              it asked for: dane; MX set: secure\n"
	    "  TLSA        _25._tcp.mx1.a.example. TLSA 3 1 1 0011\n"
	    "              _25._tcp.mx1.a.example. TLSA 3 1 1 22\n"
	    "  reply       250 2.0.0 ok\\x1b[2J\n");
	sts(&r);
	shown(&r, &b);
	t_is("MTA-STS", buf_str(&b),
	    "<u@a.example> delivered 2027-01-15T08:00:02Z\n"
	    "  to host     mx1.a.example [192.0.2.1]:25\n"
	    "  channel     TLSv1.2, C\n"
	    "  proof       a trusted certificate with the name of the host\n"
	    "  policy      MTA-STS of the domain (STS-29)\n"
	    "              it asked for: pkix; MX set: insecure\n"
	    "  MTA-STS     cached, mode enforce, id 2026, names the host as "
	    "*.a.example\n"
	    "              version: STSv1\n"
	    "              mode: enforce\n"
	    "  reply       250 2.0.0 ok\\x1b[2J\n");
	receipt_init(&r);
	shown(&r, &b);
	t_is("in clear", buf_str(&b),
	    "<u@a.example> delivered 2027-01-15T08:00:02Z\n"
	    "  to host     mx1.a.example [192.0.2.1]:25\n"
	    "  channel     in clear, without TLS\n"
	    "  proof       none was asked for or given\n"
	    "  policy      no policy of the domain or of this site (DANE-13)\n"
	    "              it asked for: opportunistic; MX set: insecure\n"
	    "  reply       250 2.0.0 ok\\x1b[2J\n");
	buf_clear(&b);
}

static size_t
count(struct str s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/* Nothing that it prints of its own is wider than a terminal. */
static void
test_width(void **state)
{
	static char set[4096];
	struct receipt r;
	struct str rest, line;
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	dane(&r);
	memset(set, 'Q', 500);
	set[500] = '\n';
	r.p.tlsa_set = set;
	memset(r.p.tlsa, 'Y', TLS_TLSA_TEXT - 1);
	memcpy(r.p.rule, "SITE-OPPORTUNISTIC", 19);
	memcpy(r.p.sts, "cached", 7);
	memcpy(r.p.sts_mode, "testing", 8);
	memcpy(r.p.sts_audit, "certificate-host-mismatch", 26);
	r.p.flags |= RECEIPT_MX_INSECURE;
	memset(r.reply, 'J', sizeof(r.reply) - 1);
	shown(&r, &b);
	rest = buf_str(&b);
	t_int("the whole set", (int64_t)count(rest, 'Q'), 500);
	t_int("the whole record", (int64_t)count(rest, 'Y'), TLS_TLSA_TEXT - 1);
	t_int(
	    "the whole reply", (int64_t)count(rest, 'J'), sizeof(r.reply) - 1);
	while (str_cut(&rest, '\n', &line))
		t_bool(line.p, line.n <= 80, true);
	buf_clear(&b);
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {"", "{}", "[]",
	    "{\"ok\":false,\"rows\":[]}", "{\"ok\":true}",
	    "{\"ok\":true,\"rows\":[1]}", "{\"ok\":true,\"rows\":[{}]}"};
	struct buf b;

	(void)state;
	buf_init(&b, MAX);
	for (size_t i = 0; i < T_COUNT(bad); i++)
		t_err(
		    bad[i], ctl_receipts_text(str_of(bad[i]), &b), ERR_SYNTAX);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_width),
	    cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
