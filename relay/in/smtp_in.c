/*
 * Bytes from a conn to server_fsm, and what it wants to the sink. While the
 * sink works (end of data), reading pauses: a client that pipelines waits in
 * its own socket buffer. A session lives until CONN_CLOSED.
 *
 * Time: one limit from command to command, and one for the whole session
 * unless a message is with the sink (RFC 5321 4.5.3.2.7).
 */
#include "config.h"

#include "relay/in/smtp_in.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/list.h"
#include "relay/in/access.h"
#include "relay/net/conn.h"
#include "relay/smtp/server_fsm.h"

#define IN_IDLE_MS (5 * 60 * 1000) /* RFC 5321 4.5.3.2.7 */
#define IN_SESSION_MS (60 * 60 * 1000) /* slow drip: SMTP-28 */
#define IN_OUT_MAX (4u << 20) /* bytes of replies to one piece of input */
#define IN_UNREAD (256u * 1024u) /* bytes of replies the client has not read */

struct smtp_in {
	struct smtp_in_opts o;
	struct list sessions;
	size_t n;
	bool stopping, freed;
	struct timer *done_timer;
	void (*done_fn)(void *arg);
	void *done_arg;
};

struct session {
	struct list node;
	struct smtp_in *owner;
	struct conn *conn;
	struct timer *idle;
	struct server_fsm *fsm;
	struct sink_txn *txn;
	struct sink_client client;
	struct buf out;
	int64_t ends; /* loop time */
	bool at_sink; /* end was called, the reply is outstanding */
	bool closing;
};

static void
in_on_done(void *arg)
{
	struct smtp_in *s = arg;

	if (s->done_fn)
		s->done_fn(s->done_arg);
}

struct smtp_in *
smtp_in_new(const struct smtp_in_opts *o)
{
	struct smtp_in *s = xcalloc(1, sizeof(*s));

	s->o = *o;
	list_init(&s->sessions);
	s->done_timer = timer_new(o->loop, in_on_done, s);
	return s;
}

static void
in_check_done(struct smtp_in *s)
{
	if (s->n)
		return;
	if (s->freed) {
		timer_free(s->done_timer);
		free(s);
	} else if (s->stopping) {
		timer_start(s->done_timer, 0);
	}
}

static void
session_free(struct session *x)
{
	struct smtp_in *s = x->owner;

	if (x->txn)
		s->o.sink->abort(x->txn);
	list_remove(&x->node);
	s->n--;
	metrics_add(s->o.metrics, METRIC_SESSIONS_IN_NOW, -1);
	metrics_add(s->o.metrics, METRIC_REJECTED_IN,
	    (int64_t)server_fsm_errors(x->fsm));
	server_fsm_free(x->fsm);
	timer_free(x->idle);
	buf_clear(&x->out);
	free(x);
	in_check_done(s);
}

static void
session_flush(struct session *x)
{
	if (x->out.n)
		conn_write(x->conn, x->out.p, x->out.n);
	buf_reset(&x->out);
}

/* Waits for input; from a client that does not read its replies, only when it
 * has. */
static void
session_wait(struct session *x)
{
	int64_t left = x->ends - timer_now(x->owner->o.loop);

	if (left < 1)
		left = 1;
	timer_start(x->idle, left < IN_IDLE_MS ? left : IN_IDLE_MS);
	if (conn_pending(x->conn) > IN_UNREAD)
		conn_pause(x->conn);
	else
		conn_resume(x->conn);
}

static enum server_want
session_begin(struct session *x)
{
	const struct mail_sink *sink = x->owner->o.sink;
	struct sink_envelope env;
	int err;

	server_fsm_envelope(x->fsm, &env);
	strncpy(x->client.helo, server_fsm_helo(x->fsm),
	    sizeof(x->client.helo) - 1);
	x->client.protocol = server_fsm_esmtp(x->fsm) ? "ESMTP" : "SMTP";
	env.client = &x->client;
	err = sink->begin(sink->ctx, &env, &x->txn);
	if (err)
		x->txn = NULL;
	return server_fsm_begun(x->fsm, err, &x->out);
}

static enum server_want
session_body(struct session *x)
{
	const struct mail_sink *sink = x->owner->o.sink;
	struct str body = server_fsm_body(x->fsm);
	int err = x->txn ? sink->body(x->txn, body.p, body.n) : 0;

	if (err) {
		sink->abort(x->txn);
		x->txn = NULL;
		server_fsm_body_failed(x->fsm, err);
	}
	return server_fsm_step(x->fsm, STR(""), &x->out);
}

static enum server_want
session_abort(struct session *x)
{
	if (x->txn)
		x->owner->o.sink->abort(x->txn);
	x->txn = NULL;
	return server_fsm_step(x->fsm, STR(""), &x->out);
}

static void session_drive(struct session *x, enum server_want want);

static void
session_on_reply(void *arg, int code, const char *dsn, const char *text)
{
	struct session *x = arg;
	enum server_want want;

	x->txn = NULL;
	x->at_sink = false;
	want = server_fsm_replied(x->fsm, code, dsn, text, &x->out);
	if (x->owner->stopping)
		want = server_fsm_goodbye(
		    x->fsm, "4.3.2", "the relay is shutting down", &x->out);
	session_drive(x, want);
}

static void
session_end(struct session *x)
{
	struct sink_txn *txn = x->txn;

	x->at_sink = true;
	conn_pause(x->conn);
	timer_stop(x->idle);
	session_flush(x);
	x->owner->o.sink->end(txn, session_on_reply, x);
}

