/*
 * The MX: one thread with a loop. It counts a recipient as delivered in the
 * moment in which it writes its 250, so that "took it" and "said so" can't
 * differ; when it hangs up before that, it has not taken it.
 *
 * By the number of a recipient: some are refused for ever, some the first
 * time. By chance: connections end at any point, replies come late.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/list.h"
#include "relay/net/conn.h"
#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "relay/net/timer.h"
#include "tests/stress/stress.h"

#define SESSION_RCPTS 200
#define INPUT_MAX (4u << 20) /* bytes */
#define LATE_MS 20 /* most that a late reply waits */

struct stress_mx {
	struct tally *tally;
	struct loop *loop;
	struct net_thread *thread;
	struct mailbox *stop; /* any node: end */
	struct mail_node node;
	struct listener *listener;
	struct list sessions;
	struct rng rng;
	uint16_t port;
	bool stopping;
};

struct mx_session {
	struct list node;
	struct stress_mx *mx;
	struct conn *conn;
	struct timer *late;
	struct buf in, out;
	struct fate *rcpts[SESSION_RCPTS];
	size_t n;
	struct fate *told[SESSION_RCPTS]; /* in a notification */
	size_t n_told;
	bool body, closing;
};

static void session_drive(struct mx_session *s);

static void
session_hang_up(struct mx_session *s)
{
	s->closing = true;
	timer_stop(s->late);
	conn_close(s->conn, 0);
}

/* ---- commands ---- */

static void
session_rcpt(struct mx_session *s, struct str line)
{
	struct fate *f = tally_fate(s->mx->tally, str_skip(line, 8));
	size_t number;

	if (!f) {
		(void)buf_add_cstr(&s->out, "250 postmaster\r\n");
		return;
	}
	number = (size_t)(f - s->mx->tally->fates);
	if (number % 29 == 5) {
		atomic_fetch_add(&f->refused, 1);
		(void)buf_add_cstr(&s->out, "550 5.1.1 nobody here\r\n");
	} else if (number % 37 == 3 && atomic_fetch_add(&f->deferred, 1) == 0) {
		(void)buf_add_cstr(&s->out, "451 4.2.1 later\r\n");
	} else if (s->n == SESSION_RCPTS) {
		(void)buf_add_cstr(&s->out, "452 4.5.3 too many\r\n");
	} else {
		s->rcpts[s->n++] = f;
		(void)buf_add_cstr(&s->out, "250 2.1.5 fine\r\n");
	}
}

static void
session_command(struct mx_session *s, struct str line)
{
	if (str_starts_ci(line, STR("EHLO"))) {
		(void)buf_add_cstr(&s->out,
		    "250-mx.stress.test\r\n250-PIPELINING\r\n"
		    "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n");
	} else if (str_starts_ci(line, STR("MAIL"))) {
		s->n = s->n_told = 0;
		(void)buf_add_cstr(&s->out, "250 2.1.0 fine\r\n");
	} else if (str_starts_ci(line, STR("RCPT"))) {
		session_rcpt(s, line);
	} else if (str_starts_ci(line, STR("DATA"))) {
		/* The notifications' own recipient has no number. */
		s->body = true;
		(void)buf_add_cstr(&s->out, "354 go on\r\n");
	} else if (str_starts_ci(line, STR("QUIT"))) {
		(void)buf_add_cstr(&s->out, "221 2.0.0 bye\r\n");
	} else {
		(void)buf_add_cstr(&s->out, "250 2.0.0 fine\r\n");
	}
}

/* A line of a message, or its end. */
static void
session_text(struct mx_session *s, struct str line)
{
	struct tally *t = s->mx->tally;
	static const char final[] = "Final-Recipient: rfc822;";
	struct fate *f;

	if (str_starts_ci(line, STR("Final-Recipient: rfc822;"))) {
		f = tally_fate(t, str_trim(str_skip(line, sizeof(final) - 1)));
		if (f && s->n_told < SESSION_RCPTS)
			s->told[s->n_told++] = f;
	}
	if (!str_eq(line, STR(".")))
		return;
	tally_moved(t);
	for (size_t i = 0; i < s->n; i++)
		atomic_fetch_add(&s->rcpts[i]->delivered, 1);
	for (size_t i = 0; i < s->n_told; i++)
		atomic_fetch_add(&s->told[i]->notified, 1);
	atomic_fetch_add(&t->delivered, (unsigned)s->n);
	s->n = s->n_told = 0;
	s->body = false;
	(void)buf_add_cstr(&s->out, "250 2.0.0 taken\r\n");
}

/* ---- input and output ---- */

static void
session_flush(struct mx_session *s)
{
	if (s->out.n > 0)
		conn_write(s->conn, s->out.p, s->out.n);
	buf_reset(&s->out);
}

