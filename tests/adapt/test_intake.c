/* Intake: from the sink of a session into the store, and the reply. */
#include "config.h"

#include "relay/queue/intake.h"

#include "tests/adapt/store_world.h"

#define MAX_SIZE 5000

struct bench {
	struct world *w;
	struct options opt;
	struct rng rng;
	struct intake *in;
	const struct mail_sink *sink;
	struct sink_client client;
	struct rcpt_in rcpts[3];
	struct sink_envelope env;
	/* Last reply. */
	unsigned replies;
	int code;
	char dsn[16], text[128];
	bool inside; /* a call of ours: no reply may come */
};

static void
on_reply(void *arg, int code, const char *dsn, const char *text)
{
	struct bench *b = arg;

	t_bool("never inside a call", b->inside, false);
	b->replies++;
	b->code = code;
	(void)snprintf(b->dsn, sizeof(b->dsn), "%s", dsn);
	(void)snprintf(b->text, sizeof(b->text), "%s", text);
	loop_stop(b->w->loop);
}

static void
on_handoff(void *arg, struct rcpt *take_r)
{
	struct bench *b = arg;

	t_int("before the reply", b->replies, 0);
	b->w->rcpts[b->w->n++] = take_r;
}

static void
start_intake(struct bench *b)
{
	struct intake_opts o = {
	    .store = b->w->s,
	    .options = &b->opt,
	    .clock = b->w->o.clock,
	    .rng = &b->rng,
	    .log = &b->w->sink,
	    .metrics = &b->w->metrics,
	    .handoff = on_handoff,
	    .handoff_arg = b,
	};

	b->in = intake_new(&o);
	b->sink = intake_sink(b->in);
}

static int
setup(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	b->w = world_new();
	rng_init_seed(&b->rng, 1);
	(void)snprintf(
	    b->opt.hostname, sizeof(b->opt.hostname), "relay.example.net");
	b->opt.workers = 1;
	b->opt.queue.max_message_size = MAX_SIZE;
	b->opt.queue.memory = 100000;
	b->opt.smtp.max_hops = 100;
	b->client.protocol = "ESMTP";
	(void)snprintf(b->client.addr, sizeof(b->client.addr), "192.0.2.9");
	(void)snprintf(
	    b->client.helo, sizeof(b->client.helo), "client.example");
	for (int i = 0; i < 3; i++) {
		(void)snprintf(b->rcpts[i].addr, sizeof(b->rcpts[i].addr),
		    "u%d@d%d.example", i, i);
		(void)snprintf(b->rcpts[i].next_hop,
		    sizeof(b->rcpts[i].next_hop), "d%d.example", i);
	}
	b->env = (struct sink_envelope){
	    .client = &b->client,
	    .sender = "s@example.org",
	    .flags = MSG_8BIT | MSG_RET_HDRS,
	    .envid = "E1",
	    .rcpts = b->rcpts,
	    .n_rcpts = 3,
	};
	*state = b;
	if (world_open(b->w) != 0)
		return -1;
	start_intake(b);
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	intake_free(b->in);
	world_drop_rcpts(b->w);
	world_close(b->w);
	world_free(b->w);
	free(b);
	return 0;
}

static struct sink_txn *
begin(struct bench *b)
{
	struct sink_txn *t = NULL;

	t_err("begin", b->sink->begin(b->sink->ctx, &b->env, &t), 0);
	return t;
}

static void
end(struct bench *b, struct sink_txn *t)
{
	b->replies = 0;
	b->inside = true;
	b->sink->end(t, on_reply, b);
	b->inside = false;
}

static void
send_mail(struct bench *b, struct str mail)
{
	struct sink_txn *t = begin(b);

	t_err("body", b->sink->body(t, mail.p, mail.n), 0);
	end(b, t);
	loop_run(b->w->loop);
	t_int("one reply", b->replies, 1);
}

/* SMTP-20, RFC 5321 4.4: what is queued is our Received field and then every
 * byte that came. */
