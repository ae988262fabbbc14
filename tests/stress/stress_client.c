/*
 * Clients: threads that block on one connection each. They come in by TCP or
 * hand one end of a socket pair to the main thread; they name recipients of
 * many domains, and some leave in the middle. What they write down is the 250
 * to a message, nothing else counts.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "tests/stress/stress.h"

#define MAX_RCPTS 40 /* of one message */
#define TALK_MAX (1u << 20) /* bytes */
#define IN_SIZE 4096

struct client {
	struct stress_clients *all;
	struct net_thread *thread;
	struct rng rng;
	int fd;
	char in[IN_SIZE];
	size_t at, n; /* in in[] */
	struct fate *rcpts[MAX_RCPTS];
	size_t n_rcpts;
};

struct stress_clients {
	struct stress_clients_opts o;
	struct client *v;
	atomic_bool over;
	atomic_uint left;
};

/* ---- talk ---- */

static int
client_char(struct client *c)
{
	if (c->at == c->n) {
		ssize_t n = recv(c->fd, c->in, sizeof(c->in), 0);

		if (n <= 0)
			return -1;
		c->at = 0;
		c->n = (size_t)n;
	}
	return (unsigned char)c->in[c->at++];
}

/* The code of the next reply, -1 when the relay has hung up. */
static int
client_reply(struct client *c)
{
	for (;;) {
		char line[4] = "";
		size_t n = 0;
		int ch;

		while ((ch = client_char(c)) != '\n') {
			if (ch < 0)
				return -1;
			if (n < sizeof(line))
				line[n] = (char)ch;
			n++;
		}
		if (n >= 4 && line[3] == ' ')
			return (line[0] - '0') * 100 + (line[1] - '0') * 10 +
			    (line[2] - '0');
	}
}

static bool
client_say(struct client *c, struct str s)
{
	while (s.n > 0) {
		ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		s = str_skip(s, (size_t)n);
	}
	return true;
}

/* ---- connections ---- */

