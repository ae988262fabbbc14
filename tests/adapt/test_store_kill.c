/*
 * kill -9 in the middle of the work (QUE-01, QUE-08): a child puts and
 * finishes as fast as it can and tells each answer over a pipe; it is killed,
 * and what it was told must be what the queue has.
 */
#include "config.h"

#include "relay/queue/store.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/adapt/store_world.h"

#define ROUNDS 20
#define FLIGHT 40 /* jobs under way in the child */
#define MAX_MSGS 20000

/* One answer, as it goes over the pipe. */
struct note {
	uint64_t msg;
	char what; /* 'p' put, 'w' about to be finished, 'f' finished */
};

struct child {
	struct world *w;
	int fd;
	uint64_t next;
	struct rng rng;
};

static void
tell(const struct child *c, uint64_t msg, char what)
{
	struct note n = {.msg = msg, .what = what};

	if (write(c->fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		_exit(3);
}

static void child_put(struct child *c);

struct flight {
	struct child *c;
	uint64_t msg;
};

static void
child_finished(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct flight *f = arg;

	(void)n;
	if (err != 0)
		_exit(4);
	free(rcpts);
	tell(f->c, f->msg, 'f');
	child_put(f->c);
	free(f);
}

static void
child_did_put(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct flight *f = arg;
	struct store_result res = {.fate = STORE_DONE, .msg = f->msg};
	struct store_finish fin = {.results = &res, .n = 1};

	if (err != 0 || n != 1)
		_exit(5);
	tell(f->c, f->msg, 'p');
	res.rcpt = rcpts[0]->id;
	rcpt_free(rcpts[0]);
	free(rcpts);
	if (rng_below(&f->c->rng, 2) == 0) {
		child_put(f->c);
		free(f);
		return;
	}
	tell(f->c, f->msg, 'w');
	if (store_finish(f->c->w->s, &fin, child_finished, f) != 0)
		_exit(6);
}

static void
child_put(struct child *c)
{
	struct rcpt_in in = {.addr = "a@b.example", .next_hop = "b.example"};
	struct flight *f = xcalloc(1, sizeof(*f));
	struct msg *m = msg_new();
	struct store_put p = {m, &in, 1, 0};

	f->c = c;
	f->msg = m->id = c->next++;
	m->body = make_body(
	    m->id, rng_below(&c->rng, 16) == 0 ? BIG_BODY : 500);
	if (store_put(c->w->s, &p, child_did_put, f) != 0)
		_exit(7);
	msg_unref(m);
}

static void
child_main(struct world *w, int fd, uint64_t first, uint64_t seed)
{
	struct child c = {.w = w, .fd = fd, .next = first};

	rng_init_seed(&c.rng, seed);
	if (world_open(w) != 0)
		_exit(8);
	for (int i = 0; i < FLIGHT; i++)
		child_put(&c);
	loop_run(w->loop);
	_exit(9);
}

/* What the parent knows of a message. */
struct known {
	bool put, will_finish, finished;
};

/* Notes until the pipe ends, at most so many; the highest message. */
static uint64_t
read_notes(int fd, struct known *known, size_t at_most)
{
	uint64_t highest = 0;
	struct note n;

	while (at_most-- > 0 && read(fd, &n, sizeof(n)) == sizeof(n)) {
		t_bool("id", n.msg < MAX_MSGS, true);
		if (n.what == 'p')
			known[n.msg].put = true;
		else if (n.what == 'w')
			known[n.msg].will_finish = true;
		else
			known[n.msg].finished = true;
		if (n.msg > highest)
			highest = n.msg;
	}
	return highest;
}

/*
 * Each message that was answered is there, whole, unless it was finished; what
 * was finished is gone. One whose answer did not come through may be there or
 * not, but never in parts.
 */
static void
check(struct world *w, const struct known *known, uint64_t next)
{
	unsigned files = 0;

	for (uint64_t id = 1; id < next; id++) {
		const struct known *k = &known[id];
		int rc = get_body(w, id);
		struct blob *want;

		if (rc == ERR_NOTFOUND) {
			t_bool("lost", k->put && !k->will_finish, false);
			continue;
		}
		t_err("whole", rc, 0);
		t_bool("finished, and there again", k->finished, false);
		want = make_body(id, blob_str(w->body).n);
		t_str("its bytes", blob_str(w->body), blob_str(want));
		if (blob_str(want).n == BIG_BODY)
			files++;
		blob_unref(want);
	}
	t_int("no file too many", spool_files(w), files);
}

static uint64_t
higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void
test_kill(void **state)
{
	struct world *w = world_new();
	struct known *known = xcalloc(MAX_MSGS, sizeof(*known));
	struct rng rng;
	uint64_t next = 1;

	(void)state;
	rng_init_seed(&rng, 42);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		size_t kill_after = rng_below(&rng, 150);
		int status = 0;
		int fds[2];
		pid_t pid;

		t_int("pipe", pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			(void)close(fds[0]);
			child_main(w, fds[1], next, round + 7);
		}
		(void)close(fds[1]);
		next = higher(next, read_notes(fds[0], known, kill_after));
		t_int("kill", kill(pid, SIGKILL), 0);
		next = higher(next, read_notes(fds[0], known, SIZE_MAX));
		(void)close(fds[0]);
		t_int("wait", waitpid(pid, &status, 0), pid);
		t_bool("killed, not ended", WIFSIGNALED(status), true);
		t_err(w->text, world_open(w), 0);
		/* Behind the last answer ids may have been used. */
		next += 3 * FLIGHT;
		check(w, known, next);
		world_close(w);
	}
	free(known);
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
