/*
 * relay/net/conn.h without sockets. Bytes and events for the relay stand in a
 * list of the connection and come one an event; each is a step.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "tests/fake/fake.h"
#include "tests/fake/fake_net.h"

#define FLUSH_WAIT_MS 2000 /* conn_close with flush */

/* Something on its way to the relay. */
struct item {
	struct list node;
	enum conn_event_kind kind;
	int err;
	bool *seen;
	struct buf bytes;
};

struct conn {
	conn_fn *fn;
	void *arg;
	struct sockaddr_any peer;
	const struct fake_side *side; /* NULL: gone, or not there yet */
	void *side_arg;
	struct list in; /* struct item.node */
	struct buf out;
	struct fake_event *deliver, *flush, *drained, *deadline, *connect,
	    *close;
	bool connected, paused, mute, over, closing, tls, tls_busy;
	struct tls_plan plan;
	struct tls_result result;
};

static struct conn *
conn_make(conn_fn *fn, void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->fn = fn;
	c->arg = arg;
	list_init(&c->in);
	buf_init(&c->out, SIZE_MAX / 2);
	tls_plan_init(&c->plan);
	c->result.depth = -1;
	fake_count(FAKE_CONNS, 1);
	return c;
}

static void
side_close(struct conn *c)
{
	const struct fake_side *side = c->side;

	c->side = NULL;
	if (side)
		side->closed(c->side_arg);
}

static void
conn_stop(struct conn *c)
{
	struct list *n;

	fake_drop(&c->deliver);
	fake_drop(&c->flush);
	fake_drop(&c->drained);
	fake_drop(&c->deadline);
	fake_drop(&c->connect);
	while ((n = list_pop(&c->in)) != NULL) {
		struct item *it = CONTAINER_OF(n, struct item, node);

		buf_clear(&it->bytes);
		free(it);
	}
	c->over = true;
}

static void
conn_closed(void *arg)
{
	struct conn *c = arg;
	struct conn_event ev = {.kind = CONN_CLOSED};

	c->close = NULL;
	conn_stop(c);
	side_close(c);
	fake_drop(&c->close);
	c->fn(c->arg, &ev);
	buf_clear(&c->out);
	tls_plan_clear(&c->plan);
	fake_count(FAKE_CONNS, -1);
	free(c);
}

/* It ends by itself, with CONN_CLOSED behind. */
static void
conn_error(struct conn *c, int err, const char *text)
{
	struct conn_event ev = {.kind = CONN_ERROR, .err = err};

	if (c->over)
		return;
	snprintf(ev.text, sizeof(ev.text), "%s", text);
	conn_stop(c);
	side_close(c);
	if (!c->close)
		c->close = fake_at(0, conn_closed, c);
	c->fn(c->arg, &ev);
}

static void
conn_expired(void *arg)
{
	struct conn *c = arg;

	c->deadline = NULL;
	conn_error(c, ERR_TIMEOUT, "timed out");
}

/* ---- from outside ---- */

static void conn_deliver(void *arg);

static void
conn_wake(struct conn *c)
{
	if (!c->deliver && !c->over && !c->mute && !list_empty(&c->in) &&
	    (!c->paused || !c->connected))
		c->deliver = fake_at(fake_latency(), conn_deliver, c);
}

static struct item *
conn_add(struct conn *c, enum conn_event_kind kind, int err)
{
	struct item *it = xcalloc(1, sizeof(*it));

	it->kind = kind;
	it->err = err;
	buf_init(&it->bytes, SIZE_MAX / 2);
	list_init(&it->node);
	list_push(&c->in, &it->node);
	return it;
}

static void
conn_tls_over(struct conn *c)
{
	const struct fake_cert *cert = c->side ? c->side->cert(c->side_arg)
					       : NULL;

	fake_tls_verify(&c->plan, cert, &c->result);
	c->tls_busy = false;
	c->tls = c->result.established;
	if (c->side)
		c->side->tls(c->side_arg, c->tls);
}

static void
conn_hand(struct conn *c, struct item *it)
{
	struct conn_event ev = {.kind = it->kind, .err = it->err};

	ev.data = buf_str(&it->bytes);
	switch (it->kind) {
	case CONN_DATA:
		if (c->tls_busy) {
			/* Clear text in the middle of a handshake. */
			conn_error(c, ERR_TLS, "no TLS record");
			return;
		}
		break;
	case CONN_TLS_DONE:
		conn_tls_over(c);
		break;
	case CONN_CONNECTED:
		c->connected = true;
		fake_drop(&c->deadline);
		break;
	case CONN_ERROR:
		conn_error(c, it->err, err_str(it->err));
		return;
	case CONN_EOF:
	case CONN_DRAINED:
	case CONN_CLOSED:
		break;
	}
	c->fn(c->arg, &ev);
}

static void
conn_deliver(void *arg)
{
	struct conn *c = arg;
	struct item *it;

	c->deliver = NULL;
	switch (fake_step()) {
	case FAKE_LOSS:
		conn_error(c, ERR_CLOSED, "connection reset by peer");
		return;
	case FAKE_SILENCE:
		c->mute = true;
		return;
	case FAKE_FINE:
	case FAKE_STOP:
	case FAKE_CRASH:
	case FAKE_FAULTS:
		break;
	}
	it = CONTAINER_OF(list_pop(&c->in), struct item, node);
	if (it->seen)
		*it->seen = true;
	conn_wake(c);
	conn_hand(c, it);
	buf_clear(&it->bytes);
	free(it);
}

void
fake_conn_send(struct conn *c, struct str bytes, bool *seen)
{
	struct item *it = conn_add(c, CONN_DATA, 0);

	it->seen = seen;
	buf_add_str(&it->bytes, bytes);
	conn_wake(c);
}

