/* The sending side of SMTP: a session as a script of both sides. */
#include "config.h"

#include "relay/smtp/client_fsm.h"

#include "relay/base/rng.h"
#include "tests/unit/t.h"

#define STEPS 24

/*
 * A step is one letter and its text:
 *	C connected, < bytes of the peer, T and F: TLS is up or failed, B: body
 *	is sent, X: closed, Z: timed out, M: begin the transaction, Q: quit;
 *	> all that was sent since, = what was wanted (last but input),
 *	! failure, 0..9 result of that recipient.
 */
struct script {
	const char *name;
	enum client_tls tls;
	bool requiretls, eightbit, smtputf8;
	size_t size;
	const char *steps[STEPS];
};

static const char *const rcpts[] = {"x@d.example", "y@d.example"};

static const char *
want_str(enum client_want w)
{
	static const char *const names[] = {
	    "input", "starttls", "txn", "body", "done", "over"};

	return names[w];
}

struct run {
	struct client_fsm *f;
	struct buf out;
	enum client_want want;
};

static void
note(struct run *r, enum client_want w)
{
	if (w != CLIENT_WANT_INPUT)
		r->want = w;
}

static void
event(struct run *r, enum client_event_kind kind, struct str data, int err)
{
	struct client_event ev = {.kind = kind, .data = data, .err = err};

	note(r, client_fsm_step(r->f, &ev, &r->out));
}

static void
result_str(const struct client_fsm *f, size_t i, struct buf *out)
{
	static const char *const names[] = {
	    "none", "accepted", "reply", "local", "uncertain"};
	struct client_rcpt_result res;

	client_fsm_result(f, i, &res);
	buf_add_cstr(out, names[res.state]);
	if (res.state == CLIENT_RCPT_REPLY)
		buf_addf(out, " %s %d", res.stage, res.reply->code);
	if (res.state == CLIENT_RCPT_LOCAL)
		buf_addf(out, " %s", res.local_dsn);
}

static void
check(const struct script *s, struct run *r, const char *step)
{
	struct buf text;

	buf_init(&text, 512);
	switch (step[0]) {
	case '>':
		t_is(s->name, buf_str(&r->out), step + 1);
		buf_reset(&r->out);
		break;
	case '=':
		t_cstr(s->name, want_str(r->want), step + 1);
		r->want = CLIENT_WANT_INPUT;
		break;
	case '!':
		t_cstr(s->name, client_fail_str(client_fsm_failure(r->f)),
		    step + 1);
		break;
	default:
		result_str(r->f, (size_t)(step[0] - '0'), &text);
		t_is(s->name, buf_str(&text), step + 1);
		break;
	}
	buf_clear(&text);
}

static void
act(const struct script *s, struct run *r, const char *step, size_t piece)
{
	struct client_txn txn = {.sender = "a@s.example",
	    .rcpts = rcpts,
	    .n_rcpts = T_COUNT(rcpts),
	    .size = s->size,
	    .eightbit = s->eightbit,
	    .smtputf8 = s->smtputf8};
	struct str data = str_of(step + 1);

	switch (step[0]) {
	case 'C':
		event(r, CLIENT_EV_CONNECTED, data, 0);
		break;
	case '<':
		while (data.n > 0) {
			size_t n = data.n < piece ? data.n : piece;

			event(r, CLIENT_EV_DATA, str_n(data.p, n), 0);
			data = str_skip(data, n);
		}
		break;
	case 'T':
		event(r, CLIENT_EV_TLS_OK, data, 0);
		break;
	case 'F':
		event(r, CLIENT_EV_TLS_FAILED, data, ERR_TLS);
		break;
	case 'B':
		event(r, CLIENT_EV_BODY_SENT, data, 0);
		break;
	case 'X':
		event(r, CLIENT_EV_CLOSED, data, ERR_CLOSED);
		break;
	case 'Z':
		event(r, CLIENT_EV_CLOSED, data, ERR_TIMEOUT);
		break;
	case 'M':
		note(r, client_fsm_mail(r->f, &txn, &r->out));
		break;
	case 'Q':
		note(r, client_fsm_quit(r->f, &r->out));
		break;
	default:
		check(s, r, step);
		break;
	}
}

