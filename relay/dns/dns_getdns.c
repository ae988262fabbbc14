/*
 * Questions to validating resolvers by getdns in STUB mode. getdns neither
 * retransmits, nor fails over, nor caps (RESOLVER.md B5, B6), so this does:
 *
 *   new -> FLYING (a getdns request) -> answered
 *            | ERROR: 250 ms in WAITING    | TIMEOUT, odd reply: at once
 *            +---------> READY <-----------+
 *
 * A truncated reply is one more request of the same try, by the TCP context
 * of the upstream.
 *
 * At most cap questions are beyond "new", at most TURN_MAX requests start in
 * one round of the loop. Requests start only from a timer of ours, so a
 * callback never runs inside dns_ask. getdns may call back inside
 * getdns_general(); a context is never destroyed while it is on the stack
 * (B9). The watchdog ends what getdns should have ended.
 */
#include "config.h"

#include "relay/dns/dns_getdns.h"

#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/arena.h"
#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/dns/dns_gdctx.h"
#include "relay/dns/dns_gdreply.h"
#include "relay/dns/rdata.h"
#include "relay/net/loop.h"

#define TURN_MAX 64 /* requests started in one round of the loop */
#define ERROR_WAIT_MS 250 /* after ECONNREFUSED */

struct gd {
	struct dns base; /* first */
	struct dns_gdctx *ups; /* n_ups by UDP, then the same by TCP */
	size_t n_ups;
	getdns_dict *ext, *ext_cd;
	struct metrics *metrics;
	struct loop *loop;
	int64_t timeout_ms;
	unsigned tries, cap;
	struct list fresh; /* not begun, in order */
	struct list ready; /* begun, next request to be started */
	struct list waiting; /* begun, in order of due */
	struct list flying; /* request under way, in order of its start */
	unsigned begun;
	struct timer *pump, *wait, *watchdog, *reaper;
	unsigned depth; /* our functions with callbacks on the stack */
	bool closed;
};

struct query {
	struct list node;
	struct gd *gd;
	dns_fn *fn; /* NULL: canceled, the lookup runs on */
	void *arg;
	enum rr_type type;
	unsigned attempt;
	bool asking_cd; /* SERVFAIL seen: is it bogus? */
	bool by_tcp; /* truncated reply seen in this try */
	struct rr_set *kept; /* of the canary: a secure answer */
	bool begun; /* counts against the cap */
	bool starting; /* inside getdns_general() */
	bool ended; /* the callback ran there, with these two */
	getdns_callback_type_t end_type;
	getdns_dict *end_resp;
	struct dns_gdctx *ctx; /* of the request */
	getdns_transaction_t id;
	int64_t due; /* ms: flying: watchdog; waiting: next try */
	char name[DOMAIN_MAX]; /* "": not fit to be asked */
};

static void query_retry(struct query *q, enum rr_why why, bool pause);

static void
count(struct gd *gd, enum metric id, int64_t n)
{
	if (gd->metrics)
		metrics_add(gd->metrics, id, n);
}

static void
query_free(struct query *q)
{
	rr_set_unref(q->kept);
	free(q);
}

static void
destroy(struct gd *gd)
{
	struct list *lists[] = {
	    &gd->fresh, &gd->ready, &gd->waiting, &gd->flying};
	size_t i;

	/* Calls back with CANCEL for each request under way. */
	for (i = 0; i < 2 * gd->n_ups; i++)
		dns_gdctx_close(&gd->ups[i]);
	count(gd, METRIC_DNS_IN_FLIGHT, -(int64_t)gd->begun);
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct list *node;

		while ((node = list_pop(lists[i])) != NULL)
			query_free(CONTAINER_OF(node, struct query, node));
	}
	timer_free(gd->pump);
	timer_free(gd->wait);
	timer_free(gd->watchdog);
	timer_free(gd->reaper);
	getdns_dict_destroy(gd->ext);
	getdns_dict_destroy(gd->ext_cd);
	free(gd->ups);
	free(gd);
}

static void
enter(struct gd *gd)
{
	gd->depth++;
}

/* A getdns context may be on the stack, so a close goes on in a timer. */
static void
leave(struct gd *gd)
{
	if (--gd->depth == 0 && gd->closed)
		timer_start(gd->reaper, 0);
}

