/* Connections in clear, over loopback. */
#include "config.h"

#include <errno.h>

#include "tests/adapt/conn_world.h"
#include "tests/unit/t.h"

static void
round_trip(const char *addr)
{
	struct net n;

	if (!net_init(&n, addr)) {
		print_message("no %s here\n", addr);
		skip();
	}
	net_connect(&n);
	end_write(&n.client, "EHLO", 4);
	end_write(&n.client, " x\r\n", 4);
	t_int("pending", (int64_t)conn_pending(n.client.c), 8);
	net_until_bytes(&n, &n.server, 8);
	t_is("server got", buf_str(&n.server.in), "EHLO x\r\n");
	net_until(&n, &n.client.drained);
	t_int("pending", (int64_t)conn_pending(n.client.c), 0);
	end_write(&n.server, "250 y\r\n", 7);
	net_until_bytes(&n, &n.client, 7);
	t_is("client got", buf_str(&n.client.in), "250 y\r\n");
	end_close(&n.client, 1);
	end_close(&n.client, 1);
	net_until(&n, &n.server.eof);
	t_cstr("clean", n.server.text, "");
	/* A half-closed connection still takes what the other end says. */
	end_write(&n.server, "bye", 3);
	end_close(&n.server, 1);
	net_until(&n, &n.client.closed);
	net_until(&n, &n.server.closed);
	t_is("client", buf_str(&n.client.trace),
	    "connected drained data closed");
	t_is("server", buf_str(&n.server.trace), "data drained eof closed");
	net_clear(&n);
}

static void
test_ipv4(void **state)
{
	(void)state;
	round_trip("127.0.0.1");
}

static void
test_ipv6(void **state)
{
	(void)state;
	round_trip("::1");
}

static void
test_refused(void **state)
{
	struct net n;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	listener_close(n.l);
	n.l = NULL;
	loop_run_once(n.loop);
	loop_run_once(n.loop);
	n.client.c = conn_connect(n.loop, &n.addr, 30000, end_event, &n.client);
	net_until(&n, &n.client.closed);
	t_err("error", n.client.err, ERR_REFUSED);
	t_cstr("text", n.client.text, "connection refused");
	t_is("events", buf_str(&n.client.trace), "error closed");
	net_clear(&n);
}

static void
test_unreachable(void **state)
{
	struct net n;
	struct sockaddr_any to;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	/* Broadcast: the system says no before anything is sent. */
	assert_int_equal(sockaddr_parse(STR("255.255.255.255:25"), 0, &to), 0);
	n.client.banned++;
	n.client.c = conn_connect(n.loop, &to, 30000, end_event, &n.client);
	n.client.banned--;
	net_until(&n, &n.client.closed);
	t_bool("error", n.client.err == ERR_UNREACH || n.client.err == ERR_IO,
	    true);
	t_is("events", buf_str(&n.client.trace), "error closed");
	net_clear(&n);
}

/* A listener whose queue is full does not answer. */
static void
test_connect_timeout(void **state)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} u;
	struct net n;
	socklen_t len;
	int filler[8];
	int fd;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	n.addr.port = 0;
	len = sockaddr_to_sys(&n.addr, &u.storage);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, &u.sa, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	n.addr.port = net_port(fd);
	len = sockaddr_to_sys(&n.addr, &u.storage);
	for (size_t i = 0; i < T_COUNT(filler); i++) {
		filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(filler[i], &u.sa, len);
	}
	n.client.c = conn_connect(n.loop, &n.addr, 50, end_event, &n.client);
	net_until(&n, &n.client.closed);
	t_err("error", n.client.err, ERR_TIMEOUT);
	t_is("events", buf_str(&n.client.trace), "error closed");
	for (size_t i = 0; i < T_COUNT(filler); i++)
		close(filler[i]);
	close(fd);
	net_clear(&n);
}

static void
test_close_while_connecting(void **state)
{
	struct net n;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	n.client.c = conn_connect(n.loop, &n.addr, 50, end_event, &n.client);
	end_write(&n.client, "x", 1);
	end_close(&n.client, 1);
	end_close(&n.client, 0);
	net_until(&n, &n.client.closed);
	t_is("events", buf_str(&n.client.trace), "closed");
	net_clear(&n);
}