static void
play(const struct script *s, size_t piece)
{
	struct client_opts o = {
	    .helo = "me.example", .tls = s->tls, .requiretls = s->requiretls};
	struct run r = {.f = client_fsm_new(&o)};

	buf_init(&r.out, 4096);
	for (size_t i = 0; i < STEPS && s->steps[i]; i++)
		act(s, &r, s->steps[i], piece);
	t_is(s->name, buf_str(&r.out), "");
	client_fsm_free(r.f);
	buf_clear(&r.out);
}

#define START "C", "<220 mx\r\n", ">EHLO me.example\r\n"
#define PLAIN START, "<250 mx\r\n", "=txn"
#define PIPE START, "<250-mx\r\n250 PIPELINING\r\n", "=txn"
#define MAIL "MAIL FROM:<a@s.example>\r\n"
#define RCPT0 "RCPT TO:<x@d.example>\r\n"
#define RCPT1 "RCPT TO:<y@d.example>\r\n"
#define GROUP MAIL RCPT0 RCPT1 "DATA\r\n"

static const struct script scripts[] = {
    /* the session before a transaction */
    {.name = "plain session",
	.steps = {PLAIN, "Q", ">QUIT\r\n", "<221 bye\r\n", "=over", "!ok"}},
    {.name = "quit without an answer",
	.steps = {PLAIN, "Q", ">QUIT\r\n", "X", "=over", "!ok"}},
    {.name = "greeting refused",
	.steps = {"C", "<554 no\r\n", "!greeting", ">QUIT\r\n", "<221 ok\r\n",
	    "=over", "!greeting"}},
    {.name = "greeting 421 ends at once",
	.steps = {"C", "<421 busy\r\n", "=over", "!greeting"}},
    {.name = "greeting of many lines",
	.steps = {"C", "<220-a\r\n220-b\r\n220 c\r\n", ">EHLO me.example\r\n"}},
    {.name = "no reply at all",
	.steps = {"C", "<SSH-2.0-OpenSSH\r\n", "=over", "!protocol"}},
    {.name = "bytes before the connection",
	.steps = {"<220 x\r\n", "=over", "!protocol"}},
    {.name = "closed before the greeting",
	.steps = {"C", "X", "=over", "!closed"}},
    {.name = "timeout before the greeting",
	.steps = {"C", "Z", "=over", "!timeout"}},
    {.name = "connection refused", .steps = {"X", "=over", "!closed"}},
    {.name = "SMTP-04 HELO",
	.steps = {START, "<502 what\r\n", ">HELO me.example\r\n", "<250 ok\r\n",
	    "=txn", "M", ">" MAIL}},
    {.name = "EHLO and HELO refused",
	.steps = {START, "<550 no\r\n", ">HELO me.example\r\n", "<550 no\r\n",
	    "!ehlo", ">QUIT\r\n", "X", "=over", "!ehlo"}},
    {.name = "EHLO put off",
	.steps = {START, "<450 later\r\n", "!ehlo", ">QUIT\r\n"}},
    /* STARTTLS */
    {.name = "opportunistic, offered",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
	    ">STARTTLS\r\n", "<220 go\r\n", "=starttls", "T",
	    ">EHLO me.example\r\n", "<250-mx\r\n250 STARTTLS\r\n", "=txn",
	    /* SMTP-22: PIPELINING was said before TLS only */
	    "M", ">" MAIL}},
    {.name = "opportunistic, not offered",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250 mx\r\n", "=txn", "!ok"}},
    {.name = "opportunistic, refused (SMTP-29)",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<454 no\r\n", "!no-starttls", ">QUIT\r\n", "<221 x\r\n", "=over",
	    "!no-starttls"}},
    {.name = "none: STARTTLS is not used",
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", "=txn"}},
    {.name = "must, not offered (DANE-31, STS-29)",
	.tls = CLIENT_TLS_MUST,
	.steps = {START, "<250 mx\r\n", "!no-starttls", ">QUIT\r\n",
	    "<221 x\r\n", "=over"}},
    {.name = "must, STARTTLS 5yz (SMTP-29)",
	.tls = CLIENT_TLS_MUST,
	.steps = {START, "<250-mx\r\n250 starttls\r\n", ">STARTTLS\r\n",
	    "<502 no\r\n", "!no-starttls", ">QUIT\r\n"}},
    {.name = "must, EHLO refused: no HELO",
	.tls = CLIENT_TLS_MUST,
	.steps = {START, "<502 no\r\n", "!no-starttls", ">QUIT\r\n"}},
    {.name = "handshake fails",
	.tls = CLIENT_TLS_MUST,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<220 go\r\n", "=starttls", "F", "=over", "!tls"}},
    {.name = "hangs up at STARTTLS",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n", "X",
	    "=over", "!tls"}},
    {.name = "silent at STARTTLS",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n", "Z",
	    "=over", "!timeout"}},
    {.name = "closed in the handshake",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<220 go\r\n", "=starttls", "X", "=over", "!tls"}},
    {.name = "SMTP-22 injected bytes",
	.tls = CLIENT_TLS_MUST,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<220 go\r\n250-evil\r\n250 X\r\n", "=over", "!protocol"}},
    {.name = "SMTP-22 half a line injected",
	.tls = CLIENT_TLS_TRY,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<220 go\r\n2", "=over", "!protocol"}},
    {.name = "HELO within TLS",
	.tls = CLIENT_TLS_MUST,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<220 go\r\n", "T", ">EHLO me.example\r\n", "<500 x\r\n",
	    ">HELO me.example\r\n", "<250 x\r\n", "=txn"}},
    {.name = "RTLS-05 REQUIRETLS",
	.tls = CLIENT_TLS_MUST,
	.requiretls = true,
	.steps = {START, "<250-mx\r\n250 STARTTLS\r\n", ">STARTTLS\r\n",
	    "<220 go\r\n", "T", ">EHLO me.example\r\n",
	    "<250-mx\r\n250 REQUIRETLS\r\n", "=txn", "M",
	    ">MAIL FROM:<a@s.example> REQUIRETLS\r\n"}},
    {.name = "RTLS-06 not offered in TLS",
	.tls = CLIENT_TLS_MUST,
	.requiretls = true,
	.steps = {START, "<250-mx\r\n250-REQUIRETLS\r\n250 STARTTLS\r\n",
	    ">STARTTLS\r\n", "<220 go\r\n", "T", ">EHLO me.example\r\n",
	    "<250 mx\r\n", "!no-requiretls", ">QUIT\r\n"}},
    {.name = "RTLS-06 without TLS",
	.requiretls = true,
	.steps = {START, "<250-mx\r\n250 REQUIRETLS\r\n", "!no-requiretls",
	    ">QUIT\r\n"}},
    {.name = "421 between transactions",
	.steps = {PLAIN, "<421 idle\r\n", "=over", "!closed"}},
    {.name = "unasked reply",
	.steps = {PLAIN, "<250 hm\r\n", "=over", "!protocol"}},
    /* a transaction, one command at a time */
    {.name = "lock-step",
	.steps = {PLAIN, "M", ">" MAIL, "<250 ok\r\n", ">" RCPT0, "<250 ok\r\n",
	    ">" RCPT1, "<251 ok\r\n", ">DATA\r\n", "<354 go\r\n", "=body", "B",
	    "<250 got it\r\n", "=done", "0accepted", "1accepted", "Q",
	    ">QUIT\r\n"}},
    {.name = "lock-step, MAIL refused",
	.steps = {PLAIN, "M", ">" MAIL, "<550 no\r\n", "=done",
	    "0reply MAIL 550", "1reply MAIL 550", "M", ">RSET\r\n",
	    "<250 ok\r\n", ">" MAIL}},
    {.name = "lock-step, nobody accepted",
	.steps = {PLAIN, "M", ">" MAIL, "<250 ok\r\n", ">" RCPT0, "<450 a\r\n",
	    ">" RCPT1, "<550 b\r\n", "=done", "0reply RCPT 450",
	    "1reply RCPT 550"}},
    /* pipelined */
    {.name = "SMTP-23 pipelining",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n550-no\r\n550 such\r\n354 go\r\n", "=body", "B",
	    "<250 q\r\n", "=done", "0accepted", "1reply RCPT 550",
	    /* no RSET behind a final reply */
	    "M", ">" GROUP}},
    {.name = "MAIL refused, the rest follows",
	.steps = {PIPE, "M", ">" GROUP, "<451 m\r\n503 r\r\n503 r\r\n503 d\r\n",
	    "=done", "0reply MAIL 451", "1reply MAIL 451", "M",
	    ">RSET\r\n" GROUP,
	    "<250 r\r\n250 m\r\n250 r\r\n250 r\r\n354 go\r\n", "=body"}},
    {.name = "RFC 2920 3.1 354 but nobody accepted",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n550 r\r\n450 r\r\n354 go\r\n", ">.\r\n", "<554 none\r\n",
	    "=done", "0reply RCPT 550", "1reply RCPT 450"}},
    {.name = "354 though MAIL was refused",
	.steps = {PIPE, "M", ">" GROUP,
	    "<550 m\r\n250 r\r\n250 r\r\n354 go\r\n", ">.\r\n", "<250 hm\r\n",
	    "=done", "0reply MAIL 550", "1reply MAIL 550"}},
    {.name = "DATA refused",
	.steps = {PIPE, "M", ">" GROUP, "<250 m\r\n250 r\r\n550 r\r\n451 d\r\n",
	    "=done", "0reply DATA 451", "1reply RCPT 550"}},
    {.name = "SMTP-06 250 to DATA is nonsense",
	.steps = {PIPE, "M", ">" GROUP, "<250 m\r\n250 r\r\n250 r\r\n250 d\r\n",
	    "=over", "!protocol", "0none"}},
    {.name = "SMTP-06 nor is 355 a 354",
	.steps = {PIPE, "M", ">" GROUP, "<250 m\r\n250 r\r\n250 r\r\n355 d\r\n",
	    "=over", "!protocol", "0none"}},
    {.name = "SMTP-08 unknown code by its first digit",
	.steps = {PIPE, "M", ">" GROUP, "<299 m\r\n298 r\r\n599 r\r\n354 d\r\n",
	    "=body", "B", "<277 ok\r\n", "=done", "0accepted",
	    "1reply RCPT 599"}},
    {.name = "final dot refused",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n550 r\r\n354 go\r\n", "=body", "B",
	    "<554 spam\r\n", "=done", "0reply end of data 554",
	    "1reply RCPT 550", "M", ">" GROUP}},
    /* the end comes early */
    {.name = "421 at RCPT",
	.steps = {PIPE, "M", ">" GROUP, "<250 m\r\n250 r\r\n421 r\r\n", "=over",
	    "!closed", "0reply RCPT 421", "1reply RCPT 421"}},
    {.name = "421 at MAIL",
	.steps = {PLAIN, "M", ">" MAIL, "<421 m\r\n", "=over",
	    "0reply MAIL 421"}},
    {.name = "421 at the final dot",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n550 r\r\n354 go\r\n", "B", "<421 x\r\n",
	    "=over", "0reply end of data 421", "1reply RCPT 550"}},
    {.name = "closed after RCPT",
	.steps = {PIPE, "M", ">" GROUP, "<250 m\r\n550 r\r\n", "X", "=over",
	    "!closed", "0reply RCPT 550", "1none"}},
    {.name = "closed in the body",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n550 r\r\n354 go\r\n", "X", "=over", "!closed",
	    "0none", "1reply RCPT 550"}},
    {.name = "QUE-09 closed after the final dot",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n550 r\r\n354 go\r\n", "B", "X", "=over",
	    "!closed", "0uncertain", "1reply RCPT 550"}},
    {.name = "QUE-09 timeout after the final dot",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n250 r\r\n354 go\r\n", "B", "Z", "=over",
	    "!timeout", "0uncertain", "1uncertain"}},
    {.name = "refused in the middle of the body",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n250 r\r\n354 go\r\n", "=body", "<552 big\r\n",
	    "=over", "0reply end of data 552", "B"}},
    {.name = "the reply is here before we are told that the body is out",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n250 r\r\n354 go\r\n", "=body", "<250 ok\r\n",
	    "=input", "B", "=done", "0accepted"}},
    {.name = "results stay when the server says 421 behind them",
	.steps = {PIPE, "M", ">" GROUP,
	    "<250 m\r\n250 r\r\n250 r\r\n354 go\r\n", "B",
	    "<250 ok\r\n421 bye\r\n", "=over", "!closed", "0accepted",
	    "1accepted"}},
    {.name = "bytes for the next reply spoil it",
	.steps = {PIPE, "M", ">" GROUP, "<250 m\r\nwhat\r\n", "=over",
	    "!protocol", "0none"}},
    {.name = "quit in the middle",
	.steps = {PIPE, "M", ">" GROUP, "Q", "=over", "!closed"}},
    /* what was offered */
    {.name = "SMTP-27 SIZE",
	.size = 100,
	.steps = {START, "<250-mx\r\n250 SIZE 1000\r\n", "=txn", "M",
	    ">MAIL FROM:<a@s.example> SIZE=100\r\n"}},
    {.name = "SMTP-27 too big",
	.size = 1001,
	.steps = {START, "<250-mx\r\n250 SIZE 1000\r\n", "=txn", "M", "=done",
	    "0local 5.3.4", "1local 5.3.4", "Q", ">QUIT\r\n"}},
    {.name = "SIZE without a limit",
	.size = 1001,
	.steps = {START, "<250-mx\r\n250 SIZE\r\n", "=txn", "M",
	    ">MAIL FROM:<a@s.example> SIZE=1001\r\n"}},
    {.name = "SMTP-25 8BITMIME",
	.eightbit = true,
	.steps = {START, "<250-mx\r\n250 8BITMIME\r\n", "=txn", "M",
	    ">MAIL FROM:<a@s.example> BODY=8BITMIME\r\n"}},
    {.name = "SMTP-25 8-bit not offered",
	.eightbit = true,
	.steps = {PLAIN, "M", "=done", "0local 5.6.3"}},
    {.name = "SMTP-26 SMTPUTF8 not offered",
	.smtputf8 = true,
	.steps = {PLAIN, "M", "=done", "1local 5.6.7"}},
    {.name = "SMTPUTF8",
	.smtputf8 = true,
	.steps = {START, "<250-mx\r\n250 SMTPUTF8\r\n", "=txn", "M",
	    ">MAIL FROM:<a@s.example> SMTPUTF8\r\n"}},
};

