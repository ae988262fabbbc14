/*
 * The walk of RFC 5321 5.1 over what relay/decide offers: hosts in order,
 * addresses of a host in order. The first hosts may use all of their
 * addresses; after ATTEMPT_FREELY connections a host has two left, so that no
 * host hides those behind it, however many dead addresses it has. What a
 * failure means is said by classify (pure); what may be sent how is said by
 * the plan. The body is held for the whole attempt, so that a DSN can quote
 * it.
 *
 * The outcome that is kept when nothing helped: see attempt_keep.
 */
#include "config.h"

#include "relay/deliver/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "relay/decide/decide.h"
#include "relay/deliver/classify.h"
#include "relay/deliver/smtp_out.h"

#define ATTEMPT_SESSIONS 32 /* connections, then no more addresses */
#define ATTEMPT_FREELY 12 /* before a host has but ATTEMPT_HOST_LEAST */
#define ATTEMPT_HOST_LEAST 2 /* RFC 5321 5.1 */
#define ATTEMPT_MS (60 * 60 * 1000) /* until a body is on its way */

struct attempt {
	struct attempt_ctx ctx;
	const struct sched_grant *g;
	struct route *route;
	struct smtp_out *session;
	struct timer *defer; /* reports, from outside of any call */
	struct timer *deadline; /* of the attempt as a whole */
	struct blob *body;
	struct outcome *outcomes;
	struct route_host host; /* its plan is our copy */
	bool have_host, clear, reached, have_kept, loading, hurried, late,
	    released;
	size_t at_addr;
	unsigned sessions, host_sessions;
	struct outcome kept;
	attempt_fn *fn;
	void *arg;
};

static void
attempt_host_clear(struct attempt *a)
{
	if (a->have_host)
		tls_plan_clear(&a->host.plan);
	a->have_host = false;
}

static void
attempt_destroy(struct attempt *a)
{
	if (a->session)
		smtp_out_cancel(a->session);
	route_free(a->route);
	timer_free(a->defer);
	timer_free(a->deadline);
	attempt_host_clear(a);
	blob_unref(a->body);
	free(a->outcomes);
	free(a);
}

void
attempt_free(struct attempt *a)
{
	if (!a)
		return;
	store_forget(a->ctx.store, a);
	attempt_destroy(a);
}

static void
attempt_report(void *arg)
{
	struct attempt *a = arg;
	struct attempt_result res = {.outcomes = a->outcomes,
	    .host_failed = !a->reached,
	    .released = a->released,
	    .body = a->body};
	attempt_fn *fn = a->fn;
	void *fn_arg = a->arg;

	a->fn = NULL;
	if (fn)
		fn(fn_arg, &res);
	attempt_destroy(a);
}

/* Every recipient without an outcome of its own gets o; then reports. */
static void
attempt_end(struct attempt *a, const struct outcome *o)
{
	size_t i;

	for (i = 0; o && i < a->g->n; i++)
		a->outcomes[i] = *o;
	if (a->route) {
		route_free(a->route);
		a->route = NULL;
	}
	timer_start(a->defer, 0);
}

static void
attempt_end_text(struct attempt *a, const char *dsn, const char *text)
{
	struct outcome o;

	outcome_init(&o, OUT_DEFERRED);
	outcome_set(&o, OUT_DEFERRED, dsn, "QUE-02", "%s", text);
	attempt_end(a, &o);
}

/* Shutdown: the recipients wait in the store as they were. */
static void
attempt_release(struct attempt *a)
{
	a->released = true;
	attempt_end_text(a, "4.3.2", "the relay is shutting down");
}

/* Slow hosts must not hold a place for ever: what is known now counts. */
static void
attempt_end_late(struct attempt *a)
{
	struct outcome o;

	/* Hosts that were not looked at may be of use: nothing is for good. */
	if (a->have_kept && a->kept.cls == OUT_DEFERRED) {
		attempt_end(a, &a->kept);
		return;
	}
	outcome_init(&o, OUT_DEFERRED);
	outcome_set(&o, OUT_DEFERRED, "4.4.1", "STEP-BUDGET",
	    "no host took it within an hour");
	attempt_end(a, &o);
}

