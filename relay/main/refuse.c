/*
 * Plain poll(2) on descriptors, before any loop or thread exists: the one
 * sentence a client gets is the same for all, and nothing of it is read. The
 * command line gets the reason, whatever it asks.
 */
#include "config.h"

#include "relay/main/refuse.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/ctl/ctl_proto.h"

#define REFUSE_RETRY_MS 2000
#define REFUSE_ASK_S 1 /* a question has to come within that time */

enum { AT_STOP, AT_SIG, AT_CTL, AT_LISTENS };

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

static void
refuse_question(int fd, const char *text)
{
	const struct timeval wait = {.tv_sec = REFUSE_ASK_S};
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	char question[4096]; /* some of it: the answer is the same */
	struct buf b;

	if (c < 0)
		return;
	buf_init(&b, CTL_ANSWER_MAX);
	ctl_error_build(text, &b);
	if (setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
	    recv(c, question, sizeof(question), 0) > 0)
		(void)send(c, b.p, b.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_clear(&b);
	close(c);
}

/* One wait: ERR_CANCELED to stop, else 0. text: what is wrong. */
static int
refuse_wait(struct pollfd *v, size_t n, const char *hostname, const char *text)
{
	size_t i;

	if (poll(v, (nfds_t)n, REFUSE_RETRY_MS) <= 0)
		return 0;
	if (v[AT_STOP].revents || v[AT_SIG].revents)
		return ERR_CANCELED;
	if (v[AT_CTL].revents)
		refuse_question(v[AT_CTL].fd, text);
	for (i = AT_LISTENS; i < n; i++)
		if (v[i].revents)
			refuse_client(v[i].fd, hostname);
	return 0;
}

int
refuse_until_open(const struct store_opts *o, const char *hostname,
    const struct refuse_fds *fds, struct log *log, struct store_hub **out)
{
	size_t n = fds->n + AT_LISTENS;
	struct pollfd *v = xcalloc(n, sizeof(*v));
	char text[256] = "", last[256] = "";
	int64_t next = 0;
	int err = 0;
	size_t i;

	v[AT_STOP].fd = fds->stop;
	v[AT_SIG].fd = fds->sig;
	v[AT_CTL].fd = fds->ctl;
	for (i = 0; i < fds->n; i++)
		v[i + AT_LISTENS].fd = fds->listens[i];
	for (i = 0; i < n; i++)
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
		err = refuse_wait(v, n, hostname, text);
		if (err)
			break;
	}
	if (!err && *last)
		log_text(log, LOG_INFO, "store-usable", "the queue is open");
	free(v);
	return err;
}