static void
session_drive(struct session *x, enum server_want want)
{
	for (;;) {
		switch (want) {
		case SERVER_WANT_INPUT:
			session_flush(x);
			session_wait(x);
			return;
		case SERVER_WANT_BEGIN:
			want = session_begin(x);
			break;
		case SERVER_WANT_BODY:
			want = session_body(x);
			break;
		case SERVER_WANT_ABORT:
			want = session_abort(x);
			break;
		case SERVER_WANT_END:
			session_end(x);
			return;
		case SERVER_WANT_CLOSE:
			session_flush(x);
			timer_stop(x->idle);
			x->closing = true;
			conn_close(x->conn, 1);
			return;
		}
	}
}

/* The client is gone or too slow. What is with the sink stays there: it may
 * still be queued, RFC 5321 4.1.1.4 allows the duplicate. */
static void
session_lost(struct session *x)
{
	if (x->txn)
		x->owner->o.sink->abort(x->txn);
	x->txn = NULL;
	x->at_sink = false;
	timer_stop(x->idle);
	x->closing = true;
	conn_close(x->conn, 1);
}

/* Too slow: RFC 5321 4.5.3.2.7. What is with the sink has no limit here. */
static void
session_on_idle(void *arg)
{
	struct session *x = arg;

	session_drive(
	    x, server_fsm_goodbye(x->fsm, "4.4.2", "timeout", &x->out));
}

static void
session_on_conn(void *arg, const struct conn_event *ev)
{
	struct session *x = arg;

	switch (ev->kind) {
	case CONN_DATA:
		if (!x->closing && !x->at_sink)
			session_drive(
			    x, server_fsm_step(x->fsm, ev->data, &x->out));
		break;
	case CONN_EOF:
	case CONN_ERROR:
		session_lost(x);
		break;
	case CONN_CLOSED:
		session_free(x);
		break;
	case CONN_DRAINED:
		if (!x->closing && !x->at_sink)
			session_wait(x);
		break;
	case CONN_CONNECTED:
	case CONN_TLS_DONE:
		break;
	}
}

static bool
session_may_relay(const struct opt_listen *l, const struct sockaddr_any *peer)
{
	struct rr_addr a = {.family = peer->family};

	if (peer->family == 0)
		return access_may_relay(l, NULL);
	memcpy(a.ip, peer->ip, sizeof(a.ip));
	return access_may_relay(l, &a);
}

static void
session_name(struct session *x, const struct sockaddr_any *peer)
{
	struct rr_addr a = {.family = peer->family};

	if (peer->family == 0) {
		memcpy(x->client.addr, "unix", sizeof("unix"));
		return;
	}
	memcpy(a.ip, peer->ip, sizeof(a.ip));
	rr_addr_str(&a, x->client.addr);
}

void
smtp_in_accept(struct smtp_in *s, const struct opt_listen *l, int take_fd,
    const struct sockaddr_any *peer_in)
{
	struct session *x = xcalloc(1, sizeof(*x));
	struct server_opts so = {.hostname = s->o.options->hostname,
	    .max_size = s->o.options->queue.max_message_size,
	    .max_rcpts = s->o.options->smtp.max_recipients,
	    .max_errors = s->o.options->smtp.max_errors};
	struct sockaddr_any peer = *peer_in;
	enum server_want want;

	sockaddr_unmap(&peer);
	x->owner = s;
	list_init(&x->node);
	buf_init(&x->out, IN_OUT_MAX);
	session_name(x, &peer);
	so.client = x->client.addr;
	so.may_relay = session_may_relay(l, &peer);
	x->fsm = server_fsm_new(&so);
	x->ends = timer_now(s->o.loop) + IN_SESSION_MS;
	x->conn = conn_accepted(s->o.loop, take_fd, session_on_conn, x);
	if (!x->conn) {
		server_fsm_free(x->fsm);
		free(x);
		return;
	}
	x->idle = timer_new(s->o.loop, session_on_idle, x);
	list_push(&s->sessions, &x->node);
	s->n++;
	metrics_add(s->o.metrics, METRIC_SESSIONS_IN, 1);
	metrics_add(s->o.metrics, METRIC_SESSIONS_IN_NOW, 1);
	if (!so.may_relay)
		log_text(s->o.log, LOG_WARN, "relay-denied",
		    "client %s on %s is in none of its networks",
		    x->client.addr, l->text);
	if (s->stopping || s->n > s->o.options->smtp.max_sessions)
		want = server_fsm_goodbye(x->fsm,
		    s->stopping ? "4.3.2" : "4.7.0",
		    s->stopping ? "the relay is shutting down"
				: "too many sessions",
		    &x->out);
	else
		want = server_fsm_start(x->fsm, &x->out);
	session_drive(x, want);
}

void
smtp_in_stop(struct smtp_in *s, void (*done_fn)(void *arg), void *arg)
{
	struct list *n;

	s->stopping = true;
	s->done_fn = done_fn;
	s->done_arg = arg;
	for (n = s->sessions.next; n != &s->sessions; n = n->next) {
		struct session *x = CONTAINER_OF(n, struct session, node);

		if (x->at_sink || x->closing)
			continue;
		(void)server_fsm_goodbye(
		    x->fsm, "4.3.2", "the relay is shutting down", &x->out);
		session_flush(x);
		session_lost(x);
	}
	in_check_done(s);
}

void
smtp_in_free(struct smtp_in *s)
{
	struct list *n;

	if (!s)
		return;
	s->freed = true;
	s->done_fn = NULL;
	for (n = s->sessions.next; n != &s->sessions; n = n->next) {
		struct session *x = CONTAINER_OF(n, struct session, node);

		if (x->txn)
			s->o.sink->abort(x->txn);
		x->txn = NULL;
		timer_stop(x->idle);
		x->closing = true;
		conn_close(x->conn, 0);
	}
	in_check_done(s);
}
