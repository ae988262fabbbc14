/* Failure notifications: RFC 3464. */
#include "config.h"

#include "relay/bounce/dsn.h"

#include <stdio.h>

#include "relay/smtp/header.h"
#include "tests/unit/t.h"

static const char original[] = "Received: from x\r\n"
			       "Subject: hello\r\n"
			       "\r\n"
			       "secret body\r\n";

static void
test_wanted(void **state)
{
	static const struct {
		const char *name, *sender;
		uint32_t flags, notify;
		bool want;
	} cases[] = {
	    {"plain", "a@b.example", 0, 0, true},
	    {"QUE-07 null sender", "", 0, 0, false},
	    {"QUE-07 our own", "a@b.example", MSG_DSN, 0, false},
	    {"DSN-03 never", "a@b.example", 0, NOTIFY_NEVER, false},
	    {"never wins", "a@b.example", 0, NOTIFY_NEVER | NOTIFY_FAILURE,
		false},
	    {"failure", "a@b.example", 0, NOTIFY_FAILURE, true},
	    {"success only", "a@b.example", 0, NOTIFY_SUCCESS, false},
	    {"delay only", "a@b.example", 0, NOTIFY_DELAY, false},
	    {"success and failure", "a@b.example", 0,
		NOTIFY_SUCCESS | NOTIFY_FAILURE, true},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct msg *m = msg_new();

		snprintf(m->sender, sizeof(m->sender), "%s", cases[i].sender);
		m->flags = cases[i].flags;
		t_bool(cases[i].name, dsn_wanted(m, cases[i].notify),
		    cases[i].want);
		msg_unref(m);
	}
}

struct fixture {
	struct msg *msg;
	struct outcome out[2];
	struct dsn_rcpt rcpts[2];
	struct dsn_in in;
	struct buf text;
};

static void
fixture_init(struct fixture *x)
{
	memset(x, 0, sizeof(*x));
	x->msg = msg_new();
	x->msg->arrived = 1795323000;
	snprintf(x->msg->sender, sizeof(x->msg->sender), "s@s.example");
	outcome_init(&x->out[0], OUT_BOUNCED);
	outcome_set(&x->out[0], OUT_BOUNCED, "5.1.1", "SMTP-09", "%s",
	    "550 5.1.1 no such user");
	x->out[0].remote = true;
	snprintf(x->out[0].mx, sizeof(x->out[0].mx), "mx.d.example");
	snprintf(x->out[0].addr, sizeof(x->out[0].addr), "192.0.2.1");
	outcome_init(&x->out[1], OUT_EXPIRED);
	outcome_set(&x->out[1], OUT_EXPIRED, "4.7.5", "DANE-11", "%s",
	    "TLS failed: validation-failure");
	x->out[1].by_policy = true;
	snprintf(x->out[1].mx, sizeof(x->out[1].mx), "mx.e.example");
	x->rcpts[0] = (struct dsn_rcpt){"a@d.example", "", &x->out[0]};
	x->rcpts[1] = (struct dsn_rcpt){
	    "b@e.example", "rfc822;b+2Bx@e.example", &x->out[1]};
	x->in = (struct dsn_in){
	    .hostname = "relay.example",
	    .msg = x->msg,
	    .qid = "Q1",
	    .original = STR(original),
	    .rcpts = x->rcpts,
	    .n = 2,
	    .now = 1795323000 + 5 * 86400,
	    .nonce = 0x1234,
	    .max_original = 1000,
	};
	buf_init(&x->text, 1 << 20);
}

static void
fixture_clear(struct fixture *x)
{
	msg_unref(x->msg);
	buf_clear(&x->text);
}

static void
has(const struct fixture *x, const char *what)
{
	t_bool(what, strstr(x->text.p, what) != NULL, true);
}

static void
has_not(const struct fixture *x, const char *what)
{
	t_bool(what, strstr(x->text.p, what) != NULL, false);
}

/* RFC 5321 2.3.8, 4.5.3.1.6: CRLF ends, and lines that may be sent. */
static void
check_lines(const struct fixture *x)
{
	struct str rest = buf_str(&x->text), line;

	while (str_cut(&rest, '\n', &line)) {
		t_bool("CRLF", line.n > 0 && line.p[line.n - 1] == '\r', true);
		t_bool("length", line.n <= 998, true);
		t_int("one CR", (int64_t)str_find(line, '\r'),
		    (int64_t)line.n - 1);
	}
	t_is("end", str_skip(buf_str(&x->text), x->text.n - 4), "--\r\n");
}

