/*
 * Keeps unbound running. fork and exec by hand and not by uv_spawn, because
 * the child asks for SIGKILL at our death (PR_SET_PDEATHSIG) after it gave up
 * root, which would clear that: a parent that was killed must not leave a
 * resolver behind.
 *
 *	RUNNING --exit--> WAITING --timer--> RUNNING ...
 *	either --stop--> STOPPING --exit--> gone
 *
 * The folder is the child's working directory, entered before root is given
 * up: its configuration has relative paths only, so state_dir may be closed
 * to its user.
 */
#include "config.h"

#include "relay/dns/unbound_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/dns/unbound_conf.h"
#include "relay/dns/unbound_files.h"
#include "relay/dns/unbound_port.h"
#include "relay/net/loop.h"

#define FOLDER "unbound"
#define PROGRAM_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DELAY_MIN_MS 1000
#define DELAY_MAX_MS 30000
#define WELL_MS 60000 /* a run of this length was a good one */
#define TERM_MS 5000 /* from SIGTERM to SIGKILL */
#define CHILD_LINE_MAX 512 /* bytes of a line of the child */

#define CHILD_STATE_LIST(X) \
	X(CHILD_WAITING, "waiting") \
	X(CHILD_RUNNING, "running") \
	X(CHILD_STOPPING, "stopping")

enum child_state {
#define CHILD_ENUM_(id, text) id,
	CHILD_STATE_LIST(CHILD_ENUM_)
#undef CHILD_ENUM_
};

/* The reading end of the child's standard output and error. */
struct output {
	uv_poll_t poll;
	struct unbound_child *c; /* NULL: let go */
	int fd;
};

struct unbound_child {
	struct unbound_child_opts o;
	char *dir, *program;
	struct unbound_port port;
	enum child_state state;
	pid_t pid; /* -1: none */
	struct output *out;
	struct buf line;
	struct loop_signal *sigchld;
	struct timer *timer; /* WAITING: start; STOPPING: kill */
	int64_t delay, started;
	bool denied; /* this run could not read its files */
	bool denied_told; /* and the log has said so */
	void (*done)(void *arg);
	void *done_arg;
};

static void
child_set_state(struct unbound_child *c, enum child_state to)
{
	static const char *const names[] = {
#define CHILD_NAME_(id, text) text,
	    CHILD_STATE_LIST(CHILD_NAME_)
#undef CHILD_NAME_
	};

	if (c->state == CHILD_STOPPING)
		BUG("resolver child from %s to %s", names[c->state], names[to]);
	c->state = to;
}

/* ---- what the child says ---- */

/* By unbound's own word: "[time] unbound[pid:thread] info: text". */
static enum log_level
level_of(const char *line)
{
	if (strstr(line, " error: "))
		return LOG_ERROR;
	if (strstr(line, " info: ") || strstr(line, " notice: "))
		return LOG_DEBUG;
	return LOG_WARN;
}

static void
line_done(struct unbound_child *c)
{
	struct str line = str_trim(buf_str(&c->line));

	if (line.n > 0) {
		/* The language is ours to choose: see child_exec. */
		if (strstr(line.p, "Permission denied"))
			c->denied = true;
		log_text(c->o.log, level_of(line.p), "resolver-says", "%.*s",
		    STR_FMT(line));
	}
	buf_reset(&c->line);
}

static void
take_output(struct unbound_child *c, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '\n' || c->line.n >= CHILD_LINE_MAX)
			line_done(c);
		if (p[i] != '\n')
			buf_add_char(&c->line, p[i]);
	}
}

static void
on_output_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
output_close(struct output *out)
{
	if (!out)
		return;
	if (out->c)
		out->c->out = NULL;
	out->c = NULL;
	uv_close((uv_handle_t *)&out->poll, on_output_closed);
	close(out->fd);
}

/* Reads what is there. false: the other end is closed. */
static bool
output_read(struct output *out)
{
	char part[4096];
	ssize_t n;

	while ((n = read(out->fd, part, sizeof(part))) > 0)
		take_output(out->c, part, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void
on_output(uv_poll_t *h, int status, int events)
{
	struct output *out = h->data;

	(void)status;
	(void)events;
	if (out->c && !output_read(out)) {
		line_done(out->c);
		output_close(out);
	}
}

static int
output_open(struct unbound_child *c, int *write_end)
{
	struct output *out;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return ERR_IO;
	out = xcalloc(1, sizeof(*out));
	if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0 ||
	    uv_poll_init(loop_uv(c->o.loop), &out->poll, fds[0]) != 0) {
		close(fds[0]);
		close(fds[1]);
		free(out);
		return ERR_IO;
	}
	out->poll.data = out;
	out->c = c;
	out->fd = fds[0];
	if (uv_poll_start(&out->poll, UV_READABLE, on_output) != 0)
		BUG("uv_poll_start");
	c->out = out;
	*write_end = fds[1];
	return 0;
}

/* ---- in the child, between fork and exec: system calls only ---- */

static void
say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
}

