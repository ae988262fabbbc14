/*
 * A gate that says no, as a release has it: the session sends nothing and the
 * relay goes on. No input brings this about, so the gate is a stand-in; and
 * so that test builds can see it too, BUG() is none here.
 */
#include "config.h"

#include "relay/base/err.h"

#undef BUG
#define BUG(...) ((void)0)
#define gate_may_mail gate_says_no

#include "relay/deliver/smtp_out.c"

#include "relay/deliver/classify.h"
#include "tests/adapt/conn_world.h"

struct world {
	struct net n;
	size_t at;
	struct buf log;
	struct metrics metrics;
	bool done;
	struct outcome outcome;
	enum classify_next next;
};

bool
gate_says_no(
    const struct tls_plan *plan, bool clear, const struct tls_result *tls)
{
	(void)plan;
	(void)clear;
	(void)tls;
	return false;
}

static void
serve(struct end *e, const struct conn_event *ev)
{
	struct world *w = e->arg;
	struct str rest, line;

	if (ev->kind != CONN_DATA)
		return;
	rest = str_skip(buf_str(&e->in), w->at);
	while (str_find(rest, '\n') < rest.n && str_cut(&rest, '\n', &line))
		end_write(e, "250 ok\r\n", 8);
	w->at = e->in.n - rest.n;
}

static void
on_log(void *arg, enum log_level level, struct str line)
{
	struct world *w = arg;

	t_int("level", level, LOG_ERROR);
	(void)buf_add_str(&w->log, line);
}

static void
on_result(void *arg, const struct smtp_out_result *res)
{
	struct world *w = arg;
	struct tls_plan plan;
	struct classify_session cs = {.plan = &plan,
	    .failure = res->failure,
	    .connected = res->connected,
	    .tls = res->tls,
	    .not_proven = res->not_proven};

	t_bool("once", w->done, false);
	w->done = true;
	t_bool("no transaction", res->transaction, false);
	t_bool("said", res->not_proven, true);
	tls_plan_init(&plan);
	plan.on_tls_failure = TLS_FAIL_CLEAR;
	w->next = classify_session(&cs, &w->outcome);
}

static void
test_gate(void **state)
{
	static const struct opt_timeouts ms = {30000, 30000, 30000, 30000,
	    30000, 30000, 30000, 30000, 30000, 30000, 30000};
	struct options options = {.timeouts = ms};
	struct rcpt r = {.addr = "x@d.example"};
	const struct rcpt *v[] = {&r};
	struct world w = {0};
	struct log log = {.level = LOG_INFO,
	    .format = LOG_LOGFMT,
	    .write_fn = on_log,
	    .arg = &w};
	struct tls_plan plan;
	struct smtp_out_req req = {.plan = &plan, .rcpts = v, .n = 1};
	struct smtp_outs_opts o = {
	    .options = &options, .metrics = &w.metrics, .log = &log};
	struct smtp_outs *outs;

	(void)state;
	assert_true(net_init(&w.n, "127.0.0.1"));
	w.n.server.hook = serve;
	w.n.server.arg = &w;
	buf_init(&w.log, 4096);
	metrics_init(&w.metrics);
	memcpy(options.hostname, "relay.example", 14);
	o.loop = w.n.loop;
	outs = smtp_outs_new(&o);
	tls_plan_init(&plan);
	plan.on_no_starttls = TLS_FAIL_CLEAR;
	req.addr = w.n.addr;
	req.msg = msg_new();
	req.msg->id = 5;
	req.body = blob_new(STR("hello\r\n"));
	assert_non_null(smtp_out_start(outs, &req, on_result, &w));
	while (!w.n.server.c)
		loop_run_once(w.n.loop);
	end_write(&w.n.server, "220 hello\r\n", 11);
	while (
	    !w.done || !str_ends_ci(buf_str(&w.n.server.in), STR("QUIT\r\n")))
		loop_run_once(w.n.loop);
	t_is("EHLO and QUIT alone", buf_str(&w.n.server.in),
	    "EHLO relay.example\r\nQUIT\r\n");
	t_int("counted", (int64_t)metrics_get(&w.metrics, METRIC_GATE_REFUSED),
	    1);
	t_bool("logged",
	    str_starts(buf_str(&w.log), STR("event=gate qid=0000000000005 ")),
	    true);
	t_int("deferred", w.outcome.cls, OUT_DEFERRED);
	t_cstr("rule", w.outcome.rule, "GATE");
	t_cstr("dsn", w.outcome.dsn, "4.7.5");
	t_bool("by policy", w.outcome.by_policy, true);
	t_int("never in clear", w.next, CLASSIFY_NEXT_HOST);
	blob_unref(req.body);
	msg_unref(req.msg);
	smtp_outs_free(outs);
	buf_clear(&w.log);
	net_clear(&w.n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