static void
test_accept(void **state)
{
	struct bench *b = *state;
	static const char mail[] = "Subject: x\r\n\r\nhello\r\n";
	char qid[MSG_QID_MAX];
	char want[64];
	struct str body;
	uint64_t id;

	send_mail(b, STR(mail));
	t_int("code", b->code, 250);
	t_cstr("dsn", b->dsn, "2.0.0");
	t_int("handed off", (int64_t)b->w->n, 3);
	id = b->w->rcpts[0]->msg->id;
	msg_qid(id, qid);
	(void)snprintf(want, sizeof(want), "queued as %s", qid);
	t_cstr("text", b->text, want);
	t_err("in the store", get_body(b->w, id), 0);
	body = blob_str(b->w->body);
	t_bool("received",
	    str_starts(body, STR("Received: from client.example")), true);
	t_bool("by us", strstr(body.p, "by relay.example.net") != NULL, true);
	t_bool("with the id", strstr(body.p, qid) != NULL, true);
	t_bool("then the mail", str_ends_ci(body, STR(mail)), true);
	t_bool("in memory", b->w->rcpts[0]->msg->body != NULL, true);
	t_int("size", (int64_t)b->w->rcpts[0]->msg->size, (int64_t)body.n);
	t_cstr("sender", b->w->rcpts[0]->msg->sender, "s@example.org");
	t_cstr("envid", b->w->rcpts[0]->msg->envid, "E1");
	t_cstr("client", b->w->rcpts[0]->msg->client, "192.0.2.9");
	t_int("flags", b->w->rcpts[0]->msg->flags, MSG_RET_HDRS);
	(void)snprintf(want, sizeof(want), "event=accepted qid=%s", qid);
	t_bool("logged", strstr(b->w->log.p, want) != NULL, true);
	t_bool("logged",
	    strstr(b->w->log.p, "from=s@example.org nrcpt=3") != NULL, true);
	t_int(
	    "counted", (int64_t)metrics_get(&b->w->metrics, METRIC_MSGS_IN), 1);
	t_int("bytes in memory",
	    (int64_t)metrics_get(&b->w->metrics, METRIC_BODY_BYTES),
	    (int64_t)body.n);
	world_drop_rcpts(b->w);
	t_int("given back",
	    (int64_t)metrics_get(&b->w->metrics, METRIC_BODY_BYTES), 0);
}

/* SMTP-25: what the bytes are counts, whatever the client said. */
static void
test_8bit(void **state)
{
	struct bench *b = *state;

	b->env.flags = 0;
	send_mail(b, STR("Subject: x\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n"));
	t_int("not declared", b->w->rcpts[0]->msg->flags, MSG_8BIT);
	world_drop_rcpts(b->w);
	b->env.flags = MSG_8BIT;
	send_mail(b, STR("Subject: x\r\n\r\nASCII\r\n"));
	t_int("declared for nothing", b->w->rcpts[0]->msg->flags, 0);
	world_drop_rcpts(b->w);
}

static void
test_too_big(void **state)
{
	struct bench *b = *state;
	struct sink_txn *t = begin(b);
	char block[1000] = {0};

	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 5; i++)
		t_err("fits", b->sink->body(t, block, sizeof(block)), 0);
	t_err("one more", b->sink->body(t, block, 1), ERR_TOOBIG);
	b->sink->abort(t);
	t = begin(b);
	for (int i = 0; i < 5; i++)
		t_err("fits", b->sink->body(t, block, sizeof(block)), 0);
	end(b, t);
	loop_run(b->w->loop);
	t_int("exactly the limit", b->code, 250);
}

static void
test_hops(void **state)
{
	struct bench *b = *state;
	struct buf mail;

	buf_init(&mail, MAX_SIZE);
	for (int i = 0; i < 100; i++)
		(void)buf_add_cstr(&mail, "Received: from x\r\n");
	(void)buf_add_cstr(&mail, "\r\n");
	send_mail(b, buf_str(&mail));
	t_int("100 are fine", b->code, 250);
	world_drop_rcpts(b->w);

	buf_reset(&mail);
	for (int i = 0; i < 101; i++)
		(void)buf_add_cstr(&mail, "rEceived: from x\r\n");
	(void)buf_add_cstr(&mail, "\r\nReceived: no\r\n");
	send_mail(b, buf_str(&mail));
	t_int("101 are a loop: RFC 5321 6.3", b->code, 554);
	t_cstr("dsn", b->dsn, "5.4.6");
	t_int("nothing queued", (int64_t)b->w->n, 0);
	get_stats(b->w);
	t_int("one message", (int64_t)b->w->stats.msgs, 1);
	buf_clear(&mail);
}

/* Messages being received do not take more memory than they may. */
static void
test_memory(void **state)
{
	struct bench *b = *state;
	struct sink_txn *one;
	struct sink_txn *two;
	char block[4000] = {0};

	/* Of two workers each has half of it. */
	b->opt.workers = 2;
	b->opt.queue.memory = 12000;
	b->opt.queue.max_message_size = 3952; /* and 2048 for our field */
	one = begin(b);
	two = begin(b);
	t_err("first", b->sink->body(one, block, 3000), 0);
	t_err("second", b->sink->body(two, block, 3000), ERR_FULL);
	t_err("third",
	    b->sink->begin(b->sink->ctx, &b->env, &(struct sink_txn *){0}),
	    ERR_FULL);
	b->sink->abort(two);
	t_err("room", b->sink->body(one, block, 900), 0);
	b->sink->abort(one);
	b->sink->abort(begin(b));
}

