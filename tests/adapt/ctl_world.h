/*
 * A control server on a real store and socket, and clients of it. Included by
 * the tests of relay/ctl and relay/cli only.
 */
#ifndef TESTS_ADAPT_CTL_WORLD_H
#define TESTS_ADAPT_CTL_WORLD_H

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "relay/ctl/ctl_server.h"
#include "relay/net/listener.h"
#include "tests/adapt/store_world.h"

struct ctl_world {
	struct world *w;
	struct ctl_server *server;
	char path[160];
	/* What the status is to be. */
	enum dns_state resolver;
	unsigned asked; /* times that status was called */
	unsigned released; /* times that it was told so */
	/* The question that a shard has, and what will be answered. */
	const char *explain; /* NULL: nobody has time for it */
	int explain_err;
	unsigned explained; /* times that it was asked */
	char domain[DOMAIN_MAX];
	uint16_t port;
	ctl_explain_fn *done;
	void *job;
};

static inline void
ctl_world_status(void *arg, struct ctl_status *out, struct metrics *sum)
{
	struct ctl_world *cw = arg;

	cw->asked++;
	metrics_add(sum, METRIC_SENT, 7);
	out->version = "1.2.3";
	out->workers = 1;
	out->managed = true;
	out->resolver = cw->resolver;
	out->metrics = sum;
}

static inline void
ctl_world_released(void *arg)
{
	struct ctl_world *cw = arg;

	cw->released++;
}

static inline int
ctl_world_explain(void *arg, const char *domain, uint16_t port,
    ctl_explain_fn *done, void *job)
{
	struct ctl_world *cw = arg;

	cw->explained++;
	if (!cw->explain)
		return ERR_FULL;
	(void)snprintf(cw->domain, sizeof(cw->domain), "%s", domain);
	cw->port = port;
	cw->done = done;
	cw->job = job;
	return 0;
}

/* The shard answers, if it has a question. */
static inline void
ctl_world_explain_done(struct ctl_world *cw)
{
	ctl_explain_fn *done = cw->done;
	struct buf b;

	if (!done)
		return;
	cw->done = NULL;
	buf_init(&b, CTL_ANSWER_MAX);
	buf_add_cstr(&b, cw->explain);
	done(cw->job, cw->explain_err, &b);
	buf_clear(&b);
}

/* On the folder of cw->w. credits: jobs that the store takes at once. */
static inline void
ctl_world_start(struct ctl_world *cw, size_t credits)
{
	struct ctl_server_opts o = {.status = ctl_world_status,
	    .released = ctl_world_released,
	    .explain = ctl_world_explain,
	    .arg = cw};
	char text[160] = "";

	t_err("store", store_hub_open(&cw->w->o, &cw->w->hub, cw->w->text), 0);
	t_err("loop", loop_new(&cw->w->loop), 0);
	t_err("store", store_open(cw->w->hub, cw->w->loop, credits, &cw->w->s),
	    0);
	(void)snprintf(
	    cw->path, sizeof(cw->path), "%s/control.sock", cw->w->dir);
	t_err(text, listener_bind_unix(cw->path, 0600, &o.take_fd, text), 0);
	o.loop = cw->w->loop;
	o.store = cw->w->s;
	o.clock = clock_system();
	o.log = &cw->w->sink;
	t_err("server", ctl_server_open(&o, &cw->server), 0);
}

static inline void
ctl_world_open(struct ctl_world *cw, size_t credits)
{
	memset(cw, 0, sizeof(*cw));
	cw->resolver = DNS_STATE_OK;
	cw->w = world_new();
	ctl_world_start(cw, credits);
}

static inline void
ctl_world_stop(struct ctl_world *cw)
{
	ctl_server_close(cw->server);
	loop_run_once(cw->w->loop);
	ctl_world_explain_done(cw);
	world_close(cw->w);
}

static inline void
ctl_world_restart(struct ctl_world *cw)
{
	ctl_world_stop(cw);
	(void)unlink(cw->path);
	ctl_world_start(cw, 64);
}

static inline void
ctl_world_close(struct ctl_world *cw)
{
	ctl_world_stop(cw);
	world_free(cw->w);
}

/* A round of the loop, which may wait for threads: some rest in between. */
static inline void
ctl_world_turn(struct ctl_world *cw)
{
	loop_run_once(cw->w->loop);
	ctl_world_explain_done(cw);
	(void)poll(NULL, 0, 1);
}

static inline int
ctl_world_connect(const struct ctl_world *cw)
{
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} to;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&to, 0, sizeof(to));
	to.un.sun_family = AF_UNIX;
	memcpy(to.un.sun_path, cw->path, strlen(cw->path));
	t_bool("socket", fd >= 0, true);
	t_int("connect", connect(fd, &to.sa, sizeof(to.un)), 0);
	return fd;
}

static inline void
ctl_world_send(int fd, const char *text)
{
	size_t n = strlen(text);

	t_int("send", send(fd, text, n, MSG_NOSIGNAL), (int64_t)n);
}

/* Bytes up to the end of a line, or what came until the server closed. */
static inline void
ctl_world_read(struct ctl_world *cw, int fd, struct buf *b)
{
	buf_reset(b);
	for (;;) {
		char c;
		ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			ctl_world_turn(cw);
			continue;
		}
		if (n <= 0 || c == '\n')
			return;
		buf_add_char(b, c);
	}
}

#endif