static void
test_deadline(void **state)
{
	struct net n;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	net_connect(&n);
	conn_deadline(n.client.c, 1);
	conn_deadline(n.client.c, 60000);
	conn_deadline(n.server.c, 1);
	conn_deadline(n.server.c, 0);
	end_write(&n.client, "x", 1);
	net_until_bytes(&n, &n.server, 1);
	conn_deadline(n.server.c, 5);
	net_until(&n, &n.server.closed);
	t_err("error", n.server.err, ERR_TIMEOUT);
	t_is("server", buf_str(&n.server.trace), "data error closed");
	net_until(&n, &n.client.eof);
	t_is("the client's did not pass", buf_str(&n.client.trace),
	    "connected drained eof");
	net_clear(&n);
}

#define BIG (3u << 20)

static char *
big_text(void)
{
	char *p = xmalloc(BIG);

	for (size_t i = 0; i < BIG; i++)
		p[i] = (char)('a' + i % 23);
	return p;
}

static void
pause_after_data(struct end *e, const struct conn_event *ev)
{
	if (ev->kind == CONN_DATA) {
		conn_pause(e->c);
		t_bool("one piece, then none", *(bool *)e->arg, false);
		*(bool *)e->arg = true;
	}
}

static void
test_pause(void **state)
{
	char *big = big_text();
	struct net n;
	bool paused = false;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	net_connect(&n);
	n.client.hook = pause_after_data;
	n.client.arg = &paused;
	end_write(&n.server, big, BIG);
	while (n.client.in.n < BIG) {
		size_t before;

		net_until(&n, &paused);
		paused = false;
		before = n.client.in.n;
		for (int i = 0; i < 5; i++)
			loop_run_once(n.loop);
		t_int("nothing while paused", (int64_t)n.client.in.n,
		    (int64_t)before);
		if (n.client.in.n < BIG)
			t_bool(
			    "more than one read is needed", before < BIG, true);
		n.client.banned++;
		conn_resume(n.client.c);
		n.client.banned--;
	}
	t_bool("the same bytes", memcmp(n.client.in.p, big, BIG) == 0, true);
	net_until(&n, &n.server.drained);
	free(big);
	net_clear(&n);
}

/* All that was written arrives, though input was never read. */
static void
test_flush_with_unread_input(void **state)
{
	char *big = big_text();
	struct net n;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	net_connect(&n);
	conn_pause(n.server.c);
	end_write(&n.client, big, 50000);
	net_until(&n, &n.client.drained);
	end_write(&n.server, big, BIG);
	end_close(&n.server, 1);
	net_until(&n, &n.client.eof);
	t_int("all of it", (int64_t)n.client.in.n, BIG);
	/* What comes meanwhile is read and dropped: the peer is not blocked. */
	n.client.drained = false;
	for (int i = 0; i < 8; i++) /* more than any socket buffer */
		end_write(&n.client, big, BIG);
	net_until(&n, &n.client.drained);
	end_close(&n.client, 1);
	net_until(&n, &n.server.closed);
	t_is("the owner hears no more", buf_str(&n.server.trace), "closed");
	free(big);
	net_clear(&n);
}

/* A second close without flush ends the wait; a peer that never ends its
 * side does not keep the connection. */
static void
test_linger_ends(void **state)
{
	struct net n;

	(void)state;
	assert_true(net_init(&n, "127.0.0.1"));
	net_connect(&n);
	end_close(&n.client, 1);
	net_until(&n, &n.server.eof);
	t_bool("waits for the peer", n.client.closed, false);
	end_close(&n.client, 0);
	net_until(&n, &n.client.closed);
	net_clear(&n);
}

/* loop_free lets connections write out that were closed before it. */
static void
test_flush_in_loop_free(void **state)
{
	int fd[2];
	char got[16];
	struct loop *loop;
	struct end e;

	(void)state;
	end_init(&e);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(loop_new(&loop), 0);
	e.c = conn_accepted(loop, fd[0], end_event, &e);
	end_write(&e, "last", 4);
	end_close(&e, 1);
	assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
	loop_free(loop);
	t_bool("closed", e.closed, true);
	t_int("written", read(fd[1], got, sizeof(got)), 4);
	t_int("and ended", read(fd[1], got, sizeof(got)), 0);
	close(fd[1]);
	buf_clear(&e.in);
	buf_clear(&e.trace);
}

