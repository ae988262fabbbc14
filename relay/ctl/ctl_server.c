/*
 * The control socket. A client sends questions, a line each, and gets an
 * answer a line, one at a time: the next line is looked at when the answer of
 * the last has gone out, so a client can't make answers pile up. Clients are
 * few; when all places are taken the others wait in the backlog.
 *
 * A job of the store outlives a client that goes away: it then has no client,
 * and its answer is dropped.
 */
#include "config.h"

#include "relay/ctl/ctl_server.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/base/log.h"
#include "relay/ctl/ctl_policy.h"
#include "relay/ctl/ctl_receipt.h"
#include "relay/net/conn.h"
#include "relay/net/listener.h"

#define CTL_CLIENTS_MAX 16
#define CTL_IN_AHEAD (256u * 1024u) /* bytes behind a line */
#define CTL_IDLE_MS 30000 /* from answer to question, and to take it */

struct ctl_server {
	struct ctl_server_opts o;
	struct listener *listener;
	struct list clients;
	size_t n;
	bool closing;
};

struct ctl_job {
	struct client *client; /* NULL: it has gone */
	void (*released)(void *arg); /* of the server, which may be gone */
	void *arg;
};

struct client {
	struct list node;
	struct ctl_server *server;
	struct conn *conn;
	struct buf in;
	struct ctl_job *job; /* of the store, or NULL */
	bool writing; /* an answer is on its way out */
	bool eof; /* it sends no more, but may still read */
	bool closing;
};

/* ---- answers ---- */

static void
client_close(struct client *c)
{
	c->closing = true;
	conn_close(c->conn, 1);
}

/* Sends an answer and empties it. */
static void
client_answer(struct client *c, struct buf *answer)
{
	if (answer->full) {
		buf_reset(answer);
		answer->full = false;
		ctl_error_build("the answer is too long", answer);
	}
	c->writing = true;
	conn_write(c->conn, answer->p, answer->n);
	conn_deadline(c->conn, CTL_IDLE_MS);
	buf_clear(answer);
}

static void
client_error(struct client *c, const char *text)
{
	struct buf b;

	buf_init(&b, CTL_ANSWER_MAX);
	ctl_error_build(text, &b);
	client_answer(c, &b);
}

static struct ctl_job *
job_new(struct client *c)
{
	struct ctl_job *j = xcalloc(1, sizeof(*j));

	j->client = c;
	j->released = c->server->o.released;
	j->arg = c->server->o.arg;
	c->job = j;
	conn_deadline(c->conn, 0);
	return j;
}

/* The client of a job that is over, NULL when it has gone or goes. */
static struct client *
job_end(struct ctl_job *j)
{
	struct client *c = j->client;

	free(j);
	if (c)
		c->job = NULL;
	return c && !c->closing ? c : NULL;
}

/* The client that waits for the result of a job, and an empty b for it. NULL:
 * it has gone, or the result is an error, which it has been told. */
static struct client *
job_result(struct ctl_job *j, int err, struct buf *b)
{
	struct client *c = job_end(j);

	if (c && err) {
		client_error(c, err_str(err));
		return NULL;
	}
	buf_init(b, CTL_ANSWER_MAX);
	return c;
}

static void
client_status(struct client *c, const struct store_stats *stats)
{
	struct ctl_server *s = c->server;
	struct ctl_status st;
	struct metrics sum;
	struct buf b;

	memset(&st, 0, sizeof(st));
	metrics_init(&sum);
	s->o.status(s->o.arg, &st, &sum);
	st.stats = stats;
	buf_init(&b, CTL_ANSWER_MAX);
	ctl_status_build(&st, &b);
	client_answer(c, &b);
}

/* ---- what comes back from the store ---- */

static void
on_status(void *arg, int err, const struct store_stats *stats)
{
	struct client *c = job_end(arg);

	if (c)
		client_status(c, err ? NULL : stats);
}

static void
on_stats(void *arg, int err, const struct store_stats *stats)
{
	struct buf b;
	struct client *c = job_result(arg, err, &b);

	if (!c)
		return;
	ctl_stats_build(stats, &b);
	client_answer(c, &b);
}

static void
on_list(void *arg, int err, const struct store_row *rows, size_t n)
{
	struct buf b;
	struct client *c = job_result(arg, err, &b);

	if (!c)
		return;
	ctl_list_build(rows, n, &b);
	client_answer(c, &b);
}

