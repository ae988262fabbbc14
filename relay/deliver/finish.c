/*
 * Rows, DSN and (later) report counters of one grant go in one transaction:
 * a crash either leaves the recipients as they were, or finds all of it done
 * (RFC 5321 6.1; QUE-06, QUE-08). A store that can't commit is asked again,
 * every FINISH_RETRY_MS; meanwhile the recipients stay out of the scheduler,
 * so that nobody is sent a message twice by a run that goes on.
 */
#include "config.h"

#include "relay/deliver/finish.h"

#include <stdlib.h>
#include <string.h>

#include "relay/bounce/bounce.h"

#define FINISH_RETRY_MS 1000
#define FINISH_MAX_ORIGINAL (256u * 1024u) /* bytes of body in a DSN */

struct finish {
	struct finish_ctx ctx;
	const struct sched_grant *g;
	struct outcome *outcomes;
	struct store_result *results;
	struct msg *dsn;
	struct rcpt_in dsn_to;
	struct timer *retry;
	finish_fn *fn;
	void *arg;
};

static void
finish_destroy(struct finish *f)
{
	timer_free(f->retry);
	msg_unref(f->dsn);
	free(f->outcomes);
	free(f->results);
	free(f);
}

void
finish_free(struct finish *f)
{
	if (!f)
		return;
	store_forget(f->ctx.store, f);
	finish_destroy(f);
}

static bool
finish_failed(const struct outcome *o)
{
	return o->cls == OUT_BOUNCED || o->cls == OUT_EXPIRED;
}

static void
finish_make_dsn(struct finish *f, struct blob *body)
{
	struct dsn_rcpt *v = xcalloc(f->g->n, sizeof(*v));
	struct dsn_in in = {.hostname = f->ctx.options->hostname,
	    .msg = f->g->msg,
	    .rcpts = v,
	    .now = clock_real_s(&f->ctx.clock),
	    .max_original = FINISH_MAX_ORIGINAL};
	char qid[MSG_QID_MAX];
	size_t i;

	msg_qid(f->g->msg->id, qid);
	in.qid = qid;
	if (body)
		in.original = blob_str(body);
	for (i = 0; i < f->g->n; i++) {
		if (!finish_failed(&f->outcomes[i]) ||
		    !dsn_wanted(f->g->msg, f->g->rcpts[i]->notify))
			continue;
		v[in.n].addr = f->g->rcpts[i]->addr;
		v[in.n].orcpt = f->g->rcpts[i]->orcpt;
		v[in.n++].outcome = &f->outcomes[i];
	}
	rng_fill(f->ctx.rng, &in.nonce, sizeof(in.nonce));
	if (in.n && bounce_make(&in, &f->dsn, &f->dsn_to))
		f->dsn = NULL;
	free(v);
}

static void
finish_fill(struct finish *f, const struct finish_req *req)
{
	size_t i;

	for (i = 0; i < f->g->n; i++) {
		struct store_result *r = &f->results[i];
		const struct outcome *o = &f->outcomes[i];

		r->rcpt = f->g->rcpts[i]->id;
		r->msg = f->g->msg->id;
		r->fate = o->cls == OUT_DEFERRED ? STORE_RETRY : STORE_DONE;
		r->tries = req->tries[i];
		r->next_try = req->next_try[i];
		memcpy(r->dsn, o->dsn, sizeof(r->dsn));
		strncpy(r->rule, o->rule, sizeof(r->rule) - 1);
		memcpy(r->mx, o->mx, sizeof(r->mx));
		_Static_assert(
		    sizeof(r->reply) == sizeof(o->reply), "copied whole");
		memcpy(r->reply, o->reply, sizeof(r->reply));
	}
}

static void
finish_count(struct finish *f, const struct outcome *o)
{
	struct metrics *m = f->ctx.metrics;

	switch (o->cls) {
	case OUT_SENT:
		metrics_add(m, METRIC_SENT, 1);
		if (!o->tls.established)
			metrics_add(m, METRIC_CLEAR_SENT, 1);
		/* Only a proof counts: mode testing and unusable TLSA
		 * records let mail go without one. */
		if (o->tls.verified && o->by == TLS_BY_DANE && !o->mx_insecure)
			metrics_add(m, METRIC_DANE_SENT, 1);
		if (o->tls.verified && o->by == TLS_BY_STS)
			metrics_add(m, METRIC_STS_SENT, 1);
		if (o->audit_rule && strcmp(o->audit, "ok") != 0)
			metrics_add(m, METRIC_AUDIT_FAILED, 1);
		break;
	case OUT_DEFERRED:
		metrics_add(m, METRIC_DEFERRED, 1);
		if (o->by_policy)
			metrics_add(m, METRIC_HELD_POLICY, 1);
		if (strcmp(o->rule, "STEP-BUDGET") == 0)
			metrics_add(m, METRIC_STEP_BUDGET, 1);
		break;
	case OUT_BOUNCED:
		metrics_add(m, METRIC_BOUNCED, 1);
		break;
	case OUT_EXPIRED:
		metrics_add(m, METRIC_EXPIRED, 1);
		break;
	}
}

