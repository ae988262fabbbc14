/* relay/base/err: texts, and how a process ends. */
#include "config.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/base/err.h"
#include "tests/unit/t.h"

static void
test_texts(void **state)
{
	static const struct {
		const char *name;
		int err;
		const char *want;
	} cases[] = {
	    {"none", 0, "no error"},
	    {"first", ERR_MORE, "needs more input"},
	    {"middle", ERR_TLS, "TLS failure"},
	    {"last", ERR_INTERNAL, "internal error"},
	    {"behind the last", ERR_END_, "unknown error"},
	    {"before the first", ERR_BASE_, "unknown error"},
	    {"positive", 5, "unknown error"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_cstr(cases[i].name, err_str(cases[i].err), cases[i].want);
	for (int err = ERR_BASE_ + 1; err < ERR_END_; err++)
		t_bool(
		    "negative, with a text", err < 0 && err_str(err)[0], true);
}

/* What fn says on standard error; returns the wait status. */
static int
run_child(void (*fn)(void), char *said, size_t size)
{
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		fn();
		_exit(99);
	}
	close(ends[1]);
	while ((got = read(ends[0], said + n, size - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
call_bug(void)
{
	err_bug("relay/x.c", 12, "%d is not %s", 1, "two");
}

static void
call_die(void)
{
	die(2, "%s: no such key", "sts");
}

static void
test_bug(void **state)
{
	char said[4096];
	int status = run_child(call_bug, said, sizeof(said));

	(void)state;
	t_bool("killed", WIFSIGNALED(status), true);
	t_int("by abort", WTERMSIG(status), SIGABRT);
	t_bool(said,
	    str_starts(str_of(said),
		STR("waxseal: BUG at relay/x.c:12: 1 is not two\n")),
	    true);
}

static void
test_die(void **state)
{
	char said[4096];
	int status = run_child(call_die, said, sizeof(said));

	(void)state;
	t_bool("exits", WIFEXITED(status), true);
	t_int("status", WEXITSTATUS(status), 2);
	t_cstr("text", said, "waxseal: sts: no such key\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_bug),
	    cmocka_unit_test(test_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
