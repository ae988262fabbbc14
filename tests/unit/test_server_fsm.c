/* The receiving side of SMTP: commands, limits, and nothing smuggled. */
#include "config.h"

#include "relay/smtp/server_fsm.h"

#include <stdlib.h>

#include "relay/base/rng.h"
#include "tests/unit/t.h"

/* A sink in a struct: what it was given and how it is to answer. */
struct peer {
	struct server_fsm *f;
	struct buf out; /* all replies */
	struct buf log; /* what the sink saw, one line each */
	struct buf body;
	int begin_err, body_err;
	bool hold_end; /* the reply to the final dot comes later */
	bool ended, closed;
};

static void
peer_init(struct peer *p, const struct server_opts *o)
{
	*p = (struct peer){.f = server_fsm_new(o)};
	buf_init(&p->out, 1 << 20);
	buf_init(&p->log, 1 << 20);
	buf_init(&p->body, 8 << 20);
}

static void
peer_clear(struct peer *p)
{
	server_fsm_free(p->f);
	buf_clear(&p->out);
	buf_clear(&p->log);
	buf_clear(&p->body);
}

static void
log_envelope(struct peer *p)
{
	struct sink_envelope e;

	server_fsm_envelope(p->f, &e);
	buf_addf(&p->log, "begin <%s>%s", e.sender,
	    e.flags & MSG_8BIT ? " 8bit" : "");
	for (size_t i = 0; i < e.n_rcpts; i++)
		buf_addf(
		    &p->log, " <%s>/%s", e.rcpts[i].addr, e.rcpts[i].next_hop);
	buf_add_cstr(&p->log, "\n");
}

/* Does what the machine wants until it wants input. */
static void
serve(struct peer *p, enum server_want want)
{
	while (want != SERVER_WANT_INPUT) {
		switch (want) {
		case SERVER_WANT_BEGIN:
			log_envelope(p);
			want = server_fsm_begun(p->f, p->begin_err, &p->out);
			break;
		case SERVER_WANT_BODY:
			if (p->body_err)
				server_fsm_body_failed(p->f, p->body_err);
			else
				buf_add_str(&p->body, server_fsm_body(p->f));
			want = server_fsm_step(p->f, str_n(NULL, 0), &p->out);
			break;
		case SERVER_WANT_END:
			buf_addf(&p->log, "end %zu\n", p->body.n);
			p->ended = true;
			if (p->hold_end)
				return;
			want = server_fsm_replied(
			    p->f, 250, "2.0.0", "queued", &p->out);
			break;
		case SERVER_WANT_ABORT:
			buf_add_cstr(&p->log, "abort\n");
			buf_reset(&p->body);
			want = server_fsm_step(p->f, str_n(NULL, 0), &p->out);
			break;
		case SERVER_WANT_CLOSE:
			p->closed = true;
			return;
		case SERVER_WANT_INPUT:
			break;
		}
	}
}

static void
feed(struct peer *p, struct str data, size_t piece)
{
	while (data.n > 0 && !p->closed) {
		struct str part = str_n(
		    data.p, data.n < piece ? data.n : piece);

		serve(p, server_fsm_step(p->f, part, &p->out));
		data = str_skip(data, part.n);
	}
}

/* Reply codes in order, as "250 250 354". */
static void
codes(struct str replies, struct buf *out)
{
	struct str line;

	while (str_cut(&replies, '\n', &line)) {
		if (line.n < 4 || line.p[3] == '-')
			continue;
		if (out->n > 0)
			buf_add_char(out, ' ');
		buf_add(out, line.p, 3);
	}
}

static const struct server_opts opts = {
    .hostname = "relay.example",
    .client = "192.0.2.9",
    .may_relay = true,
    .max_size = 1000,
    .max_rcpts = 3,
    .max_errors = 5,
};

#define EHLO "EHLO c.example\r\n"
#define ENV EHLO "MAIL FROM:<a@s.example>\r\nRCPT TO:<b@d.example>\r\n"
#define LONG_64 \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_1K \
	LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 \
	    LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64 LONG_64

