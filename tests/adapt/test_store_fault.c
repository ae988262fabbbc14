/*
 * The store on broken ground: files that are damaged, locked, of another
 * version, not ours to write; disks that are full; orphans. Each gives its own
 * error with one clear line, and nothing that was answered is lost.
 */
#include "config.h"

#include "relay/queue/store.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "relay/queue/fs_check.h"
#include "relay/queue/schema.h"
#include "tests/adapt/store_world.h"

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

static void
path_of(const struct world *w, const char *name, char out[256])
{
	(void)snprintf(out, 256, "%s/%s", w->dir, name);
}

/* Makes a queue with one message and closes it. */
static void
make_queue(struct world *w)
{
	t_err("open", world_open(w), 0);
	t_err("put", put(w, 1, "example.com", 1, 50), 0);
	world_drop_rcpts(w);
	world_close(w);
}

/* Runs SQL on the file, behind the store's back. */
static void
run_sql(const struct world *w, const char *sql)
{
	char path[256];
	sqlite3 *db = NULL;

	path_of(w, "queue.db", path);
	t_int("open", sqlite3_open(path, &db), SQLITE_OK);
	t_int(sql, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	t_int("close", sqlite3_close(db), SQLITE_OK);
}

static void
open_fails(struct world *w, const char *name, int err, const char *says)
{
	t_err(name, store_hub_open(&w->o, &w->hub, w->text), err);
	if (!strstr(w->text, says) || !strstr(w->text, w->dir) ||
	    strchr(w->text, '\n'))
		fail_msg("%s: text is \"%s\"", name, w->text);
}

static void
test_not_a_database(void **state)
{
	struct world *w = *state;
	char path[256];
	FILE *f;

	path_of(w, "queue.db", path);
	f = fopen(path, "w");
	for (int i = 0; f && i < 3000; i++)
		(void)fputs("this is not a database ", f);
	t_bool("written", f && fclose(f) == 0, true);
	open_fails(w, "text file", ERR_CORRUPT, "damaged");
}

static void
test_other_database(void **state)
{
	struct world *w = *state;

	run_sql(w, "CREATE TABLE t(x)");
	open_fails(w, "of another program", ERR_CORRUPT, "damaged");
}

static void
test_newer(void **state)
{
	struct world *w = *state;
	char sql[64];

	make_queue(w);
	run_sql(w, "PRAGMA user_version = 99");
	open_fails(w, "newer", ERR_VERSION, "newer version");
	(void)snprintf(
	    sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA_VERSION);
	run_sql(w, sql);
	t_err("not touched", world_open(w), 0);
	t_err("message is there", get_body(w, 1), 0);
	world_close(w);
}

/* Damage in the middle is found when the last run did not end cleanly, which
 * a log that was left behind tells. */
static void
test_damaged_page(void **state)
{
	struct world *w = *state;
	static const char junk[4096] = {'j'};
	char path[256];
	int fd;

	t_err("open", world_open(w), 0);
	for (unsigned i = 1; i <= 200; i++)
		start_put(w, i, "example.com", 2, 5000, 0);
	t_err("put", world_wait(w), 0);
	world_close(w);
	path_of(w, "queue.db", path);
	fd = open(path, O_WRONLY);
	for (off_t page = 1; page < 100; page++)
		t_int("write", pwrite(fd, junk, sizeof(junk), page * 4096),
		    sizeof(junk));
	(void)close(fd);
	path_of(w, "queue.db-wal", path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	t_int("log", write(fd, junk, 100), 100);
	(void)close(fd);
	open_fails(w, "damaged", ERR_CORRUPT, "damaged");
}

/* A child that holds the lock until told to end. */
static pid_t
hold_lock(const struct world *w, int *end_fd)
{
	int ready[2];
	int end[2];
	char c;
	pid_t pid;

	t_int("pipe", pipe(ready), 0);
	t_int("pipe", pipe(end), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(end[1]);
		char path[256];
		sqlite3 *db = NULL;

		path_of(w, "queue.db", path);
		if (sqlite3_open(path, &db) != SQLITE_OK ||
		    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
			SQLITE_OK)
			_exit(1);
		if (write(ready[1], "r", 1) != 1 || read(end[0], &c, 1) != 0)
			_exit(1);
		_exit(0);
	}
	(void)close(ready[1]);
	(void)close(end[0]);
	t_int("locked", read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	*end_fd = end[1];
	return pid;
}

static void
end_child(pid_t pid, int end_fd)
{
	int status = -1;

	(void)close(end_fd);
	t_int("wait", waitpid(pid, &status, 0), pid);
	t_int("status", status, 0);
}

static void
test_locked(void **state)
{
	struct world *w = *state;
	int fd = -1;
	pid_t pid;

	make_queue(w);
	pid = hold_lock(w, &fd);
	open_fails(w, "locked", ERR_BUSY, "locked");
	end_child(pid, fd);
	t_err("free again", world_open(w), 0);

	pid = hold_lock(w, &fd);
	t_err("locked while open", put(w, 2, "a.example", 1, 50), ERR_BUSY);
	t_err("state", store_hub_state(w->hub, w->text), ERR_BUSY);
	t_bool("text", strstr(w->text, "locked") != NULL, true);
	t_err("reading goes on", get_body(w, 1), 0);
	end_child(pid, fd);
	t_err("free again", put(w, 2, "a.example", 1, 50), 0);
	t_err("state", store_hub_state(w->hub, w->text), 0);
	t_cstr("text", w->text, "");
	t_bool("logged once",
	    strstr(w->log.p, "event=store-error") != NULL &&
		strstr(w->log.p, "event=store-ok") != NULL,
	    true);

	pid = hold_lock(w, &fd);
	t_err("locked again", put(w, 3, "a.example", 1, 50), ERR_BUSY);
	end_child(pid, fd);
	world_reopen(w);
	t_err("a new store is well", store_hub_state(w->hub, w->text), 0);
	world_close(w);
}

/* Only large bodies need the folder: the store says that they fail. */
static void
test_no_spool(void **state)
{
	struct world *w = *state;
	char path[256];

	make_queue(w);
	t_err("open", world_open(w), 0);
	path_of(w, "spool", path);
	t_int("rmdir", rmdir(path), 0);
	t_err("large", put(w, 2, "a.example", 1, BIG_BODY), ERR_IO);
	t_err("small", put(w, 3, "a.example", 1, 50), 0);
	t_err("state", store_hub_state(w->hub, w->text), ERR_IO);
	t_bool("text", strstr(w->text, "/spool: input/output") != NULL, true);
	t_int("mkdir", mkdir(path, 0700), 0);
	t_err("large", put(w, 4, "a.example", 1, BIG_BODY), 0);
	t_err("state", store_hub_state(w->hub, w->text), 0);
	t_bool("logged", strstr(w->log.p, "what=spool err=") != NULL, true);
	world_close(w);
}

/* Opens as somebody who may read the folder and not write it. */
static void
test_no_permission(void **state)
{
	struct world *w = *state;
	int status = -1;
	pid_t pid;

	make_queue(w);
	t_int("chmod", chmod(w->dir, 0555), 0);
	pid = fork();
	if (pid == 0) {
		int rc;

		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		rc = store_hub_open(&w->o, &w->hub, w->text);
		/* Not root: the file itself is still writable. */
		_exit(rc == ERR_PERM && strstr(w->text, w->dir) ? 0 : 1);
	}
	t_int("wait", waitpid(pid, &status, 0), pid);
	t_int("chmod", chmod(w->dir, 0700), 0);
	t_int("status", status, 0);
}

static void
test_missing_folder(void **state)
{
	struct world *w = *state;

	t_int("rmdir", rmdir(w->dir), 0);
	open_fails(w, "missing", ERR_IO, "No such file");
}

/* ---- full disks ---- */

/* Puts until one fails; the last error. *n: how many were answered with 0. */
static int
fill(struct world *w, size_t size, unsigned *n)
{
	int rc = 0;

	while (rc == 0 && *n < 2000) {
		rc = put(w, *n + 1, "example.com", 1, size);
		if (rc == 0)
			(*n)++;
		world_drop_rcpts(w);
	}
	return rc;
}

static void
check_all(struct world *w, unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		t_err("answered, so it is there", get_body(w, i), 0);
	get_stats(w);
	t_int("and nothing else", (int64_t)w->stats.msgs, n);
}

/* A limit on the size of files stands in for a full disk. */
static void
test_full(void **state)
{
	struct world *w = *state;
	struct rlimit old;
	struct rlimit small;
	unsigned n = 0;

	(void)signal(SIGXFSZ, SIG_IGN);
	t_int("limit", getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 256u * 1024u;
	t_err("open", world_open(w), 0);
	t_int("limit", setrlimit(RLIMIT_FSIZE, &small), 0);
	t_err("rows", fill(w, 20000, &n), ERR_FULL);
	t_bool("some", n > 0, true);
	t_err("state", store_hub_state(w->hub, w->text), ERR_FULL);
	t_bool("text", strstr(w->text, "no space") != NULL, true);
	t_err("file", put(w, 5000, "example.com", 1, BIG_BODY), ERR_FULL);
	t_int("none left", spool_files(w), 0);
	t_int("limit", setrlimit(RLIMIT_FSIZE, &old), 0);
	check_all(w, n);
	n++;
	t_err("room again", put(w, n, "example.com", 1, 20000), 0);
	t_err("files not yet", store_hub_state(w->hub, w->text), ERR_FULL);
	n++;
	t_err("for files too", put(w, n, "example.com", 1, BIG_BODY), 0);
	t_err("state", store_hub_state(w->hub, w->text), 0);
	world_reopen(w);
	check_all(w, n);
	world_close(w);
}

/* Below min_free new mail is refused, and what makes room goes on. */
static void
test_min_free(void **state)
{
	struct world *w = *state;

	make_queue(w);
	w->o.min_free = UINT64_MAX - 1;
	t_err("open", world_open(w), 0);
	t_err("put", put(w, 2, "example.com", 1, 50), ERR_FULL);
	t_err("large", put(w, 3, "example.com", 1, BIG_BODY), ERR_FULL);
	t_err("state", store_hub_state(w->hub, w->text), ERR_FULL);
	world_started(w, store_page(w->s, 0, 1, 0, 0, 9, on_rcpts, w));
	t_err("page", world_wait(w), 0);
	t_int("the first", (int64_t)w->n, 1);
	t_err("finish", finish_one(w, w->rcpts[0], STORE_DONE), 0);
	get_stats(w);
	t_int("gone", (int64_t)w->stats.msgs, 0);
	world_close(w);
}

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* A file system of 2 MB on the folder, seen by this process only. */
static bool
mount_small(const char *dir)
{
	char uids[64], gids[64];

	(void)snprintf(uids, sizeof(uids), "0 %ld 1", (long)geteuid());
	(void)snprintf(gids, sizeof(gids), "0 %ld 1", (long)getegid());
	/* Without a group nothing could be made on the file system. */
	if (unshare(CLONE_NEWNS) != 0 &&
	    (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
		!write_file("/proc/self/uid_map", uids) ||
		!write_file("/proc/self/setgroups", "deny") ||
		!write_file("/proc/self/gid_map", gids)))
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("none", dir, "tmpfs", 0, "size=2m") == 0;
}

/* In a child; 77: not allowed here. */
static int
full_tmpfs(struct world *w)
{
	unsigned n = 0;
	unsigned here;

	if (!mount_small(w->dir))
		return 77;
	if (world_open(w) != 0)
		return 1;
	if (fill(w, 20000, &n) != ERR_FULL || n == 0)
		return 2;
	if (put(w, 5000, "a.example", 1, BIG_BODY) != ERR_FULL)
		return 3;
	for (here = 1; here <= n; here++) {
		if (get_body(w, here) != 0)
			return 4;
	}
	if (store_hub_state(w->hub, w->text) != ERR_FULL)
		return 5;
	world_close(w);
	if (world_open(w) != 0)
		return 6;
	get_stats(w);
	if (w->stats.msgs != n)
		return 7;
	world_close(w);
	return 0;
}

static void
test_full_tmpfs(void **state)
{
	struct world *w = *state;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(full_tmpfs(w));
	t_int("wait", waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	t_int("status", status, 0);
}

/* ---- orphans ---- */

static void
touch(const struct world *w, const char *name)
{
	char path[256];
	int fd;

	path_of(w, name, path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	t_bool(name, fd >= 0, true);
	(void)close(fd);
}

static void
test_orphans(void **state)
{
	struct world *w = *state;
	char path[256];

	t_err("open", world_open(w), 0);
	t_err("file", put(w, 1, "example.com", 1, BIG_BODY), 0);
	t_err("row", put(w, 2, "example.com", 1, 50), 0);
	world_close(w);
	touch(w, "spool/0000000000002"); /* its body is a row */
	touch(w, "spool/00000000000ZZ");
	touch(w, "spool/README");
	t_err("open", world_open(w), 0);
	t_int("one of ours, one of somebody else", spool_files(w), 2);
	path_of(w, "spool/README", path);
	t_int("not ours to remove", access(path, F_OK), 0);
	t_err("file", get_body(w, 1), 0);
	t_err("row", get_body(w, 2), 0);
	t_bool("logged", strstr(w->log.p, "event=spool-swept") != NULL, true);
	world_close(w);
}

static void
test_unsafe_fs(void **state)
{
	static const struct {
		uint32_t type;
		const char *want;
	} cases[] = {
	    {0x6969, "nfs"}, {0xff534d42, "cifs"}, {0xfe534d42, "smb2"},
	    {0x01021997, "9p"}, {0xef53, NULL}, /* ext4 */
	    {0x58465342, NULL}, /* xfs */
	    {0x9123683e, NULL}, /* btrfs */
	    {0x01021994, NULL}, /* tmpfs */
	    {0x794c7630, NULL}, /* overlay */
	    {0x65735546, NULL}, /* fuse */
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_cstr(cases[i].want ? cases[i].want : "safe",
		    fs_check_type(cases[i].type), cases[i].want);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_not_a_database),
	    CASE(test_other_database),
	    CASE(test_newer),
	    CASE(test_damaged_page),
	    CASE(test_locked),
	    CASE(test_no_spool),
	    CASE(test_no_permission),
	    CASE(test_missing_folder),
	    CASE(test_full),
	    CASE(test_min_free),
	    CASE(test_full_tmpfs),
	    CASE(test_orphans),
	    CASE(test_unsafe_fs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
