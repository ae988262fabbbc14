/* The parent never opens a store or starts a thread: it only forks. */
#include "config.h"

#include "tests/fault/cases.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/adapt/store_world.h"
#include "tests/fault/sys_wrap.h"
#include "tests/fault/vfs_shim.h"

#define CASE_SECONDS 600 /* then it hangs */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* /dev/shm, unless somebody wants the folders elsewhere. */
static void
choose_tmp(void)
{
	char *real;

	if (!getenv("TMPDIR"))
		(void)setenv("TMPDIR",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 1);
	/* SQLite resolves links in a path, and the shims compare paths. */
	real = realpath(getenv("TMPDIR"), NULL);
	if (real)
		(void)setenv("TMPDIR", real, 1);
	free(real);
}

void
case_begin(struct case_env *e)
{
	choose_tmp();
	*e = (struct case_env){.w = world_new(), .l = ledger_new()};
	e->dir = e->w->dir;
	e->w->o.clock = script_clock();
}

int
case_end(struct case_env *e, const char *program)
{
	world_free(e->w);
	printf("%s: %lu cases, %u failed\n", program, e->run, e->failed);
	return e->failed > 0 || e->run == 0;
}

void
case_remove(const char *dir)
{
	(void)nftw(dir, world_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static int
wait_for(pid_t pid)
{
	int status = -1;

	while (pid > 0 && waitpid(pid, &status, 0) != pid)
		;
	return status;
}

int
case_run(struct case_env *e, case_fn *fn, void *arg)
{
	return case_run_attended(e, fn, NULL, arg);
}

int
case_run_attended(
    struct case_env *e, case_fn *fn, void (*attend)(void *arg), void *arg)
{
	pid_t pid;

	case_remove(e->w->dir);
	if (mkdir(e->w->dir, 0700) != 0)
		BUG("no folder %s", e->w->dir);
	memset(e->l, 0, sizeof(*e->l));
	e->run++;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)alarm(CASE_SECONDS);
		sys_wrap_watch(e->w->dir);
		vfs_shim_install();
		fn(arg, e->w, e->l);
		_exit(0);
	}
	if (attend && pid > 0)
		attend(arg);
	return wait_for(pid);
}

int
case_check(struct case_env *e, const char *dir, bool in_doubt)
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)alarm(CASE_SECONDS);
		script_check(dir, e->l, in_doubt);
		_exit(0);
	}
	return wait_for(pid);
}

bool
case_passed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
case_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

bool
case_full(void)
{
	const char *full = getenv("WAXSEAL_FAULT_FULL");

	return full && full[0] == '1';
}

unsigned
case_stride(unsigned with_sanitizer)
{
	return SANITIZED && !case_full() ? with_sanitizer : 1;
}