static void
test_structure(void **state)
{
	static const char *const wants[] = {/* RFC 5322, RFC 3834 */
	    "Date: Fri, 27 Nov 2026 04:50:00 +0000\r\n",
	    "From: Mail Delivery System <MAILER-DAEMON@relay.example>\r\n",
	    "To: <s@s.example>\r\n", "Auto-Submitted: auto-replied\r\n",
	    "MIME-Version: 1.0\r\n", "Message-ID: <",
	    /* DSN-05 */
	    "Content-Type: multipart/report; "
	    "report-type=delivery-status;\r\n"
	    "\tboundary=\"=_waxseal_0000000000001234\"\r\n",
	    "\r\n--=_waxseal_0000000000001234\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n\r\n",
	    "\r\n--=_waxseal_0000000000001234\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n",
	    "\r\n--=_waxseal_0000000000001234\r\n"
	    "Content-Type: message/rfc822\r\n\r\nReceived: from x\r\n",
	    "secret body\r\n", "\r\n--=_waxseal_0000000000001234--\r\n",
	    /* DSN-06 */
	    "\r\nReporting-MTA: dns; relay.example\r\n",
	    "\r\nArrival-Date: Sun, 22 Nov 2026 04:50:00 +0000\r\n",
	    "\r\n\r\nFinal-Recipient: rfc822; a@d.example\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\n"
	    "Remote-MTA: dns; mx.d.example\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n",
	    "\r\n\r\nOriginal-Recipient: rfc822;b+x@e.example\r\n"
	    "Final-Recipient: rfc822; b@e.example\r\n"
	    "Action: failed\r\nStatus: 4.7.5\r\n"
	    "Remote-MTA: dns; mx.e.example\r\n"
	    "Diagnostic-Code: x-waxseal; TLS failed: "
	    "validation-failure\r\n",
	    /* DSN-09: the text names host and rule. */
	    "Rule: DANE-11.", "Host: mx.d.example [192.0.2.1].",
	    "Host: mx.e.example.", "5 days ago", "secure way that is required"};
	struct fixture x;

	(void)state;
	fixture_init(&x);
	dsn_build(&x.in, &x.text);
	for (size_t i = 0; i < T_COUNT(wants); i++)
		has(&x, wants[i]);
	has_not(&x, "8bit");
	check_lines(&x);
	fixture_clear(&x);
}

