/*
 * getdns schedules an event: a descriptor to watch, a time-out, or both. Each
 * becomes one uv_poll_t and one uv_timer_t of its own; two poll handles on
 * one descriptor are what libuv refuses (RESOLVER.md B2).
 *
 * getdns_context_destroy() calls cleanup() first and still clears events
 * afterwards (B3), so this object belongs to the caller and outlives the
 * context, and cleanup() only closes what is live.
 *
 * An event that can't be watched keeps its time-out: getdns does not look at
 * the result of schedule(), and the request must end.
 */
#include "config.h"

#include "relay/dns/dns_gduv.h"

#include <arpa/inet.h>
#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"

struct dns_gduv {
	getdns_eventloop base; /* first: getdns casts */
	getdns_eventloop_vmt vmt;
	uv_loop_t *loop;
	struct list live; /* events scheduled now */
	size_t events; /* with those that are closing */
	bool freed;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer;
	socklen_t peer_len;
};

struct event {
	uv_poll_t poll;
	uv_timer_t timer;
	bool has_poll, has_timer;
	unsigned open; /* handles not yet closed */
	struct dns_gduv *g;
	getdns_eventloop_event *el; /* NULL: cleared */
	struct list node;
};

static void
event_gone(struct event *e)
{
	struct dns_gduv *g = e->g;

	free(e);
	g->events--;
	if (g->freed && g->events == 0)
		free(g);
}

static void
on_closed(uv_handle_t *h)
{
	struct event *e = h->data;

	if (--e->open == 0)
		event_gone(e);
}

static void
event_close(struct event *e)
{
	e->el->ev = NULL;
	e->el = NULL;
	list_remove(&e->node);
	e->open = (unsigned)e->has_poll + (unsigned)e->has_timer;
	if (e->open == 0) {
		event_gone(e);
		return;
	}
	if (e->has_poll)
		uv_close((uv_handle_t *)&e->poll, on_closed);
	if (e->has_timer)
		uv_close((uv_handle_t *)&e->timer, on_closed);
}

static void
on_poll(uv_poll_t *h, int status, int events)
{
	struct event *e = h->data;

	/* Each call may clear or reschedule the event; e itself stays until
	 * its handles have closed. */
	if (!e->el)
		return;
	/* An error: getdns does the I/O and sees the errno itself. */
	if (status < 0)
		events = UV_READABLE | UV_WRITABLE;
	if ((events & UV_READABLE) && e->el->read_cb)
		e->el->read_cb(e->el->userarg);
	if ((events & UV_WRITABLE) && e->el && e->el->write_cb)
		e->el->write_cb(e->el->userarg);
}

static void
on_timer(uv_timer_t *h)
{
	struct event *e = h->data;

	if (e->el && e->el->timeout_cb)
		e->el->timeout_cb(e->el->userarg);
}

/* false: the socket must not be used. */
static bool
pin_to_peer(const struct dns_gduv *g, int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return false;
	return type != SOCK_DGRAM ||
	    connect(fd, &g->peer.any, g->peer_len) == 0;
}

static void
watch(struct event *e, int fd)
{
	int events = 0;

	if (e->el->read_cb)
		events |= UV_READABLE;
	if (e->el->write_cb)
		events |= UV_WRITABLE;
	if (events == 0 || fd < 0)
		return;
	if (e->el->write_cb && !pin_to_peer(e->g, fd))
		return;
	if (uv_poll_init(e->g->loop, &e->poll, fd) != 0)
		return;
	e->poll.data = e;
	e->has_poll = true;
	if (uv_poll_start(&e->poll, events, on_poll) != 0)
		return;
}

static getdns_return_t
vmt_schedule(
    getdns_eventloop *l, int fd, uint64_t ms, getdns_eventloop_event *el)
{
	struct dns_gduv *g = (struct dns_gduv *)(void *)l;
	struct event *e = xcalloc(1, sizeof(*e));

	e->g = g;
	e->el = el;
	el->ev = e;
	g->events++;
	list_push(&g->live, &e->node);
	watch(e, fd);
	if (el->timeout_cb && ms != UINT64_MAX) {
		if (uv_timer_init(g->loop, &e->timer) != 0)
			BUG("uv_timer_init");
		e->timer.data = e;
		e->has_timer = true;
		if (uv_timer_start(&e->timer, on_timer, ms, 0) != 0)
			BUG("uv_timer_start");
	}
	return GETDNS_RETURN_GOOD;
}

static getdns_return_t
vmt_clear(getdns_eventloop *l, getdns_eventloop_event *el)
{
	(void)l;
	if (el->ev)
		event_close(el->ev);
	return GETDNS_RETURN_GOOD;
}

static void
vmt_cleanup(getdns_eventloop *l)
{
	struct dns_gduv *g = (struct dns_gduv *)(void *)l;

	while (!list_empty(&g->live))
		event_close(CONTAINER_OF(g->live.next, struct event, node));
}

/* Only the synchronous calls of getdns, which nobody makes, run the loop. */
static void
vmt_run(getdns_eventloop *l)
{
	(void)l;
	BUG("getdns wants to run the loop");
}

static void
vmt_run_once(getdns_eventloop *l, int blocking)
{
	(void)blocking;
	vmt_run(l);
}

struct dns_gduv *
dns_gduv_new(void *uv_loop, const struct sockaddr_any *peer)
{
	struct dns_gduv *g = xcalloc(1, sizeof(*g));

	g->vmt.cleanup = vmt_cleanup;
	g->vmt.schedule = vmt_schedule;
	g->vmt.clear = vmt_clear;
	g->vmt.run = vmt_run;
	g->vmt.run_once = vmt_run_once;
	g->base.vmt = &g->vmt;
	g->loop = uv_loop;
	list_init(&g->live);
	if (peer->family == 4) {
		g->peer.in.sin_family = AF_INET;
		g->peer.in.sin_port = htons(peer->port);
		memcpy(&g->peer.in.sin_addr, peer->ip, 4);
		g->peer_len = sizeof(g->peer.in);
	} else {
		g->peer.in6.sin6_family = AF_INET6;
		g->peer.in6.sin6_port = htons(peer->port);
		memcpy(&g->peer.in6.sin6_addr, peer->ip, 16);
		g->peer_len = sizeof(g->peer.in6);
	}
	return g;
}

int
dns_gduv_attach(struct dns_gduv *g, struct getdns_context *ctx)
{
	if (getdns_context_set_eventloop(ctx, &g->base) != GETDNS_RETURN_GOOD)
		return ERR_DNS;
	return 0;
}

void
dns_gduv_free(struct dns_gduv *g)
{
	if (!g)
		return;
	vmt_cleanup(&g->base);
	g->freed = true;
	if (g->events == 0)
		free(g);
}
