/*
 * Transactions with every combination of replies: what each recipient is told
 * must follow from them, and the body must go out only when it may.
 */
#include "config.h"

#include "relay/smtp/client_txn.h"

#include "tests/unit/t.h"

static const char *const rcpts[] = {"a@d.example", "b@d.example"};

struct wire {
	struct client_fsm *f;
	struct buf out;
	enum client_want want;
};

static void
say(struct wire *w, const char *text)
{
	struct client_event ev = {.kind = CLIENT_EV_DATA, .data = str_of(text)};
	enum client_want want = client_fsm_step(w->f, &ev, &w->out);

	if (want != CLIENT_WANT_INPUT)
		w->want = want;
}

static void
say_code(struct wire *w, int code)
{
	char text[32];

	snprintf(text, sizeof(text), "%d x\r\n", code);
	say(w, text);
}

static void
wire_open(struct wire *w, bool pipelining)
{
	struct client_opts o = {.helo = "me.example"};
	struct client_event ev = {.kind = CLIENT_EV_CONNECTED};

	*w = (struct wire){.f = client_fsm_new(&o)};
	buf_init(&w->out, 4096);
	(void)client_fsm_step(w->f, &ev, &w->out);
	say(w, "220 x\r\n");
	say(w, pipelining ? "250-x\r\n250 PIPELINING\r\n" : "250 x\r\n");
	t_int("ready", w->want, CLIENT_WANT_TXN);
	buf_reset(&w->out);
	w->want = CLIENT_WANT_INPUT;
}

static void
wire_close(struct wire *w)
{
	client_fsm_free(w->f);
	buf_clear(&w->out);
}

/* The last command that is out: what a server answers next. */
static int
answer_next(struct wire *w, const int codes[5], size_t *rcpt)
{
	struct expect x = client_expected(w->f);

	switch ((int)x.kind) {
	case X_MAIL:
		return codes[0];
	case X_RCPT:
		*rcpt = x.i;
		return codes[1 + x.i];
	case X_DATA:
		return codes[3];
	case X_FINAL:
		return codes[4];
	default:
		fail_msg("nothing is expected");
		return 0;
	}
}

static void
run(struct wire *w, const int codes[5], bool *body)
{
	struct client_txn txn = {
	    .sender = "s@s.example", .rcpts = rcpts, .n_rcpts = 2};
	struct client_event sent = {.kind = CLIENT_EV_BODY_SENT};
	size_t i = 0;

	*body = false;
	w->want = client_fsm_mail(w->f, &txn, &w->out);
	for (int n = 0; n < 8 && w->want != CLIENT_TXN_DONE; n++) {
		if (w->want == CLIENT_WANT_BODY) {
			*body = true;
			w->want = client_fsm_step(w->f, &sent, &w->out);
			continue;
		}
		say_code(w, answer_next(w, codes, &i));
	}
	t_int("done", w->want, CLIENT_TXN_DONE);
}

/* What recipient i must be told, from the RFC: MAIL, then RCPT, then DATA,
 * then the end of data. */
static int
want_code(const int codes[5], size_t i)
{
	if (codes[0] >= 300)
		return codes[0];
	if (codes[1 + i] >= 300)
		return codes[1 + i];
	return codes[3] == 354 ? codes[4] : codes[3];
}

static void
check(const int c[5], bool pipelining)
{
	bool body, may_send;
	struct wire w;
	char name[64];

	snprintf(name, sizeof(name), "%s %d %d %d %d %d",
	    pipelining ? "group" : "lock-step", c[0], c[1], c[2], c[3], c[4]);
	wire_open(&w, pipelining);
	run(&w, c, &body);
	may_send = c[0] < 300 && (c[1] < 300 || c[2] < 300) && c[3] == 354;
	t_bool(name, body, may_send);
	for (size_t i = 0; i < 2; i++) {
		struct client_rcpt_result r;
		int want = want_code(c, i);

		client_fsm_result(w.f, i, &r);
		t_int(name, r.state,
		    want < 300 ? CLIENT_RCPT_ACCEPTED : CLIENT_RCPT_REPLY);
		t_int(name, r.reply->code, want);
	}
	t_bool(name, client_fsm_over(w.f), false);
	wire_close(&w);
}

static void
test_product(void **state)
{
	static const int mail[] = {250, 450, 550};
	static const int rcpt[] = {250, 452, 553};
	static const int data[] = {354, 451, 554};
	static const int final[] = {250, 452, 554};

	(void)state;
	for (int n = 0; n < 3 * 3 * 3 * 3 * 3 * 2; n++) {
		int codes[5] = {mail[n / 2 % 3], rcpt[n / 6 % 3],
		    rcpt[n / 18 % 3], data[n / 54 % 3], final[n / 162]};

		check(codes, n % 2);
	}
}

/* A second transaction: RSET only when the first left something behind. */
static void
test_again(void **state)
{
	static const struct {
		int codes[5];
		bool rset;
	} cases[] = {
	    {{250, 250, 250, 354, 250}, false},
	    {{250, 250, 250, 354, 554}, false},
	    {{250, 250, 250, 451, 0}, true},
	    {{250, 550, 550, 554, 0}, true},
	    {{550, 503, 503, 503, 0}, true},
	};
	struct client_txn txn = {.sender = "", .rcpts = rcpts, .n_rcpts = 1};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct wire w;
		bool body;

		wire_open(&w, true);
		run(&w, cases[i].codes, &body);
		buf_reset(&w.out);
		(void)client_fsm_mail(w.f, &txn, &w.out);
		t_bool("rset", str_starts(buf_str(&w.out), STR("RSET\r\n")),
		    cases[i].rset);
		wire_close(&w);
	}
}

static void
test_no_recipients(void **state)
{
	struct client_txn txn = {.sender = ""};
	struct client_rcpt_result r;
	struct wire w;

	(void)state;
	wire_open(&w, true);
	t_int("done", client_fsm_mail(w.f, &txn, &w.out), CLIENT_TXN_DONE);
	t_int("silent", (int64_t)w.out.n, 0);
	client_fsm_result(w.f, 5, &r);
	t_int("none", r.state, CLIENT_RCPT_NONE);
	wire_close(&w);
}

/* 421 in place of any reply ends it, and says so to those without an own
 * answer. */
static void
test_421(void **state)
{
	(void)state;
	for (int at = 0; at < 5; at++) {
		int codes[5] = {250, 250, 550, 354, 250};
		struct client_txn txn = {
		    .sender = "", .rcpts = rcpts, .n_rcpts = 2};
		struct client_event sent = {.kind = CLIENT_EV_BODY_SENT};
		struct client_rcpt_result r;
		struct wire w;

		wire_open(&w, true);
		codes[at] = 421;
		(void)client_fsm_mail(w.f, &txn, &w.out);
		for (int i = 0; i < 5 && w.want != CLIENT_OVER; i++) {
			say_code(&w, codes[i]);
			if (w.want == CLIENT_WANT_BODY)
				w.want = client_fsm_step(w.f, &sent, &w.out);
		}
		t_int("over", w.want, CLIENT_OVER);
		client_fsm_result(w.f, 0, &r);
		t_int("first", r.state, CLIENT_RCPT_REPLY);
		t_int("first", r.reply->code, 421);
		client_fsm_result(w.f, 1, &r);
		t_int("second", r.reply->code, at < 3 ? 421 : 550);
		wire_close(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_product),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_no_recipients),
	    cmocka_unit_test(test_421),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