void
fake_conn_eof(struct conn *c)
{
	(void)conn_add(c, CONN_EOF, 0);
	conn_wake(c);
}

void
fake_conn_reset(struct conn *c)
{
	(void)conn_add(c, CONN_ERROR, ERR_CLOSED);
	conn_wake(c);
}

/* ---- conn.h ---- */

const char *
conn_event_str(enum conn_event_kind k)
{
	static const char *const names[] = {
#define CONN_NAME_(id, text) text,
	    CONN_EVENT_LIST(CONN_NAME_)
#undef CONN_NAME_
	};

	return names[k];
}

static void
conn_knock(void *arg)
{
	struct conn *c = arg;
	struct item *it;
	int err;

	c->connect = NULL;
	if (fake_frozen())
		return;
	err = fake_peer_accept(c, &c->peer, &c->side, &c->side_arg);
	if (err == ERR_TIMEOUT)
		return;
	/* The host may have spoken already: that comes behind. */
	it = conn_add(c, err ? CONN_ERROR : CONN_CONNECTED, err);
	list_remove(&it->node);
	list_push_front(&c->in, &it->node);
	conn_wake(c);
}

struct conn *
conn_connect(struct loop *loop, const struct sockaddr_any *to,
    int64_t timeout_ms, conn_fn *fn, void *arg)
{
	struct conn *c = conn_make(fn, arg);

	(void)loop;
	c->peer = *to;
	c->connect = fake_at(fake_latency(), conn_knock, c);
	conn_deadline(c, timeout_ms);
	return c;
}

void
conn_peer(const struct conn *c, struct sockaddr_any *out)
{
	*out = c->peer;
}

static void
conn_drained(void *arg)
{
	struct conn *c = arg;
	struct conn_event ev = {.kind = CONN_DRAINED};

	c->drained = NULL;
	c->fn(c->arg, &ev);
}

static void
conn_flush(void *arg)
{
	struct conn *c = arg;
	struct buf out = c->out;

	c->flush = NULL;
	buf_init(&c->out, SIZE_MAX / 2);
	if (!c->closing && !c->drained)
		c->drained = fake_at(0, conn_drained, c);
	if (c->side && !fake_frozen())
		c->side->data(c->side_arg, buf_str(&out), c->tls);
	buf_clear(&out);
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	if (c->over || c->closing || c->tls_busy || fake_frozen())
		return;
	buf_add(&c->out, p, n);
	if (!c->flush)
		c->flush = fake_at(0, conn_flush, c);
}

size_t
conn_pending(const struct conn *c)
{
	return c->out.n;
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
	fake_drop(&c->deliver);
}

void
conn_resume(struct conn *c)
{
	c->paused = false;
	conn_wake(c);
}

void
conn_start_tls(struct conn *c, struct tls_ctx *ctx, const struct tls_plan *plan)
{
	(void)ctx;
	if (c->over || c->closing)
		return;
	tls_plan_copy(&c->plan, plan);
	c->tls_busy = true;
	(void)conn_add(c, CONN_TLS_DONE, 0);
	conn_wake(c);
}

const struct tls_result *
conn_tls_result(const struct conn *c)
{
	return &c->result;
}

void
conn_deadline(struct conn *c, int64_t ms)
{
	fake_drop(&c->deadline);
	if (ms > 0 && !c->over)
		c->deadline = fake_at(ms, conn_expired, c);
}

void
conn_close(struct conn *c, int flush)
{
	if (c->closing && (flush || !c->close))
		return;
	if (flush && c->out.n > 0 && c->side && !fake_frozen())
		c->side->data(c->side_arg, buf_str(&c->out), c->tls);
	buf_reset(&c->out);
	c->closing = true;
	conn_stop(c);
	fake_drop(&c->close);
	/* A peer that does not close its side costs the whole wait. */
	c->close = fake_at(
	    flush && c->mute ? FLUSH_WAIT_MS : 0, conn_closed, c);
}

/* ---- clients ---- */

struct waiting {
	struct list node;
	int fd;
	const struct fake_side *side;
	void *arg;
	void (*on_conn)(void *arg, struct conn *c);
};

/* Descriptors are made, so that whoever closes one closes nothing else. */
static struct list clients = {&clients, &clients};

int
fake_net_client(const struct fake_side *side, void *arg,
    void (*on_conn)(void *arg, struct conn *c))
{
	struct waiting *w = xcalloc(1, sizeof(*w));

	list_init(&w->node);
	w->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (w->fd < 0)
		BUG("no descriptor for a client");
	w->side = side;
	w->arg = arg;
	w->on_conn = on_conn;
	list_push(&clients, &w->node);
	return w->fd;
}

struct conn *
conn_accepted(struct loop *loop, int take_fd, conn_fn *fn, void *arg)
{
	struct conn *c = conn_make(fn, arg);
	struct list *n;

	(void)loop;
	c->connected = true;
	for (n = clients.next; n != &clients; n = n->next) {
		struct waiting *w = CONTAINER_OF(n, struct waiting, node);

		if (w->fd != take_fd)
			continue;
		c->side = w->side;
		c->side_arg = w->arg;
		w->on_conn(w->arg, c);
		list_remove(n);
		free(w);
		break;
	}
	(void)close(take_fd);
	if (!c->side)
		BUG("descriptor %d is no client", take_fd);
	return c;
}

void
fake_net_clear(void)
{
	struct list *n;

	while ((n = list_pop(&clients)) != NULL) {
		struct waiting *w = CONTAINER_OF(n, struct waiting, node);

		w->on_conn(w->arg, NULL);
		free(w);
	}
}