static const struct {
	const char *name, *in, *want; /* codes without the greeting */
	const char *log, *body; /* NULL: not looked at */
} dialogs[] = {
    {"one message", ENV "DATA\r\nhello\r\n.\r\nQUIT\r\n",
	"250 250 250 354 250 221",
	"begin <a@s.example> <b@d.example>/d.example\nend 7\n", "hello\r\n"},
    {"empty message", ENV "DATA\r\n.\r\n", "250 250 250 354 250",
	"begin <a@s.example> <b@d.example>/d.example\nend 0\n", ""},
    {"two messages",
	ENV "DATA\r\n1\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@D.Example>\r\n"
	    "DATA\r\n2\r\n.\r\n",
	"250 250 250 354 250 250 250 354 250",
	"begin <a@s.example> <b@d.example>/d.example\nend 3\n"
	"begin <> <c@d.example>/d.example\nend 6\n",
	"1\r\n2\r\n"},
    {"dots are removed (SMTP-03)",
	ENV "DATA\r\n..\r\n.x\r\na.b\r\n...\r\n.\r\n", "250 250 250 354 250",
	NULL, ".\r\nx\r\na.b\r\n..\r\n"},
    {"helo", "HELO c\r\nMAIL FROM:<a@b.example>\r\n", "250 250", NULL, NULL},
    {"helo knows no parameters", "HELO c\r\nMAIL FROM:<a@b.example> SIZE=1\r\n",
	"250 555", NULL, NULL},
    {"8bit",
	EHLO "MAIL FROM:<a@b.example> BODY=8BITMIME SIZE=5\r\n"
	     "RCPT TO:<x@y.example>\r\nDATA\r\n.\r\n",
	"250 250 250 354 250",
	"begin <a@b.example> 8bit <x@y.example>/y.example\nend 0\n", NULL},
    {"7bit", EHLO "MAIL FROM:<a@b.example> BODY=7bit\r\n", "250 250", NULL,
	NULL},
    {"body nonsense", EHLO "MAIL FROM:<a@b.example> BODY=BINARYMIME\r\n",
	"250 501", NULL, NULL},
    {"unknown parameter", EHLO "MAIL FROM:<a@b.example> RET=HDRS\r\n",
	"250 555", NULL, NULL},
    {"unknown parameter of rcpt",
	EHLO "MAIL FROM:<a@b.example>\r\n"
	     "RCPT TO:<a@b.example> NOTIFY=NEVER\r\n",
	"250 250 555", NULL, NULL},
    {"size said too big", EHLO "MAIL FROM:<a@b.example> SIZE=1001\r\n",
	"250 552", NULL, NULL},
    {"size just right", EHLO "MAIL FROM:<a@b.example> SIZE=1000\r\n", "250 250",
	NULL, NULL},
    {"size beyond 64 bits",
	EHLO "MAIL FROM:<a@b.example> SIZE=99999999999999999999\r\n", "250 552",
	NULL, NULL},
    {"size nonsense", EHLO "MAIL FROM:<a@b.example> SIZE=1x\r\n", "250 501",
	NULL, NULL},
    {"size while reading", ENV "DATA\r\n" LONG_1K "\r\n.\r\nNOOP\r\n",
	"250 250 250 354 552 250",
	"begin <a@s.example> <b@d.example>/d.example\nabort\n", ""},
    {"sequence: mail first", "MAIL FROM:<a@b.example>\r\n", "503", NULL, NULL},
    {"sequence: rcpt without mail", EHLO "RCPT TO:<a@b.example>\r\n", "250 503",
	NULL, NULL},
    {"sequence: data without mail", EHLO "DATA\r\n", "250 503", NULL, NULL},
    {"sequence: data without rcpt", EHLO "MAIL FROM:<a@b.example>\r\nDATA\r\n",
	"250 250 554", NULL, NULL},
    {"sequence: mail twice", ENV "MAIL FROM:<x@y.example>\r\n",
	"250 250 250 503", NULL, NULL},
    {"ehlo resets", ENV EHLO "DATA\r\n", "250 250 250 250 503", NULL, NULL},
    {"rset resets", ENV "RSET\r\nDATA\r\n", "250 250 250 250 503", NULL, NULL},
    {"too many recipients",
	ENV "RCPT TO:<c@d.example>\r\nRCPT TO:<d@d.example>\r\n"
	    "RCPT TO:<e@d.example>\r\nDATA\r\n.\r\n",
	"250 250 250 250 250 452 354 250",
	"begin <a@s.example> <b@d.example>/d.example "
	"<c@d.example>/d.example <d@d.example>/d.example\nend 0\n",
	NULL},
    {"a recipient twice",
	ENV "RCPT TO:<b@D.example>\r\nRCPT TO:<\"b\"@d.example>\r\n"
	    "DATA\r\n.\r\n",
	"250 250 250 250 250 354 250",
	"begin <a@s.example> <b@d.example>/d.example\nend 0\n", NULL},
    {"address literal",
	EHLO "MAIL FROM:<a@b.example>\r\n"
	     "RCPT TO:<x@[IPv6:2001:DB8::1]>\r\nDATA\r\n.\r\n",
	"250 250 250 354 250",
	"begin <a@b.example> <x@[IPv6:2001:db8::1]>/[2001:db8::1]\n"
	"end 0\n",
	NULL},
    {"no domain",
	EHLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<x>\r\n"
	     "RCPT TO:<Postmaster>\r\n",
	"250 250 501 550", NULL, NULL},
    {"sender without domain",
	EHLO "MAIL FROM:<root>\r\nMAIL FROM:<postmaster>\r\n", "250 501 501",
	NULL, NULL},
    {"address outside ascii", EHLO "MAIL FROM:<\xc3\xa4@b.example>\r\n",
	"250 553", NULL, NULL},
    {"other commands", "NOOP\r\nnoop x\r\nHELP\r\nVRFY a\r\nRSET\r\n",
	"250 250 214 252 250", NULL, NULL},
    {"not offered", "STARTTLS\r\nAUTH PLAIN\r\nEXPN a\r\nFOO\r\n",
	"502 502 502 500", NULL, NULL},
    {"arguments", "QUIT now\r\nRSET x\r\nEHLO\r\nVRFY\r\n", "501 501 501 501",
	NULL, NULL},
    {"http closes", "GET / HTTP/1.1\r\n" EHLO, "500", NULL, NULL},
    {"http post closes", "post / HTTP/1.1\r\nMAIL FROM:<>\r\n", "500", NULL,
	NULL},
    {"bdat closes", ENV "BDAT 6\r\nRSET\r\n", "250 250 250 502", NULL, NULL},
    {"errors end it", "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\nNOOP\r\n",
	"500 500 500 500 500 500 421", NULL, NULL},
    {"line too long", "NOOP " LONG_1K LONG_1K "\r\nNOOP\r\n", "500 250", NULL,
	NULL},
    {"line not too long", "NOOP " LONG_1K "\r\nNOOP\r\n", "250 250", NULL,
	NULL},
    {"bare LF in a command (SMTP-02)",
	"NOOP\nMAIL FROM:<a@b.example>\r\nNOOP\r\n", "500 250", NULL, NULL},
    {"bare CR in a command", "NOOP\rNOOP\r\nHELP\r\n", "500 214", NULL, NULL},
    {"CR CR LF", "NOOP\r\r\nHELP\r\n", "500 214", NULL, NULL},
    {"NUL in a command is kept out", EHLO "MAIL FROM:<a@b.example>\x01\r\n",
	"250 501", NULL, NULL},
};

