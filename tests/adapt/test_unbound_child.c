/*
 * unbound_child with a real unbound on loopback; signed answers are the lab's
 * business. Skipped (77) where there is no unbound.
 */
#include "config.h"

#include "tests/unit/t.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/dns/dns_getdns.h"
#include "relay/dns/unbound_child.h"
#include "relay/dns/unbound_port.h"
#include "relay/net/loop.h"

#define SKIP 77
#define PATIENCE_S 20

struct world {
	char *unbound; /* program */
	char dir[64];
	struct buf log;
	struct log sink;
	struct loop *loop;
	struct opt_resolver resolver;
	struct unbound_child *child;
	bool answered, gone;
	enum rr_status status;
};

static void
on_log(void *arg, enum log_level level, struct str line)
{
	struct world *w = arg;

	(void)level;
	buf_add_str(&w->log, line);
	buf_add_char(&w->log, '\n');
}

static unsigned
logged(const struct world *w, const char *what)
{
	const char *p = w->log.n > 0 ? w->log.p : "";
	unsigned n = 0;

	while ((p = strstr(p, what)) != NULL) {
		p++;
		n++;
	}
	return n;
}

/* NULL: none here. */
static char *
find_unbound(void)
{
	static const char *const names[] = {
	    ".servers/bin/unbound", "/usr/sbin/unbound"};
	const char *src = getenv("WAXSEAL_SRCDIR");
	char path[4096];
	size_t i;

	for (i = 0; i < T_COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s",
		    names[i][0] == '/' ? ""
			: src          ? src
				       : ".",
		    names[i][0] == '/' ? "" : "/", names[i]);
		if (access(path, X_OK) == 0)
			return xstrdup(path);
	}
	return NULL;
}

static struct world *
world_new(void)
{
	struct world *w = test_calloc(1, sizeof(*w));

	w->unbound = find_unbound();
	buf_init(&w->log, 1 << 20);
	w->sink.level = LOG_DEBUG;
	w->sink.write_fn = on_log;
	w->sink.arg = w;
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/wax-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	t_err("loop", loop_new(&w->loop), 0);
	w->resolver.managed = true;
	w->resolver.unbound = w->unbound;
	return w;
}

static void
on_gone(void *arg)
{
	struct world *w = arg;

	w->gone = true;
}

static void
stop(struct world *w)
{
	w->gone = false;
	unbound_child_stop(w->child, on_gone, w);
	unbound_child_stop(w->child, NULL, NULL);
	while (!w->gone)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	w->child = NULL;
}

