/* The state directory: made, checked, locked. */
#include "config.h"

#include "relay/queue/state_dir.h"

#include <signal.h>
#include <sys/wait.h>

#include "tests/adapt/store_world.h"

#define NOBODY 65534

struct place {
	struct world *w;
	char path[160]; /* in the folder of w; not there yet */
	char text[256];
	int fd;
};

static int
setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	p->w = world_new();
	p->fd = -1;
	(void)snprintf(p->path, sizeof(p->path), "%s/state", p->w->dir);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	if (p->fd >= 0)
		(void)close(p->fd);
	world_free(p->w);
	free(p);
	return 0;
}

static void
says(const struct place *p, const char *what)
{
	if (!strstr(p->text, what) || !strstr(p->text, p->path) ||
	    strchr(p->text, '\n'))
		fail_msg("text is \"%s\", want \"%s\"", p->text, what);
}

static void
test_made(void **state)
{
	struct place *p = *state;
	struct stat st;

	t_err("lock", state_dir_lock(p->path, -1, -1, &p->fd, p->text), 0);
	t_int("there", stat(p->path, &st), 0);
	t_int("others pass, and see nothing", st.st_mode & 07777, 0711);
	t_bool(
	    "close-on-exec", (fcntl(p->fd, F_GETFD) & FD_CLOEXEC) != 0, true);
}

/* A second instance is told who has it. */
static void
test_second(void **state)
{
	struct place *p = *state;
	char pid[32];
	int other = -1;

	t_err("lock", state_dir_lock(p->path, -1, -1, &p->fd, p->text), 0);
	t_err("second", state_dir_lock(p->path, -1, -1, &other, p->text),
	    ERR_EXISTS);
	(void)snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
	says(p, pid);
	(void)close(p->fd);
	p->fd = -1;
	t_err("free", state_dir_lock(p->path, -1, -1, &p->fd, p->text), 0);
}

/* The lock goes with the process, however it ends. */
static void
test_killed_holder(void **state)
{
	struct place *p = *state;
	int ready[2];
	char c;
	pid_t pid;

	t_int("pipe", pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int fd = -1;

		if (state_dir_lock(p->path, -1, -1, &fd, p->text) != 0 ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		(void)pause();
		_exit(0);
	}
	(void)close(ready[1]);
	t_int("held", read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	t_err("taken", state_dir_lock(p->path, -1, -1, &p->fd, p->text),
	    ERR_EXISTS);
	t_int("kill", kill(pid, SIGKILL), 0);
	t_int("wait", waitpid(pid, NULL, 0), pid);
	t_err("free", state_dir_lock(p->path, -1, -1, &p->fd, p->text), 0);
}

static void
test_parent_missing(void **state)
{
	struct place *p = *state;

	(void)snprintf(p->path, sizeof(p->path), "%s/a/b", p->w->dir);
	t_err("lock", state_dir_lock(p->path, -1, -1, &p->fd, p->text), ERR_IO);
	says(p, "make the directory above it");
}

static void
test_not_a_folder(void **state)
{
	struct place *p = *state;
	int fd = open(p->path, O_WRONLY | O_CREAT, 0600);

	t_bool("file", fd >= 0, true);
	(void)close(fd);
	t_err("lock", state_dir_lock(p->path, -1, -1, &p->fd, p->text), ERR_IO);
	says(p, "Not a directory");
}

static void
test_others_may_write(void **state)
{
	struct place *p = *state;

	t_int("mkdir", mkdir(p->path, 0700), 0);
	t_int("chmod", chmod(p->path, 0777), 0);
	t_err(
	    "lock", state_dir_lock(p->path, -1, -1, &p->fd, p->text), ERR_PERM);
	says(p, "chmod go-w");
}

/* A link in place of the lock file must not make us write elsewhere. */
static void
test_lock_is_a_link(void **state)
{
	struct place *p = *state;
	char path[256];

	t_int("mkdir", mkdir(p->path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/lock", p->path);
	t_int("link", symlink("../elsewhere", path), 0);
	t_err("lock", state_dir_lock(p->path, -1, -1, &p->fd, p->text), ERR_IO);
	(void)snprintf(path, sizeof(path), "%s/elsewhere", p->w->dir);
	t_int("nothing made", access(path, F_OK), -1);
}

static void
test_owner(void **state)
{
	struct place *p = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	t_err("lock", state_dir_lock(p->path, NOBODY, NOBODY, &p->fd, p->text),
	    0);
	t_int("stat", stat(p->path, &st), 0);
	t_int("owner", st.st_uid, NOBODY);
	t_int("group", st.st_gid, NOBODY);
	(void)close(p->fd);
	p->fd = -1;
	t_err("belongs to another",
	    state_dir_lock(p->path, 12345, 12345, &p->fd, p->text), ERR_PERM);
	says(p, "chown");
	t_int("root's", chown(p->path, 0, 0), 0);
	t_err("a volume",
	    state_dir_lock(p->path, NOBODY, NOBODY, &p->fd, p->text), 0);
	t_int("stat", stat(p->path, &st), 0);
	t_int("given away", st.st_uid, NOBODY);
}

static void
test_no_permission(void **state)
{
	struct place *p = *state;
	int status = -1;
	pid_t pid;

	t_int("chmod", chmod(p->w->dir, 0555), 0);
	pid = fork();
	if (pid == 0) {
		int rc;

		if (geteuid() == 0 && setuid(NOBODY) != 0)
			_exit(2);
		rc = state_dir_lock(p->path, -1, -1, &p->fd, p->text);
		_exit(rc == ERR_PERM && strstr(p->text, p->path) ? 0 : 1);
	}
	t_int("wait", waitpid(pid, &status, 0), pid);
	t_int("chmod", chmod(p->w->dir, 0700), 0);
	t_int("status", status, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_made),
	    CASE(test_second),
	    CASE(test_killed_holder),
	    CASE(test_parent_missing),
	    CASE(test_not_a_folder),
	    CASE(test_others_may_write),
	    CASE(test_lock_is_a_link),
	    CASE(test_owner),
	    CASE(test_no_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
