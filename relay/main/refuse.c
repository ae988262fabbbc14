/*
 * Plain poll(2) on descriptors, before any loop or thread exists: the one
 * sentence a client gets is the same for all, and nothing of it is read.
 */
#include "config.h"

#include "relay/main/refuse.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

#define REFUSE_RETRY_MS 2000

static void
refuse_client(int fd, const char *hostname)
{
	char line[512];
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int n;

	if (c < 0)
		return;
	n = snprintf(line, sizeof(line),
	    "421 4.3.0 %s mail queue not usable now, try again later\r\n",
	    hostname);
	/* A client that is gone already loses nothing. */
	if (send(c, line, (size_t)n, MSG_NOSIGNAL) > 0)
		(void)shutdown(c, SHUT_WR);
	close(c);
}

/* One wait: ERR_CANCELED to stop, else 0. */
static int
refuse_wait(struct pollfd *v, size_t n, const char *hostname)
{
	size_t i;

	if (poll(v, (nfds_t)n, REFUSE_RETRY_MS) <= 0)
		return 0;
	if (v[0].revents || v[1].revents)
		return ERR_CANCELED;
	for (i = 2; i < n; i++)
		if (v[i].revents)
			refuse_client(v[i].fd, hostname);
	return 0;
}

int
refuse_until_open(const struct store_opts *o, const char *hostname,
    const int *fds, size_t n, int stop_fd, int sig_fd, struct log *log,
    struct store_hub **out)
{
	struct pollfd *v = xcalloc(n + 2, sizeof(*v));
	char text[256] = "", last[256] = "";
	int64_t next = 0;
	int err = 0;
	size_t i;

	v[0].fd = stop_fd;
	v[1].fd = sig_fd;
	for (i = 0; i < n; i++)
		v[i + 2].fd = fds[i];
	for (i = 0; i < n + 2; i++)
		v[i].events = POLLIN;
	for (;;) {
		int64_t now = clock_mono_ms(&o->clock);

		if (now >= next) {
			if (!store_hub_open(o, out, text))
				break;
			next = now + REFUSE_RETRY_MS;
			if (strcmp(text, last) != 0)
				log_text(log, LOG_ERROR, "store-unusable",
				    "%s; mail is refused with 421 4.3.0 "
				    "until then",
				    text);
			memcpy(last, text, sizeof(last));
		}
		err = refuse_wait(v, n + 2, hostname);
		if (err)
			break;
	}
	if (!err && *last)
		log_text(log, LOG_INFO, "store-usable", "the queue is open");
	free(v);
	return err;
}
