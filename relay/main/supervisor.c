/*
 * A small event loop: two children (unbound, the relay), their deaths, and
 * signals. Listeners are bound once and stay bound while the relay is down,
 * so clients wait in the backlog instead of being refused.
 *
 * The lock on state_dir is shared with the relay (one open file, two
 * descriptors): it is free only when both are gone. So a parent that starts
 * while the relay of a killed one still ends waits for that relay.
 */
#include "config.h"

#include "relay/main/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/codec.h"
#include "relay/base/log.h"
#include "relay/dns/unbound_child.h"
#include "relay/main/fds.h"
#include "relay/main/relay_child.h"
#include "relay/main/uid.h"
#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "relay/queue/state_dir.h"
#include "relay/sched/poison.h"

#define LOCK_WAIT_MS 15000 /* for the relay of a dead parent to end */
#define LOCK_POLL_MS 100
#define RESTART_MIN_MS 100
#define RESTART_MAX_MS 30000
#define RESTART_WELL_MS 10000 /* ran that long: the next delay is short */
#define KILL_AFTER_MS 20000 /* shutdown of the relay */

#define N_SIGS 3
static const int watched[N_SIGS] = {SIGTERM, SIGINT, SIGHUP};

struct supervisor {
	const struct supervisor_args *a;
	const struct options *o;
	struct log log;
	struct loop *loop;
	struct unbound_child *unbound;
	struct relay_child *relay;
	struct loop_signal *sigs[N_SIGS];
	struct timer *restart, *kill;
	struct uid uid;
	int *fds; /* as FD_CONFIG and up; see fds.h */
	size_t n_fds;
	int64_t delay, started; /* ms */
	bool crashed; /* the relay before the next one */
	bool stopping;
	int status;
};

static void supervisor_start_relay(void *arg);

/* ---- before the loop: everything that may end in die() ---- */

static int
make_config_fd(struct str text)
{
	int fd = memfd_create("waxseal.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		die(3, "memory for the configuration: %s", strerror(errno));
	return fd;
}

/* Is the parent that took the lock still there? Its number is in text. */
static bool
holder_lives(const char *state_dir)
{
	char path[4096], pid[24];
	ssize_t n;
	uint64_t p;
	int fd, len;

	len = snprintf(path, sizeof(path), "%s/lock", state_dir);
	if (len < 0 || (size_t)len >= sizeof(path))
		return true;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return true;
	n = read(fd, pid, sizeof(pid));
	close(fd);
	if (n <= 0 || codec_u64(str_trim(str_n(pid, (size_t)n)), INT32_MAX, &p))
		return true;
	return kill((pid_t)p, 0) == 0 || errno == EPERM;
}

static int
take_lock(const struct options *o, const struct uid *uid)
{
	const struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};
	char text[256];
	int fd, err, waited = 0;

	for (;;) {
		err = state_dir_lock(
		    o->state_dir, uid->uid, uid->gid, &fd, text);
		if (!err)
			return fd;
		if (err != ERR_EXISTS || waited >= LOCK_WAIT_MS ||
		    holder_lives(o->state_dir))
			die(3, "%s", text);
		nanosleep(&pause, NULL);
		waited += LOCK_POLL_MS;
	}
}

/* The socket's group is the relay's: who is in it may use the socket. */
static NODISCARD int
bind_unix(const struct supervisor *s, const char *path, unsigned mode, int *fd,
    char text[160])
{
	gid_t own = getegid();
	int err;

	if (s->uid.gid >= 0 && setegid((gid_t)s->uid.gid) != 0)
		die(3, "group %ld: %s", s->uid.gid, strerror(errno));
	err = listener_bind_unix(path, mode, fd, text);
	if (setegid(own) != 0)
		die(3, "group %ld: %s", (long)own, strerror(errno));
	return err;
}

static int
bind_one(const struct supervisor *s, const struct opt_listen *l, bool reuseport)
{
	struct sockaddr_any addr;
	char text[160] = "";
	int fd, err;

	if (l->unix_path) {
		err = bind_unix(s, l->unix_path, l->mode, &fd, text);
	} else {
		if (sockaddr_parse(str_of(l->host), l->port, &addr))
			die(2, "%s: \"%s\" is no address", l->where, l->text);
		addr.port = l->port;
		err = listener_bind_tcp(&addr, reuseport, &fd, text);
	}
	if (err)
		die(3, "%s: listen \"%s\": %s", l->where, l->text, text);
	return fd;
}

