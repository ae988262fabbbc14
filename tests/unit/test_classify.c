/* What a failure means, over plans, failures and replies. */
#include "config.h"

#include "relay/deliver/classify.h"

#include "tests/unit/t.h"

static const char *
next_str(enum classify_next n)
{
	static const char *const names[] = {
	    "final", "next-addr", "next-host", "clear"};

	return names[n];
}

/* The plans that relay/policy makes, by letter. */
static void
make_plan(char kind, struct tls_plan *p)
{
	tls_plan_init(p);
	switch (kind) {
	case 'o': /* opportunistic, and STS testing */
		p->rule = "DANE-13";
		p->on_no_starttls = TLS_FAIL_CLEAR;
		p->on_tls_failure = TLS_FAIL_CLEAR;
		break;
	case 'd':
		p->level = TLS_DANE;
		p->by = TLS_BY_DANE;
		p->rule = "DANE-11";
		break;
	case 'e': /* unusable TLSA */
		p->level = TLS_ENCRYPT;
		p->by = TLS_BY_DANE;
		p->rule = "DANE-12";
		break;
	case 's':
		p->level = TLS_PKIX;
		p->by = TLS_BY_STS;
		p->rule = "STS-29";
		break;
	case 'f': /* a plan that defers */
		p->level = TLS_PKIX;
		p->by = TLS_BY_SITE;
		p->rule = "DANE-49";
		p->on_no_starttls = TLS_FAIL_DEFER;
		p->on_tls_failure = TLS_FAIL_DEFER;
		break;
	case 'r': /* REQUIRETLS with a plan that must never be */
		p->rule = "RTLS-04";
		p->requiretls = true;
		p->on_no_starttls = TLS_FAIL_CLEAR;
		p->on_tls_failure = TLS_FAIL_CLEAR;
		break;
	default:
		fail_msg("plan %c", kind);
	}
}

