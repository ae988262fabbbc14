/* What is in work outlives the process that noted it. */
#include "config.h"

#include "relay/queue/work_file.h"

#include <sys/wait.h>

#include "tests/adapt/store_world.h"

#define TOO_MANY 40

static int
setup(void **state)
{
	*state = world_new();
	return 0;
}

static int
teardown(void **state)
{
	world_free(*state);
	return 0;
}

static struct work_file *
make(const struct world *w, const char *name, const struct work_entry *v,
    size_t n, size_t places)
{
	struct work_file *f = NULL;
	char text[256] = "";

	t_err(text, work_file_new(w->dir, name, v, n, places, &f, text), 0);
	return f;
}

/* The entries in state_dir must be these, in any order. */
static void
check(const struct world *w, const char *name, const struct work_entry *want,
    size_t n_want)
{
	struct work_entry *v = NULL;
	size_t n = 0;

	work_file_read_all(w->dir, &v, &n);
	t_int(name, (int64_t)n, (int64_t)n_want);
	for (size_t i = 0; i < n_want; i++) {
		size_t k = 0;

		while (k < n && memcmp(&v[k], &want[i], sizeof(v[k])) != 0)
			k++;
		t_bool(name, k < n, true);
	}
	free(v);
}

static void
test_places(void **state)
{
	static const struct work_entry e[] = {{5, 0, 0}, {6, 0, 0}, {7, 0, 0}};
	static const struct work_entry both[] = {
	    {5, 0, WORK_RUNNING}, {6, 0, WORK_RUNNING}};
	static const struct work_entry last[] = {
	    {6, 0, WORK_RUNNING}, {7, 0, WORK_RUNNING}};
	struct world *w = *state;
	struct work_file *f;
	size_t a, b, c;

	check(w, "no files", NULL, 0);
	f = make(w, "work.0", NULL, 0, 2);
	check(w, "empty", NULL, 0);
	a = work_file_add(f, &e[0]);
	b = work_file_add(f, &e[1]);
	t_bool("two places", a < 2 && b < 2 && a != b, true);
	c = work_file_add(f, &e[2]);
	t_int("full", (int64_t)c, 2);
	work_file_set(f, c, NULL); /* must not touch anything */
	check(w, "both", both, 2);
	work_file_set(f, a, NULL);
	t_int("a place again", (int64_t)work_file_add(f, &e[2]), (int64_t)a);
	check(w, "the last ones", last, 2);
	work_file_close(f);
	check(w, "closed", last, 2);
	f = make(w, "work.0", NULL, 0, 2);
	check(w, "made anew", NULL, 0);
	work_file_close(f);
	work_file_close(NULL);
	work_file_set(NULL, 0, NULL);
	(void)work_file_add(NULL, &e[0]);
}

static void
test_suspects(void **state)
{
	static const struct work_entry v[] = {
	    {5, 1, 0}, {6, 2, WORK_HOLD}, {7, 1, 0}};
	static const struct work_entry turn = {7, 1, WORK_TURN};
	static const struct work_entry want[] = {
	    {6, 2, WORK_HOLD}, {7, 1, WORK_TURN}, {7, 0, WORK_RUNNING}};
	static const struct work_entry seven = {7, 0, 0};
	struct world *w = *state;
	struct work_file *f = make(w, WORK_FILE_SUSPECTS, v, 3, 3);
	struct work_file *shard = make(w, "work.3", NULL, 0, 4);
	struct stat st;
	char path[256];

	check(w, "as made", v, 3);
	work_file_set(f, 0, NULL);
	work_file_set(f, 2, &turn);
	(void)work_file_add(shard, &seven);
	check(w, "changed", want, 3);
	(void)snprintf(path, sizeof(path), "%s/work.3", w->dir);
	t_int("stat", stat(path, &st), 0);
	t_int("mode", st.st_mode & 07777, 0600);
	work_file_sweep(w->dir, 4);
	check(w, "still ours", want, 3);
	work_file_sweep(w->dir, 3);
	check(w, "of a run with more shards", want, 2);
	work_file_close(f);
	work_file_close(shard);
}

/* The kernel has it the moment that it is noted. */
static void
test_death(void **state)
{
	static const struct work_entry e = {77, 0, 0};
	static const struct work_entry want = {77, 0, WORK_RUNNING};
	struct world *w = *state;
	struct work_file *f;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		f = make(w, "work.0", NULL, 0, 4);
		(void)work_file_add(f, &e);
		(void)raise(SIGKILL);
	}
	t_int("wait", waitpid(pid, &status, 0), pid);
	t_bool("killed", WIFSIGNALED(status), true);
	check(w, "noted", &want, 1);
}

static void
spoil(const struct world *w, const char *name, const void *p, size_t n,
    off_t at, off_t length)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	t_bool(name, fd >= 0, true);
	if (n > 0)
		t_int(name, pwrite(fd, p, n, at), (int64_t)n);
	if (length >= 0)
		t_int(name, ftruncate(fd, length), 0);
	close(fd);
}

/* A damaged file accuses nobody. */
static void
test_damage(void **state)
{
	static const struct work_entry v[] = {{5, 1, 0}};
	static const uint64_t huge = UINT64_MAX / 8;
	struct world *w = *state;

	for (unsigned i = 0; i < 5; i++) {
		char name[WORK_FILE_NAME_MAX];

		work_file_name(i, name);
		work_file_close(make(w, name, v, 1, TOO_MANY));
	}
	spoil(w, "work.0", "", 0, 0, 0);
	spoil(w, "work.1", "", 0, 0, 20);
	spoil(w, "work.2", "XX", 2, 0, -1);
	spoil(w, "work.3", &huge, sizeof(huge), 8, -1);
	spoil(w, "work.4", "", 0, 0, 100);
	spoil(w, "work.x", "WXWORK1", 8, 0, -1);
	spoil(w, "work.", "WXWORK1", 8, 0, -1);
	check(w, "damaged", NULL, 0);
}

static void
test_errors(void **state)
{
	struct world *w = *state;
	struct work_file *f = NULL;
	char text[256] = "";
	char dir[256];

	(void)snprintf(dir, sizeof(dir), "%s/none", w->dir);
	t_err("no folder", work_file_new(dir, "work.0", NULL, 0, 1, &f, text),
	    ERR_IO);
	t_bool("text", strstr(text, "work.0") != NULL, true);
	work_file_sweep(dir, 0);
	(void)snprintf(dir, sizeof(dir), "%s/work.0", w->dir);
	t_int("mkdir", mkdir(dir, 0700), 0);
	t_err("a folder is in the way",
	    work_file_new(w->dir, "work.0", NULL, 0, 1, &f, text), ERR_IO);
	check(w, "it has no entries", NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_places, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_suspects, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_death, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
