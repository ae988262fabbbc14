/* Sessions of clients over loopback, with a sink that takes everything. */
#include "config.h"

#include "relay/in/smtp_in.h"

#include "tests/adapt/conn_world.h"

struct world {
	struct net n; /* its server end is not used */
	struct listener *door;
	struct metrics metrics;
	struct options options;
	struct opt_listen listen;
	struct mail_sink sink;
	struct log log;
	struct smtp_in *in;
	bool done;
};

static int
sink_begin(void *ctx, const struct sink_envelope *env, struct sink_txn **out)
{
	(void)ctx;
	(void)env;
	*out = NULL;
	return ERR_IO;
}

static void
on_client(void *arg, int take_fd, const struct sockaddr_any *peer)
{
	struct world *w = arg;

	smtp_in_accept(w->in, &w->listen, take_fd, peer);
}

static void
on_done(void *arg)
{
	((struct world *)arg)->done = true;
}

static void
world_init(struct world *w)
{
	struct smtp_in_opts o = {0};
	char text[160];
	int fd = -1;

	memset(w, 0, sizeof(*w));
	assert_true(net_init(&w->n, "127.0.0.1"));
	w->n.addr.port = 0;
	t_err("bind", listener_bind_tcp(&w->n.addr, false, &fd, text), 0);
	w->n.addr.port = net_port(fd);
	metrics_init(&w->metrics);
	memcpy(w->options.hostname, "relay.example", 14);
	w->options.smtp.max_sessions = 10;
	w->options.smtp.max_recipients = 10;
	w->options.smtp.max_errors = 10;
	w->options.queue.max_message_size = 1000000;
	w->listen.text = (char[]){"127.0.0.1:25"};
	w->sink.begin = sink_begin;
	o.loop = w->n.loop;
	o.options = &w->options;
	o.sink = &w->sink;
	o.log = &w->log;
	o.metrics = &w->metrics;
	w->in = smtp_in_new(&o);
	t_err("open", listener_open(w->n.loop, fd, on_client, w, &w->door), 0);
	w->n.client.c = conn_connect(
	    w->n.loop, &w->n.addr, 30000, end_event, &w->n.client);
	net_until(&w->n, &w->n.client.connected);
}

static void
world_clear(struct world *w)
{
	smtp_in_stop(w->in, on_done, w);
	net_until(&w->n, &w->done);
	smtp_in_free(w->in);
	listener_close(w->door);
	net_clear(&w->n);
}

#define FLOOD (12u << 20) /* bytes of commands: more than sockets take */
#define REPLY "250 2.0.0 OK\r\n"

/* A client that asks and does not read must not fill our memory. */
static void
test_unread_replies(void **state)
{
	size_t n = FLOOD / 6, before;
	char *flood = xmalloc(n * 6);
	struct world w;

	(void)state;
	world_init(&w);
	net_until_bytes(&w.n, &w.n.client, 4);
	buf_reset(&w.n.client.in);
	for (size_t i = 0; i < n; i++)
		memcpy(flood + 6 * i, "NOOP\r\n", 6);
	conn_pause(w.n.client.c);
	end_write(&w.n.client, flood, n * 6);
	free(flood);
	/* Until nothing moves any more. */
	do {
		before = conn_pending(w.n.client.c);
		for (int i = 0; i < 2000; i++)
			loop_run_once(w.n.loop);
	} while (conn_pending(w.n.client.c) < before);
	t_bool("the client has to wait", before > 0, true);
	t_int("nothing was read", (int64_t)w.n.client.in.n, 0);
	conn_resume(w.n.client.c);
	net_until_bytes(&w.n, &w.n.client, n * (sizeof(REPLY) - 1));
	t_is("the last one",
	    str_skip(buf_str(&w.n.client.in), (n - 1) * (sizeof(REPLY) - 1)),
	    REPLY);
	end_write(&w.n.client, "QUIT\r\n", 6);
	net_until(&w.n, &w.n.client.eof);
	world_clear(&w);
}

/* As many and as long as one read can ask for. */
static void
test_long_replies(void **state)
{
	struct world w;
	struct buf all;

	(void)state;
	world_init(&w);
	buf_init(&all, 1u << 20);
	for (int i = 0; i < 10000; i++)
		buf_add_cstr(&all, "HELP\r\n");
	buf_add_cstr(&all, "QUIT\r\n");
	end_write(&w.n.client, all.p, all.n);
	net_until(&w.n, &w.n.client.eof);
	t_is("the last one",
	    str_skip(buf_str(&w.n.client.in), w.n.client.in.n - 32),
	    "221 2.0.0 relay.example closes\r\n");
	buf_clear(&all);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unread_replies),
	    cmocka_unit_test(test_long_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