static void
run_dialog(const char *name, const char *in, size_t piece, struct peer *p)
{
	(void)name;
	peer_init(p, &opts);
	serve(p, server_fsm_start(p->f, &p->out));
	t_is("greeting", buf_str(&p->out),
	    "220 relay.example ESMTP waxseal\r\n");
	buf_reset(&p->out);
	feed(p, str_of(in), piece);
}

static void
test_dialogs(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(dialogs); i++) {
		struct peer p, q;
		struct buf got;

		buf_init(&got, 4096);
		run_dialog(dialogs[i].name, dialogs[i].in, SIZE_MAX, &p);
		codes(buf_str(&p.out), &got);
		t_is(dialogs[i].name, buf_str(&got), dialogs[i].want);
		if (dialogs[i].log)
			t_is(dialogs[i].name, buf_str(&p.log), dialogs[i].log);
		if (dialogs[i].body)
			t_is(
			    dialogs[i].name, buf_str(&p.body), dialogs[i].body);
		/* A byte at a time makes no difference. */
		run_dialog(dialogs[i].name, dialogs[i].in, 1, &q);
		t_str(dialogs[i].name, buf_str(&q.out), buf_str(&p.out));
		t_str(dialogs[i].name, buf_str(&q.log), buf_str(&p.log));
		t_str(dialogs[i].name, buf_str(&q.body), buf_str(&p.body));
		t_bool(dialogs[i].name, q.closed, p.closed);
		peer_clear(&p);
		peer_clear(&q);
		buf_clear(&got);
	}
}

/*
 * Ways to end the data that some servers take and we must not: whatever stands
 * behind is body, the second message never begins (SMTP-02).
 */
