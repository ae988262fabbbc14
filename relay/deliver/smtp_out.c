/*
 * Drives client_fsm over a conn. The plan decides beforehand what may happen
 * without TLS; this file only carries bytes, and asks gate_may_mail once
 * more before the envelope leaves (RFC 7672 2.2, RFC 8461 5).
 *
 * Life: the caller's part ends with fn; the session then says QUIT and waits
 * for its answer (RFC 5321 4.1.1.10) on its own, and frees itself at
 * CONN_CLOSED.
 */
#include "config.h"

#include "relay/deliver/smtp_out.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/list.h"
#include "relay/deliver/gate.h"
#include "relay/net/conn.h"
#include "relay/smtp/dot.h"
#include "relay/tls/tls_ctx.h"

#define OUT_CHUNK (64u * 1024u) /* bytes of body stuffed at a time */
#define OUT_PENDING (256u * 1024u) /* bytes queued before we wait */
#define OUT_BUF_MAX (2u * OUT_PENDING)

struct smtp_outs {
	struct smtp_outs_opts o;
	struct list sessions;
	bool closing;
};

struct smtp_out {
	struct list node;
	struct smtp_outs *owner;
	struct conn *conn;
	struct client_fsm *fsm;
	struct tls_plan plan;
	struct msg *msg;
	struct blob *body;
	char **rcpts;
	size_t n;
	bool clear, connected, transaction, not_proven, sending;
	int err;
	char err_text[128];
	int64_t ends; /* loop time by which the body must be on its way */
	bool armed; /* the deadline stands for timer, since replies */
	enum client_timer timer;
	unsigned replies;
	size_t body_at;
	struct dot_out dot;
	struct buf out;
	smtp_out_fn *fn;
	void *arg;
};

struct smtp_outs *
smtp_outs_new(const struct smtp_outs_opts *o)
{
	struct smtp_outs *s = xcalloc(1, sizeof(*s));

	s->o = *o;
	list_init(&s->sessions);
	return s;
}

static void
outs_free_if_done(struct smtp_outs *s)
{
	if (s->closing && list_empty(&s->sessions))
		free(s);
}

void
smtp_outs_free(struct smtp_outs *s)
{
	struct list *n;

	if (!s)
		return;
	s->closing = true;
	for (n = s->sessions.next; n != &s->sessions; n = n->next) {
		struct smtp_out *o = CONTAINER_OF(n, struct smtp_out, node);

		o->fn = NULL;
		conn_close(o->conn, 0);
	}
	outs_free_if_done(s);
}

static void
out_free(struct smtp_out *o)
{
	struct smtp_outs *s = o->owner;
	size_t i;

	list_remove(&o->node);
	client_fsm_free(o->fsm);
	tls_plan_clear(&o->plan);
	msg_unref(o->msg);
	blob_unref(o->body);
	for (i = 0; i < o->n; i++)
		free(o->rcpts[i]);
	free(o->rcpts);
	buf_clear(&o->out);
	free(o);
	outs_free_if_done(s);
}

/* Reports to the caller, once. The last thing its callers do with fn. */
static void
out_report(struct smtp_out *o)
{
	struct smtp_out_result res = {0};
	smtp_out_fn *fn = o->fn;

	if (!fn)
		return;
	o->fn = NULL;
	res.connected = o->connected;
	res.transaction = o->transaction;
	res.not_proven = o->not_proven;
	res.failure = client_fsm_failure(o->fsm);
	res.err = o->err;
	res.err_text = o->err_text;
	res.fsm = o->fsm;
	res.tls = conn_tls_result(o->conn);
	/* What is left is QUIT: the memory is wanted elsewhere. */
	if (!o->sending) {
		blob_unref(o->body);
		o->body = NULL;
	}
	fn(o->arg, &res);
}

/* How long the host may take, in milliseconds. */
static int64_t
out_limit(const struct smtp_out *o, enum client_timer timer)
{
	const struct opt_timeouts *t = &o->owner->o.options->timeouts;

	switch (timer) {
	case CLIENT_T_GREETING:
		return t->greeting;
	case CLIENT_T_EHLO:
		return t->ehlo;
	case CLIENT_T_STARTTLS:
		return t->starttls;
	case CLIENT_T_MAIL:
		return t->mail;
	case CLIENT_T_RCPT:
		return t->rcpt;
	case CLIENT_T_DATA:
		return t->data;
	case CLIENT_T_BLOCK:
		return t->block;
	case CLIENT_T_FINAL:
		return t->final;
	case CLIENT_T_QUIT:
		break;
	}
	return t->quit;
}

