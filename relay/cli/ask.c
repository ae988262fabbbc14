/*
 * The command line's side of the control socket. A daemon that hangs must not
 * hang the command, so each read has a limit.
 */
#include "config.h"

#include "relay/cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay/base/str.h"

#define ASK_WAIT_S 30

static NODISCARD int
connect_error(int errnum, const char *path, char text[ASK_TEXT])
{
	switch (errnum) {
	case ENOENT:
	case ECONNREFUSED:
		(void)snprintf(text, ASK_TEXT,
		    "waxseald does not run: nobody answers at %.150s; is this "
		    "the right -c FILE?",
		    path);
		return ERR_REFUSED;
	case EACCES:
	case EPERM:
		(void)snprintf(text, ASK_TEXT,
		    "no permission for %.150s; try as root, or as one who is "
		    "in the group of the relay",
		    path);
		return ERR_PERM;
	default:
		(void)snprintf(
		    text, ASK_TEXT, "%.150s: %s", path, strerror(errnum));
		return ERR_IO;
	}
}

int
ask_open(const char *path, int *fd, char text[ASK_TEXT])
{
	const struct timeval wait = {.tv_sec = ASK_WAIT_S};
	union {
		struct sockaddr sa;
		struct sockaddr_un un;
	} to;
	int s;

	memset(&to, 0, sizeof(to));
	to.un.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(to.un.sun_path))
		return connect_error(ENAMETOOLONG, path, text);
	memcpy(to.un.sun_path, path, strlen(path));
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return connect_error(errno, path, text);
	if (connect(s, &to.sa, sizeof(to.un)) ||
	    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) ||
	    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait))) {
		int errnum = errno;

		close(s);
		return connect_error(errnum, path, text);
	}
	*fd = s;
	return 0;
}

static NODISCARD int
send_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? ERR_TIMEOUT : ERR_IO;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* Reads up to the end of a line, which is cut off. */
static NODISCARD int
read_line(int fd, struct buf *b)
{
	char chunk[16384];

	while (b->n == 0 || b->p[b->n - 1] != '\n') {
		ssize_t n = recv(fd, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return ERR_TIMEOUT;
		if (n <= 0)
			return ERR_IO;
		if (buf_add(b, chunk, (size_t)n))
			return ERR_TOOBIG;
	}
	buf_truncate(b, b->n - 1);
	return 0;
}

void
ask_patience(int fd, int seconds)
{
	const struct timeval wait = {.tv_sec = seconds};

	/* Else the usual limit stays. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
}

int
ask(int fd, const struct ctl_question *q, struct buf *answer,
    char text[ASK_TEXT])
{
	struct buf question;
	int err;

	buf_init(&question, CTL_LINE_MAX);
	ctl_question_build(q, &question);
	err = ask_line(fd, buf_str(&question), answer, text);
	buf_clear(&question);
	return err;
}

int
ask_line(int fd, struct str line, struct buf *answer, char text[ASK_TEXT])
{
	int err;

	buf_reset(answer);
	err = send_all(fd, line);
	if (!err)
		err = read_line(fd, answer);
	if (err == ERR_TIMEOUT)
		(void)snprintf(text, ASK_TEXT,
		    "waxseald does not answer in time; see its log");
	else if (err)
		(void)snprintf(text, ASK_TEXT,
		    "waxseald broke off the answer; see its log");
	return err;
}