static const struct {
	const char *name;
	char plan;
	enum client_fail failure;
	const char *reply; /* NULL: none */
	bool connected, clear, verified;
	const char *next, *cls, *dsn, *rule;
	bool by_policy;
} sessions[] = {
    {"refused connection", 'o', CLIENT_FAIL_CLOSED, NULL, false, false, false,
	"next-addr", "deferred", "4.4.1", "SMTP-16", false},
    {"no connection in time", 'd', CLIENT_FAIL_TIMEOUT, NULL, false, false,
	false, "next-addr", "deferred", "4.4.1", "SMTP-16", false},
    {"lost", 'd', CLIENT_FAIL_CLOSED, NULL, true, false, false, "next-addr",
	"deferred", "4.4.2", "SMTP-16", false},
    {"silent", 'd', CLIENT_FAIL_TIMEOUT, NULL, true, false, false, "next-addr",
	"deferred", "4.4.2", "SMTP-10", false},
    {"greeting 4yz", 'o', CLIENT_FAIL_GREETING, "450 later\r\n", true, false,
	false, "next-addr", "deferred", "4.0.0", "SMTP-09", false},
    {"greeting 421 with code", 'o', CLIENT_FAIL_GREETING, "421 4.3.2 busy\r\n",
	true, false, false, "next-addr", "deferred", "4.3.2", "SMTP-09", false},
    {"greeting 5yz", 'o', CLIENT_FAIL_GREETING, "554 no\r\n", true, false,
	false, "next-host", "deferred", "4.3.2", "SMTP-29", false},
    {"SMTP-29 greeting 5yz in clear under DANE", 'd', CLIENT_FAIL_GREETING,
	"554 no\r\n", true, false, false, "next-host", "deferred", "4.3.2",
	"SMTP-29", false},
    {"SMTP-29 greeting 5yz in clear under STS", 's', CLIENT_FAIL_GREETING,
	"554 no\r\n", true, false, false, "next-host", "deferred", "4.3.2",
	"SMTP-29", false},
    {"EHLO 5yz within verified TLS", 'd', CLIENT_FAIL_EHLO, "550 5.7.1 no\r\n",
	true, false, true, "next-host", "deferred", "4.3.2", "SMTP-29", false},
    {"protocol", 'o', CLIENT_FAIL_PROTOCOL, NULL, true, false, false,
	"next-host", "deferred", "4.5.0", "SMTP-08", false},
    {"no STARTTLS, opportunistic", 'o', CLIENT_FAIL_NO_STARTTLS, "454 x\r\n",
	true, false, false, "clear", "deferred", "4.7.10", "DANE-13", false},
    {"clear only once", 'o', CLIENT_FAIL_NO_STARTTLS, NULL, true, true, false,
	"next-host", "deferred", "4.7.10", "DANE-13", false},
    {"DANE-31 no STARTTLS", 'd', CLIENT_FAIL_NO_STARTTLS, NULL, true, false,
	false, "next-host", "deferred", "4.7.10", "DANE-11", true},
    {"DANE-12 no STARTTLS", 'e', CLIENT_FAIL_NO_STARTTLS, "502 5.5.1 x\r\n",
	true, false, false, "next-host", "deferred", "4.7.10", "DANE-12", true},
    {"STS-29 no STARTTLS", 's', CLIENT_FAIL_NO_STARTTLS, NULL, true, false,
	false, "next-host", "deferred", "4.7.10", "STS-29", true},
    {"defer", 'f', CLIENT_FAIL_NO_STARTTLS, NULL, true, false, false, "final",
	"deferred", "4.7.10", "DANE-49", true},
    {"handshake, opportunistic", 'o', CLIENT_FAIL_TLS, NULL, true, false, false,
	"clear", "deferred", "4.7.5", "DANE-13", false},
    {"handshake, clear only once", 'o', CLIENT_FAIL_TLS, NULL, true, true,
	false, "next-host", "deferred", "4.7.5", "DANE-13", false},
    {"DANE-40 mismatch", 'd', CLIENT_FAIL_TLS, NULL, true, false, false,
	"next-host", "deferred", "4.7.5", "DANE-11", true},
    {"STS-29 certificate", 's', CLIENT_FAIL_TLS, NULL, true, false, false,
	"next-host", "deferred", "4.7.5", "STS-29", true},
    {"defer", 'f', CLIENT_FAIL_TLS, NULL, true, false, false, "final",
	"deferred", "4.7.5", "DANE-49", true},
    {"REQUIRETLS never goes in clear", 'r', CLIENT_FAIL_NO_STARTTLS, NULL, true,
	false, false, "next-host", "deferred", "4.7.10", "RTLS-04", true},
    {"REQUIRETLS never goes in clear", 'r', CLIENT_FAIL_TLS, NULL, true, false,
	false, "next-host", "deferred", "4.7.5", "RTLS-04", true},
    {"RTLS-06", 'd', CLIENT_FAIL_NO_REQUIRETLS, NULL, true, false, true,
	"next-host", "deferred", "4.7.30", "RTLS-06", true},
};

static void
test_sessions(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(sessions); i++) {
		struct tls_result tls = {.verified = sessions[i].verified};
		struct classify_session s = {.failure = sessions[i].failure,
		    .tls = &tls,
		    .connected = sessions[i].connected,
		    .clear_retry = sessions[i].clear};
		struct tls_plan plan;
		struct reply r;
		struct outcome o;
		size_t used;

		make_plan(sessions[i].plan, &plan);
		s.plan = &plan;
		reply_init(&r);
		if (sessions[i].reply) {
			t_err("reply",
			    reply_parse(str_of(sessions[i].reply), &r, &used),
			    0);
			s.reply = &r;
		}
		t_cstr(sessions[i].name, next_str(classify_session(&s, &o)),
		    sessions[i].next);
		t_cstr(sessions[i].name, outcome_class_str(o.cls),
		    sessions[i].cls);
		t_cstr(sessions[i].name, o.dsn, sessions[i].dsn);
		t_cstr(sessions[i].name, o.rule, sessions[i].rule);
		t_bool(sessions[i].name, o.by_policy, sessions[i].by_policy);
		t_bool(sessions[i].name, o.host_fault, true);
		t_bool(sessions[i].name, o.reply[0] != '\0', true);
		t_int(sessions[i].name, o.by, plan.by);
		reply_clear(&r);
		tls_plan_clear(&plan);
	}
}