static void
on_reaper(void *arg)
{
	destroy(arg);
}

/* Is there anything that the pump could start? */
static void
kick(struct gd *gd)
{
	if (gd->closed || timer_active(gd->pump))
		return;
	if (!list_empty(&gd->ready) ||
	    (!list_empty(&gd->fresh) && gd->begun < gd->cap))
		timer_start(gd->pump, 0);
}

/* Ends q, which is in no list; takes the count of set. */
static void
query_finish(struct query *q, struct rr_set *take_set)
{
	struct gd *gd = q->gd;
	dns_fn *fn = q->fn;
	void *arg = q->arg;

	query_free(q);
	gd->begun--;
	count(gd, METRIC_DNS_IN_FLIGHT, -1);
	if (take_set->status == RR_FAIL)
		count(gd, METRIC_DNS_FAILED, 1);
	kick(gd);
	if (fn && !gd->closed)
		fn(arg, take_set);
	rr_set_unref(take_set);
}

/* Another request, when its turn comes; q is in no list. */
static void
query_again(struct query *q)
{
	list_push(&q->gd->ready, &q->node);
	kick(q->gd);
}

static void
query_fail(struct query *q, enum rr_why why)
{
	query_finish(q, rdata_fail(q->name, q->type, why));
}

/* The answer to the question asked with CD: only `why` depends on it. */
static void
end_cd(struct query *q, const struct rdata_reply *r)
{
	bool bogus = r && (r->rcode == 0 || r->rcode == 3);

	query_fail(q, bogus ? RR_WHY_BOGUS : RR_WHY_SERVFAIL);
}

/*
 * DANE-58: what one resolver does says nothing about the next, and any of
 * them may come to answer a question. So all are asked for the root, and it
 * is secure when all that answer say so. True: q goes on, with set kept.
 */
static bool
is_asked_on(struct query *q, struct rr_set *take_set)
{
	struct gd *gd = q->gd;

	if (q->type != RR_NS || q->name[0] != '.' || !take_set->secure ||
	    q->attempt + 1 >= gd->n_ups)
		return false;
	rr_set_unref(q->kept);
	q->kept = take_set;
	q->attempt++;
	q->by_tcp = false;
	query_again(q);
	return true;
}

static void
query_reply(struct query *q, const struct rdata_reply *r)
{
	struct rr_set *set;

	if (!rdata_reply_matches(r, q->name, q->type)) {
		if (q->asking_cd)
			end_cd(q, NULL);
		else
			query_retry(q, RR_WHY_MALFORMED, false);
		return;
	}
	if (q->asking_cd) {
		end_cd(q, r);
		return;
	}
	if (r->tc && !q->by_tcp) {
		q->by_tcp = true;
		query_again(q);
		return;
	}
	set = rdata_build(r, q->name, q->type);
	if (set->status == RR_FAIL && set->why == RR_WHY_SERVFAIL) {
		rr_set_unref(set);
		q->asking_cd = true;
		query_again(q);
		return;
	}
	if (!is_asked_on(q, set))
		query_finish(q, set);
}

/* The request is over; resp may be NULL. q is in no list. */
static void
query_end(struct query *q, getdns_callback_type_t type, getdns_dict *resp)
{
	struct rdata_reply r;
	struct arena a;
	int err;

	if (type != GETDNS_CALLBACK_COMPLETE || !resp) {
		bool refused = type == GETDNS_CALLBACK_ERROR;

		if (q->asking_cd)
			end_cd(q, NULL);
		else
			query_retry(q,
			    refused ? RR_WHY_UNREACHABLE : RR_WHY_TIMEOUT,
			    refused);
		return;
	}
	arena_init(&a);
	err = dns_gdreply_read(resp, &a, &r);
	if (!err)
		query_reply(q, &r);
	else if (q->asking_cd)
		end_cd(q, NULL);
	else
		query_retry(q, RR_WHY_MALFORMED, false);
	arena_clear(&a);
}