/* DANE-53: two more keys, the same for each audited attempt. */
static void
finish_log_audit(struct log_line *l, const struct outcome *o)
{
	if (!o->audit_rule)
		return;
	log_cstr(l, "audit", o->audit);
	log_cstr(l, "audit_rule", o->audit_rule);
}

static void
finish_log_one(struct finish *f, const struct rcpt *r, const struct outcome *o)
{
	struct log_line l;
	char qid[MSG_QID_MAX];

	msg_qid(f->g->msg->id, qid);
	log_begin(&l, f->ctx.log, LOG_INFO, "delivery");
	log_cstr(&l, "qid", qid);
	log_cstr(&l, "from", f->g->msg->sender);
	log_cstr(&l, "to", r->addr);
	log_cstr(&l, "domain", f->g->next_hop);
	log_cstr(&l, "mx", o->mx);
	log_cstr(&l, "addr", o->addr);
	log_cstr(&l, "policy", tls_policy_by_str(o->by));
	log_cstr(&l, "rule", o->rule);
	log_cstr(&l, "proof", tls_proof_str(o->tls.proof));
	log_cstr(&l, "tls", o->tls.established ? o->tls.version : "none");
	if (o->tls.established)
		log_cstr(&l, "cipher", o->tls.cipher);
	if (o->mx_insecure)
		log_cstr(&l, "mx_insecure", "yes");
	if (o->clear_fallback)
		log_cstr(&l, "fallback", "handshake");
	if (o->tls.audit != TLS_OK)
		log_cstr(&l, "sts_testing", tls_failure_str(o->tls.audit));
	finish_log_audit(&l, o);
	log_cstr(&l, "status", outcome_class_str(o->cls));
	log_cstr(&l, "dsn", o->dsn);
	if (o->uncertain)
		log_cstr(&l, "uncertain", "yes");
	log_cstr(&l, "reply", o->reply);
	log_int(&l, "delay", clock_real_s(&f->ctx.clock) - f->g->msg->arrived);
	log_end(&l);
}

static void
finish_log_dsn(struct finish *f, uint64_t id)
{
	struct log_line l;
	char qid[MSG_QID_MAX];

	log_begin(&l, f->ctx.log, LOG_INFO, "dsn");
	msg_qid(f->g->msg->id, qid);
	log_cstr(&l, "qid", qid);
	msg_qid(id, qid);
	log_cstr(&l, "dsn_qid", qid);
	log_cstr(&l, "to", f->dsn_to.addr);
	log_end(&l);
	metrics_add(f->ctx.metrics, METRIC_DSN_MADE, 1);
}

static void finish_ask(void *arg);

static void
finish_on_store(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct finish *f = arg;
	finish_fn *fn = f->fn;
	void *fn_arg = f->arg;
	size_t i;

	if (err) {
		timer_start(f->retry, FINISH_RETRY_MS);
		return;
	}
	for (i = 0; i < n; i++) {
		finish_log_dsn(f, rcpts[i]->msg->id);
		f->ctx.handoff(f->ctx.handoff_arg, rcpts[i]);
	}
	free(rcpts);
	for (i = 0; i < f->g->n; i++) {
		finish_log_one(f, f->g->rcpts[i], &f->outcomes[i]);
		finish_count(f, &f->outcomes[i]);
	}
	finish_destroy(f);
	fn(fn_arg);
}

static void
finish_ask(void *arg)
{
	struct finish *f = arg;
	struct store_put put = {
	    .msg = f->dsn, .rcpts = &f->dsn_to, .n_rcpts = 1};
	struct store_finish job = {.results = f->results,
	    .n = f->g->n,
	    .dsns = &put,
	    .n_dsns = f->dsn ? 1 : 0};

	if (store_finish(f->ctx.store, &job, finish_on_store, f))
		timer_start(f->retry, FINISH_RETRY_MS);
}

struct finish *
finish_start(const struct finish_ctx *ctx, const struct finish_req *req,
    finish_fn *fn, void *arg)
{
	struct finish *f = xcalloc(1, sizeof(*f));
	size_t n = req->grant->n;

	f->ctx = *ctx;
	f->g = req->grant;
	f->outcomes = xcalloc(n, sizeof(*f->outcomes));
	memcpy(f->outcomes, req->outcomes, n * sizeof(*f->outcomes));
	f->results = xcalloc(n, sizeof(*f->results));
	f->fn = fn;
	f->arg = arg;
	f->retry = timer_new(ctx->loop, finish_ask, f);
	finish_fill(f, req);
	finish_make_dsn(f, req->body);
	finish_ask(f);
	return f;
}