static void
remove_tree(const char *dir)
{
	static const char *const names[] = {"unbound/unbound.conf",
	    "unbound/root.key", "unbound/root.seed", "unbound/root.hints",
	    "program"};
	char path[256];
	size_t i;

	for (i = 0; i < T_COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/unbound", dir);
	(void)rmdir(path);
	t_int(dir, rmdir(dir), 0);
}

static void
world_free(struct world *w)
{
	if (w->child)
		stop(w);
	loop_free(w->loop);
	remove_tree(w->dir);
	buf_clear(&w->log);
	free(w->unbound);
	test_free(w);
}

static int
start(struct world *w, char text[256])
{
	const struct unbound_child_opts o = {
	    .loop = w->loop,
	    .resolver = &w->resolver,
	    .state_dir = w->dir,
	    .uid = -1,
	    .gid = -1,
	    .shards = 2,
	    .log = &w->sink,
	};

	return unbound_child_start(&o, &w->child, text);
}

static void
on_answer(void *arg, struct rr_set *set)
{
	struct world *w = arg;

	w->answered = true;
	w->status = set->status;
}

/* Asks until the child answers; "localhost" is unbound's own zone. */
static void
wait_for_answer(struct world *w)
{
	const struct opt_addr_port up = {
	    .addr = {.family = 4, .ip = {127, 0, 0, 1}},
	    .port = unbound_child_port(w->child),
	};
	const struct dns_getdns_opts o = {
	    .upstreams = &up, .n_upstreams = 1, .appdata_dir = "/nonexistent"};
	struct dns *dns;
	unsigned i;

	t_err("open", dns_getdns_open(w->loop, &o, &dns), 0);
	w->status = RR_FAIL;
	for (i = 0; i < PATIENCE_S && w->status == RR_FAIL; i++) {
		w->answered = false;
		dns_ask(dns, "localhost", RR_A, on_answer, w);
		while (!w->answered)
			uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	}
	dns_getdns_close(dns);
	if (w->status != RR_OK)
		fail_msg("no answer; the log:\n%s", w->log.p);
}

static int
connect_tcp(uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(port);
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	t_int("connect", connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void
test_runs(void **state)
{
	struct world *w = world_new();
	char text[256] = "";
	long first;
	uint16_t port;
	int fd;

	(void)state;
	t_err("start", start(w, text), 0);
	t_cstr("text", text, "");
	port = unbound_child_port(w->child);
	wait_for_answer(w);
	t_bool("what it says is logged", logged(w, "event=resolver-says") > 0,
	    true);

	/* Killed, it comes back on the same port, whatever connections the
	 * last one leaves behind. */
	fd = connect_tcp(port);
	first = unbound_child_pid(w->child);
	t_int("kill", kill((pid_t)first, SIGKILL), 0);
	while (unbound_child_pid(w->child) == first ||
	    unbound_child_pid(w->child) < 0)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	t_int("told", logged(w, "unbound ended by signal 9; again in 1000 ms"),
	    1);
	t_int("port", unbound_child_port(w->child), port);
	wait_for_answer(w);
	close(fd);
	stop(w);
	t_int("told no other death", logged(w, "event=resolver-died"), 1);
	world_free(w);
}

static void
test_stop_at_once(void **state)
{
	struct world *w = world_new();
	char text[256] = "";
	long pid;

	(void)state;
	t_err("start", start(w, text), 0);
	pid = unbound_child_pid(w->child);
	stop(w);
	t_int("reaped", kill((pid_t)pid, 0), -1);
	t_int("reaped", errno, ESRCH);
	world_free(w);
}

/* A script in place of unbound. */
static void
use_script(struct world *w, const char *body)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/program", w->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	t_int("chmod", chmod(path, 0700), 0);
	free(w->unbound);
	w->unbound = xstrdup(path);
	w->resolver.unbound = w->unbound;
}

static void
test_denied(void **state)
{
	struct world *w = world_new();
	char text[256] = "";

	(void)state;
	use_script(w,
	    "echo Could not open unbound.conf: Permission denied >&2; exit 1");
	t_err("start", start(w, text), 0);
	while (logged(w, "event=resolver-died") < 2)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	t_int("names AppArmor, once", logged(w, "AppArmor"), 1);
	t_int("backs off", logged(w, "ended by status 1; again in 1000 ms"), 1);
	t_int("doubling", logged(w, "ended by status 1; again in 2000 ms"), 1);
	t_int("waiting: no process", unbound_child_pid(w->child), -1);
	stop(w);
	world_free(w);
}

/* What the child is started with. */
static void
test_environment(void **state)
{
	struct world *w = world_new();
	char text[256] = "", expect[128];

	(void)state;
	use_script(w,
	    "echo \"args $*\"; pwd; echo \"locale $LC_ALL\"; "
	    "ls /proc/$$/fd; "
	    "printf 'no end of line'; exit 3");
	t_int("setenv", setenv("LC_ALL", "xx", 1), 0);
	t_err("start", start(w, text), 0);
	while (logged(w, "event=resolver-died") < 1)
		uv_run(loop_uv(w->loop), UV_RUN_ONCE);
	t_int("unsetenv", unsetenv("LC_ALL"), 0);
	t_int("args", logged(w, "args -d -p -c unbound.conf"), 1);
	(void)snprintf(expect, sizeof(expect), "%s/unbound", w->dir);
	t_bool("folder", logged(w, expect) > 0, true);
	t_int("locale", logged(w, "locale C"), 1);
	/* Four descriptors: 0, 1, 2 and the shell's own of the script. */
	t_int("lines", logged(w, "event=resolver-says"), 8);
	t_int("last line", logged(w, "no end of line"), 1);
	stop(w);
	world_free(w);
}

static void
test_cannot_start(void **state)
{
	struct world *w = world_new();
	char text[256] = "", dir[64], forward[] = "ns.test";
	char program[] = "/nonexistent/unbound";
	char *forwards[] = {forward};

	(void)state;
	w->resolver.unbound = program;
	t_err("no program", start(w, text), ERR_CONFIG);
	t_cstr("no program", text,
	    "/nonexistent/unbound: no such program (Debian: apt-get install "
	    "unbound)");
	w->resolver.unbound = w->unbound;
	w->resolver.forward = forwards;
	w->resolver.n_forward = 1;
	t_err("forward", start(w, text), ERR_CONFIG);
	t_cstr("forward", text,
	    "forward: \"ns.test\" is not \"ip\" or \"ip@port\"");
	w->resolver.n_forward = 0;
	memcpy(dir, w->dir, sizeof(dir));
	(void)snprintf(w->dir, sizeof(w->dir), "/nonexistent");
	t_err("folder", start(w, text), ERR_IO);
	t_cstr("folder", text,
	    "can't make folder /nonexistent/unbound: No such file or "
	    "directory");
	memcpy(w->dir, dir, sizeof(dir));
	t_bool("no child", w->child == NULL, true);
	world_free(w);
}

/* ---- the port ---- */

static int
try_bind(int type, uint16_t port, int option)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, type, 0), on = 1, err = 0;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(port);
	if (option)
		(void)setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    (type == SOCK_STREAM && listen(fd, 1) != 0))
		err = errno;
	close(fd);
	return err;
}