static void
bind_all(struct supervisor *s, int lock_fd)
{
	const struct options *o = s->o;
	char text[160] = "", path[4096];
	size_t i, n = FD_LISTEN - FD_CONFIG;
	unsigned w;

	s->fds = xcalloc(n + o->n_listens * (o->workers + 1), sizeof(*s->fds));
	s->fds[0] = make_config_fd(s->a->conf_text);
	s->fds[FD_LOCK - FD_CONFIG] = lock_fd;
	(void)snprintf(path, sizeof(path), "%s",
	    o->control_socket ? o->control_socket : "");
	if (!o->control_socket)
		(void)snprintf(
		    path, sizeof(path), "%s/control.sock", o->state_dir);
	if (bind_unix(s, path, 0660, &s->fds[FD_CONTROL - FD_CONFIG], text))
		die(3, "control socket %s: %s", path, text);
	for (i = 0; i < o->n_listens; i++) {
		const struct opt_listen *l = &o->listens[i];

		if (l->unix_path) {
			s->fds[n++] = bind_one(s, l, false);
			continue;
		}
		/* Alone first: with SO_REUSEPORT a second instance would get
		 * the same port without a word. */
		close(bind_one(s, l, false));
		for (w = 0; w < o->workers; w++)
			s->fds[n++] = bind_one(s, l, true);
	}
	s->n_fds = n;
}

/* ---- children ---- */

static void
supervisor_finish(struct supervisor *s)
{
	size_t i;

	for (i = 0; i < N_SIGS; i++)
		loop_signal_free(s->sigs[i]);
	timer_free(s->restart);
	timer_free(s->kill);
	loop_stop(s->loop);
}

static void
supervisor_on_unbound_gone(void *arg)
{
	struct supervisor *s = arg;

	s->unbound = NULL;
	supervisor_finish(s);
}

static void
supervisor_stop_unbound(struct supervisor *s)
{
	if (s->unbound)
		unbound_child_stop(s->unbound, supervisor_on_unbound_gone, s);
	else
		supervisor_finish(s);
}

static void
supervisor_on_relay_gone(void *arg, int status, int signo)
{
	struct supervisor *s = arg;

	s->relay = NULL;
	s->crashed = poison_is_crash(status, signo);
	timer_stop(s->kill);
	if (s->stopping) {
		/* By SIGTERM: before it could say what it does then. */
		s->status = !signo ? status : signo == SIGTERM ? 0 : 3;
		supervisor_stop_unbound(s);
		return;
	}
	if (status == 2) { /* what only the relay can see: its files */
		s->status = 2;
		s->stopping = true;
		supervisor_stop_unbound(s);
		return;
	}
	if (timer_now(s->loop) - s->started >= RESTART_WELL_MS)
		s->delay = RESTART_MIN_MS;
	log_text(&s->log, LOG_ERROR, "relay-died",
	    "the relay ended by %s %d; again in %lld ms",
	    signo ? "signal" : "status", signo ? signo : status,
	    (long long)s->delay);
	timer_start(s->restart, s->delay);
	s->delay *= 2;
	if (s->delay > RESTART_MAX_MS)
		s->delay = RESTART_MAX_MS;
}

static void
supervisor_start_relay(void *arg)
{
	struct supervisor *s = arg;
	struct relay_child_opts co = {.loop = s->loop,
	    .program = s->a->program,
	    .name = s->a->conf_name,
	    .uid = s->uid.uid,
	    .gid = s->uid.gid,
	    .resolver_port = s->unbound ? unbound_child_port(s->unbound) : 0,
	    .crashed = s->crashed,
	    .fds = s->fds,
	    .n_fds = s->n_fds,
	    .on_exit = supervisor_on_relay_gone,
	    .arg = s};
	char text[160] = "";

	s->started = timer_now(s->loop);
	if (relay_child_start(&co, &s->relay, text)) {
		s->relay = NULL;
		log_text(&s->log, LOG_ERROR, "relay-start", "%s", text);
		timer_start(s->restart, RESTART_MAX_MS);
	}
}