static void
give_up(const char *what)
{
	const char *why = strerrordesc_np(errno);

	say(what);
	say(": ");
	say(why ? why : "unknown error");
	say("\n");
	_exit(127);
}

static void
reset_signals(void)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;
	int i;

	for (i = 1; i < 32; i++)
		(void)sigaction(i, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
child_exec(const struct unbound_child *c, int dir_fd, int out_fd, pid_t parent)
{
	char *argv[] = {c->program, (char[]){"-d"}, (char[]){"-p"},
	    (char[]){"-c"}, (char[]){UNBOUND_CONF_NAME}, NULL};
	/* C: "Permission denied" is looked for in what it says. */
	char path[] = "PATH=" PROGRAM_PATH, locale[] = "LC_ALL=C";
	char *envp[] = {path, locale, NULL};

	if (dup2(out_fd, STDOUT_FILENO) < 0 || dup2(out_fd, STDERR_FILENO) < 0)
		_exit(127);
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)setsid(); /* Ctrl-C is for the parent alone */
	if (fchdir(dir_fd) != 0)
		give_up("can't enter the resolver's folder");
	if (c->o.uid >= 0 &&
	    (setgroups(0, NULL) != 0 || setgid((gid_t)c->o.gid) != 0 ||
		setuid((uid_t)c->o.uid) != 0))
		give_up("can't become the resolver's user");
	/* After setuid, which clears it; survives exec. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		give_up("can't tie the resolver to its parent");
	if (getppid() != parent)
		_exit(127);
	reset_signals();
	execve(argv[0], argv, envp);
	say(argv[0]);
	give_up(": can't be run");
}

/* ---- starting ---- */

static int
spawn(struct unbound_child *c, int dir_fd, char text[256])
{
	sigset_t all, old;
	pid_t parent = getpid();
	int out_fd = -1;

	if (output_open(c, &out_fd) != 0) {
		(void)snprintf(text, 256, "no descriptors left");
		return ERR_IO;
	}
	/* No handler of the loop may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	c->pid = fork();
	if (c->pid == 0)
		child_exec(c, dir_fd, out_fd, parent);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(out_fd);
	if (c->pid < 0) {
		(void)snprintf(text, 256, "fork: %s", strerror(errno));
		output_close(c->out);
		return ERR_IO;
	}
	return 0;
}

static int
start(struct unbound_child *c, char text[256])
{
	const struct unbound_files_opts fo = {
	    .resolver = c->o.resolver,
	    .dir = c->dir,
	    .uid = c->o.uid,
	    .gid = c->o.gid,
	    .port = c->port.port,
	    .shards = c->o.shards,
	};
	int dir_fd, err;

	err = unbound_files_write(&fo, &dir_fd, text);
	if (err)
		return err;
	c->denied = false;
	c->started = timer_now(c->o.loop);
	err = spawn(c, dir_fd, text);
	close(dir_fd);
	if (!err)
		child_set_state(c, CHILD_RUNNING);
	return err;
}

static void
wait_and_start(struct unbound_child *c)
{
	child_set_state(c, CHILD_WAITING);
	timer_start(c->timer, c->delay);
	c->delay *= 2;
	if (c->delay > DELAY_MAX_MS)
		c->delay = DELAY_MAX_MS;
}

static void
finish(struct unbound_child *c)
{
	void (*done)(void *arg) = c->done;
	void *arg = c->done_arg;

	output_close(c->out);
	buf_clear(&c->line);
	loop_signal_free(c->sigchld);
	timer_free(c->timer);
	unbound_port_release(&c->port);
	free(c->dir);
	free(c->program);
	free(c);
	if (done)
		done(arg);
}

static void
on_timer(void *arg)
{
	struct unbound_child *c = arg;
	char text[256] = "";

	if (c->state == CHILD_STOPPING) {
		if (c->pid > 0)
			(void)kill(c->pid, SIGKILL);
		else
			finish(c);
		return;
	}
	if (start(c, text) == 0)
		return;
	log_text(c->o.log, LOG_ERROR, "resolver-start", "%s", text);
	wait_and_start(c);
}

/* ---- its end ---- */

static void
tell_death(struct unbound_child *c, int status)
{
	bool by_signal = WIFSIGNALED(status);

	log_text(c->o.log, LOG_ERROR, "resolver-died",
	    "unbound ended by %s %d; again in %lld ms",
	    by_signal ? "signal" : "status",
	    by_signal ? WTERMSIG(status) : WEXITSTATUS(status),
	    (long long)c->delay);
	if (!c->denied || c->denied_told)
		return;
	c->denied_told = true;
	log_text(c->o.log, LOG_ERROR, "resolver-denied",
	    "unbound can't read or write its files in %s: if the permissions "
	    "are right, this is AppArmor, whose profile of unbound knows only "
	    "/etc/unbound and /var/lib/unbound; allow the folder in "
	    "/etc/apparmor.d/local/usr.sbin.unbound",
	    c->dir);
}

static void
on_sigchld(void *arg, int signo)
{
	struct unbound_child *c = arg;
	int status;

	(void)signo;
	/* Others watch their own children by pid too. */
	if (c->pid <= 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
		return;
	c->pid = -1;
	if (c->out) {
		(void)output_read(c->out);
		line_done(c);
		output_close(c->out);
	}
	if (c->state == CHILD_STOPPING) {
		finish(c);
		return;
	}
	if (timer_now(c->o.loop) - c->started >= WELL_MS)
		c->delay = DELAY_MIN_MS;
	tell_death(c, status);
	wait_and_start(c);
}

/* Absolute name of a program that can be run, NULL: none. */
static char *
find_program(const char *name)
{
	struct str rest = STR(PROGRAM_PATH), dir;
	char path[4096];

	/* The child changes its working directory. */
	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? realpath(name, NULL) : NULL;
	while (str_cut(&rest, ':', &dir)) {
		(void)snprintf(
		    path, sizeof(path), "%.*s/%s", STR_FMT(dir), name);
		if (access(path, X_OK) == 0)
			return xstrdup(path);
	}
	return NULL;
}

int
unbound_child_start(const struct unbound_child_opts *o,
    struct unbound_child **out, char text[256])
{
	struct unbound_child *c = xcalloc(1, sizeof(*c));
	const char *program = o->resolver->unbound ? o->resolver->unbound
						   : "unbound";
	size_t n = strlen(o->state_dir) + sizeof("/" FOLDER);
	int err;

	c->o = *o;
	c->pid = -1;
	c->delay = DELAY_MIN_MS;
	c->port.udp = c->port.tcp = -1;
	c->dir = xmalloc(n);
	(void)snprintf(c->dir, n, "%s/" FOLDER, o->state_dir);
	buf_init(&c->line, CHILD_LINE_MAX + 1);
	c->timer = timer_new(o->loop, on_timer, c);
	err = ERR_CONFIG;
	c->program = find_program(program);
	if (!c->program) {
		(void)snprintf(text, 256,
		    "%.150s: no such program (Debian: apt-get install unbound)",
		    program);
		goto out;
	}
	err = loop_signal_new(o->loop, SIGCHLD, on_sigchld, c, &c->sigchld);
	if (err) {
		(void)snprintf(text, 256, "SIGCHLD can't be watched");
		goto out;
	}
	err = unbound_port_reserve(o->uid, &c->port, text);
	if (!err)
		err = start(c, text);
	if (err == ERR_FULL) { /* passes; and clients get a 4.3.x meanwhile */
		log_text(c->o.log, LOG_ERROR, "resolver-start", "%s", text);
		wait_and_start(c);
		err = 0;
	}
	if (err)
		goto out;
	*out = c;
	return 0;
out:
	finish(c);
	return err;
}

uint16_t
unbound_child_port(const struct unbound_child *c)
{
	return c->port.port;
}

long
unbound_child_pid(const struct unbound_child *c)
{
	return c->pid;
}

void
unbound_child_stop(struct unbound_child *c, void (*done)(void *arg), void *arg)
{
	if (c->state == CHILD_STOPPING)
		return;
	child_set_state(c, CHILD_STOPPING);
	c->done = done;
	c->done_arg = arg;
	if (c->pid > 0)
		(void)kill(c->pid, SIGTERM);
	timer_start(c->timer, c->pid > 0 ? TERM_MS : 0);
}
