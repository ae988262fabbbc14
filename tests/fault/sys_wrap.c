/*
 * A descriptor below the folder is known by its path from open to close. The
 * names __wrap_x and __real_x are the linker's.
 */
#include "config.h"

#include "tests/fault/sys_wrap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "tests/fault/disk.h"
#include "tests/fault/fault.h"

#define MAX_FDS 256

struct sys_wrap {
	char dir[256];
	size_t len;
	char *path[MAX_FDS];
};

static struct sys_wrap sys;

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_unlink(const char *path);
int __real_mkdir(const char *path, mode_t mode);
DIR *__real_opendir(const char *path);

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_unlink(const char *path);
int __wrap_mkdir(const char *path, mode_t mode);
DIR *__wrap_opendir(const char *path);

void
sys_wrap_watch(const char *dir)
{
	(void)snprintf(sys.dir, sizeof(sys.dir), "%s", dir);
	sys.len = strlen(sys.dir);
}

static bool
watched(const char *path)
{
	return sys.len > 0 && strncmp(path, sys.dir, sys.len) == 0 &&
	    (path[sys.len] == '/' || path[sys.len] == '\0');
}

static const char *
path_of(int fd)
{
	return fd >= 0 && fd < MAX_FDS ? sys.path[fd] : NULL;
}

/* false: errno is set, nothing is to be done. */
static bool
goes_on(enum fault_kind kind, enum fault_mode *mode)
{
	*mode = fault_step(kind);
	if (*mode == FAULT_MODE_NONE)
		return true;
	errno = *mode == FAULT_MODE_FULL ? ENOSPC : EIO;
	return *mode == FAULT_MODE_SHORT;
}

int
__wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	enum fault_mode how;
	bool is_new;
	int fd;

	if (flags & O_CREAT) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (!watched(path))
		return __real_open(path, flags, mode);
	if (!goes_on(FAULT_SYS_OPEN, &how))
		return -1;
	is_new = (flags & O_CREAT) && access(path, F_OK) != 0;
	fd = __real_open(path, flags, mode);
	if (fd < 0)
		return fd;
	if (fd >= MAX_FDS)
		BUG("too many descriptors");
	sys.path[fd] = xstrdup(path);
	if (is_new)
		disk_made(path, false);
	return fd;
}

int
__wrap_close(int fd)
{
	enum fault_mode how;
	bool good = true;
	int rc;

	if (!path_of(fd))
		return __real_close(fd);
	good = goes_on(FAULT_SYS_CLOSE, &how);
	free(sys.path[fd]);
	sys.path[fd] = NULL;
	rc = __real_close(fd);
	if (!good)
		errno = how == FAULT_MODE_FULL ? ENOSPC : EIO;
	return good ? rc : -1;
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	enum fault_mode how = FAULT_MODE_NONE;

	if (path_of(fd) && !goes_on(FAULT_SYS_READ, &how))
		return -1;
	if (how == FAULT_MODE_SHORT && n > 1)
		n /= 2;
	return __real_read(fd, p, n);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	const char *path = path_of(fd);
	enum fault_mode how = FAULT_MODE_NONE;
	bool good = !path || goes_on(FAULT_SYS_WRITE, &how);
	off_t at;
	ssize_t done;

	if (!path)
		return __real_write(fd, p, n);
	if (!good && how != FAULT_MODE_TEAR)
		return -1;
	if (how != FAULT_MODE_NONE && n > 1)
		n /= 2;
	at = lseek(fd, 0, SEEK_CUR);
	done = __real_write(fd, p, n);
	if (done > 0)
		disk_wrote(path, (uint64_t)at, p, (size_t)done);
	if (!good)
		errno = EIO;
	return good ? done : -1;
}

int
__wrap_fsync(int fd)
{
	const char *path = path_of(fd);
	enum fault_mode how;
	struct stat st;

	if (!path)
		return __real_fsync(fd);
	if (!goes_on(FAULT_SYS_SYNC, &how) || __real_fsync(fd) != 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		disk_synced_names(path);
	else
		disk_synced(path);
	return 0;
}

int
__wrap_unlink(const char *path)
{
	enum fault_mode how;

	if (!watched(path))
		return __real_unlink(path);
	if (!goes_on(FAULT_SYS_UNLINK, &how) || __real_unlink(path) != 0)
		return -1;
	disk_removed(path);
	return 0;
}

int
__wrap_mkdir(const char *path, mode_t mode)
{
	enum fault_mode how;

	if (!watched(path))
		return __real_mkdir(path, mode);
	if (!goes_on(FAULT_SYS_MKDIR, &how) || __real_mkdir(path, mode) != 0)
		return -1;
	disk_made(path, true);
	return 0;
}

DIR *
__wrap_opendir(const char *path)
{
	enum fault_mode how;

	if (!watched(path))
		return __real_opendir(path);
	return goes_on(FAULT_SYS_OPENDIR, &how) ? __real_opendir(path) : NULL;
}