static void
supervisor_on_kill(void *arg)
{
	struct supervisor *s = arg;

	if (s->relay)
		relay_child_signal(s->relay, SIGKILL);
}

static void
supervisor_on_signal(void *arg, int signo)
{
	struct supervisor *s = arg;

	/* A terminal that closes ends what runs in it. Elsewhere people send
	 * it to have files read again, and must not lose the relay by it. */
	if (signo == SIGHUP && !isatty(STDIN_FILENO)) {
		log_text(&s->log, LOG_WARN, "reload",
		    "this version reads its configuration at the start only: "
		    "restart it");
		return;
	}
	if (s->stopping) { /* asked twice: no more patience */
		supervisor_on_kill(s);
		return;
	}
	s->stopping = true;
	timer_stop(s->restart);
	if (!s->relay) {
		supervisor_stop_unbound(s);
		return;
	}
	relay_child_signal(s->relay, SIGTERM);
	timer_start(s->kill, KILL_AFTER_MS);
}

static void
start_unbound(struct supervisor *s, const struct uid *uid)
{
	struct unbound_child_opts uo = {.loop = s->loop,
	    .resolver = &s->o->resolver,
	    .state_dir = s->o->state_dir,
	    .uid = uid->uid,
	    .gid = uid->gid,
	    .shards = s->o->workers,
	    .log = &s->log};
	char text[256] = "";

	if (!s->o->resolver.managed)
		return;
	if (unbound_child_start(&uo, &s->unbound, text))
		die(3, "resolver: %s", text);
}

static void
say_how_to_try(const struct supervisor *s)
{
	const char *slash = strrchr(s->a->argv0, '/');
	int dir = slash ? (int)(slash + 1 - s->a->argv0) : 0;
	const struct opt_listen *l;

	if (!s->a->embedded || !s->o->n_listens)
		return;
	l = &s->o->listens[0];
	fprintf(stderr,
	    "waxseald %s: a smarthost on %s, queue in %s, own DNSSEC "
	    "resolver.\n"
	    "Try it:  swaks --server %s --from you@example.org "
	    "--to somebody@example.net\n"
	    "         (Debian: apt-get install swaks), or ask it\n"
	    "         %.*swaxseal status\n"
	    "End it with Ctrl-C.\n",
	    PACKAGE_VERSION, l->text, s->o->state_dir, l->text, dir,
	    s->a->argv0);
}

/* line: of the key, 0 when its default stands. */
static void
find_user(const struct supervisor_args *a, const char *user, int line,
    const char *key, struct uid *out)
{
	char text[256];

	if (!uid_resolve(user, out, text))
		return;
	if (line)
		die(2, "%s:%d: %s: %s", a->conf_name, line, key, text);
	die(2, "%s: %s (the default): %s", a->conf_name, key, text);
}

int
supervisor_run(const struct supervisor_args *a)
{
	struct supervisor s = {
	    .a = a, .o = a->options, .delay = RESTART_MIN_MS};
	struct uid resolver_uid = {.uid = -1, .gid = -1};
	int lock_fd;
	size_t i;

	log_init_stderr(&s.log, s.o->log.level, s.o->log.format);
	find_user(a, s.o->user, s.o->user_line, "user", &s.uid);
	if (s.o->resolver.managed)
		find_user(a, s.o->resolver.user, s.o->resolver.user_line,
		    "resolver.user", &resolver_uid);
	lock_fd = take_lock(s.o, &s.uid);
	bind_all(&s, lock_fd);
	if (loop_new(&s.loop))
		die(3, "no descriptors left");
	s.restart = timer_new(s.loop, supervisor_start_relay, &s);
	s.kill = timer_new(s.loop, supervisor_on_kill, &s);
	for (i = 0; i < N_SIGS; i++)
		if (loop_signal_new(s.loop, watched[i], supervisor_on_signal,
			&s, &s.sigs[i]))
			die(3, "signals can't be watched");
	start_unbound(&s, &resolver_uid);
	say_how_to_try(&s);
	supervisor_start_relay(&s);
	loop_run(s.loop);
	loop_free(s.loop);
	for (i = 0; i < s.n_fds; i++)
		close(s.fds[i]);
	free(s.fds);
	return s.status;
}
