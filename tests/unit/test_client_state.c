/* Legal transitions, expected replies, ends of a sending session. */
#include "config.h"

#include "relay/smtp/client_state.h"

#include <stdlib.h>

#include "tests/unit/t.h"

static void
test_legal(void **state)
{
	/* Each line: a state and all it may go to, but CS_OVER. */
	static const struct {
		enum client_state from;
		unsigned to;
	} cases[] = {
	    {CS_START, 1u << CS_GREETING},
	    {CS_GREETING, 1u << CS_EHLO | 1u << CS_QUIT},
	    {CS_EHLO,
		1u << CS_HELO | 1u << CS_STARTTLS | 1u << CS_READY |
		    1u << CS_QUIT},
	    {CS_HELO, 1u << CS_READY | 1u << CS_QUIT},
	    {CS_STARTTLS, 1u << CS_TLS | 1u << CS_QUIT},
	    /* SMTP-22: behind the handshake there is nothing but EHLO. */
	    {CS_TLS, 1u << CS_EHLO},
	    {CS_READY, 1u << CS_ENVELOPE | 1u << CS_DONE | 1u << CS_QUIT},
	    {CS_ENVELOPE, 1u << CS_BODY | 1u << CS_FINAL | 1u << CS_DONE},
	    /* SMTP-11: no QUIT in the middle of the data. */
	    {CS_BODY, 1u << CS_FINAL},
	    {CS_FINAL, 1u << CS_DONE},
	    {CS_DONE, 1u << CS_ENVELOPE | 1u << CS_DONE | 1u << CS_QUIT},
	    {CS_QUIT, 0},
	    {CS_OVER, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		for (int to = CS_START; to <= CS_OVER; to++)
			t_bool(client_state_str(cases[i].from),
			    client_state_legal(
				cases[i].from, (enum client_state)to),
			    to == CS_OVER || (cases[i].to >> to & 1));
	}
}

static void
test_queue(void **state)
{
	struct client_fsm f = {0};
	size_t in = 0, out = 0;

	(void)state;
	t_int("empty", client_expect_pop(&f).kind, X_NONE);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < round % 7; i++)
			client_expect(&f, X_RCPT, in++);
		while (out + 3 < in) {
			t_int("order", (int64_t)client_expected(&f).i,
			    (int64_t)out);
			t_int("pop", (int64_t)client_expect_pop(&f).i,
			    (int64_t)out++);
		}
	}
	while (out < in)
		t_int("rest", (int64_t)client_expect_pop(&f).i, (int64_t)out++);
	t_int("empty", client_expected(&f).kind, X_NONE);
	free(f.queue);
}

static void
set_reply(struct reply *r, int code)
{
	r->code = code;
	buf_reset(&r->text);
	buf_add_cstr(&r->text, "text");
}

static void
test_ends(void **state)
{
	struct client_fsm f = {.state = CS_GREETING};
	struct reply r;
	struct buf out;

	(void)state;
	reply_init(&r);
	reply_init(&f.reply);
	buf_init(&f.in, 100);
	buf_init(&out, 100);
	set_reply(&r, 554);
	client_give_up(&f, CLIENT_FAIL_GREETING, &r, &out);
	t_is("quit", buf_str(&out), "QUIT\r\n");
	t_cstr("state", client_state_str(f.state), "quit");
	set_reply(&r, 421);
	client_end(&f, CLIENT_FAIL_PROTOCOL, &r);
	t_cstr("the first failure", client_fail_str(f.failure), "greeting");
	t_int("the first reply", f.reply.code, 554);
	t_cstr("state", client_state_str(f.state), "over");

	/* 421 has no QUIT behind it. */
	free(f.queue);
	f = (struct client_fsm){
	    .state = CS_GREETING, .in = f.in, .reply = f.reply};
	f.reply.code = 0;
	buf_reset(&out);
	client_give_up(&f, CLIENT_FAIL_GREETING, &r, &out);
	t_int("silent", (int64_t)out.n, 0);
	t_cstr("state", client_state_str(f.state), "over");
	free(f.queue);
	buf_clear(&f.in);
	buf_clear(&out);
	reply_clear(&r);
	reply_clear(&f.reply);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_legal),
	    cmocka_unit_test(test_queue),
	    cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