static void
test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(scripts); i++) {
		play(&scripts[i], SIZE_MAX);
		play(&scripts[i], 1);
		play(&scripts[i], 5);
	}
}

/* Replies that never end are cut off (SMTP-28). */
static void
test_endless_reply(void **state)
{
	struct client_opts o = {.helo = "me.example"};
	struct run r = {.f = client_fsm_new(&o)};

	(void)state;
	buf_init(&r.out, 4096);
	event(&r, CLIENT_EV_CONNECTED, STR(""), 0);
	for (int i = 0; i < 1000 && r.want != CLIENT_OVER; i++)
		event(&r, CLIENT_EV_DATA, STR("220-more\r\n"), 0);
	t_int("over", r.want, CLIENT_OVER);
	t_cstr("why", client_fail_str(client_fsm_failure(r.f)), "protocol");
	client_fsm_free(r.f);
	buf_clear(&r.out);
}

static void
test_timers(void **state)
{
	static const struct {
		const char *step;
		enum client_timer want;
	} steps[] = {
	    {"C", CLIENT_T_GREETING},
	    {"<220 x\r\n", CLIENT_T_EHLO},
	    {"<250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n", CLIENT_T_STARTTLS},
	    {"<220 x\r\n", CLIENT_T_STARTTLS},
	    {"T", CLIENT_T_EHLO},
	    {"<250-x\r\n250 PIPELINING\r\n", CLIENT_T_MAIL},
	    {"M", CLIENT_T_MAIL},
	    {"<250 x\r\n", CLIENT_T_RCPT},
	    {"<250 x\r\n", CLIENT_T_RCPT},
	    {"<250 x\r\n", CLIENT_T_DATA},
	    {"<354 x\r\n", CLIENT_T_BLOCK},
	    {"B", CLIENT_T_FINAL},
	    {"<250 x\r\n", CLIENT_T_MAIL},
	    {"Q", CLIENT_T_QUIT},
	};
	struct client_opts o = {.helo = "me.example", .tls = CLIENT_TLS_TRY};
	struct run r = {.f = client_fsm_new(&o)};
	struct script s = {.name = "timers"};

	(void)state;
	buf_init(&r.out, 4096);
	for (size_t i = 0; i < T_COUNT(steps); i++) {
		act(&s, &r, steps[i].step, SIZE_MAX);
		t_int(steps[i].step, client_fsm_timer(r.f), steps[i].want);
	}
	client_fsm_free(r.f);
	buf_clear(&r.out);
}