static void
on_reply(getdns_context *ctx, getdns_callback_type_t type, getdns_dict *resp,
    void *arg, getdns_transaction_t id)
{
	struct query *q = arg;
	struct gd *gd = q->gd;

	(void)ctx;
	(void)id;
	/* Ours: by the watchdog, which goes on itself, or by destroy(). */
	if (type == GETDNS_CALLBACK_CANCEL || gd->closed) {
		getdns_dict_destroy(resp);
		return;
	}
	enter(gd);
	if (q->starting) {
		/* getdns_general() still writes to q->id. */
		q->ended = true;
		q->end_type = type;
		q->end_resp = resp;
	} else {
		list_remove(&q->node);
		query_end(q, type, resp);
		getdns_dict_destroy(resp);
	}
	leave(gd);
}

/* Starts the request of the present attempt; q is in no list. */
static void
query_start(struct query *q)
{
	struct gd *gd = q->gd;
	getdns_callback_type_t type = GETDNS_CALLBACK_ERROR;
	getdns_dict *resp = NULL;
	getdns_return_t ret;

	if (q->name[0] == '\0') {
		query_fail(q, RR_WHY_MALFORMED);
		return;
	}
	q->ctx = &gd->ups[q->attempt % gd->n_ups + (q->by_tcp ? gd->n_ups : 0)];
	q->due = timer_now(gd->loop) + 2 * gd->timeout_ms + 1000;
	q->starting = true;
	q->ended = false;
	list_push(&gd->flying, &q->node);
	if (!timer_active(gd->watchdog))
		timer_start(gd->watchdog, gd->timeout_ms);
	count(gd, METRIC_DNS_QUERIES, 1);
	ret = getdns_general(q->ctx->ctx, q->name, (uint16_t)q->type,
	    q->asking_cd ? gd->ext_cd : gd->ext, q, &q->id, on_reply);
	q->starting = false;
	if (q->ended) {
		type = q->end_type;
		resp = q->end_resp;
	} else if (ret == GETDNS_RETURN_GOOD) {
		return;
	}
	list_remove(&q->node);
	query_end(q, type, resp);
	getdns_dict_destroy(resp);
}

/* Next try, or the end: the last try decides why. */
static void
query_retry(struct query *q, enum rr_why why, bool pause)
{
	struct gd *gd = q->gd;

	if (++q->attempt >= gd->tries &&
	    (!q->kept || q->attempt >= gd->n_ups)) {
		if (q->kept)
			query_finish(q, rr_set_ref(q->kept));
		else
			query_fail(q, why);
		return;
	}
	q->by_tcp = false;
	if (!pause) {
		query_again(q);
		return;
	}
	q->due = timer_now(gd->loop) + ERROR_WAIT_MS;
	list_push(&gd->waiting, &q->node);
	if (!timer_active(gd->wait))
		timer_start(gd->wait, ERROR_WAIT_MS);
}

static struct query *
next_to_start(struct gd *gd)
{
	struct list *node = list_pop(&gd->ready);

	if (!node && gd->begun < gd->cap) {
		node = list_pop(&gd->fresh);
		if (node) {
			CONTAINER_OF(node, struct query, node)->begun = true;
			gd->begun++;
			count(gd, METRIC_DNS_IN_FLIGHT, 1);
		}
	}
	return node ? CONTAINER_OF(node, struct query, node) : NULL;
}

static void
on_pump(void *arg)
{
	struct gd *gd = arg;
	struct query *q;
	unsigned i;

	enter(gd);
	for (i = 0; i < TURN_MAX && !gd->closed; i++) {
		q = next_to_start(gd);
		if (!q)
			break;
		query_start(q);
	}
	kick(gd);
	leave(gd);
}

/* The first of a list ordered by due, when it is due; unlinked. */
static struct query *
pop_due(struct gd *gd, struct list *l)
{
	struct query *q;

	if (list_empty(l))
		return NULL;
	q = CONTAINER_OF(l->next, struct query, node);
	if (q->due > timer_now(gd->loop))
		return NULL;
	list_remove(&q->node);
	return q;
}

static void
on_wait(void *arg)
{
	struct gd *gd = arg;
	struct query *q;

	while ((q = pop_due(gd, &gd->waiting)) != NULL)
		list_push(&gd->ready, &q->node);
	if (!list_empty(&gd->waiting)) {
		q = CONTAINER_OF(gd->waiting.next, struct query, node);
		timer_start(gd->wait, q->due - timer_now(gd->loop));
	}
	kick(gd);
}

