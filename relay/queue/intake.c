/*
 * One message on its way into the queue: bytes in memory, behind our Received
 * field, then one store job. The 250 goes out when that is committed, never
 * before (QUE-01).
 *
 * The queue id is chosen here, because the Received field carries it. Errors
 * that are found at the end are answered through store_later, since a reply
 * never comes inside the call that asks for it.
 */
#include "config.h"

#include "relay/queue/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/smtp/header.h"

#define RECEIVED_MAX 2048 /* bytes that hold our Received field */
#define ID_TRIES 3 /* ids tried before giving up */

struct intake {
	struct intake_opts o;
	struct mail_sink sink;
	struct list txns;
	uint64_t open_bytes; /* of messages being received */
};

struct sink_txn {
	struct intake *in;
	struct list node;
	struct sink_client client;
	struct msg *msg;
	struct rcpt_in *rcpts;
	size_t n_rcpts;
	struct buf data; /* Received field and message */
	size_t received; /* bytes of the field */
	size_t counted; /* bytes in open_bytes */
	unsigned tries;
	sink_reply_fn *reply_fn; /* NULL: nobody waits */
	void *reply_arg;
	/* A reply that is due. */
	int code;
	const char *dsn, *text;
};

/* ---- a transaction ---- */

static void
count_bytes(struct sink_txn *t, size_t n)
{
	t->in->open_bytes -= t->counted;
	t->in->open_bytes += n;
	t->counted = n;
}

static void
txn_free(struct sink_txn *t)
{
	count_bytes(t, 0);
	list_remove(&t->node);
	buf_clear(&t->data);
	msg_unref(t->msg);
	free(t->rcpts);
	free(t);
}

/* Ends t with a reply, if somebody waits for one. */
static void
txn_reply(struct sink_txn *t, int code, const char *dsn, const char *text)
{
	sink_reply_fn *fn = t->reply_fn;
	void *arg = t->reply_arg;

	txn_free(t);
	if (fn)
		fn(arg, code, dsn, text);
}

static void
reply_now(void *arg, int err)
{
	struct sink_txn *t = arg;

	(void)err;
	txn_reply(t, t->code, t->dsn, t->text);
}

static void
reply_later(struct sink_txn *t, int code, const char *dsn, const char *text)
{
	t->code = code;
	t->dsn = dsn;
	t->text = text;
	store_later(t->in->o.store, reply_now, t);
}

/* Our Received field for a new id: RFC 5321 4.4. The one thing that a relay
 * puts in front of a message. */
static void
add_received(struct sink_txn *t, struct buf *out)
{
	const struct intake_opts *o = &t->in->o;
	int64_t now = clock_real_s(&o->clock);
	char qid[MSG_QID_MAX];

	t->msg->id = msg_pick_id(now, o->rng);
	msg_qid(t->msg->id, qid);
	header_received(out, &t->client, o->options->hostname, qid,
	    t->n_rcpts == 1 ? t->rcpts[0].addr : NULL, now);
	t->received = out->n;
}

/* Bytes of messages being received: the share of one worker, but room for one
 * message at least. */
static uint64_t
open_max(const struct options *opt)
{
	uint64_t share = opt->queue.memory / (opt->workers ? opt->workers : 1);
	uint64_t least = opt->queue.max_message_size + RECEIVED_MAX;

	return share > least ? share : least;
}

static int
sink_begin(void *ctx, const struct sink_envelope *env, struct sink_txn **out)
{
	struct intake *in = ctx;
	const struct options *opt = in->o.options;
	struct sink_txn *t;

	if (in->open_bytes >= open_max(opt))
		return ERR_FULL;
	t = xcalloc(1, sizeof(*t));
	t->in = in;
	list_init(&t->node);
	list_push(&in->txns, &t->node);
	t->client = *env->client;
	t->msg = msg_new();
	t->msg->flags = env->flags;
	t->msg->arrived = clock_real_s(&in->o.clock);
	(void)snprintf(
	    t->msg->sender, sizeof(t->msg->sender), "%s", env->sender);
	if (env->envid)
		(void)snprintf(
		    t->msg->envid, sizeof(t->msg->envid), "%s", env->envid);
	(void)snprintf(
	    t->msg->client, sizeof(t->msg->client), "%s", env->client->addr);
	t->n_rcpts = env->n_rcpts;
	t->rcpts = xcalloc(env->n_rcpts, sizeof(*t->rcpts));
	memcpy(t->rcpts, env->rcpts, env->n_rcpts * sizeof(*t->rcpts));
	buf_init(&t->data, opt->queue.max_message_size + RECEIVED_MAX);
	add_received(t, &t->data);
	*out = t;
	return 0;
}

static int
sink_body(struct sink_txn *t, const void *p, size_t n)
{
	const struct options *opt = t->in->o.options;

	if (t->data.n - t->received + n > opt->queue.max_message_size)
		return ERR_TOOBIG;
	if (buf_add(&t->data, p, n) != 0)
		return ERR_TOOBIG;
	count_bytes(t, t->data.n);
	if (t->in->open_bytes > open_max(opt))
		return ERR_FULL;
	return 0;
}

/* ---- into the store ---- */

static void
log_accepted(const struct sink_txn *t)
{
	struct log_line l;
	char qid[MSG_QID_MAX];

	msg_qid(t->msg->id, qid);
	log_begin(&l, t->in->o.log, LOG_INFO, "accepted");
	log_cstr(&l, "qid", qid);
	log_cstr(&l, "from", t->msg->sender);
	log_int(&l, "nrcpt", (int64_t)t->n_rcpts);
	log_int(&l, "size", (int64_t)t->msg->size);
	log_cstr(&l, "client", t->client.addr);
	log_cstr(&l, "helo", t->client.helo);
	log_end(&l);
}