static void
test_smuggling(void **state)
{
	static const char *const ends[] = {"\n.\n", "\r.\r", "\n.\r\n",
	    "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r\r\n.\r\n\r", "\n\n.\r\n",
	    "\r\n.\r\r\n", "\r\n.\n\r\n", "\n.\n\r\n", "\r\n\r.\r\n",
	    "\r\n.\x01\r\n", "\x01.\r\n", "\r\n..\r\n", "\n\r.\r\n"};

	(void)state;
	for (size_t i = 0; i < T_COUNT(ends); i++) {
		for (size_t piece = 1; piece < 9; piece++) {
			struct buf in, got;
			struct peer p;
			bool legal = i >= 12 && i <= 14;
			bool first = i == 6; /* bare, then a true end */

			buf_init(&in, 4096);
			buf_init(&got, 4096);
			buf_addf(&in,
			    ENV "DATA\r\nx%sMAIL FROM:<evil@s.example>\r\n"
				"RCPT TO:<v@d.example>\r\nDATA\r\nbad\r\n"
				".\r\nNOOP\r\n",
			    ends[i]);
			run_dialog(ends[i], in.p, piece, &p);
			codes(buf_str(&p.out), &got);
			if (legal)
				t_is(ends[i], buf_str(&got),
				    "250 250 250 354 250 250");
			else if (!first)
				t_is(ends[i], buf_str(&got),
				    "250 250 250 354 550 250");
			if (!legal) {
				t_bool(ends[i], p.ended, first && p.ended);
				t_bool(ends[i],
				    strstr(p.log.p, "abort") != NULL, true);
			}
			peer_clear(&p);
			buf_clear(&in);
			buf_clear(&got);
		}
	}
}

static void
test_not_allowed(void **state)
{
	struct server_opts o = opts;
	struct peer p;

	(void)state;
	o.may_relay = false;
	peer_init(&p, &o);
	serve(&p, server_fsm_start(p.f, &p.out));
	t_is("greeting", buf_str(&p.out),
	    "554 5.7.1 relay.example: relaying not permitted for 192.0.2.9: "
	    "add it to networks\r\n");
	t_bool("closed", p.closed, true);
	buf_reset(&p.out);
	t_int("stays closed", server_fsm_step(p.f, STR(EHLO), &p.out),
	    SERVER_WANT_CLOSE);
	t_int("silent", (int64_t)p.out.n, 0);
	peer_clear(&p);
}

