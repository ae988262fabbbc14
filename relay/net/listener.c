/*
 * Accepting sockets. The descriptor is watched with uv_poll and accepted from
 * directly, because what is accepted may move to another thread's loop, and a
 * descriptor moves where a uv handle cannot.
 *
 * When the process is out of descriptors the listener rests for a moment:
 * the socket stays readable, and the loop would spin.
 */
#include "config.h"

#include "relay/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"

#define ACCEPTS_A_ROUND 64
#define REST_MS 100
#define BACKLOG 1024
#define TEXT_MAX 160

struct listener {
	uv_poll_t poll;
	struct timer *rest;
	int fd;
	listener_fn *fn;
	void *arg;
	bool paused, closing;
};

static void on_readable(uv_poll_t *poll, int status, int events);

/* Watches the socket, or not, as paused and the rest demand. */
static void
update(struct listener *l)
{
	if (l->closing)
		return;
	if (l->paused || timer_active(l->rest))
		uv_poll_stop(&l->poll);
	else
		uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void
rest_over(void *arg)
{
	update(arg);
}

/* Accepts one; false when there is none now. */
static bool
accept_one(struct listener *l)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} from;
	socklen_t len = sizeof(from);
	struct sockaddr_any peer;
	int fd;

	memset(&from, 0, sizeof(from));
	fd = accept4(l->fd, &from.sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		switch (errno) {
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			timer_start(l->rest, REST_MS);
			update(l);
			return false;
		case EAGAIN:
			return false;
		default:
			/* The client is gone already, or accept(2) passes on an
			 * error of the network: the next may be fine. */
			return true;
		}
	}
	sockaddr_from_sys(&from.sa, &peer);
	sockaddr_unmap(&peer);
	l->fn(l->arg, fd, &peer);
	return true;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = poll->data;

	(void)events;
	if (status < 0) {
		timer_start(l->rest, REST_MS);
		update(l);
		return;
	}
	for (int i = 0; i < ACCEPTS_A_ROUND; i++)
		if (l->closing || l->paused || !accept_one(l))
			return;
}

int
listener_open(struct loop *loop, int take_fd, listener_fn *fn, void *arg,
    struct listener **out)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->fd = take_fd;
	l->fn = fn;
	l->arg = arg;
	/* Sets O_NONBLOCK too. */
	if (uv_poll_init(loop_uv(loop), &l->poll, take_fd) != 0) {
		close(take_fd);
		free(l);
		return ERR_IO;
	}
	l->poll.data = l;
	l->rest = timer_new(loop, rest_over, l);
	update(l);
	*out = l;
	return 0;
}

void
listener_pause(struct listener *l, bool paused)
{
	l->paused = paused;
	update(l);
}

static void
poll_closed(uv_handle_t *h)
{
	struct listener *l = h->data;

	close(l->fd);
	free(l);
}

void
listener_close(struct listener *l)
{
	if (!l || l->closing)
		return;
	l->closing = true;
	uv_poll_stop(&l->poll);
	timer_free(l->rest);
	uv_close((uv_handle_t *)&l->poll, poll_closed);
}

static int
errno_err(int e)
{
	switch (e) {
	case EADDRINUSE:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
		return ERR_PERM;
	default:
		return ERR_IO;
	}
}

/* Closes fd (-1: none) and says in text what could not be done. */
static int
bind_failed(int fd, const char *where, const char *what, char text[TEXT_MAX])
{
	int e = errno;

	snprintf(text, TEXT_MAX, "cannot listen on %s: %s: %s", where, what,
	    strerror(e));
	if (fd >= 0)
		close(fd);
	return errno_err(e);
}

int
listener_bind_tcp(const struct sockaddr_any *addr, bool reuseport, int *fd,
    char text[TEXT_MAX])
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} to;
	socklen_t len = sockaddr_to_sys(addr, &to.storage);
	char where[SOCKADDR_TEXT];
	const int one = 1;
	int s;

	sockaddr_str(addr, where);
	if (len == 0) {
		snprintf(text, TEXT_MAX, "not a TCP address");
		return ERR_IO;
	}
	s = socket(
	    to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return bind_failed(-1, where, "socket", text);
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    (reuseport &&
		setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) !=
		    0) ||
	    (addr->family == 6 &&
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) !=
		    0))
		return bind_failed(s, where, "setsockopt", text);
	if (bind(s, &to.sa, len) != 0)
		return bind_failed(s, where, "bind", text);
	if (listen(s, BACKLOG) != 0)
		return bind_failed(s, where, "listen", text);
	*fd = s;
	return 0;
}

/* Removes the socket file of a process that is gone. 0 when nothing is in the
 * way any more, else text is set. */
static int
clear_stale(const struct sockaddr_un *un, char text[TEXT_MAX])
{
	struct stat st;
	int rc;
	int s;

	if (lstat(un->sun_path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return bind_failed(-1, un->sun_path, "stat", text);
	}
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		(void)bind_failed(-1, un->sun_path, "not a socket", text);
		return ERR_EXISTS;
	}
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return bind_failed(-1, un->sun_path, "socket", text);
	rc = connect(s, (const struct sockaddr *)un, sizeof(*un));
	if (rc == 0 || errno == EAGAIN) { /* EAGAIN: its backlog is full */
		close(s);
		errno = EADDRINUSE;
		return bind_failed(-1, un->sun_path, "connect", text);
	}
	if (errno != ECONNREFUSED && errno != ENOENT)
		return bind_failed(s, un->sun_path, "connect", text);
	close(s);
	if (unlink(un->sun_path) != 0 && errno != ENOENT)
		return bind_failed(-1, un->sun_path, "unlink", text);
	return 0;
}

int
listener_bind_unix(
    const char *path, unsigned mode, int *fd, char text[TEXT_MAX])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	mode_t old;
	int rc;
	int s;

	if (n == 0 || n >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return bind_failed(-1, path, "path", text);
	}
	memcpy(un.sun_path, path, n + 1);
	rc = clear_stale(&un, text);
	if (rc != 0)
		return rc;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return bind_failed(-1, path, "socket", text);
	/* No chmod afterwards: who can write in the folder could have put
	 * something else in the place of the socket. */
	old = umask((mode_t)~mode & 0777);
	rc = bind(s, (const struct sockaddr *)&un, sizeof(un));
	(void)umask(old);
	if (rc != 0)
		return bind_failed(s, path, "bind", text);
	if (listen(s, BACKLOG) != 0)
		return bind_failed(s, path, "listen", text);
	*fd = s;
	return 0;
}