static void
test_unix(void **state)
{
	struct sockaddr_any peer = {.family = 4};
	int fd[2];
	struct loop *loop;
	struct end a, b;

	(void)state;
	end_init(&a);
	end_init(&b);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(loop_new(&loop), 0);
	a.c = conn_accepted(loop, fd[0], end_event, &a);
	b.c = conn_accepted(loop, fd[1], end_event, &b);
	conn_peer(a.c, &peer);
	t_int("family", peer.family, 0);
	end_write(&a, "hello", 5);
	end_close(&a, 1);
	while (!b.eof)
		loop_run_once(loop);
	t_is("got", buf_str(&b.in), "hello");
	end_close(&b, 1);
	loop_free(loop);
	t_bool("closed", a.closed && b.closed, true);
	buf_clear(&a.in);
	buf_clear(&a.trace);
	buf_clear(&b.in);
	buf_clear(&b.trace);
}

static void
test_bad_descriptor(void **state)
{
	struct loop *loop;
	struct end e;
	int fd[2];

	(void)state;
	end_init(&e);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(pipe(fd), 0);
	assert_null(conn_accepted(loop, fd[0], end_event, &e));
	t_int("it was closed", close(fd[0]), -1);
	close(fd[1]);
	loop_free(loop);
	t_is("no events", buf_str(&e.trace), "");
}

/* A server that closes on us has often said why: SMTP replies such as 421. */
static void
test_last_words(void **state)
{
	int fd[2];
	struct loop *loop;
	struct end e;

	(void)state;
	end_init(&e);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(loop_new(&loop), 0);
	e.c = conn_accepted(loop, fd[0], end_event, &e);
	t_int("sent", write(fd[1], "421 bye\r\n", 9), 9);
	close(fd[1]);
	end_write(&e, "QUIT\r\n", 6);
	while (!e.closed)
		loop_run_once(loop);
	t_is("read", buf_str(&e.in), "421 bye\r\n");
	t_is("events", buf_str(&e.trace), "data eof error closed");
	t_err("error", e.err, ERR_CLOSED);
	loop_free(loop);
	buf_clear(&e.in);
	buf_clear(&e.trace);
}

static void
close_at(struct end *e, const struct conn_event *ev)
{
	const enum conn_event_kind *kind = e->arg;

	if (ev->kind == *kind)
		conn_close(e->c, 0);
}

/* The owner may close from within any callback. */
static void
test_close_inside(void **state)
{
	static const enum conn_event_kind kinds[] = {
	    CONN_CONNECTED, CONN_DATA, CONN_DRAINED, CONN_EOF};

	(void)state;
	for (size_t i = 0; i < T_COUNT(kinds); i++) {
		enum conn_event_kind kind = kinds[i];
		struct net n;

		assert_true(net_init(&n, "127.0.0.1"));
		n.client.hook = close_at;
		n.client.arg = &kind;
		net_connect(&n);
		if (n.client.c)
			end_write(&n.client, "x", 1);
		end_write(&n.server, "y", 1);
		end_close(&n.server, 1);
		net_until(&n, &n.client.closed);
		t_bool(conn_event_str(kind),
		    str_ends_ci(buf_str(&n.client.trace), STR(" closed")),
		    true);
		net_clear(&n);
	}
}

/* An owner that goes with its connection, as a session does. */
struct goes {
	struct timer *timer;
	struct conn *conn;
	bool gone;
};

static void
goes_on_event(void *arg, const struct conn_event *ev)
{
	struct goes *g = arg;

	if (ev->kind != CONN_CLOSED)
		return;
	timer_free(g->timer);
	g->gone = true;
}

/* What ends in the last call of a loop ends in loop_free: libuv of 1.45 and
 * later runs timers behind the closing of handles. */
static void
test_owner_ends_in_loop_free(void **state)
{
	struct goes g = {0};
	struct loop *loop;
	int fd[2];

	(void)state;
	t_err("loop", loop_new(&loop), 0);
	t_int("pair", socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	g.timer = timer_new(loop, NULL, NULL);
	g.conn = conn_accepted(loop, fd[0], goes_on_event, &g);
	loop_run_once(loop);
	conn_close(g.conn, 0);
	loop_free(loop);
	t_bool("told", g.gone, true);
	close(fd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ipv4),
	    cmocka_unit_test(test_ipv6),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_connect_timeout),
	    cmocka_unit_test(test_close_while_connecting),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_pause),
	    cmocka_unit_test(test_flush_with_unread_input),
	    cmocka_unit_test(test_linger_ends),
	    cmocka_unit_test(test_flush_in_loop_free),
	    cmocka_unit_test(test_unix),
	    cmocka_unit_test(test_bad_descriptor),
	    cmocka_unit_test(test_last_words),
	    cmocka_unit_test(test_close_inside),
	    cmocka_unit_test(test_owner_ends_in_loop_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
