/* The parent never opens a store or starts a thread: it only forks. */
#include "config.h"

#include "tests/fault/cases.h"

#include <signal.h>
#include <sys/wait.h>

#include "relay/base/codec.h"
#include "tests/adapt/store_world.h"
#include "tests/fault/sys_wrap.h"
#include "tests/fault/vfs_shim.h"

#define CASE_SECONDS 600 /* then it hangs */

/* How much slower a case is than in a plain build, very roughly, and how much
 * of it the sanitizer looks at: threads are the smaller part here. */
#if defined(__SANITIZE_THREAD__)
#define SLOWER 4u
#elif defined(__SANITIZE_ADDRESS__)
#define SLOWER 1u
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOWER 4u
#elif __has_feature(address_sanitizer)
#define SLOWER 1u
#endif
#endif
#ifndef SLOWER
#define SLOWER 0u
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

void
case_reset(struct case_env *e)
{
	case_remove(e->dir);
	if (mkdir(e->dir, 0700) != 0)
		BUG("no folder %s", e->dir);
	memset(e->l, 0, sizeof(*e->l));
}

int
case_child(struct case_env *e, case_fn *fn, case_attend *attend, void *arg)
{
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)alarm(CASE_SECONDS);
		sys_wrap_watch(e->dir);
		vfs_shim_install();
		fn(arg, e->w, e->l);
		_exit(0);
	}
	if (attend && pid > 0)
		attend(arg, pid);
	return wait_for(pid);
}

int
case_run(struct case_env *e, case_fn *fn, void *arg)
{
	case_reset(e);
	e->run++;
	return case_child(e, fn, NULL, arg);
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

unsigned long
case_number(const char *text)
{
	uint64_t n = 0;

	return codec_u64(str_of(text), 1u << 30, &n) == 0 ? n : 0;
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
	return SLOWER > 0 && !case_full() ? SLOWER * with_sanitizer : 1;
}