static void
log_refused(const struct sink_txn *t, const char *why)
{
	struct log_line l;

	log_begin(&l, t->in->o.log, LOG_WARN, "refused");
	log_cstr(&l, "from", t->msg->sender);
	log_int(&l, "nrcpt", (int64_t)t->n_rcpts);
	log_int(&l, "size", (int64_t)t->msg->size);
	log_cstr(&l, "client", t->client.addr);
	log_cstr(&l, "helo", t->client.helo);
	log_cstr(&l, "why", why);
	log_end(&l);
}

/* A body stays in memory for the first attempt while there is room for it;
 * else it is read back when its turn comes. Before anybody shares it. */
static void
keep_or_drop_body(const struct sink_txn *t)
{
	const struct intake_opts *o = &t->in->o;
	const struct options *opt = o->options;
	unsigned shards = opt->workers > 0 ? opt->workers : 1;
	struct msg *m = t->msg;

	if (metrics_get(o->metrics, METRIC_BODY_BYTES) + m->size >
	    opt->queue.memory / shards) {
		blob_unref(m->body);
		m->body = NULL;
		return;
	}
	m->account = o->metrics;
	m->accounted = m->size;
	metrics_add(o->metrics, METRIC_BODY_BYTES, (int64_t)m->size);
}

static void try_put(struct sink_txn *t);

static void
put_done(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct sink_txn *t = arg;
	struct intake *in = t->in;
	char text[64];
	char qid[MSG_QID_MAX];

	if (err == ERR_EXISTS && ++t->tries < ID_TRIES) {
		try_put(t);
		return;
	}
	if (err != 0) {
		log_refused(t, err_str(err));
		/* RFC 3463 3.4: X.3.1 mail system full */
		txn_reply(t, err == ERR_FULL ? 452 : 451,
		    err == ERR_FULL ? "4.3.1" : "4.3.0",
		    err == ERR_FULL ? "no space for mail, try again later"
				    : "queue error, try again later");
		return;
	}
	log_accepted(t);
	metrics_add(in->o.metrics, METRIC_MSGS_IN, 1);
	metrics_add(in->o.metrics, METRIC_BYTES_IN, (int64_t)t->msg->size);
	keep_or_drop_body(t);
	msg_qid(t->msg->id, qid);
	for (size_t i = 0; i < n; i++)
		in->o.handoff(in->o.handoff_arg, rcpts[i]);
	free(rcpts);
	(void)snprintf(text, sizeof(text), "queued as %s", qid);
	txn_reply(t, 250, "2.0.0", text);
}

/* The body becomes a blob; at a second try it gets a new Received field. */
static void
make_body(struct sink_txn *t)
{
	struct buf again;
	struct str old;

	if (!t->msg->body) {
		t->msg->size = t->data.n;
		t->msg->body = blob_take(&t->data);
		return;
	}
	old = str_skip(blob_str(t->msg->body), t->received);
	buf_init(&again, old.n + RECEIVED_MAX);
	add_received(t, &again);
	(void)buf_add_str(&again, old);
	blob_unref(t->msg->body);
	t->msg->size = again.n;
	t->msg->body = blob_take(&again);
	buf_clear(&again);
}

static void
try_put(struct sink_txn *t)
{
	struct intake *in = t->in;
	struct store_put p = {
	    .rcpts = t->rcpts,
	    .n_rcpts = t->n_rcpts,
	};

	make_body(t);
	p.msg = t->msg;
	p.next_try = t->msg->arrived;
	if (store_put(in->o.store, &p, put_done, t) != 0) {
		log_refused(t, "store is busy");
		reply_later(t, 451, "4.3.2", "busy, try again later");
	}
}

static void
sink_end(struct sink_txn *t, sink_reply_fn *reply_fn, void *arg)
{
	const struct options *opt = t->in->o.options;
	struct str mail = str_skip(buf_str(&t->data), t->received);

	t->reply_fn = reply_fn;
	t->reply_arg = arg;
	/* RFC 5321 6.3: loops are found by counting (SMTP-20). */
	if (header_count(mail, "Received") > opt->smtp.max_hops) {
		t->msg->size = mail.n;
		log_refused(t, "too many hops");
		/* RFC 3463 3.5: X.4.6 routing loop detected */
		reply_later(t, 554, "5.4.6", "too many hops, mail loop?");
		return;
	}
	/* What the bytes are counts, not what the client called them: many
	 * say nothing, and many say BODY=8BITMIME for ASCII (SMTP-25). */
	t->msg->flags &= ~(uint32_t)MSG_8BIT;
	if (header_is_8bit(mail))
		t->msg->flags |= MSG_8BIT;
	try_put(t);
}

static void
sink_abort(struct sink_txn *t)
{
	/* Behind the end the store has it: it may become queued all the same,
	 * and then goes on. */
	if (t->reply_fn) {
		t->reply_fn = NULL;
		return;
	}
	txn_free(t);
}

/* ---- all of them ---- */

struct intake *
intake_new(const struct intake_opts *o)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->o = *o;
	list_init(&in->txns);
	in->sink = (struct mail_sink){
	    .ctx = in,
	    .begin = sink_begin,
	    .body = sink_body,
	    .end = sink_end,
	    .abort = sink_abort,
	};
	return in;
}

void
intake_free(struct intake *in)
{
	if (!in)
		return;
	while (!list_empty(&in->txns)) {
		struct sink_txn *t = CONTAINER_OF(
		    in->txns.next, struct sink_txn, node);

		/* What becomes queued all the same is found at the next start. */
		store_forget(in->o.store, t);
		txn_free(t);
	}
	free(in);
}

const struct mail_sink *
intake_sink(struct intake *in)
{
	return &in->sink;
}