/* Once the body is on its way, its own timers rule alone, so that a long
 * transfer is not cut into uncertainty (QUE-09). */
static bool
out_is_bounded(enum client_timer timer)
{
	return timer != CLIENT_T_BLOCK && timer != CLIENT_T_FINAL &&
	    timer != CLIENT_T_QUIT;
}

/* SMTP-28: a new deadline for a reply or another command; the bytes of a reply
 * that does not end buy no time. */
static void
out_deadline(struct smtp_out *o)
{
	enum client_timer timer = client_fsm_timer(o->fsm);
	unsigned replies = client_fsm_replies(o->fsm);
	int64_t left = o->ends - timer_now(o->owner->o.loop);
	int64_t ms = out_limit(o, timer);

	if (o->armed && timer == o->timer && replies == o->replies)
		return;
	o->armed = true;
	o->timer = timer;
	o->replies = replies;
	if (out_is_bounded(timer) && ms > left)
		ms = left > 0 ? left : 1;
	conn_deadline(o->conn, ms);
}

static void
out_flush(struct smtp_out *o)
{
	if (o->out.n)
		conn_write(o->conn, o->out.p, o->out.n);
	buf_reset(&o->out);
}

/* Says QUIT. Whatever let it come to this, a peer must not be able to stop the
 * relay by it. */
static enum client_want
out_refuse(struct smtp_out *o)
{
	char qid[MSG_QID_MAX];
	struct log_line l;

#ifdef WAXSEAL_TEST_BUILD
	BUG("plan %s not proven before MAIL", tls_level_str(o->plan.level));
#endif
	o->not_proven = true;
	metrics_add(o->owner->o.metrics, METRIC_GATE_REFUSED, 1);
	msg_qid(o->msg->id, qid);
	log_begin(&l, o->owner->o.log, LOG_ERROR, "gate");
	log_cstr(&l, "qid", qid);
	log_cstr(&l, "level", tls_level_str(o->plan.level));
	log_cstr(&l, "rule", o->plan.rule);
	log_cstr(&l, "text",
	    "not proven before MAIL; nothing was sent; report this");
	log_end(&l);
	return client_fsm_quit(o->fsm, &o->out);
}

static enum client_want
out_begin(struct smtp_out *o)
{
	struct client_txn txn = {0};

	if (o->transaction) /* one message a session, so far */
		return client_fsm_quit(o->fsm, &o->out);
	if (!gate_may_mail(&o->plan, o->clear, conn_tls_result(o->conn)))
		return out_refuse(o);
	o->transaction = true;
	txn.sender = o->msg->sender;
	txn.rcpts = (const char *const *)o->rcpts;
	txn.n_rcpts = o->n;
	txn.size = blob_str(o->body).n;
	txn.eightbit = (o->msg->flags & MSG_8BIT) != 0;
	txn.smtputf8 = (o->msg->flags & MSG_SMTPUTF8) != 0;
	return client_fsm_mail(o->fsm, &txn, &o->out);
}

/* Writes body while the connection takes it. True when all of it and the
 * final dot are queued. */
static bool
out_body(struct smtp_out *o)
{
	struct str body = blob_str(o->body);

	while (o->body_at < body.n && conn_pending(o->conn) < OUT_PENDING) {
		size_t n = body.n - o->body_at;

		if (n > OUT_CHUNK)
			n = OUT_CHUNK;
		dot_out_feed(&o->dot, str_n(body.p + o->body_at, n), &o->out);
		o->body_at += n;
		out_flush(o);
	}
	if (o->body_at < body.n) {
		conn_deadline(o->conn, o->owner->o.options->timeouts.block);
		return false;
	}
	dot_out_end(&o->dot, &o->out);
	out_flush(o);
	return true;
}

static void out_drive(struct smtp_out *o, enum client_want want);

static void
out_event(
    struct smtp_out *o, enum client_event_kind kind, struct str data, int err)
{
	struct client_event ev = {.kind = kind, .data = data, .err = err};

	out_drive(o, client_fsm_step(o->fsm, &ev, &o->out));
}

static void
out_continue_body(struct smtp_out *o)
{
	if (!out_body(o))
		return;
	o->sending = false;
	out_event(o, CLIENT_EV_BODY_SENT, STR(""), 0);
}