static int
client_tcp(struct client *c)
{
	const struct stress_clients_opts *o = &c->all->o;
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(o->ports[rng_below(&c->rng, o->shards)]);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* As one that came in on a unix socket of the main thread. */
static int
client_pair(struct client *c)
{
	struct stress_fd *note = xcalloc(1, sizeof(*note));
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		BUG("no socket pair");
	note->fd = fd[1];
	if (mailbox_post_always(c->all->o.to_main, &note->node) == 0)
		return fd[0];
	close(fd[0]);
	close(fd[1]);
	free(note);
	return -1;
}

/* ---- messages ---- */

/* One in so many, but never among the tame. */
static bool
client_leaves(struct client *c, uint32_t one_in)
{
	return !c->all->o.tame && rng_below(&c->rng, one_in) == 0;
}

static void
client_envelope(struct client *c, struct buf *b)
{
	struct tally *t = c->all->o.tally;
	/* Most are small; a big one overflows the credits of a shard. */
	uint32_t small_in = c->all->o.tame ? 2 : 8;
	size_t n = 1 +
	    rng_below(&c->rng, rng_below(&c->rng, small_in) ? 4 : MAX_RCPTS);

	(void)buf_addf(b, "MAIL FROM:<%s>\r\n", STRESS_SENDER);
	for (c->n_rcpts = 0; c->n_rcpts < n; c->n_rcpts++) {
		unsigned number = atomic_fetch_add(&t->next, 1);

		if (number >= STRESS_RCPTS)
			BUG("more recipients than numbers");
		c->rcpts[c->n_rcpts] = &t->fates[number];
		atomic_fetch_add(&t->fates[number].tried, 1);
		(void)buf_addf(b, "RCPT TO:<r%u@d%u.stress.test>\r\n", number,
		    rng_below(&c->rng, STRESS_DOMAINS));
	}
	(void)buf_add_cstr(b, "DATA\r\n");
}

static void
client_body(struct client *c, struct buf *b)
{
	/* Now and then one that the store puts in a file. */
	uint32_t lines = rng_below(&c->rng, 24) ? 4 : 6000;

	(void)buf_add_cstr(b, "Subject: stress\r\n\r\n");
	for (uint32_t i = 0; i < lines; i++)
		(void)buf_add_cstr(b, "All work and no play.\r\n");
	(void)buf_add_cstr(b, ".\r\n");
}

static bool
client_transaction(struct client *c, struct buf *b)
{
	struct tally *t = c->all->o.tally;
	bool halfway;
	int code = 0;

	buf_reset(b);
	client_envelope(c, b);
	if (!client_say(c, buf_str(b)) || client_leaves(c, 60))
		return false;
	for (size_t i = 0; i < c->n_rcpts + 2; i++) {
		code = client_reply(c);
		if (code < 0 || code == 421)
			return false;
		if (i <= c->n_rcpts && code != 250)
			BUG("%d to MAIL or RCPT", code);
	}
	if (code != 354)
		BUG("%d to DATA", code);
	buf_reset(b);
	client_body(c, b);
	/* Some leave in the middle of it, some right behind it. */
	halfway = client_leaves(c, 60);
	if (halfway)
		buf_truncate(b, b->n / 2);
	if (!client_say(c, buf_str(b)) || halfway || client_leaves(c, 60))
		return false;
	code = client_reply(c);
	if (code != 250)
		return false;
	for (size_t i = 0; i < c->n_rcpts; i++)
		atomic_fetch_add(&c->rcpts[i]->accepted, 1);
	atomic_fetch_add(&t->accepted, (unsigned)c->n_rcpts);
	tally_moved(t);
	return true;
}

/* One session. Messages that got their 250. */
static unsigned
client_session(struct client *c, struct buf *b)
{
	unsigned want = 1 + rng_below(&c->rng, 3);
	unsigned sent = 0;

	c->at = c->n = 0;
	c->fd = rng_below(&c->rng, 3) ? client_tcp(c) : client_pair(c);
	if (c->fd < 0) {
		sched_yield();
		return 0;
	}
	if (client_reply(c) == 220 && client_say(c, STR("EHLO client\r\n")) &&
	    client_reply(c) == 250) {
		while (sent < want && client_transaction(c, b))
			sent++;
		if (sent == want && client_say(c, STR("QUIT\r\n")))
			(void)client_reply(c);
	}
	close(c->fd);
	return sent;
}

static void
client_main(void *arg)
{
	struct client *c = arg;
	unsigned max = c->all->o.messages;
	unsigned sent = 0;
	struct buf b;

	buf_init(&b, TALK_MAX);
	while (!atomic_load(&c->all->over) && (max == 0 || sent < max))
		sent += client_session(c, &b);
	buf_clear(&b);
	atomic_fetch_sub(&c->all->left, 1);
}

/* ---- all of them ---- */

struct stress_clients *
stress_clients_start(const struct stress_clients_opts *o)
{
	struct stress_clients *all = xcalloc(1, sizeof(*all));

	all->o = *o;
	all->v = xcalloc(o->n, sizeof(*all->v));
	atomic_init(&all->left, o->n);
	for (unsigned i = 0; i < o->n; i++) {
		struct client *c = &all->v[i];

		c->all = all;
		rng_init_seed(&c->rng, o->seed * 1000 + i);
		if (net_thread_start(client_main, c, "client", &c->thread) != 0)
			BUG("no thread for a client");
	}
	return all;
}

void
stress_clients_stop(struct stress_clients *c)
{
	atomic_store(&c->over, true);
}

unsigned
stress_clients_left(struct stress_clients *c)
{
	return atomic_load(&c->left);
}

void
stress_clients_join(struct stress_clients *c)
{
	for (unsigned i = 0; i < c->o.n; i++)
		net_thread_join(c->v[i].thread);
	free(c->v);
	free(c);
}
