/*
 * The state directory. The lock is flock(2) on a file in it: it goes with the
 * last descriptor, so a crash leaves none behind. The number in the file only
 * serves the message.
 */
#include "config.h"

#include "relay/queue/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/str.h"
#include "relay/queue/fs_check.h"

#define LOCK_FILE "lock"

/* One line and an error from errno. */
static int
system_error(char text[256], const char *path, const char *what)
{
	int e = errno;
	const char *hint = "";

	if (e == ENOENT)
		hint = "; make the directory above it first";
	else if (e == EACCES || e == EPERM)
		hint = "; check its owner, or start as root";
	else if (e == EROFS)
		hint = "; it is mounted read-only";
	(void)snprintf(
	    text, 256, "%s: %s: %s%s", path, what, strerror(e), hint);
	switch (e) {
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERM;
	default:
		return ERR_IO;
	}
}

static int
make_dir(const char *path, long uid, long gid, char text[256])
{
	if (mkdir(path, 0700) != 0) {
		if (errno == EEXIST)
			return 0;
		return system_error(text, path, "can't make it");
	}
	/* Others may pass through, to the resolver's folder, and see nothing;
	 * whatever the umask says. */
	if (chmod(path, 0711) != 0)
		return system_error(text, path, "can't set its mode");
	if (uid >= 0 && chown(path, (uid_t)uid, (gid_t)gid) != 0)
		return system_error(text, path, "can't give it away");
	return 0;
}

/* A queue whose folder is lost in a crash is lost. Not being allowed to open
 * what is above is no reason to stop. */
static void
sync_parent(int dir)
{
	int fd = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}

/* What is there already must be ours, and nobody else's to write. */
static int
check_dir(int dir, const char *path, long uid, long gid, char text[256])
{
	struct stat st;

	if (fstat(dir, &st) != 0)
		return system_error(text, path, "can't look at it");
	if ((st.st_mode & 022) != 0) {
		(void)snprintf(
		    text, 256, "%s: others may write there: chmod go-w", path);
		return ERR_PERM;
	}
	if (uid < 0 || st.st_uid == (uid_t)uid)
		return 0;
	/* A volume of a container comes with root as its owner. */
	if (st.st_uid == 0 && geteuid() == 0) {
		if (fchown(dir, (uid_t)uid, (gid_t)gid) == 0)
			return 0;
		return system_error(text, path, "can't give it away");
	}
	(void)snprintf(text, 256,
	    "%s: belongs to uid %ld, not to %ld: chown it", path,
	    (long)st.st_uid, uid);
	return ERR_PERM;
}

static void
say_locked(int fd, const char *path, char text[256])
{
	char pid[24];
	ssize_t n = pread(fd, pid, sizeof(pid), 0);
	struct str s = str_trim(str_n(pid, n > 0 ? (size_t)n : 0));

	(void)snprintf(text, 256,
	    "%s: in use by another instance (pid %.*s): stop it first", path,
	    STR_FMT(s));
}

static int
take_lock(int dir, const char *path, int *out, char text[256])
{
	char pid[24];
	int len;
	int rc = 0;
	int fd = openat(
	    dir, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return system_error(text, path, "can't open " LOCK_FILE);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK) {
			say_locked(fd, path, text);
			rc = ERR_EXISTS;
		} else {
			rc = system_error(text, path, "can't lock it");
		}
		goto out;
	}
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	/* In this order it takes no room on a full disk. */
	if (pwrite(fd, pid, (size_t)len, 0) != (ssize_t)len ||
	    ftruncate(fd, len) != 0) {
		rc = system_error(text, path, "can't write " LOCK_FILE);
		goto out;
	}
	*out = fd;
	fd = -1;
out:
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int
state_dir_lock(const char *path, long uid, long gid, int *fd, char text[256])
{
	int dir;
	int rc = make_dir(path, uid, gid, text);

	if (rc != 0)
		return rc;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return system_error(text, path, "can't open it");
	sync_parent(dir);
	rc = fs_check(path, text);
	if (rc == 0)
		rc = check_dir(dir, path, uid, gid, text);
	if (rc == 0)
		rc = take_lock(dir, path, fd, text);
	(void)close(dir);
	return rc == ERR_NOTFOUND ? ERR_IO : rc;
}
