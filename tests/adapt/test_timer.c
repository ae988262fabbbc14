/* The loop and its timers. Order is asserted, never how long it took. */
#include "config.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"
#include "relay/net/mailbox.h"
#include "tests/unit/t.h"

struct note {
	struct loop *loop;
	struct timer *t;
	struct buf *trace;
	char name;
	int again; /* restarts itself so often with 0 */
};

static void
expired(void *arg)
{
	struct note *n = arg;

	buf_add_char(n->trace, n->name);
	if (n->again-- > 0)
		timer_start(n->t, 0);
}

static void
free_inside(void *arg)
{
	struct note *n = arg;

	buf_add_char(n->trace, n->name);
	timer_free(n->t);
}

static void
test_order(void **state)
{
	struct note n[4];
	struct buf trace;
	struct loop *loop;

	(void)state;
	buf_init(&trace, 100);
	t_err("loop", loop_new(&loop), 0);
	for (size_t i = 0; i < T_COUNT(n); i++) {
		n[i] = (struct note){.name = (char)('a' + i)};
		n[i].trace = &trace;
		n[i].t = timer_new(loop, expired, &n[i]);
		t_bool("not active", timer_active(n[i].t), false);
	}
	timer_start(n[0].t, 30);
	timer_start(n[1].t, 2);
	timer_start(n[2].t, 0);
	timer_start(n[3].t, 1);
	timer_stop(n[3].t);
	timer_stop(n[3].t);
	t_bool("active", timer_active(n[0].t), true);
	t_bool("active", timer_active(n[2].t), true);
	t_bool("stopped", timer_active(n[3].t), false);
	t_is("not before the start returns", buf_str(&trace), "");
	loop_run(loop);
	t_is("order", buf_str(&trace), "cba");
	t_bool("once", timer_active(n[0].t), false);
	/* A restart replaces the former time, also with 0 and back. */
	timer_start(n[0].t, 0);
	timer_start(n[0].t, 1);
	timer_start(n[1].t, 1);
	timer_start(n[1].t, 0);
	loop_run(loop);
	t_is("restarted", buf_str(&trace), "cbaba");
	for (size_t i = 0; i < T_COUNT(n); i++)
		timer_free(n[i].t);
	timer_free(NULL);
	loop_free(loop);
	buf_clear(&trace);
}

static void
test_free_inside(void **state)
{
	static const int ms[] = {0, 1};
	struct buf trace;
	struct loop *loop;

	(void)state;
	buf_init(&trace, 100);
	t_err("loop", loop_new(&loop), 0);
	for (size_t i = 0; i < T_COUNT(ms); i++) {
		struct note n = {.name = 'a', .trace = &trace};

		n.t = timer_new(loop, free_inside, &n);
		timer_start(n.t, ms[i]);
		loop_run(loop);
	}
	t_is("ran", buf_str(&trace), "aa");
	loop_free(loop);
	buf_clear(&trace);
}

static void
test_free_before(void **state)
{
	static const int ms[] = {0, 1};
	struct buf trace;
	struct loop *loop;

	(void)state;
	buf_init(&trace, 100);
	t_err("loop", loop_new(&loop), 0);
	for (size_t i = 0; i < T_COUNT(ms); i++) {
		struct note n = {.name = 'a', .trace = &trace};

		n.t = timer_new(loop, expired, &n);
		timer_start(n.t, ms[i]);
		timer_free(n.t);
	}
	loop_run(loop);
	t_is("never ran", buf_str(&trace), "");
	loop_free(loop);
	buf_clear(&trace);
}

static void
cancel_other(void *arg)
{
	struct note *n = arg;

	buf_add_char(n->trace, n->name);
	timer_free(n[1].t);
}

/* Two are due in one round, and the first frees the second. */
static void
test_free_other(void **state)
{
	struct note n[2];
	struct buf trace;
	struct loop *loop;

	(void)state;
	buf_init(&trace, 100);
	t_err("loop", loop_new(&loop), 0);
	n[0] = (struct note){.name = 'a', .trace = &trace};
	n[1] = (struct note){.name = 'b', .trace = &trace};
	n[0].t = timer_new(loop, cancel_other, n);
	n[1].t = timer_new(loop, expired, &n[1]);
	timer_start(n[0].t, 0);
	timer_start(n[1].t, 0);
	loop_run(loop);
	t_is("the second never ran", buf_str(&trace), "a");
	timer_free(n[0].t);
	loop_free(loop);
	buf_clear(&trace);
}

/* Restarting with 0 waits for the next round: it starves nobody. */
static void
test_zero_is_next_round(void **state)
{
	struct buf trace;
	struct loop *loop;
	struct note n = {.name = 'a', .trace = &trace, .again = 2};

	(void)state;
	buf_init(&trace, 100);
	t_err("loop", loop_new(&loop), 0);
	n.t = timer_new(loop, expired, &n);
	timer_start(n.t, 0);
	loop_run_once(loop);
	t_is("first round", buf_str(&trace), "a");
	loop_run_once(loop);
	t_is("second round", buf_str(&trace), "aa");
	loop_run(loop);
	t_is("end", buf_str(&trace), "aaa");
	timer_free(n.t);
	loop_free(loop);
	buf_clear(&trace);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
test_stop(void **state)
{
	struct buf trace;
	struct loop *loop;
	struct note n = {.name = 'a', .trace = &trace};
	struct timer *t;

	(void)state;
	buf_init(&trace, 100);
	t_err("loop", loop_new(&loop), 0);
	n.t = timer_new(loop, expired, &n);
	t = timer_new(loop, stop, loop);
	timer_start(n.t, 3600 * 1000);
	timer_start(t, 1);
	loop_run(loop);
	t_is("the long one did not run", buf_str(&trace), "");
	t_bool("clock", timer_now(loop) > 0, true);
	timer_free(n.t);
	timer_free(t);
	loop_free(loop);
	loop_free(NULL);
	buf_clear(&trace);
}

static void
on_signal(void *arg, int signo)
{
	*(int *)arg = signo;
}

static void
test_signal(void **state)
{
	struct loop_signal *s = NULL;
	struct loop *loop;
	int got = 0;

	(void)state;
	t_err("loop", loop_new(&loop), 0);
	t_err("signal", loop_signal_new(loop, SIGUSR1, on_signal, &got, &s), 0);
	raise(SIGUSR1);
	t_int("not inside raise", got, 0);
	while (got == 0)
		loop_run_once(loop);
	t_int("signal", got, SIGUSR1);
	loop_signal_free(s);
	loop_signal_free(NULL);
	loop_free(loop);
}

static void
on_mail(void *arg, struct mail_node *node)
{
	(void)arg;
	(void)node;
}

/* What is still open when the loop goes is a bug of ours, and named. */
static void
test_open_handle_is_bug(void **state)
{
	char text[500] = "";
	size_t len = 0;
	ssize_t n;
	int status = 0;
	int fd[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		struct mailbox *mb;
		struct loop *loop;

		dup2(fd[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		if (loop_new(&loop) == 0 &&
		    mailbox_new(loop, 1, on_mail, NULL, &mb) == 0)
			loop_free(loop);
		_exit(0);
	}
	close(fd[1]);
	while ((n = read(fd[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	t_bool(
	    "aborts", WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, true);
	t_bool("names it", strstr(text, "async") != NULL, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_free_inside),
	    cmocka_unit_test(test_free_before),
	    cmocka_unit_test(test_free_other),
	    cmocka_unit_test(test_zero_is_next_round),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_signal),
	    cmocka_unit_test(test_open_handle_is_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