/* Before it takes anything, and with nothing left unsaid. */
static bool
session_may_hang_up(const struct mx_session *s)
{
	return s->out.n == 0 && conn_pending(s->conn) == 0;
}

static void
session_say(void *arg)
{
	struct mx_session *s = arg;

	session_flush(s);
	session_drive(s);
}

/* What came, line by line, up to the end of a message: what was said until
 * then goes out first, now or late. */
static void
session_drive(struct mx_session *s)
{
	while (!s->closing && !timer_active(s->late)) {
		struct str line = buf_str(&s->in);
		size_t end = str_find(line, '\n');
		bool ended;
		uint32_t one_in;

		if (end == line.n)
			break;
		line.n = end + 1;
		ended = s->body && str_eq(str_trim(line), STR("."));
		one_in = s->body && !ended ? 50000 : 700;
		if (session_may_hang_up(s) &&
		    rng_below(&s->mx->rng, one_in) == 0) {
			session_hang_up(s);
			return;
		}
		if (s->body)
			session_text(s, str_trim(line));
		else
			session_command(s, str_trim(line));
		buf_shift(&s->in, line.n);
		if (ended || rng_below(&s->mx->rng, one_in) < 5)
			timer_start(s->late, rng_below(&s->mx->rng, LATE_MS));
	}
	if (!s->closing && !timer_active(s->late))
		session_flush(s);
}

static void
session_on_conn(void *arg, const struct conn_event *ev)
{
	struct mx_session *s = arg;

	switch (ev->kind) {
	case CONN_DATA:
		if (s->closing)
			break;
		if (buf_add(&s->in, ev->data.p, ev->data.n) != 0)
			session_hang_up(s);
		else
			session_drive(s);
		break;
	case CONN_EOF:
	case CONN_ERROR:
		session_hang_up(s);
		break;
	case CONN_CLOSED:
		list_remove(&s->node);
		timer_free(s->late);
		buf_clear(&s->in);
		buf_clear(&s->out);
		free(s);
		break;
	case CONN_CONNECTED:
	case CONN_TLS_DONE:
	case CONN_DRAINED:
		break;
	}
}

static void
mx_on_client(void *arg, int take_fd, const struct sockaddr_any *peer)
{
	struct stress_mx *m = arg;
	struct mx_session *s = xcalloc(1, sizeof(*s));

	(void)peer;
	s->mx = m;
	list_init(&s->node);
	buf_init(&s->in, INPUT_MAX);
	buf_init(&s->out, INPUT_MAX);
	s->conn = conn_accepted(m->loop, take_fd, session_on_conn, s);
	if (!s->conn)
		BUG("no memory for a session");
	s->late = timer_new(m->loop, session_say, s);
	list_push(&m->sessions, &s->node);
	(void)buf_add_cstr(&s->out, "220 mx.stress.test\r\n");
	session_drive(s);
}

/* ---- life ---- */

static void
mx_on_stop(void *arg, struct mail_node *node)
{
	struct stress_mx *m = arg;
	struct list *n, *next;

	(void)node;
	listener_close(m->listener);
	for (n = m->sessions.next; n != &m->sessions; n = next) {
		next = n->next;
		session_hang_up(CONTAINER_OF(n, struct mx_session, node));
	}
	mailbox_shut(m->stop);
	mailbox_free(m->stop, NULL);
}

/* Until all handles are gone. */
static void
mx_main(void *arg)
{
	struct stress_mx *m = arg;

	loop_run(m->loop);
}

struct stress_mx *
stress_mx_new(struct tally *t, uint64_t seed)
{
	struct stress_mx *m = xcalloc(1, sizeof(*m));
	struct sockaddr_any at = {.family = 4, .ip = {127, 0, 0, 2}};
	struct sockaddr_in sys;
	socklen_t len = sizeof(sys);
	char text[160];
	int fd;

	m->tally = t;
	list_init(&m->sessions);
	rng_init_seed(&m->rng, seed);
	if (listener_bind_tcp(&at, false, &fd, text) != 0)
		BUG("%s", text);
	if (getsockname(fd, (struct sockaddr *)&sys, &len) != 0)
		BUG("no port");
	m->port = ntohs(sys.sin_port);
	if (loop_new(&m->loop) != 0 ||
	    mailbox_new(m->loop, 1, mx_on_stop, m, &m->stop) != 0 ||
	    listener_open(m->loop, fd, mx_on_client, m, &m->listener) != 0 ||
	    net_thread_start(mx_main, m, "mx", &m->thread) != 0)
		BUG("no MX");
	return m;
}

uint16_t
stress_mx_port(const struct stress_mx *m)
{
	return m->port;
}

void
stress_mx_free(struct stress_mx *m)
{
	if (mailbox_post_always(m->stop, &m->node) != 0)
		BUG("the MX has ended before");
	net_thread_join(m->thread);
	loop_free(m->loop);
	free(m);
}
