/* Listening sockets: binding, accepting, and the errors that people see. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "tests/unit/t.h"

struct seen {
	int n;
	int fd[64];
	struct sockaddr_any peer;
	struct listener *pause_me, *close_me;
};

static void
accepted(void *arg, int fd, const struct sockaddr_any *peer)
{
	struct seen *s = arg;

	s->fd[s->n++] = fd;
	s->peer = *peer;
	if (s->pause_me)
		listener_pause(s->pause_me, true);
	listener_close(s->close_me);
}

static void
forget(struct seen *s)
{
	for (int i = 0; i < s->n; i++)
		close(s->fd[i]);
	s->n = 0;
}

static struct sockaddr_any
bind_any(const char *text, bool reuseport, int *fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} u;
	socklen_t len = sizeof(u);
	struct sockaddr_any a;
	char why[160] = "";

	t_err(text, sockaddr_parse(str_of(text), 0, &a), 0);
	t_err(text, listener_bind_tcp(&a, reuseport, fd, why), 0);
	assert_int_equal(getsockname(*fd, &u.sa, &len), 0);
	sockaddr_from_sys(&u.sa, &a);
	return a;
}

static int
dial(const struct sockaddr_any *a)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} u;
	socklen_t len = sockaddr_to_sys(a, &u.storage);
	int fd = socket(u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, &u.sa, len), 0);
	return fd;
}

static void
test_accept(void **state)
{
	struct seen s = {0};
	struct sockaddr_any lo;
	struct sockaddr_any a;
	struct listener *l;
	struct loop *loop;
	int fd;
	int c[3];

	(void)state;
	a = bind_any("127.0.0.1:0", false, &fd);
	t_bool("not inherited", fcntl(fd, F_GETFD) & FD_CLOEXEC, true);
	t_err("loop", loop_new(&loop), 0);
	t_err("open", listener_open(loop, fd, accepted, &s, &l), 0);
	for (size_t i = 0; i < T_COUNT(c); i++)
		c[i] = dial(&a);
	while (s.n < 3)
		loop_run_once(loop);
	t_err("x", sockaddr_parse(STR("127.0.0.1"), 0, &lo), 0);
	t_bool("peer", sockaddr_eq_ip(&s.peer, &lo), true);
	t_bool("port", s.peer.port != 0, true);
	for (size_t i = 0; i < T_COUNT(c); i++)
		close(c[i]);
	forget(&s);

	/* One is accepted, then the callback pauses. */
	s.pause_me = l;
	c[0] = dial(&a);
	c[1] = dial(&a);
	for (int i = 0; i < 20; i++)
		loop_run_once(loop);
	t_int("paused", s.n, 1);
	s.pause_me = NULL;
	s.close_me = l;
	listener_pause(l, false);
	while (s.n < 2)
		loop_run_once(loop);
	loop_run(loop); /* closed inside the callback: nothing is left */
	listener_close(NULL);
	close(c[0]);
	close(c[1]);
	forget(&s);
	loop_free(loop);
	t_int("the descriptor went with it", fcntl(fd, F_GETFD), -1);
}

static void
test_in_use(void **state)
{
	struct sockaddr_any a;
	char text[160] = "";
	char want[160];
	char where[SOCKADDR_TEXT];
	int fd;
	int other = -1;

	(void)state;
	a = bind_any("127.0.0.1:0", false, &fd);
	t_err("in use", listener_bind_tcp(&a, false, &other, text), ERR_EXISTS);
	sockaddr_str(&a, where);
	snprintf(want, sizeof(want),
	    "cannot listen on %s: bind: Address already in use", where);
	t_cstr("text", text, want);
	t_int("no descriptor", other, -1);
	t_err("both must want it", listener_bind_tcp(&a, true, &other, text),
	    ERR_EXISTS);
	close(fd);
}

static void
test_reuseport(void **state)
{
	struct sockaddr_any a;
	char text[160] = "";
	int fd;
	int other = -1;

	(void)state;
	a = bind_any("127.0.0.1:0", true, &fd);
	t_err("second", listener_bind_tcp(&a, true, &other, text), 0);
	close(fd);
	close(other);
}