static void
test_ehlo(void **state)
{
	struct peer p;

	(void)state;
	run_dialog("ehlo", EHLO, SIZE_MAX, &p);
	t_is("ehlo", buf_str(&p.out),
	    "250-relay.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n"
	    "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
	t_cstr("name", server_fsm_helo(p.f), "c.example");
	t_bool("esmtp", server_fsm_esmtp(p.f), true);
	peer_clear(&p);
}

/* Commands behind the final dot wait for its reply. */
static void
test_pipelined_end(void **state)
{
	struct peer p;
	struct buf got;

	(void)state;
	buf_init(&got, 4096);
	peer_init(&p, &opts);
	p.hold_end = true;
	serve(&p, server_fsm_start(p.f, &p.out));
	feed(&p, STR(ENV "DATA\r\nx\r\n.\r\nNOOP\r\nQUIT\r\n"), SIZE_MAX);
	codes(buf_str(&p.out), &got);
	t_is("waits", buf_str(&got), "220 250 250 250 354");
	t_int("still waits", server_fsm_step(p.f, STR("NOOP\r\n"), &p.out),
	    SERVER_WANT_INPUT);
	serve(&p, server_fsm_replied(p.f, 451, "4.3.0", "disk", &p.out));
	buf_reset(&got);
	codes(buf_str(&p.out), &got);
	t_is("in order", buf_str(&got), "220 250 250 250 354 451 250 221");
	t_bool("closed", p.closed, true);
	peer_clear(&p);
	buf_clear(&got);
}

static void
test_sink_errors(void **state)
{
	static const struct {
		const char *name;
		int begin, body;
		const char *want;
	} cases[] = {
	    {"full", ERR_FULL, 0, "220 250 250 250 452 500 500 250"},
	    {"broken", ERR_IO, 0, "220 250 250 250 451 500 500 250"},
	    {"body full", 0, ERR_FULL, "220 250 250 250 354 452 250"},
	    {"body io", 0, ERR_IO, "220 250 250 250 354 451 250"},
	    {"body big", 0, ERR_TOOBIG, "220 250 250 250 354 552 250"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		for (size_t piece = 1; piece < 200; piece += 100) {
			struct buf got;
			struct peer p;

			buf_init(&got, 4096);
			peer_init(&p, &opts);
			p.begin_err = cases[i].begin;
			p.body_err = cases[i].body;
			serve(&p, server_fsm_start(p.f, &p.out));
			feed(&p, STR(ENV "DATA\r\nx\r\n.\r\nNOOP\r\n"), piece);
			codes(buf_str(&p.out), &got);
			t_is(cases[i].name, buf_str(&got), cases[i].want);
			t_bool(cases[i].name, p.ended, false);
			peer_clear(&p);
			buf_clear(&got);
		}
	}
}

static void
test_goodbye(void **state)
{
	struct peer p;

	(void)state;
	run_dialog("goodbye", ENV "DATA\r\nhalf", SIZE_MAX, &p);
	buf_reset(&p.out);
	t_int("close",
	    server_fsm_goodbye(p.f, "4.3.2", "shutting down", &p.out),
	    SERVER_WANT_CLOSE);
	t_is("421", buf_str(&p.out),
	    "421 4.3.2 relay.example shutting down\r\n");
	t_int("once", server_fsm_goodbye(p.f, "4.3.2", "again", &p.out),
	    SERVER_WANT_CLOSE);
	t_int("once", (int64_t)p.out.n, 39);
	peer_clear(&p);
}

/* More than can wait ends the session instead of memory. */
static void
test_flood(void **state)
{
	struct peer p;
	char *big = xmalloc(1 << 20);
	enum server_want want = SERVER_WANT_INPUT;

	(void)state;
	memset(big, 'x', 1 << 20);
	peer_init(&p, &opts);
	p.hold_end = true;
	serve(&p, server_fsm_start(p.f, &p.out));
	feed(&p, STR(ENV "DATA\r\nx\r\n.\r\n"), SIZE_MAX);
	for (int i = 0; i < 5; i++)
		want = server_fsm_step(p.f, str_n(big, 1 << 20), &p.out);
	t_int("closed", want, SERVER_WANT_CLOSE);
	t_bool("421", strstr(p.out.p, "\r\n421 4.7.0 ") != NULL, true);
	free(big);
	peer_clear(&p);
}

/* Any bytes and any answers of the sink, in any pieces. */
static void
test_random(void **state)
{
	static const char *const words[] = {EHLO, "MAIL FROM:<a@b.example>\r\n",
	    "RCPT TO:<a@b.example>\r\n", "RCPT TO:<c@d.example>", "DATA\r\n",
	    "RSET\r\n", ".\r\n", "\r\n", "\r", "\n", "..", "x", "NOOP", " ",
	    "QUIT\r\n", "\r\n.\r\n", "MAIL FROM:<>\r\n", "\xff", "BDAT 1\r\n",
	    "HELP\r\n"};
	static const int errs[] = {0, 0, 0, ERR_FULL, ERR_IO, ERR_TOOBIG};
	struct rng r;

	(void)state;
	rng_init_seed(&r, 20260731);
	for (int round = 0; round < 3000; round++) {
		struct peer p;

		peer_init(&p, &opts);
		serve(&p, server_fsm_start(p.f, &p.out));
		for (int i = 0; i < 60 && !p.closed; i++) {
			p.begin_err = errs[rng_below(&r, T_COUNT(errs))];
			p.body_err = errs[rng_below(&r, T_COUNT(errs))];
			p.hold_end = rng_below(&r, 4) == 0;
			feed(&p, str_of(words[rng_below(&r, T_COUNT(words))]),
			    1 + rng_below(&r, 30));
			if (rng_below(&r, 5) == 0)
				serve(&p,
				    server_fsm_replied(
					p.f, 250, "2.0.0", "ok", &p.out));
			if (rng_below(&r, 20) == 0)
				server_fsm_body_failed(p.f, ERR_IO);
			if (rng_below(&r, 200) == 0)
				serve(&p,
				    server_fsm_goodbye(
					p.f, "4.3.2", "bye", &p.out));
		}
		peer_clear(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dialogs),
	    cmocka_unit_test(test_smuggling),
	    cmocka_unit_test(test_not_allowed),
	    cmocka_unit_test(test_ehlo),
	    cmocka_unit_test(test_pipelined_end),
	    cmocka_unit_test(test_sink_errors),
	    cmocka_unit_test(test_goodbye),
	    cmocka_unit_test(test_flood),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