static void
random_steps(struct rng *rng, struct run *r, const struct script *s)
{
	static const char *const steps[] = {"C", "<220 x\r\n", "<250 x\r\n",
	    "<250-x\r\n250-PIPELINING\r\n250 STARTTLS\r\n", "<354 x\r\n",
	    "<421 x\r\n", "<550 x\r\n", "<450 x\r\n", "<2", "<\r\n", "T", "F",
	    "B", "M", "Q", "X", "Z", "<250 x\r\n", "<250 x\r\n",
	    "<250-x\r\n250 8BITMIME\r\n", "M", "B", "<220 x\r\n"};
	struct client_rcpt_result res;

	for (int i = 0; i < 40; i++) {
		/* Ends are rare, or nothing long would be seen. */
		const char *step = steps[rng_below(rng, T_COUNT(steps))];

		if (strchr("FXZQ", step[0]) && rng_below(rng, 10) > 0)
			continue;
		act(s, r, step, 1 + rng_below(rng, 9));
		client_fsm_result(r->f, rng_below(rng, 3), &res);
		if (res.state == CLIENT_RCPT_REPLY)
			assert_non_null(res.reply);
		(void)client_fsm_timer(r->f);
		(void)client_fsm_reply(r->f);
	}
}

/* Any events in any order: an illegal transition would be a BUG. */
static void
test_random(void **state)
{
	struct rng rng;

	(void)state;
	rng_init_seed(&rng, 20260801);
	for (int round = 0; round < 20000; round++) {
		struct client_opts o = {.helo = "me.example",
		    .tls = (enum client_tls)rng_below(&rng, 3),
		    .requiretls = rng_below(&rng, 8) == 0};
		struct run r = {.f = client_fsm_new(&o)};
		struct script s = {
		    .name = "random", .eightbit = rng_below(&rng, 4) == 0};

		buf_init(&r.out, 65536);
		random_steps(&rng, &r, &s);
		client_fsm_free(r.f);
		buf_clear(&r.out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scripts),
	    cmocka_unit_test(test_endless_reply),
	    cmocka_unit_test(test_timers),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