static void
test_status(void **state)
{
	static const struct {
		enum outcome_class cls;
		const char *dsn, *want;
	} cases[] = {
	    {OUT_BOUNCED, "5.1.1", "\r\nStatus: 5.1.1\r\n"},
	    /* DSN-07: the status agrees with the action. */
	    {OUT_BOUNCED, "4.1.1", "\r\nStatus: 5.1.1\r\n"},
	    {OUT_BOUNCED, "", "\r\nStatus: 5.0.0\r\n"},
	    {OUT_EXPIRED, "4.4.1", "\r\nStatus: 4.4.1\r\n"},
	    {OUT_EXPIRED, "", "\r\nStatus: 4.4.7\r\n"},
	    {OUT_EXPIRED, "2.0.0", "\r\nStatus: 4.4.7\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct fixture x;

		fixture_init(&x);
		x.in.n = 1;
		outcome_set(
		    &x.out[0], cases[i].cls, cases[i].dsn, "SMTP-09", "why");
		dsn_build(&x.in, &x.text);
		has(&x, cases[i].want);
		fixture_clear(&x);
	}
}

static void
test_returned(void **state)
{
	struct buf big;
	struct fixture x;

	(void)state;
	/* DSN-04 RET=HDRS, and RTLS-08 */
	for (int i = 0; i < 2; i++) {
		fixture_init(&x);
		x.msg->flags = i ? MSG_REQUIRETLS : MSG_RET_HDRS;
		dsn_build(&x.in, &x.text);
		has(&x,
		    "text/rfc822-headers\r\n\r\nReceived: from x\r\n"
		    "Subject: hello\r\n");
		has_not(&x, "secret");
		fixture_clear(&x);
	}
	/* too big */
	fixture_init(&x);
	x.in.max_original = sizeof(original) - 2;
	dsn_build(&x.in, &x.text);
	has(&x, "text/rfc822-headers");
	has_not(&x, "secret");
	fixture_clear(&x);
	/* nothing to return */
	fixture_init(&x);
	x.in.original = str_n(NULL, 0);
	dsn_build(&x.in, &x.text);
	has_not(&x, "rfc822\r\n");
	has_not(&x, "rfc822-headers");
	check_lines(&x);
	fixture_clear(&x);
	/* lines that we could not send */
	buf_init(&big, 10000);
	buf_add_cstr(&big, "Subject: ");
	while (big.n < 2000)
		buf_add_char(&big, 'x');
	buf_add_cstr(&big, "\r\n\r\nsecret");
	fixture_init(&x);
	x.in.original = buf_str(&big);
	x.in.max_original = 100000;
	dsn_build(&x.in, &x.text);
	has(&x, "text/rfc822-headers\r\n\r\nSubject: xxx");
	has_not(&x, "secret");
	check_lines(&x);
	fixture_clear(&x);
	buf_clear(&big);
}

/* SMTP-25: every host can be told, also one without 8BITMIME. */
static void
test_8bit(void **state)
{
	static const struct {
		const char *name, *original, *want;
	} cases[] = {
	    {"body", "Subject: x\r\n\r\n\xc3\xa4\r\n",
		"Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n"},
	    {"header", "Subject: gr\xc3\xbc\xc3\x9f = \r\n\tdich\r\n\r\nz\r\n",
		"Content-Type: text/rfc822-headers\r\n"
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		"Subject: gr=C3=BC=C3=9F =3D=20\r\n\tdich\r\n"},
	    {"long line",
		"Subject: \xe4"
		"0123456789012345678901234567890123456789"
		"0123456789012345678901234567890123456789\r\n\r\n",
		"Subject: =E4"
		"0123456789012345678901234567890123456789012345678901234567890="
		"\r\n1234567890123456789\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct fixture x;

		fixture_init(&x);
		x.msg->flags = MSG_8BIT;
		x.in.original = str_of(cases[i].original);
		dsn_build(&x.in, &x.text);
		has(&x, cases[i].want);
		t_bool(cases[i].name, header_is_8bit(buf_str(&x.text)), false);
		check_lines(&x);
		fixture_clear(&x);
	}
}

/* The original can't end a part. */
static void
test_boundary(void **state)
{
	struct fixture x;

	(void)state;
	fixture_init(&x);
	x.in.original = STR("Subject: x\r\n\r\n"
			    "--=_waxseal_0000000000001234--\r\n"
			    "==_waxseal_0000000000001235\r\n");
	dsn_build(&x.in, &x.text);
	has(&x, "boundary=\"=_waxseal_0000000000001236\"\r\n");
	fixture_clear(&x);
}

/* What a peer said can't add lines, fields or bytes outside ASCII. */
static void
test_escaped(void **state)
{
	struct fixture x;
	struct str rest, line;

	(void)state;
	fixture_init(&x);
	memset(x.out[0].reply, 'x', sizeof(x.out[0].reply) - 1);
	memcpy(x.out[0].reply, "550 a\r\nStatus: 2.0.0\r\n\xff", 23);
	memcpy(x.out[0].reply + 23, " --=_waxseal_0000000000001234", 29);
	snprintf(x.msg->envid, sizeof(x.msg->envid), "id+0D+0Aevil: 1");
	x.rcpts[0].orcpt = "rfc822;bad+zz\r\nx";
	dsn_build(&x.in, &x.text);
	has(&x, "550 a\\x0d\\x0aStatus: 2.0.0\\x0d\\x0a\\xff");
	has(&x, "Original-Envelope-Id: id\\x0d\\x0aevil: 1\r\n");
	has(&x, "Original-Recipient: rfc822;bad+zz\\x0d\\x0ax\r\n");
	has_not(&x, "\r\nStatus: 2.0.0");
	check_lines(&x);
	rest = buf_str(&x.text);
	while (str_cut(&rest, '\n', &line)) {
		for (size_t i = 0; i < line.n; i++)
			t_bool("ascii", (unsigned char)line.p[i] < 0x7f, true);
	}
	buf_reset(&x.text);
	x.rcpts[0].orcpt = "x\r\nAction: delivered\r\n;y";
	dsn_build(&x.in, &x.text);
	has_not(&x, "Action: delivered");
	fixture_clear(&x);
}

/* RFC 5322 2.1.1: values that are four times as long when they are escaped. */
static void
test_long_values(void **state)
{
	struct fixture x;
	char addr[ADDR_MAX], orcpt[ORCPT_MAX];

	(void)state;
	fixture_init(&x);
	memset(addr, 0xff, sizeof(addr) - 1);
	addr[sizeof(addr) - 1] = '\0';
	memset(orcpt, 0xff, sizeof(orcpt) - 1);
	memcpy(orcpt, "rfc822;", 7);
	orcpt[sizeof(orcpt) - 1] = '\0';
	x.rcpts[0].addr = addr;
	x.rcpts[0].orcpt = orcpt;
	dsn_build(&x.in, &x.text);
	has(&x, "Original-Recipient: rfc822;\\xff\\xff");
	has(&x, "Final-Recipient: rfc822; \\xff\\xff");
	check_lines(&x);
	fixture_clear(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wanted),
	    cmocka_unit_test(test_structure),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_returned),
	    cmocka_unit_test(test_8bit),
	    cmocka_unit_test(test_boundary),
	    cmocka_unit_test(test_escaped),
	    cmocka_unit_test(test_long_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