static void
test_no_such_address(void **state)
{
	struct sockaddr_any a;
	struct sockaddr_any none = {0};
	char text[160] = "";
	int fd = -1;

	(void)state;
	t_err("x", sockaddr_parse(STR("192.0.2.1:0"), 0, &a), 0);
	t_err("bind", listener_bind_tcp(&a, false, &fd, text), ERR_IO);
	t_cstr("text", text,
	    "cannot listen on 192.0.2.1:0: bind: "
	    "Cannot assign requested address");
	t_err("unix", listener_bind_tcp(&none, false, &fd, text), ERR_IO);
}

/* Out of descriptors: the connection waits, and is accepted later. */
static void
test_out_of_descriptors(void **state)
{
	struct seen s = {0};
	struct rlimit old, tight;
	struct sockaddr_any a;
	struct listener *l;
	struct loop *loop;
	int fd;
	int c;

	(void)state;
	a = bind_any("127.0.0.1:0", false, &fd);
	t_err("loop", loop_new(&loop), 0);
	t_err("open", listener_open(loop, fd, accepted, &s, &l), 0);
	loop_run_once(loop); /* takes the descriptors that it needs itself */
	c = dial(&a);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)c + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	for (int i = 0; i < 10; i++)
		loop_run_once(loop);
	t_int("none", s.n, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (s.n < 1)
		loop_run_once(loop);
	close(c);
	forget(&s);
	listener_close(l);
	loop_free(loop);
}

#define PATH "test_listener.sock"

static int
dial_unix(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
test_unix(void **state)
{
	struct seen s = {0};
	struct listener *l;
	struct loop *loop;
	struct stat st;
	char text[160] = "";
	mode_t mask = umask(0);
	int fd = -1;
	int other = -1;
	int c;

	(void)state;
	unlink(PATH);
	t_err("bind", listener_bind_unix(PATH, 0620, &fd, text), 0);
	umask(mask);
	assert_int_equal(stat(PATH, &st), 0);
	t_int("mode", st.st_mode & 07777, 0620);
	t_err("loop", loop_new(&loop), 0);
	t_err("open", listener_open(loop, fd, accepted, &s, &l), 0);
	t_err("a live one", listener_bind_unix(PATH, 0600, &other, text),
	    ERR_EXISTS);
	t_cstr("text", text,
	    "cannot listen on " PATH ": connect: Address already in use");
	c = dial_unix();
	assert_true(c >= 0);
	while (s.n < 2) /* the probe is one too */
		loop_run_once(loop);
	t_int("family", s.peer.family, 0);
	close(c);
	forget(&s);
	listener_close(l);
	loop_free(loop);
	/* Nobody answers any more, but the file is there. */
	assert_int_equal(stat(PATH, &st), 0);
	t_int("stale", dial_unix(), -1);
	t_err("replaced", listener_bind_unix(PATH, 0600, &fd, text), 0);
	c = dial_unix();
	assert_true(c >= 0);
	close(c);
	close(fd);
	unlink(PATH);
}

static void
test_unix_errors(void **state)
{
	char longer[200];
	char text[160] = "";
	int fd = -1;
	int file;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	t_err("too long", listener_bind_unix(longer, 0600, &fd, text), ERR_IO);
	t_err("empty", listener_bind_unix("", 0600, &fd, text), ERR_IO);
	t_err("no folder",
	    listener_bind_unix("no/such/folder", 0600, &fd, text), ERR_IO);
	t_cstr("text", text,
	    "cannot listen on no/such/folder: bind: "
	    "No such file or directory");
	file = open(PATH, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	close(file);
	t_err("a plain file stays", listener_bind_unix(PATH, 0600, &fd, text),
	    ERR_EXISTS);
	t_cstr("text", text,
	    "cannot listen on " PATH ": not a socket: File exists");
	assert_int_equal(unlink(PATH), 0);
	t_int("no descriptor", fd, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_accept),
	    cmocka_unit_test(test_in_use),
	    cmocka_unit_test(test_reuseport),
	    cmocka_unit_test(test_no_such_address),
	    cmocka_unit_test(test_out_of_descriptors),
	    cmocka_unit_test(test_unix),
	    cmocka_unit_test(test_unix_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