static void
on_receipts(void *arg, int err, const struct receipt *receipts, size_t n)
{
	struct buf b;
	struct client *c = job_result(arg, err, &b);

	if (!c)
		return;
	ctl_receipts_build(receipts, n, &b);
	client_answer(c, &b);
}

static void
on_release(void *arg, int err, uint64_t n)
{
	struct ctl_job *j = arg;
	struct client *c;
	struct buf b;

	if (!err && n > 0 && j->released)
		j->released(j->arg);
	c = job_result(j, err, &b);
	if (!c)
		return;
	ctl_release_build(n, &b);
	client_answer(c, &b);
}

/* From the shard that was asked. */
static void
on_explain(void *arg, int err, struct buf *answer)
{
	struct buf b;
	struct client *c = job_result(arg, err, &b);

	if (!c)
		return;
	b.full = answer->full;
	buf_add_str(&b, buf_str(answer));
	client_answer(c, &b);
}

static void
on_policies(void *arg, int err, const struct sts_entry *v, size_t n, bool more)
{
	struct buf b;
	struct client *c = job_result(arg, err, &b);

	if (!c)
		return;
	ctl_policies_build(v, n, more, &b);
	client_answer(c, &b);
}

static void
on_imported(void *arg, int err, uint64_t n)
{
	struct buf b;
	struct client *c = job_result(arg, err, &b);

	if (!c)
		return;
	ctl_import_build(n > 0, &b);
	client_answer(c, &b);
}

static void
on_owner(void *arg, struct buf *answer)
{
	struct client *c = job_end(arg);

	if (c && answer)
		client_answer(c, answer);
	else if (c)
		client_error(c, "the relay is stopping");
}

/* ---- questions ---- */

static int
ask_owner(struct ctl_server *s, const struct ctl_question *q, struct ctl_job *j)
{
	return s->o.ask_owner ? s->o.ask_owner(s->o.arg, q, on_owner, j)
			      : ERR_UNSUPPORTED;
}

static void
client_import(struct client *c, struct str line)
{
	int64_t now = clock_real_s(&c->server->o.clock);
	struct store *store = c->server->o.store;
	const char *text = NULL;
	struct sts_entry e;
	struct ctl_job *j;

	if (ctl_policy_parse(line, true, now, &e, &text)) {
		client_error(c, text);
		return;
	}
	j = job_new(c);
	if (store_policy_import(store, &e, on_imported, j)) {
		(void)job_end(j);
		client_error(c, "the store is busy; ask again later");
	}
	sts_entry_clear(&e);
}

static void
client_explain(struct client *c, const struct ctl_question *q)
{
	const struct ctl_server_opts *o = &c->server->o;
	struct ctl_job *j = job_new(c);

	if (o->explain &&
	    o->explain(o->arg, q->domain, q->port, on_explain, j) == 0)
		return;
	(void)job_end(j);
	client_error(c, "the relay is busy; ask again later");
}

static void
client_ask(struct client *c, const struct ctl_question *q)
{
	struct store *store = c->server->o.store;
	struct ctl_job *j;
	int err = ERR_INTERNAL;

	if (q->cmd == CTL_EXPLAIN) {
		client_explain(c, q);
		return;
	}
	j = job_new(c);
	switch (q->cmd) {
	case CTL_STATUS:
		err = store_stats(store, on_status, j);
		break;
	case CTL_QUEUE_STATS:
		err = store_stats(store, on_stats, j);
		break;
	case CTL_QUEUE_LIST:
		err = store_list(
		    store, q->msg, q->after, (size_t)q->limit, on_list, j);
		break;
	case CTL_POLICY_LIST:
		err = store_policies(
		    store, q->domain, false, CTL_LIST_MAX, on_policies, j);
		break;
	case CTL_POLICY_SHOW:
		err = store_policies(store, q->domain, true, 1, on_policies, j);
		break;
	case CTL_POLICY_ASK:
	case CTL_POLICY_REFRESH:
	case CTL_POLICY_FORGET:
		err = ask_owner(c->server, q, j);
		break;
	case CTL_POLICY_IMPORT:
		break;
	case CTL_RECEIPT:
		err = store_receipts(
		    store, q->msg, q->after, (size_t)q->limit, on_receipts, j);
		break;
	case CTL_QUEUE_RELEASE:
		err = store_release(store, q->msg, on_release, j);
		break;
	case CTL_EXPLAIN:
		break;
	}
	if (!err)
		return;
	(void)job_end(j);
	/* The state is shown also when the store has no time for us. */
	if (q->cmd == CTL_STATUS)
		client_status(c, NULL);
	else
		client_error(c, "the queue is busy; ask again later");
}

