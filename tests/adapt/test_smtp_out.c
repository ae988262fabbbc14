/* Sessions to a host on loopback that is slow in one way or another. */
#include "config.h"

#include "relay/deliver/smtp_out.h"

#include "tests/adapt/conn_world.h"

#define DRIP_MS 20

struct world {
	struct net n;
	struct options options;
	struct metrics metrics;
	struct smtp_outs *outs;
	struct msg *msg;
	struct timer *timer;
	size_t at; /* of server.in: what was taken as commands */
	bool in_body, got_body, done;
	bool drip_greeting; /* else the reply to the final dot */
	int64_t answer_ms; /* 0: drips instead */
	int drips;
	bool transaction;
	enum client_fail failure;
	enum client_rcpt_state state;
};

static void
say(struct world *w, const char *text)
{
	if (w->n.server.c)
		end_write(&w->n.server, text, strlen(text));
}

/* "250-xxxxx...": a reply that never ends. */
static void
on_timer(void *arg)
{
	struct world *w = arg;

	if (w->answer_ms) {
		say(w, "250 took it\r\n");
		return;
	}
	if (!w->n.server.c || w->done)
		return;
	w->drips++;
	say(w, w->drips == 1 ? "250-" : "x");
	timer_start(w->timer, DRIP_MS);
}

static void
command(struct world *w, struct str line)
{
	if (str_starts(line, STR("DATA"))) {
		w->in_body = true;
		say(w, "354 go\r\n");
	} else if (str_starts(line, STR("QUIT"))) {
		say(w, "221 bye\r\n");
	} else {
		say(w, "250 ok\r\n");
	}
}

static void
serve(struct end *e, const struct conn_event *ev)
{
	struct world *w = e->arg;
	struct str rest, line;

	if (ev->kind != CONN_DATA)
		return;
	if (w->in_body) {
		w->got_body = str_ends_ci(buf_str(&e->in), STR("\r\n.\r\n"));
		if (!w->got_body)
			return;
		w->in_body = false;
		w->at = e->in.n;
		timer_start(w->timer, w->answer_ms);
		return;
	}
	rest = str_skip(buf_str(&e->in), w->at);
	while (str_find(rest, '\n') < rest.n && str_cut(&rest, '\n', &line))
		command(w, line);
	w->at = e->in.n - rest.n;
}

static void
on_result(void *arg, const struct smtp_out_result *res)
{
	struct world *w = arg;
	struct client_rcpt_result r;

	t_bool("once", w->done, false);
	w->done = true;
	w->transaction = res->transaction;
	w->failure = res->failure;
	if (res->transaction) {
		client_fsm_result(res->fsm, 0, &r);
		w->state = r.state;
	}
}

static void
world_init(struct world *w)
{
	static const struct opt_timeouts long_ones = {.connect = 30000,
	    .greeting = 30000,
	    .ehlo = 30000,
	    .starttls = 30000,
	    .mail = 30000,
	    .rcpt = 30000,
	    .data = 30000,
	    .block = 30000,
	    .final = 30000,
	    .quit = 30000,
	    .session = 30000};
	struct smtp_outs_opts o = {0};

	memset(w, 0, sizeof(*w));
	assert_true(net_init(&w->n, "127.0.0.1"));
	w->n.server.hook = serve;
	w->n.server.arg = w;
	w->timer = timer_new(w->n.loop, on_timer, w);
	metrics_init(&w->metrics);
	memcpy(w->options.hostname, "relay.example", 14);
	w->options.timeouts = long_ones;
	o.loop = w->n.loop;
	o.options = &w->options;
	o.metrics = &w->metrics;
	w->outs = smtp_outs_new(&o);
	w->msg = msg_new();
	memcpy(w->msg->sender, "a@b.example", 12);
}

/* One message in one session, to the end of it. */
static void
run(struct world *w)
{
	struct rcpt r = {.addr = "x@d.example"};
	const struct rcpt *v[] = {&r};
	struct tls_plan plan;
	struct buf body;
	struct smtp_out_req req = {.addr = w->n.addr,
	    .plan = &plan,
	    .msg = w->msg,
	    .rcpts = v,
	    .n = 1};

	tls_plan_init(&plan);
	plan.on_no_starttls = TLS_FAIL_CLEAR;
	plan.on_tls_failure = TLS_FAIL_CLEAR;
	buf_init(&body, 100);
	buf_add_cstr(&body, "Subject: x\r\n\r\nhello\r\n");
	req.body = blob_take(&body);
	assert_non_null(smtp_out_start(w->outs, &req, on_result, w));
	blob_unref(req.body);
	while (!w->n.server.c)
		loop_run_once(w->n.loop);
	if (w->drip_greeting)
		timer_start(w->timer, 0);
	else
		say(w, "220 hello\r\n");
	while (!w->done && w->drips < 200)
		loop_run_once(w->n.loop);
	t_bool("it ends", w->done, true);
}

static void
world_clear(struct world *w)
{
	smtp_outs_free(w->outs);
	msg_unref(w->msg);
	timer_free(w->timer);
	net_clear(&w->n);
}

static void
test_sends(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.answer_ms = 1;
	run(&w);
	t_bool("transaction", w.transaction, true);
	t_int("accepted", w.state, CLIENT_RCPT_ACCEPTED);
	world_clear(&w);
}

/* The time for a session ends while a body is out: the host still has all its
 * time for the reply, or the next attempt sends the message twice. */
static void
test_slow_end(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.options.timeouts.session = 500;
	w.answer_ms = 900;
	run(&w);
	t_int("QUE-09 accepted", w.state, CLIENT_RCPT_ACCEPTED);
	world_clear(&w);
}

/* SMTP-28: bytes of a reply that never ends buy no time. */
static void
test_drip_at_end(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.options.timeouts.final = 10 * DRIP_MS;
	run(&w);
	t_int("uncertain", w.state, CLIENT_RCPT_UNCERTAIN);
	t_cstr("timed out", client_fail_str(w.failure),
	    client_fail_str(CLIENT_FAIL_TIMEOUT));
	world_clear(&w);
}

static void
test_drip_at_start(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.options.timeouts.greeting = 10 * DRIP_MS;
	w.drip_greeting = true;
	run(&w);
	t_bool("no transaction", w.transaction, false);
	t_cstr("timed out", client_fail_str(w.failure),
	    client_fail_str(CLIENT_FAIL_TIMEOUT));
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sends),
	    cmocka_unit_test(test_slow_end),
	    cmocka_unit_test(test_drip_at_end),
	    cmocka_unit_test(test_drip_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