static void
test_port(void **state)
{
	struct unbound_port p;
	char text[160];
	long uid = geteuid() == 0 ? 65534 : -1;

	(void)state;
	t_err("reserve", unbound_port_reserve(uid, &p, text), 0);
	t_bool("port", p.port > 0, true);
	t_int("back to ourselves", geteuid(), getuid());
	t_int("udp", try_bind(SOCK_DGRAM, p.port, 0), EADDRINUSE);
	t_int("udp", try_bind(SOCK_DGRAM, p.port, SO_REUSEADDR), EADDRINUSE);
	t_int("tcp", try_bind(SOCK_STREAM, p.port, 0), EADDRINUSE);
	t_int("tcp", try_bind(SOCK_STREAM, p.port, SO_REUSEADDR), EADDRINUSE);
	/* SO_REUSEPORT is for the child's user only: we are another when we
	 * are root, and the same else. */
	t_int("udp", try_bind(SOCK_DGRAM, p.port, SO_REUSEPORT),
	    uid < 0 ? 0 : EADDRINUSE);
	t_int("tcp", try_bind(SOCK_STREAM, p.port, SO_REUSEPORT),
	    uid < 0 ? 0 : EADDRINUSE);
	unbound_port_release(&p);
	t_int("released", try_bind(SOCK_DGRAM, p.port, 0), 0);
}

/* ---- the end of the parent ---- */

static void
be_parent(int report)
{
	struct world *w = world_new();
	char text[256] = "";
	uint16_t port;

	if (start(w, text) != 0)
		_exit(1);
	wait_for_answer(w);
	port = unbound_child_port(w->child);
	if (write(report, &port, sizeof(port)) != sizeof(port) ||
	    write(report, w->dir, sizeof(w->dir)) != sizeof(w->dir))
		_exit(1);
	loop_run(w->loop);
}

/* A connection to the child ends with it. */
static void
test_parent_killed(void **state)
{
	char dir[64], byte;
	uint16_t port;
	int report[2], fd, status;
	pid_t pid;

	(void)state;
	t_int("pipe", pipe(report), 0);
	pid = fork();
	if (pid == 0) {
		be_parent(report[1]);
		_exit(1);
	}
	close(report[1]);
	t_int("port", read(report[0], &port, sizeof(port)), sizeof(port));
	t_int("dir", read(report[0], dir, sizeof(dir)), sizeof(dir));
	close(report[0]);
	fd = connect_tcp(port);
	t_int("kill", kill(pid, SIGKILL), 0);
	t_int("reap", waitpid(pid, &status, 0), pid);
	t_bool("closed by the child's death",
	    read(fd, &byte, 1) == 0 || errno == ECONNRESET, true);
	close(fd);
	remove_tree(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_port),
	    cmocka_unit_test(test_runs),
	    cmocka_unit_test(test_stop_at_once),
	    cmocka_unit_test(test_denied),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_cannot_start),
	    cmocka_unit_test(test_parent_killed),
	};
	char *unbound = find_unbound();

	if (!unbound) {
		fprintf(stderr,
		    "skipped: no unbound (conf/build/"
		    "unpack-servers unbound gets one)\n");
		return SKIP;
	}
	free(unbound);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