/* DANE-57, STS-31: whatever goes wrong under a policy passes, and clear text
 * is never the answer. */
static void
test_policy_is_transient(void **state)
{
	static const char *const replies[] = {
	    NULL, "421 x\r\n", "454 x\r\n", "502 x\r\n", "554 5.7.1 x\r\n"};

	(void)state;
	for (const char *kind = "desfr"; *kind; kind++) {
		for (int f = CLIENT_OK; f <= CLIENT_FAIL_TIMEOUT; f++) {
			for (size_t i = 0; i < T_COUNT(replies); i++) {
				struct tls_result tls = {0};
				struct classify_session s = {.tls = &tls,
				    .failure = (enum client_fail)f,
				    .connected = true};
				struct tls_plan plan;
				struct reply r;
				struct outcome o;
				size_t used;

				make_plan(*kind, &plan);
				s.plan = &plan;
				reply_init(&r);
				if (replies[i] &&
				    !reply_parse(str_of(replies[i]), &r, &used))
					s.reply = &r;
				t_bool("no clear text",
				    classify_session(&s, &o) == CLASSIFY_CLEAR,
				    false);
				t_cstr("class", outcome_class_str(o.cls),
				    "deferred");
				t_int("status", o.dsn[0], '4');
				reply_clear(&r);
				tls_plan_clear(&plan);
			}
		}
	}
}