/* Bodies beyond the budget are read back from the store later. */
static void
test_body_dropped(void **state)
{
	struct bench *b = *state;
	char block[4000];

	memset(block, 'x', sizeof(block));
	b->opt.queue.memory = 6000;
	send_mail(b, str_n(block, sizeof(block)));
	send_mail(b, str_n(block, sizeof(block)));
	t_int("both are queued", (int64_t)b->w->n, 6);
	t_bool("kept", b->w->rcpts[0]->msg->body != NULL, true);
	t_bool("dropped", b->w->rcpts[3]->msg->body == NULL, true);
	t_err("read back", get_body(b->w, b->w->rcpts[3]->msg->id), 0);
}

static void
test_full(void **state)
{
	struct bench *b = *state;

	intake_free(b->in);
	world_close(b->w);
	b->w->o.min_free = UINT64_MAX - 1;
	t_err("open", world_open(b->w), 0);
	start_intake(b);
	send_mail(b, STR("x\r\n"));
	t_int("code", b->code, 452);
	t_cstr("dsn", b->dsn, "4.3.1");
	t_int("nothing", (int64_t)b->w->n, 0);
	t_bool("logged", strstr(b->w->log.p, "event=refused") != NULL, true);
}

static void
test_no_credit(void **state)
{
	struct bench *b = *state;
	struct store *wide = b->w->s;
	struct sink_txn *t;

	intake_free(b->in);
	t_err("open", store_open(b->w->hub, b->w->loop, 0, &b->w->s), 0);
	start_intake(b);
	t = begin(b);
	end(b, t);
	loop_run(b->w->loop);
	t_int("code", b->code, 451);
	intake_free(b->in);
	store_close(b->w->s);
	b->w->s = wide;
	start_intake(b);
}

/* The id that the Received field carries is in use: another one is picked, and
 * the field follows. */
static void
test_id_in_use(void **state)
{
	struct bench *b = *state;
	struct rng copy = b->rng;
	struct clock stopped = b->w->o.clock;
	char qid[MSG_QID_MAX];
	uint64_t id;
	uint64_t taken;

	(void)stopped;
	taken = msg_pick_id(clock_real_s(&b->w->o.clock), &copy);
	t_err("taken", put(b->w, taken, "a.example", 1, 50), 0);
	t_err("and in a second",
	    put(b->w, taken + (UINT64_C(1) << 31), "a.example", 1, 50), 0);
	world_drop_rcpts(b->w);
	send_mail(b, STR("Subject: y\r\n\r\n"));
	t_int("code", b->code, 250);
	id = b->w->rcpts[0]->msg->id;
	t_bool("another", id != taken, true);
	msg_qid(id, qid);
	t_err("stored", get_body(b->w, id), 0);
	t_bool("new field", strstr(blob_str(b->w->body).p, qid) != NULL, true);
	t_bool("mail behind it",
	    str_ends_ci(blob_str(b->w->body), STR("\r\nSubject: y\r\n\r\n")),
	    true);
	msg_qid(taken, qid);
	t_bool("old field gone", strstr(blob_str(b->w->body).p, qid) == NULL,
	    true);
}

/* The client is gone after its dot: no reply, but the mail goes on. */
static void
test_abort_after_end(void **state)
{
	struct bench *b = *state;
	struct sink_txn *t = begin(b);

	t_err("body", b->sink->body(t, "x\r\n", 3), 0);
	end(b, t);
	b->sink->abort(t);
	get_stats(b->w);
	while (b->w->n == 0)
		loop_run_once(b->w->loop);
	t_int("queued", (int64_t)b->w->n, 3);
	t_int("no reply", b->replies, 0);
}

/* Freed with everything in the air: no reply, nothing leaks, and what was
 * handed over is in the queue. */
static void
test_free_under_way(void **state)
{
	struct bench *b = *state;
	struct sink_txn *t = begin(b);

	(void)begin(b);
	t_err("body", b->sink->body(t, "x\r\n", 3), 0);
	end(b, t);
	intake_free(b->in);
	b->in = NULL;
	world_reopen(b->w);
	get_stats(b->w);
	t_int("queued", (int64_t)b->w->stats.msgs, 1);
	t_int("no reply", b->replies, 0);
	start_intake(b);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_accept),
	    CASE(test_8bit),
	    CASE(test_too_big),
	    CASE(test_hops),
	    CASE(test_memory),
	    CASE(test_body_dropped),
	    CASE(test_full),
	    CASE(test_no_credit),
	    CASE(test_id_in_use),
	    CASE(test_abort_after_end),
	    CASE(test_free_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
