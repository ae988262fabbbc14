/*
 * Two ends of a connection on one loop, for the tests of relay/net/conn: what
 * each end was told, in order.
 */
#ifndef TESTS_ADAPT_CONN_WORLD_H
#define TESTS_ADAPT_CONN_WORLD_H

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/net/conn.h"
#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "tests/unit/t.h"

struct end {
	struct conn *c;
	struct buf in; /* all bytes of CONN_DATA */
	struct buf trace; /* "connected data eof closed", repeats once */
	int err;
	char text[128];
	bool connected, tls_done, eof, closed, drained;
	int banned; /* > 0: inside a call, where no callback may run */
	/* Called after each event was noted; may be NULL. */
	void (*hook)(struct end *e, const struct conn_event *ev);
	void *arg;
};

struct net {
	struct loop *loop;
	struct listener *l;
	struct sockaddr_any addr;
	struct end client, server;
	struct timer *guard;
};

static inline void
end_event(void *arg, const struct conn_event *ev)
{
	struct end *e = arg;
	const char *name = conn_event_str(ev->kind);

	t_int("no callback inside a call", e->banned, 0);
	t_bool("nothing after closed", e->closed, false);
	if (!str_ends_ci(buf_str(&e->trace), str_of(name)))
		buf_addf(&e->trace, "%s%s", e->trace.n ? " " : "", name);
	switch (ev->kind) {
	case CONN_CONNECTED:
		e->connected = true;
		break;
	case CONN_DATA:
		buf_add(&e->in, ev->data.p, ev->data.n);
		break;
	case CONN_DRAINED:
		e->drained = true;
		break;
	case CONN_TLS_DONE:
		e->tls_done = true;
		break;
	case CONN_EOF:
		e->eof = true;
		snprintf(e->text, sizeof(e->text), "%s", ev->text);
		break;
	case CONN_ERROR:
		e->err = ev->err;
		snprintf(e->text, sizeof(e->text), "%s", ev->text);
		break;
	case CONN_CLOSED:
		e->closed = true;
		break;
	}
	if (e->hook)
		e->hook(e, ev);
	if (ev->kind == CONN_CLOSED)
		e->c = NULL;
}

static inline void
end_init(struct end *e)
{
	memset(e, 0, sizeof(*e));
	buf_init(&e->in, 64u << 20);
	buf_init(&e->trace, 10000);
}

static inline void
end_write(struct end *e, const void *p, size_t n)
{
	e->banned++;
	conn_write(e->c, p, n);
	e->banned--;
}

static inline void
end_close(struct end *e, int flush)
{
	e->banned++;
	conn_close(e->c, flush);
	e->banned--;
}

static inline void
net_accepted(void *arg, int fd, const struct sockaddr_any *peer)
{
	struct net *n = arg;
	struct sockaddr_any p;

	assert_null(n->server.c);
	n->server.c = conn_accepted(n->loop, fd, end_event, &n->server);
	assert_non_null(n->server.c);
	conn_peer(n->server.c, &p);
	t_bool("peer", sockaddr_eq_ip(&p, peer), true);
	t_int("peer port", p.port, peer->port);
}

static inline void
net_too_long(void *arg)
{
	(void)arg;
	fail_msg("the test hangs");
}

/* The port that the system chose for fd. */
static inline uint16_t
net_port(int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} u;
	socklen_t len = sizeof(u);
	struct sockaddr_any a;

	assert_int_equal(getsockname(fd, &u.sa, &len), 0);
	sockaddr_from_sys(&u.sa, &a);
	return a.port;
}

/* Loop and listener; false when the address is not there. */
static inline bool
net_init(struct net *n, const char *addr)
{
	char text[160];
	int fd = -1;

	memset(n, 0, sizeof(*n));
	assert_int_equal(sockaddr_parse(str_of(addr), 0, &n->addr), 0);
	if (listener_bind_tcp(&n->addr, false, &fd, text) != 0)
		return false;
	n->addr.port = net_port(fd);
	end_init(&n->client);
	end_init(&n->server);
	assert_int_equal(loop_new(&n->loop), 0);
	n->guard = timer_new(n->loop, net_too_long, n);
	timer_start(n->guard, 240000); /* of a busy machine */
	assert_int_equal(listener_open(n->loop, fd, net_accepted, n, &n->l), 0);
	return true;
}

/* Runs the loop until *flag. */
static inline void
net_until(struct net *n, const bool *flag)
{
	while (!*flag)
		loop_run_once(n->loop);
}

/* Runs the loop until e has got at least n bytes. */
static inline void
net_until_bytes(struct net *n, const struct end *e, size_t bytes)
{
	while (e->in.n < bytes)
		loop_run_once(n->loop);
}

static inline void
net_connect(struct net *n)
{
	n->client.banned++;
	n->client.c = conn_connect(
	    n->loop, &n->addr, 30000, end_event, &n->client);
	n->client.banned--;
	assert_non_null(n->client.c);
	net_until(n, &n->client.connected);
	while (!n->server.c)
		loop_run_once(n->loop);
}

static inline void
net_clear(struct net *n)
{
	if (n->client.c)
		end_close(&n->client, 0);
	if (n->server.c)
		end_close(&n->server, 0);
	listener_close(n->l);
	timer_free(n->guard);
	loop_free(n->loop);
	assert_null(n->client.c);
	assert_null(n->server.c);
	buf_clear(&n->client.in);
	buf_clear(&n->server.in);
	buf_clear(&n->client.trace);
	buf_clear(&n->server.trace);
}

#endif