/* No new step: says so, and ends the attempt. */
static bool
attempt_is_over(struct attempt *a)
{
	if (a->hurried)
		attempt_release(a);
	else if (a->late)
		attempt_end_late(a);
	return a->hurried || a->late;
}

/* What counts when no host took the message. */
static void
attempt_keep(struct attempt *a, const struct outcome *o)
{
	if (a->have_kept && !outcome_better(&a->kept, o))
		return;
	a->kept = *o;
	a->have_kept = true;
}

static void attempt_connect(struct attempt *a);

static void
attempt_next_host(struct attempt *a)
{
	attempt_host_clear(a);
	if (a->sessions >= ATTEMPT_SESSIONS)
		attempt_end(a, &a->kept);
	else if (!attempt_is_over(a))
		route_next(a->route);
}

/* With two addresses to try, one of each family is best: SMTP-30. */
static size_t
attempt_other_family(const struct attempt *a)
{
	const struct rr_addr *v = a->host.addrs;

	for (size_t i = a->at_addr + 1; i < a->host.n_addrs; i++)
		if (v[i].family != v[a->at_addr].family)
			return i;
	return a->at_addr + 1;
}

static void
attempt_next_addr(struct attempt *a)
{
	bool thrift = a->sessions >= ATTEMPT_FREELY;

	a->clear = false;
	a->at_addr = thrift ? attempt_other_family(a) : a->at_addr + 1;
	if (a->at_addr < a->host.n_addrs && a->sessions < ATTEMPT_SESSIONS &&
	    (!thrift || a->host_sessions < ATTEMPT_HOST_LEAST))
		attempt_connect(a);
	else
		attempt_next_host(a);
}

static void
attempt_view(const struct attempt *a, const struct smtp_out_result *res,
    struct classify_session *cs)
{
	memset(cs, 0, sizeof(*cs));
	cs->plan = &a->host.plan;
	cs->failure = res->failure;
	cs->err = res->err;
	cs->err_text = res->err_text;
	cs->reply = client_fsm_reply(res->fsm);
	cs->tls = res->tls;
	cs->connected = res->connected;
	cs->clear_retry = a->clear;
	cs->not_proven = res->not_proven;
}

static void
attempt_stamp(const struct attempt *a, struct outcome *o)
{
	memcpy(o->mx, a->host.host, sizeof(o->mx));
	rr_addr_str(&a->host.addrs[a->at_addr], o->addr);
}

static void
attempt_session_done(void *arg, const struct smtp_out_result *res)
{
	struct attempt *a = arg;
	struct classify_session cs;
	struct client_rcpt_result r;
	struct outcome o;
	size_t i;

	a->session = NULL;
	attempt_view(a, res, &cs);
	if (res->transaction) {
		a->reached = true;
		for (i = 0; i < a->g->n; i++) {
			outcome_init(&a->outcomes[i], OUT_DEFERRED);
			client_fsm_result(res->fsm, i, &r);
			classify_rcpt(&cs, &r, &a->outcomes[i]);
			attempt_stamp(a, &a->outcomes[i]);
		}
		attempt_end(a, NULL);
		return;
	}
	outcome_init(&o, OUT_DEFERRED);
	switch (classify_session(&cs, &o)) {
	case CLASSIFY_FINAL:
		attempt_stamp(a, &o);
		attempt_end(a, &o);
		break;
	case CLASSIFY_NEXT_ADDR:
		attempt_stamp(a, &o);
		attempt_keep(a, &o);
		attempt_next_addr(a);
		break;
	case CLASSIFY_NEXT_HOST:
		attempt_stamp(a, &o);
		attempt_keep(a, &o);
		attempt_next_host(a);
		break;
	case CLASSIFY_CLEAR:
		a->clear = true;
		attempt_connect(a);
		break;
	}
}

static void
attempt_connect(struct attempt *a)
{
	const struct rr_addr *addr = &a->host.addrs[a->at_addr];
	struct smtp_out_req req = {.plan = &a->host.plan,
	    .clear = a->clear,
	    .msg = a->g->msg,
	    .body = a->body,
	    .rcpts = (const struct rcpt *const *)a->g->rcpts,
	    .n = a->g->n};

	if (attempt_is_over(a))
		return;
	req.addr.family = addr->family;
	memcpy(req.addr.ip, addr->ip, sizeof(req.addr.ip));
	req.addr.port = a->host.port;
	a->sessions++;
	a->host_sessions++;
	a->session = smtp_out_start(a->ctx.outs, &req, attempt_session_done, a);
	if (!a->session)
		attempt_end_text(a, "4.3.0", "no socket for a connection");
}