static void
out_drive(struct smtp_out *o, enum client_want want)
{
	if (want == CLIENT_WANT_TXN)
		want = out_begin(o);
	out_flush(o);
	switch (want) {
	case CLIENT_WANT_INPUT:
		out_deadline(o);
		/* It failed and only says QUIT now: nobody need wait for that. */
		if (client_fsm_failure(o->fsm) != CLIENT_OK || o->not_proven)
			out_report(o);
		break;
	case CLIENT_WANT_STARTTLS:
		conn_start_tls(o->conn, o->owner->o.tls, &o->plan);
		conn_deadline(o->conn, o->owner->o.options->timeouts.starttls);
		break;
	case CLIENT_WANT_BODY:
		if (!o->sending) {
			o->sending = true;
			dot_out_init(&o->dot);
			out_continue_body(o);
		}
		break;
	case CLIENT_TXN_DONE:
		o->sending = false;
		if (!client_fsm_over(o->fsm)) {
			(void)client_fsm_quit(o->fsm, &o->out);
			out_flush(o);
			out_deadline(o);
		} else {
			conn_close(o->conn, 1);
		}
		out_report(o);
		break;
	case CLIENT_WANT_TXN:
	case CLIENT_OVER:
		o->sending = false;
		conn_close(o->conn, 1);
		out_report(o);
		break;
	}
}

static void
out_ended(struct smtp_out *o, const struct conn_event *ev, int err)
{
	o->err = err;
	_Static_assert(sizeof(o->err_text) == sizeof(ev->text), "copied whole");
	memcpy(o->err_text, ev->text, sizeof(o->err_text));
	o->sending = false;
	out_event(o, CLIENT_EV_CLOSED, STR(""), err);
}

static void
out_tls_done(struct smtp_out *o)
{
	const struct tls_result *res = conn_tls_result(o->conn);
	bool ok = res->failure == TLS_OK && res->established;

	if (!ok)
		metrics_add(o->owner->o.metrics, METRIC_TLS_FAILED, 1);
	out_event(o, ok ? CLIENT_EV_TLS_OK : CLIENT_EV_TLS_FAILED, STR(""),
	    ok ? 0 : ERR_TLS);
}

static void
out_on_conn(void *arg, const struct conn_event *ev)
{
	struct smtp_out *o = arg;

	switch (ev->kind) {
	case CONN_CONNECTED:
		o->connected = true;
		metrics_add(o->owner->o.metrics, METRIC_CONNS_OUT, 1);
		out_event(o, CLIENT_EV_CONNECTED, STR(""), 0);
		break;
	case CONN_DATA:
		out_event(o, CLIENT_EV_DATA, ev->data, 0);
		break;
	case CONN_DRAINED:
		if (o->sending)
			out_continue_body(o);
		break;
	case CONN_TLS_DONE:
		out_tls_done(o);
		break;
	case CONN_EOF:
		out_ended(o, ev, ERR_CLOSED);
		break;
	case CONN_ERROR:
		out_ended(o, ev, ev->err);
		break;
	case CONN_CLOSED:
		out_free(o);
		break;
	}
}

struct smtp_out *
smtp_out_start(struct smtp_outs *s, const struct smtp_out_req *req,
    smtp_out_fn *fn, void *arg)
{
	struct client_opts co = {.helo = s->o.options->hostname};
	struct smtp_out *o = xcalloc(1, sizeof(*o));
	size_t i;

	o->owner = s;
	list_init(&o->node);
	tls_plan_copy(&o->plan, req->plan);
	o->clear = req->clear;
	o->msg = msg_ref(req->msg);
	o->body = blob_ref(req->body);
	o->rcpts = xcalloc(req->n, sizeof(*o->rcpts));
	o->n = req->n;
	for (i = 0; i < req->n; i++)
		o->rcpts[i] = xstrdup(req->rcpts[i]->addr);
	buf_init(&o->out, OUT_BUF_MAX);
	o->fn = fn;
	o->arg = arg;
	o->ends = timer_now(s->o.loop) + s->o.options->timeouts.session;
	co.tls = gate_client_tls(&o->plan, o->clear);
	co.requiretls = o->plan.requiretls;
	o->fsm = client_fsm_new(&co);
	list_push(&s->sessions, &o->node);
	o->conn = conn_connect(s->o.loop, &req->addr,
	    s->o.options->timeouts.connect, out_on_conn, o);
	if (!o->conn) {
		out_free(o);
		return NULL;
	}
	return o;
}

void
smtp_out_cancel(struct smtp_out *o)
{
	o->fn = NULL;
	conn_close(o->conn, 0);
}

bool
smtp_out_in_body(const struct smtp_out *o)
{
	return o->sending || client_fsm_timer(o->fsm) == CLIENT_T_FINAL;
}