static void
test_recipients(void **state)
{
	static const struct {
		const char *name;
		enum client_rcpt_state kind;
		const char *stage, *reply;
		bool tls;
		const char *cls, *dsn, *rule;
	} cases[] = {
	    {"accepted", CLIENT_RCPT_ACCEPTED, "end of data",
		"250 2.6.0 ok\r\n", true, "sent", "2.6.0", "DANE-11"},
	    {"accepted without a code", CLIENT_RCPT_ACCEPTED, "end of data",
		"250 ok\r\n", true, "sent", "2.0.0", "DANE-11"},
	    {"SMTP-09 4yz", CLIENT_RCPT_REPLY, "RCPT", "450 4.2.0 grey\r\n",
		true, "deferred", "4.2.0", "SMTP-09"},
	    {"SMTP-09 5yz", CLIENT_RCPT_REPLY, "RCPT", "550 5.1.1 nobody\r\n",
		true, "bounced", "5.1.1", "SMTP-09"},
	    {"5yz without a code", CLIENT_RCPT_REPLY, "MAIL", "550 x\r\n", true,
		"bounced", "5.0.0", "SMTP-09"},
	    {"SMTP-08 unknown code", CLIENT_RCPT_REPLY, "DATA", "499 x\r\n",
		true, "deferred", "4.0.0", "SMTP-09"},
	    {"NMX-02 556", CLIENT_RCPT_REPLY, "RCPT", "556 5.1.10 x\r\n", true,
		"bounced", "5.1.10", "SMTP-09"},
	    {"421", CLIENT_RCPT_REPLY, "RCPT", "421 4.7.0 x\r\n", true,
		"deferred", "4.7.0", "SMTP-09"},
	    {"SMTP-12 552 at RCPT", CLIENT_RCPT_REPLY, "RCPT",
		"552 too many\r\n", true, "deferred", "4.5.3", "SMTP-12"},
	    {"SMTP-12 552 5.5.3 at RCPT", CLIENT_RCPT_REPLY, "RCPT",
		"552 5.5.3 too many\r\n", true, "deferred", "4.5.3", "SMTP-12"},
	    {"552 mailbox full", CLIENT_RCPT_REPLY, "RCPT",
		"552 5.2.2 full\r\n", true, "bounced", "5.2.2", "SMTP-09"},
	    {"552 at the end of data", CLIENT_RCPT_REPLY, "end of data",
		"552 big\r\n", true, "bounced", "5.0.0", "SMTP-09"},
	    {"530 in clear", CLIENT_RCPT_REPLY, "MAIL",
		"530 5.7.0 STARTTLS first\r\n", false, "deferred", "4.7.10",
		"SMTP-29"},
	    {"530 within TLS", CLIENT_RCPT_REPLY, "MAIL",
		"530 5.7.0 log in\r\n", true, "bounced", "5.7.0", "SMTP-09"},
	    {"QUE-09", CLIENT_RCPT_UNCERTAIN, "end of data", NULL, true,
		"deferred", "4.4.2", "QUE-09"},
	    {"no answer", CLIENT_RCPT_NONE, "MAIL", NULL, true, "deferred",
		"4.4.2", "SMTP-16"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct tls_result tls = {
		    .established = cases[i].tls, .verified = cases[i].tls};
		struct classify_session s = {.tls = &tls,
		    .failure = CLIENT_FAIL_CLOSED,
		    .connected = true};
		struct client_rcpt_result res = {
		    .state = cases[i].kind, .stage = cases[i].stage};
		struct tls_plan plan;
		struct reply r;
		struct outcome o;
		size_t used;

		make_plan('d', &plan);
		s.plan = &plan;
		reply_init(&r);
		if (cases[i].reply) {
			t_err("reply",
			    reply_parse(str_of(cases[i].reply), &r, &used), 0);
			res.reply = &r;
		}
		classify_rcpt(&s, &res, &o);
		t_cstr(cases[i].name, outcome_class_str(o.cls), cases[i].cls);
		t_cstr(cases[i].name, o.dsn, cases[i].dsn);
		t_cstr(cases[i].name, o.rule, cases[i].rule);
		t_bool(cases[i].name, o.remote, cases[i].reply != NULL);
		t_bool(cases[i].name, o.uncertain,
		    cases[i].kind == CLIENT_RCPT_UNCERTAIN);
		t_bool(cases[i].name, o.host_fault, false);
		t_bool(cases[i].name, o.by_policy, false);
		reply_clear(&r);
		tls_plan_clear(&plan);
	}
}

/* What is told of a connection that broke: the system's words, then ours. */
static void
test_reasons(void **state)
{
	static const struct {
		enum client_fail failure;
		int err;
		const char *err_text;
		bool connected;
		const char *want;
	} cases[] = {
	    {CLIENT_FAIL_CLOSED, ERR_UNREACH, "no route to host", false,
		"cannot connect: no route to host"},
	    {CLIENT_FAIL_CLOSED, ERR_UNREACH, "", false,
		"cannot connect: unreachable"},
	    {CLIENT_FAIL_CLOSED, ERR_UNREACH, NULL, true,
		"connection lost: unreachable"},
	    {CLIENT_FAIL_CLOSED, 0, "", true,
		"connection lost: closed by peer"},
	    {CLIENT_FAIL_TIMEOUT, 0, NULL, false, "cannot connect: timed out"},
	    {CLIENT_FAIL_TIMEOUT, 0, NULL, true,
		"the host did not answer in time"},
	    {CLIENT_FAIL_PROTOCOL, 0, NULL, true,
		"the host does not speak SMTP as it should"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct client_rcpt_result r = {.state = CLIENT_RCPT_NONE};
		struct tls_plan plan;
		struct classify_session s = {.plan = &plan,
		    .failure = cases[i].failure,
		    .err = cases[i].err,
		    .err_text = cases[i].err_text,
		    .connected = cases[i].connected};
		struct outcome o;

		make_plan('d', &plan);
		classify_rcpt(&s, &r, &o);
		t_cstr("class", outcome_class_str(o.cls), "deferred");
		t_cstr("reason", o.reply, cases[i].want);
	}
}

/* The kind of a TLS failure and its text reach the outcome. */
static void
test_tls_reason(void **state)
{
	struct tls_result tls = {.failure = TLS_EXPIRED, .text = "on Monday"};
	struct tls_plan plan;
	struct classify_session s = {.plan = &plan,
	    .tls = &tls,
	    .failure = CLIENT_FAIL_TLS,
	    .connected = true};
	struct outcome o;
	char want[100];

	(void)state;
	make_plan('d', &plan);
	t_cstr("next", next_str(classify_session(&s, &o)), "next-host");
	t_int("kind", (int)o.tls.failure, TLS_EXPIRED);
	snprintf(want, sizeof(want), "TLS failed: %s: on Monday",
	    tls_failure_str(TLS_EXPIRED));
	t_cstr("text", o.reply, want);
	tls = (struct tls_result){0};
	(void)classify_session(&s, &o);
	t_int("no kind", (int)o.tls.failure, TLS_HANDSHAKE);
	snprintf(want, sizeof(want), "TLS failed: %s",
	    tls_failure_str(TLS_HANDSHAKE));
	t_cstr("no text", o.reply, want);
}

/* SMTP-29: without TLS at all 530 asks for it. */
static void
test_530_without_tls(void **state)
{
	struct client_rcpt_result res = {
	    .state = CLIENT_RCPT_REPLY, .stage = "MAIL"};
	struct tls_plan plan;
	struct classify_session s = {.plan = &plan, .connected = true};
	struct outcome o;
	struct reply r;
	size_t used;

	(void)state;
	make_plan('o', &plan);
	reply_init(&r);
	t_err("reply", reply_parse(STR("530 first TLS\r\n"), &r, &used), 0);
	res.reply = &r;
	classify_rcpt(&s, &res, &o);
	t_cstr("class", outcome_class_str(o.cls), "deferred");
	t_cstr("rule", o.rule, "SMTP-29");
	reply_clear(&r);
}

/* STS-32: what mode testing would have failed for, once MAIL was sent. */
static void
test_testing(void **state)
{
	static const struct {
		const char *name;
		bool asked, established, clear, mismatch;
		enum tls_failure seen;
		const char *want;
	} cases[] = {
	    {"no policy", false, false, false, false, TLS_OK, "ok"},
	    {"all well", true, true, false, false, TLS_OK, "ok"},
	    {"certificate", true, true, false, false, TLS_EXPIRED,
		"certificate-expired"},
	    {"certificate first", true, true, false, true, TLS_EXPIRED,
		"certificate-expired"},
	    {"STS-34", true, true, false, true, TLS_OK,
		"certificate-host-mismatch"},
	    {"no STARTTLS", true, false, false, false, TLS_OK,
		"starttls-not-supported"},
	    {"no STARTTLS, STS-34", true, false, false, true, TLS_OK,
		"starttls-not-supported"},
	    {"handshake", true, false, true, false, TLS_OK,
		"handshake-failure"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct client_rcpt_result res = {.state = CLIENT_RCPT_NONE};
		struct tls_result tls = {.established = cases[i].established,
		    .audit = cases[i].seen};
		struct tls_plan plan;
		struct classify_session s = {.plan = &plan,
		    .tls = &tls,
		    .connected = true,
		    .clear_retry = cases[i].clear};
		struct outcome o;

		make_plan('o', &plan);
		plan.audit_pkix = cases[i].asked;
		plan.audit_mismatch = cases[i].mismatch;
		classify_rcpt(&s, &res, &o);
		t_cstr(
		    cases[i].name, tls_failure_str(o.tls.audit), cases[i].want);
		tls_plan_clear(&plan);
	}
}

static void
test_local(void **state)
{
	static const struct {
		const char *dsn, *rule;
	} cases[] = {
	    {"5.6.3", "SMTP-25"}, {"5.6.7", "SMTP-26"}, {"5.3.4", "SMTP-27"}};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct client_rcpt_result res = {.state = CLIENT_RCPT_LOCAL,
		    .local_dsn = cases[i].dsn,
		    .local_text = "why"};
		struct classify_session s = {.connected = true};
		struct tls_plan plan;
		struct outcome o;

		make_plan('o', &plan);
		s.plan = &plan;
		s.clear_retry = true;
		classify_rcpt(&s, &res, &o);
		t_cstr("class", outcome_class_str(o.cls), "bounced");
		t_cstr("dsn", o.dsn, cases[i].dsn);
		t_cstr("rule", o.rule, cases[i].rule);
		t_cstr("text", o.reply, "why");
		t_bool("ours", o.remote, false);
		t_bool("clear", o.clear_fallback, true);
		tls_plan_clear(&plan);
	}
}

/* DANE-19: proof of a host that insecure DNS named is none of the domain. */
static void
test_mx_insecure(void **state)
{
	static const struct {
		enum tls_level level;
		bool mx_insecure, want;
	} cases[] = {
	    {TLS_DANE, false, false},
	    {TLS_DANE, true, true},
	    {TLS_DANE_PKIX, true, false},
	};
	struct client_rcpt_result r = {.state = CLIENT_RCPT_UNCERTAIN};
	struct tls_plan plan;
	struct classify_session s = {.plan = &plan, .connected = true};
	struct outcome out;

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		tls_plan_init(&plan);
		plan.level = cases[i].level;
		plan.mx_insecure = cases[i].mx_insecure;
		plan.rule = "DANE-17";
		classify_rcpt(&s, &r, &out);
		t_bool(
		    tls_level_str(plan.level), out.mx_insecure, cases[i].want);
	}
}

/* DANE-53: what would have become of a session, over what became of it. */
static void
test_audit(void **state)
{
	static const struct {
		const char *name;
		char would; /* 0: the host would have been skipped */
		enum client_fail failure;
		bool mail, tls, clear;
		enum tls_failure failed;
		const char *want;
	} rows[] = {
	    {"skipped", 0, CLIENT_OK, true, true, false, TLS_OK, "skip"},
	    {"proven", 'd', CLIENT_OK, true, true, false, TLS_OK, "ok"},
	    {"mismatch", 'd', CLIENT_OK, true, true, false, TLS_TLSA_MISMATCH,
		"validation-failure"},
	    {"no STARTTLS", 'd', CLIENT_OK, true, false, false, TLS_OK,
		"starttls-not-supported"},
	    {"no STARTTLS, TLS a must", 'e', CLIENT_OK, true, false, false,
		TLS_OK, "starttls-not-supported"},
	    {"in clear after a handshake", 's', CLIENT_OK, true, false, true,
		TLS_OK, "handshake-failure"},
	    {"handshake", 's', CLIENT_FAIL_TLS, false, false, false, TLS_OK,
		"handshake-failure"},
	    {"STARTTLS refused", 's', CLIENT_FAIL_NO_STARTTLS, false, false,
		false, TLS_OK, "starttls-not-supported"},
	    {"no connection", 'd', CLIENT_FAIL_CLOSED, false, false, false,
		TLS_OK, "unknown"},
	    {"EHLO refused in TLS", 'd', CLIENT_FAIL_EHLO, false, true, false,
		TLS_TLSA_MISMATCH, "validation-failure"},
	    {"nothing asked", 'o', CLIENT_OK, true, false, false, TLS_OK, "ok"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(rows); i++) {
		struct tls_result tls = {
		    .established = rows[i].tls, .would = rows[i].failed};
		struct client_rcpt_result r = {.state = CLIENT_RCPT_NONE};
		struct tls_plan p, would;
		struct outcome o;
		struct classify_session s = {.plan = &p,
		    .failure = rows[i].failure,
		    .tls = &tls,
		    .connected = true,
		    .clear_retry = rows[i].clear};

		make_plan('o', &p);
		p.audit_rule = "DANE-11";
		if (rows[i].would) {
			make_plan(rows[i].would, &would);
			tls_plan_set_audit(&p, &would);
		}
		if (rows[i].mail)
			classify_rcpt(&s, &r, &o);
		else
			(void)classify_session(&s, &o);
		t_cstr(rows[i].name, o.audit, rows[i].want);
		t_cstr(rows[i].name, o.audit_rule, "DANE-11");
		tls_plan_clear(&p);
		make_plan('o', &p);
		classify_rcpt(&s, &r, &o);
		t_bool("no audit", o.audit_rule || o.audit, false);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_sessions),
	    cmocka_unit_test(test_policy_is_transient),
	    cmocka_unit_test(test_recipients),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_tls_reason),
	    cmocka_unit_test(test_530_without_tls),
	    cmocka_unit_test(test_testing),
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_mx_insecure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
