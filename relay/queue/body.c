/*
 * Spool files. The order that makes them safe: bytes, fsync of the file,
 * fsync of the folder, and only then the commit that names the file; and the
 * other way round, the commit that forgets the message before the unlink. So
 * a crash leaves a file too many and never one too few.
 */
#include "config.h"

#include "relay/queue/body.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/model/msg.h"

static int
system_error(int e)
{
	switch (e) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_PERM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FULL;
	default:
		return ERR_IO;
	}
}

/* Path of the folder (id 0) or of a file in it; free with free(). */
static char *
spool_path(const char *dir, uint64_t id)
{
	struct buf b;
	char qid[MSG_QID_MAX];

	buf_init(&b, 8192);
	(void)buf_addf(&b, "%s/" BODY_DIR, dir);
	if (id != 0) {
		msg_qid(id, qid);
		(void)buf_addf(&b, "/%s", qid);
	}
	return buf_take(&b);
}

/* Makes the names in a folder last. */
static int
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) != 0)
		rc = system_error(errno);
	if (fd >= 0)
		(void)close(fd);
	return rc;
}

int
body_init(const char *dir)
{
	char *path = spool_path(dir, 0);
	int rc = 0;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		rc = system_error(errno);
	free(path);
	/* The database is new here too. */
	return rc == 0 ? sync_folder(dir) : rc;
}

static int
write_all(int fd, struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return system_error(n < 0 ? errno : ENOSPC);
		s = str_skip(s, (size_t)n);
	}
	return fsync(fd) == 0 ? 0 : system_error(errno);
}

int
body_write(const char *dir, uint64_t id, struct str bytes)
{
	char *path = spool_path(dir, id);
	char *folder = spool_path(dir, 0);
	int fd;
	int rc;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = system_error(errno);
		goto out;
	}
	rc = write_all(fd, bytes);
	if (close(fd) != 0 && rc == 0)
		rc = system_error(errno);
	if (rc == 0)
		rc = sync_folder(folder);
	if (rc != 0)
		(void)unlink(path);
out:
	free(folder);
	free(path);
	/* The folder went: that is no message that is not there. */
	return rc == ERR_NOTFOUND ? ERR_IO : rc;
}

/* Exactly n bytes to p. */
static int
read_all(int fd, char *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return system_error(errno);
		if (got == 0)
			return ERR_CORRUPT;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

int
body_read(const char *dir, uint64_t id, uint64_t size, struct blob **out)
{
	char *path = spool_path(dir, id);
	struct buf b;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = 0;

	buf_init(&b, size);
	if (fd < 0 || fstat(fd, &st) != 0) {
		rc = system_error(errno);
		goto out;
	}
	if ((uint64_t)st.st_size != size) {
		rc = ERR_CORRUPT;
		goto out;
	}
	b.p = xmalloc(size + 1);
	b.cap = size;
	rc = read_all(fd, b.p, size);
	if (rc != 0)
		goto out;
	b.n = size;
	b.p[size] = '\0';
	*out = blob_take(&b);
out:
	if (fd >= 0)
		(void)close(fd);
	buf_clear(&b);
	free(path);
	return rc;
}

void
body_remove(const char *dir, uint64_t id)
{
	char *path = spool_path(dir, id);

	/* When this fails the next start sweeps it up. */
	(void)unlink(path);
	free(path);
}

int
body_sweep(const char *dir, int (*known)(void *arg, uint64_t id, bool *yes),
    void *arg, unsigned *removed)
{
	char *path = spool_path(dir, 0);
	DIR *d = opendir(path);
	int rc = 0;

	free(path);
	if (!d)
		return system_error(errno);
	while (rc == 0) {
		const struct dirent *e = readdir(d);
		uint64_t id = 0;
		bool yes = true;

		if (!e)
			break;
		if (msg_qid_parse(str_of(e->d_name), &id) != 0)
			continue;
		rc = known(arg, id, &yes);
		if (rc == 0 && !yes) {
			body_remove(dir, id);
			(*removed)++;
		}
	}
	(void)closedir(d);
	return rc;
}