static void
client_line(struct client *c, struct str line)
{
	struct ctl_question q;
	int err = ctl_question_parse(line, &q);

	if (err == ERR_NOTFOUND)
		client_error(c, "unknown command");
	else if (err)
		client_error(c, "not a question of this protocol");
	if (err)
		return;
	log_text(
	    c->server->o.log, LOG_DEBUG, "control", "%s", ctl_cmd_str(q.cmd));
	if (q.cmd == CTL_POLICY_IMPORT)
		client_import(c, line);
	else
		client_ask(c, &q);
}

/* Looks at the next line, if there is one and nothing else is going on. */
static void
client_next(struct client *c)
{
	struct str all = buf_str(&c->in);
	size_t end = str_find(all, '\n');

	if (c->job || c->writing || c->closing)
		return;
	if (end > CTL_LINE_MAX) {
		client_error(c, "the question is too long");
		client_close(c);
		return;
	}
	if (end == all.n) {
		if (c->eof)
			client_close(c);
		else
			conn_resume(c->conn);
		return;
	}
	conn_pause(c->conn);
	client_line(c, str_trim(str_n(all.p, end)));
	buf_shift(&c->in, end + 1);
}

static void
client_data(struct client *c, struct str data)
{
	if (c->closing)
		return;
	if (buf_add_str(&c->in, data)) {
		client_error(c, "too many questions at once");
		client_close(c);
		return;
	}
	client_next(c);
}

/* ---- connections ---- */

static void
server_check_end(struct ctl_server *s)
{
	if (s->closing && s->n == 0)
		free(s);
}

static void
client_gone(struct client *c)
{
	struct ctl_server *s = c->server;

	if (c->job)
		c->job->client = NULL;
	list_remove(&c->node);
	buf_clear(&c->in);
	free(c);
	s->n--;
	if (!s->closing)
		listener_pause(s->listener, false);
	server_check_end(s);
}

static void
on_conn(void *arg, const struct conn_event *ev)
{
	struct client *c = arg;

	switch (ev->kind) {
	case CONN_DATA:
		client_data(c, ev->data);
		break;
	case CONN_DRAINED:
		c->writing = false;
		client_next(c);
		break;
	case CONN_EOF:
		c->eof = true;
		client_next(c);
		break;
	case CONN_ERROR:
		c->closing = true;
		break;
	case CONN_CLOSED:
		client_gone(c);
		break;
	case CONN_CONNECTED:
	case CONN_TLS_DONE:
		break;
	}
}

static void
on_accept(void *arg, int take_fd, const struct sockaddr_any *peer)
{
	struct ctl_server *s = arg;
	struct client *c = xcalloc(1, sizeof(*c));

	(void)peer;
	c->server = s;
	/* A line and what a client may send behind it meanwhile. */
	buf_init(&c->in, CTL_LINE_MAX + (size_t)CTL_IN_AHEAD);
	c->conn = conn_accepted(s->o.loop, take_fd, on_conn, c);
	if (!c->conn) {
		free(c);
		return;
	}
	list_init(&c->node);
	list_push(&s->clients, &c->node);
	conn_deadline(c->conn, CTL_IDLE_MS);
	if (++s->n == CTL_CLIENTS_MAX)
		listener_pause(s->listener, true);
}

int
ctl_server_open(const struct ctl_server_opts *o, struct ctl_server **out)
{
	struct ctl_server *s = xcalloc(1, sizeof(*s));
	int err;

	s->o = *o;
	list_init(&s->clients);
	err = listener_open(o->loop, o->take_fd, on_accept, s, &s->listener);
	if (err) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void
ctl_server_close(struct ctl_server *s)
{
	if (!s || s->closing)
		return;
	s->closing = true;
	listener_close(s->listener);
	for (struct list *n = s->clients.next; n != &s->clients; n = n->next) {
		struct client *c = CONTAINER_OF(n, struct client, node);

		c->closing = true;
		conn_close(c->conn, 0);
	}
	server_check_end(s);
}