static void
attempt_log_skip(struct attempt *a, const struct route_event *ev)
{
	struct log_line l;

	log_begin(&l, a->ctx.log, LOG_INFO, "skip");
	log_cstr(&l, "domain", a->g->next_hop);
	log_cstr(&l, "mx", ev->outcome->mx);
	log_cstr(&l, "rule", ev->outcome->rule);
	log_cstr(&l, "reason", ev->outcome->reply);
	log_end(&l);
}

static void
attempt_on_route(void *arg, const struct route_event *ev)
{
	struct attempt *a = arg;

	switch (ev->kind) {
	case ROUTE_HOST:
		attempt_host_clear(a);
		a->host = *ev->host;
		tls_plan_init(&a->host.plan); /* its records are not ours */
		tls_plan_copy(&a->host.plan, &ev->host->plan);
		a->have_host = true;
		a->at_addr = 0;
		a->host_sessions = 0;
		a->clear = false;
		attempt_connect(a);
		break;
	case ROUTE_SKIP:
		attempt_log_skip(a, ev);
		attempt_keep(a, ev->outcome);
		break;
	case ROUTE_END:
		/* hosts were tried: what they said counts; a permanent end
		 * of the route itself (null MX) has nothing kept */
		attempt_end(
		    a, a->have_kept && a->sessions ? &a->kept : ev->outcome);
		break;
	}
}

static void
attempt_route(struct attempt *a)
{
	struct route_req req = {
	    .next_hop = a->g->next_hop, .msg_flags = a->g->msg->flags};

	if (attempt_is_over(a))
		return;
	a->route = route_start(a->ctx.decide, &req, attempt_on_route, a);
}

static void
attempt_on_body(void *arg, int err, struct blob *body)
{
	struct attempt *a = arg;

	a->loading = false;
	a->body = body;
	if (err || !body) {
		log_text(a->ctx.log, LOG_ERROR, "body-unreadable",
		    "message %016llx: %s", (unsigned long long)a->g->msg->id,
		    err_str(err));
		attempt_end_text(a, "4.3.0", "the queue can't be read");
		return;
	}
	attempt_route(a);
}

/* A session that is in its body goes on: its own timers rule, so that it is
 * not cut into uncertainty (QUE-09). */
static void
attempt_on_deadline(void *arg)
{
	struct attempt *a = arg;

	a->late = true;
	if (a->loading || timer_active(a->defer))
		return;
	if (a->session) {
		if (smtp_out_in_body(a->session))
			return;
		smtp_out_cancel(a->session);
		a->session = NULL;
	}
	attempt_end_late(a);
}

struct attempt *
attempt_start(const struct attempt_ctx *ctx, const struct sched_grant *g,
    attempt_fn *fn, void *arg)
{
	struct attempt *a = xcalloc(1, sizeof(*a));

	a->ctx = *ctx;
	a->g = g;
	a->fn = fn;
	a->arg = arg;
	a->outcomes = xcalloc(g->n, sizeof(*a->outcomes));
	a->defer = timer_new(ctx->loop, attempt_report, a);
	a->deadline = timer_new(ctx->loop, attempt_on_deadline, a);
	timer_start(a->deadline, ATTEMPT_MS);
	if (g->msg->body) {
		a->body = blob_ref(g->msg->body);
		attempt_route(a);
	} else if (store_body(ctx->store, g->msg->id, attempt_on_body, a)) {
		attempt_end_text(a, "4.3.0", "the queue is busy");
	} else {
		a->loading = true;
	}
	return a;
}

void
attempt_hurry(struct attempt *a)
{
	a->hurried = true;
	if (a->loading || timer_active(a->defer))
		return;
	if (a->session) {
		if (smtp_out_in_body(a->session))
			return;
		smtp_out_cancel(a->session);
		a->session = NULL;
	}
	attempt_release(a);
}