static void
on_watchdog(void *arg)
{
	struct gd *gd = arg;
	struct query *q;

	enter(gd);
	while (!gd->closed && (q = pop_due(gd, &gd->flying)) != NULL) {
		/* Calls back with CANCEL before it returns, or does not know
		 * the request any more: either way it is done with q. */
		(void)getdns_cancel_callback(q->ctx->ctx, q->id);
		query_end(q, GETDNS_CALLBACK_TIMEOUT, NULL);
	}
	if (!gd->closed && !list_empty(&gd->flying))
		timer_start(gd->watchdog, gd->timeout_ms);
	leave(gd);
}

static struct dns_query *
gd_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct gd *gd = (struct gd *)(void *)d;
	struct query *q = xcalloc(1, sizeof(*q));

	q->gd = gd;
	q->fn = fn;
	q->arg = arg;
	q->type = type;
	list_init(&q->node);
	if (rdata_name_ok(name))
		memcpy(q->name, name, strlen(name) + 1);
	list_push(&gd->fresh, &q->node);
	kick(gd);
	return (struct dns_query *)(void *)q;
}

static void
gd_cancel(struct dns_query *dq)
{
	struct query *q = (struct query *)(void *)dq;

	/* getdns is left alone: cancelling there is for the end only. */
	q->fn = NULL;
	if (!q->begun) {
		list_remove(&q->node);
		query_free(q);
	}
}

/* No dnssec_* extension: it would fetch chains, and anchors by HTTP. */
static int
make_extensions(struct gd *gd)
{
	gd->ext = getdns_dict_create();
	gd->ext_cd = getdns_dict_create();
	/* RFC 6840 5.7: AD in a question asks for AD in the answer. */
	if (!gd->ext || !gd->ext_cd ||
	    getdns_dict_set_int(gd->ext, "/header/ad", 1) !=
		GETDNS_RETURN_GOOD ||
	    getdns_dict_set_int(gd->ext_cd, "/header/ad", 1) !=
		GETDNS_RETURN_GOOD ||
	    getdns_dict_set_int(gd->ext_cd, "/header/cd", 1) !=
		GETDNS_RETURN_GOOD)
		return ERR_DNS;
	return 0;
}

int
dns_getdns_open(
    struct loop *loop, const struct dns_getdns_opts *o, struct dns **out)
{
	struct gd *gd;
	size_t i;
	int err;

	if (o->n_upstreams == 0)
		return ERR_CONFIG;
	gd = xcalloc(1, sizeof(*gd));
	gd->base.ask = gd_ask;
	gd->base.cancel = gd_cancel;
	gd->loop = loop;
	gd->metrics = o->metrics;
	gd->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 2000;
	gd->tries = o->tries > 0 ? o->tries : 3;
	gd->cap = o->cap > 0 ? o->cap : 256;
	list_init(&gd->fresh);
	list_init(&gd->ready);
	list_init(&gd->waiting);
	list_init(&gd->flying);
	gd->pump = timer_new(loop, on_pump, gd);
	gd->wait = timer_new(loop, on_wait, gd);
	gd->watchdog = timer_new(loop, on_watchdog, gd);
	gd->reaper = timer_new(loop, on_reaper, gd);
	gd->ups = xcalloc(2 * o->n_upstreams, sizeof(*gd->ups));
	gd->n_ups = o->n_upstreams;
	err = make_extensions(gd);
	for (i = 0; i < 2 * gd->n_ups && !err; i++)
		err = dns_gdctx_open(loop_uv(loop),
		    &o->upstreams[i % gd->n_ups],
		    i < gd->n_ups ? DNS_GDCTX_UDP : DNS_GDCTX_TCP,
		    gd->timeout_ms, o->appdata_dir, &gd->ups[i]);
	if (err) {
		destroy(gd);
		return err;
	}
	*out = &gd->base;
	return 0;
}

void
dns_getdns_close(struct dns *d)
{
	struct gd *gd = (struct gd *)(void *)d;

	if (!gd || gd->closed)
		return;
	gd->closed = true;
	if (gd->depth == 0)
		destroy(gd);
}
