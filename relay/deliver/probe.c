/*
 * client_fsm over a conn like smtp_out, by the same reading of the plan
 * (gate), but when the session is ready for MAIL it says QUIT. There is no
 * call of client_fsm_mail in this file.
 */
#include "config.h"

#include "relay/deliver/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/deliver/gate.h"
#include "relay/net/conn.h"
#include "relay/smtp/client_fsm.h"
#include "relay/tls/tls_ctx.h"

#define OUT_MAX 4096u
#define PEM_MAX (256u * 1024u) /* bytes of a chain */

struct probe {
	struct probe_req req;
	struct tls_plan plan;
	struct conn *conn;
	struct client_fsm *fsm;
	struct buf out;
	struct buf pem;
	struct explain_conn res;
	int64_t ends; /* loop time */
	probe_fn *fn;
	void *arg;
};

static void probe_drive(struct probe *p, enum client_want want);

static void
probe_event(
    struct probe *p, enum client_event_kind kind, struct str data, int err)
{
	struct client_event ev = {.kind = kind, .data = data, .err = err};

	probe_drive(p, client_fsm_step(p->fsm, &ev, &p->out));
}

static int64_t
probe_limit(const struct probe *p)
{
	const struct opt_timeouts *t = &p->req.options->timeouts;

	switch (client_fsm_timer(p->fsm)) {
	case CLIENT_T_GREETING:
		return t->greeting;
	case CLIENT_T_EHLO:
		return t->ehlo;
	case CLIENT_T_STARTTLS:
		return t->starttls;
	case CLIENT_T_MAIL:
	case CLIENT_T_RCPT:
	case CLIENT_T_DATA:
	case CLIENT_T_BLOCK:
	case CLIENT_T_FINAL:
	case CLIENT_T_QUIT:
		break;
	}
	return t->quit;
}

static void
probe_deadline(struct probe *p)
{
	int64_t left = p->ends - timer_now(p->req.loop);
	int64_t ms = probe_limit(p);

	if (ms > left)
		ms = left > 0 ? left : 1;
	conn_deadline(p->conn, ms);
}

/* The peer's last words, on one line; p->res.text is empty still. */
static void
probe_note_reply(struct probe *p)
{
	const struct reply *r = client_fsm_reply(p->fsm);
	struct buf b;

	if (!r || p->res.text[0])
		return;
	buf_init(&b, 4 * REPLY_TEXT_MAX);
	reply_line(r, &b);
	(void)snprintf(
	    p->res.text, sizeof(p->res.text), "%.*s", STR_FMT(buf_str(&b)));
	buf_clear(&b);
}

static void
probe_drive(struct probe *p, enum client_want want)
{
	if (want == CLIENT_WANT_TXN) {
		p->res.ready = gate_may_mail(
		    &p->plan, false, conn_tls_result(p->conn));
		want = client_fsm_quit(p->fsm, &p->out);
	}
	if (p->out.n > 0)
		conn_write(p->conn, p->out.p, p->out.n);
	buf_reset(&p->out);
	switch (want) {
	case CLIENT_WANT_INPUT:
		probe_deadline(p);
		break;
	case CLIENT_WANT_STARTTLS:
		p->res.starttls = true;
		conn_start_tls(p->conn, p->req.tls, &p->plan);
		probe_deadline(p);
		break;
	case CLIENT_WANT_TXN:
	case CLIENT_WANT_BODY:
	case CLIENT_TXN_DONE:
	case CLIENT_OVER:
		conn_close(p->conn, 1);
		break;
	}
}

static void
probe_tls_done(struct probe *p)
{
	const struct tls_result *res = conn_tls_result(p->conn);
	bool ok = res->failure == TLS_OK && res->established;

	conn_tls_chain(p->conn, &p->pem);
	probe_event(p, ok ? CLIENT_EV_TLS_OK : CLIENT_EV_TLS_FAILED, STR(""),
	    ok ? 0 : ERR_TLS);
}

static void
probe_ended(struct probe *p, const char *text, int err)
{
	if (!p->res.text[0] && !p->res.ready)
		(void)snprintf(p->res.text, sizeof(p->res.text), "%s",
		    text[0] ? text : err_str(err));
	probe_event(p, CLIENT_EV_CLOSED, STR(""), err);
}

/* Would the plan let mail go in clear now? */
static bool
probe_may_clear(const struct probe *p)
{
	enum client_fail f = client_fsm_failure(p->fsm);

	return !p->res.ready && p->res.connected && f == CLIENT_FAIL_TLS &&
	    gate_may_mail(&p->plan, true, &p->res.tls);
}

static void
probe_free(struct probe *p)
{
	client_fsm_free(p->fsm);
	tls_plan_clear(&p->plan);
	buf_clear(&p->out);
	buf_clear(&p->pem);
	free(p);
}

static void
probe_closed(struct probe *p)
{
	probe_fn *fn = p->fn;
	void *arg = p->arg;

	p->res.tls = *conn_tls_result(p->conn);
	p->res.failure = client_fail_str(client_fsm_failure(p->fsm));
	p->res.clear = probe_may_clear(p);
	probe_note_reply(p);
	fn(arg, &p->res, buf_str(&p->pem));
	probe_free(p);
}

static void
probe_on_conn(void *arg, const struct conn_event *ev)
{
	struct probe *p = arg;

	switch (ev->kind) {
	case CONN_CONNECTED:
		p->res.connected = true;
		probe_event(p, CLIENT_EV_CONNECTED, STR(""), 0);
		break;
	case CONN_DATA:
		probe_event(p, CLIENT_EV_DATA, ev->data, 0);
		break;
	case CONN_DRAINED:
		break;
	case CONN_TLS_DONE:
		probe_tls_done(p);
		break;
	case CONN_EOF:
		probe_ended(p, ev->text, ERR_CLOSED);
		break;
	case CONN_ERROR:
		probe_ended(p, ev->text, ev->err);
		break;
	case CONN_CLOSED:
		probe_closed(p);
		break;
	}
}

struct probe *
probe_start(const struct probe_req *req, probe_fn *fn, void *arg)
{
	struct client_opts co = {.helo = req->options->hostname,
	    .tls = gate_client_tls(req->plan, false),
	    .requiretls = req->plan->requiretls};
	struct probe *p = xcalloc(1, sizeof(*p));
	struct sockaddr_any to = {
	    .family = req->addr.family, .port = req->port};
	int64_t ms = req->options->timeouts.connect;

	p->req = *req;
	tls_plan_copy(&p->plan, req->plan);
	(void)snprintf(p->res.host, sizeof(p->res.host), "%s", req->host);
	p->res.addr = req->addr;
	p->res.port = req->port;
	p->res.tls.depth = -1;
	buf_init(&p->out, OUT_MAX);
	buf_init(&p->pem, PEM_MAX);
	p->fn = fn;
	p->arg = arg;
	p->ends = timer_now(req->loop) + req->limit_ms;
	p->fsm = client_fsm_new(&co);
	memcpy(to.ip, req->addr.ip, sizeof(to.ip));
	p->conn = conn_connect(req->loop, &to,
	    ms < req->limit_ms ? ms : req->limit_ms, probe_on_conn, p);
	if (!p->conn) {
		probe_free(p);
		return NULL;
	}
	return p;
}
