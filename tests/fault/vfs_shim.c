/*
 * Files carry their path, since the disk knows files by name. What the unix
 * VFS does beyond the call is told as well: the first sync of a new log also
 * syncs the folder (os_unix.c, UNIXFILE_DIRSYNC).
 */
#include "config.h"

#include "tests/fault/vfs_shim.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "tests/fault/disk.h"
#include "tests/fault/fault.h"

#define SECTOR 512

struct shim_file {
	sqlite3_file base;
	sqlite3_file *real;
	char *path;
	int err; /* errno of the last fault */
	bool sync_names; /* the next sync is one of the folder too */
};

static sqlite3_vfs *
unix_vfs(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find("unix");

	if (!vfs)
		BUG("no unix VFS");
	return vfs;
}

static struct shim_file *
shim_of(sqlite3_file *f)
{
	return (struct shim_file *)f;
}

static void
sync_names_above(const char *path)
{
	char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');

	if (slash) {
		*slash = '\0';
		disk_synced_names(folder);
	}
	free(folder);
}

/* The result of a fault; 0: go on. */
static int
spoiled(
    struct shim_file *s, enum fault_kind kind, enum fault_mode *mode, int err)
{
	*mode = fault_step(kind);
	if (*mode == FAULT_MODE_NONE)
		return SQLITE_OK;
	s->err = *mode == FAULT_MODE_FULL ? ENOSPC : EIO;
	if (*mode != FAULT_MODE_FULL)
		return err;
	if (kind == FAULT_LOCK || kind == FAULT_SHM_LOCK)
		return SQLITE_BUSY;
	return kind == FAULT_SYNC ? err : SQLITE_FULL;
}

static int
shim_close(sqlite3_file *f)
{
	struct shim_file *s = shim_of(f);
	int rc = s->real->pMethods->xClose(s->real);

	free(s->path);
	s->path = NULL;
	return rc;
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = spoiled(s, FAULT_READ, &mode, SQLITE_IOERR_READ);

	if (mode == FAULT_MODE_TEAR)
		(void)s->real->pMethods->xRead(s->real, p, n / 2, at);
	return err ? err : s->real->pMethods->xRead(s->real, p, n, at);
}

static int
write_part(struct shim_file *s, const void *p, int n, sqlite3_int64 at)
{
	int rc = s->real->pMethods->xWrite(s->real, p, n, at);

	if (rc == SQLITE_OK)
		disk_wrote(s->path, (uint64_t)at, p, (size_t)n);
	return rc;
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = spoiled(s, FAULT_WRITE, &mode, SQLITE_IOERR_WRITE);
	int part = n / 2 > SECTOR ? n / 2 / SECTOR * SECTOR : n / 2;

	if (mode == FAULT_MODE_TEAR)
		(void)write_part(s, p, part, at);
	return err ? err : write_part(s, p, n, at);
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int rc = spoiled(s, FAULT_TRUNCATE, &mode, SQLITE_IOERR_TRUNCATE);

	if (rc == SQLITE_OK)
		rc = s->real->pMethods->xTruncate(s->real, size);
	if (rc == SQLITE_OK)
		disk_truncated(s->path, (uint64_t)size);
	return rc;
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int rc = spoiled(s, FAULT_SYNC, &mode, SQLITE_IOERR_FSYNC);

	if (rc == SQLITE_OK)
		rc = s->real->pMethods->xSync(s->real, flags);
	if (rc != SQLITE_OK)
		return rc;
	disk_synced(s->path);
	if (s->sync_names)
		sync_names_above(s->path);
	s->sync_names = false;
	return SQLITE_OK;
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = spoiled(s, FAULT_SIZE, &mode, SQLITE_IOERR_FSTAT);

	return err ? err : s->real->pMethods->xFileSize(s->real, size);
}

static int
shim_lock(sqlite3_file *f, int level)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = spoiled(s, FAULT_LOCK, &mode, SQLITE_IOERR_LOCK);

	return err ? err : s->real->pMethods->xLock(s->real, level);
}

/* Giving back cannot go wrong in a way that SQLite would look at. */
static int
shim_unlock(sqlite3_file *f, int level)
{
	struct shim_file *s = shim_of(f);

	return s->real->pMethods->xUnlock(s->real, level);
}

static int
shim_reserved(sqlite3_file *f, int *out)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = spoiled(s, FAULT_LOCK, &mode, SQLITE_IOERR_CHECKRESERVEDLOCK);

	return err ? err : s->real->pMethods->xCheckReservedLock(s->real, out);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	struct shim_file *s = shim_of(f);

	if (op == SQLITE_FCNTL_LAST_ERRNO && s->err != 0) {
		*(int *)arg = s->err;
		return SQLITE_OK;
	}
	return s->real->pMethods->xFileControl(s->real, op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	struct shim_file *s = shim_of(f);

	return s->real->pMethods->xSectorSize(s->real);
}

static int
shim_traits(sqlite3_file *f)
{
	struct shim_file *s = shim_of(f);

	return s->real->pMethods->xDeviceCharacteristics(s->real);
}

static int
shim_shm_map(
    sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = spoiled(s, FAULT_SHM_MAP, &mode, SQLITE_IOERR_SHMMAP);

	if (err) {
		*out = NULL;
		return err;
	}
	return s->real->pMethods->xShmMap(s->real, region, size, extend, out);
}

static int
shim_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	struct shim_file *s = shim_of(f);
	enum fault_mode mode;
	int err = 0;

	if (flags & SQLITE_SHM_LOCK)
		err = spoiled(s, FAULT_SHM_LOCK, &mode, SQLITE_IOERR_SHMLOCK);
	return err ? err : s->real->pMethods->xShmLock(s->real, at, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
	struct shim_file *s = shim_of(f);

	s->real->pMethods->xShmBarrier(s->real);
}

static int
shim_shm_unmap(sqlite3_file *f, int and_delete)
{
	struct shim_file *s = shim_of(f);

	return s->real->pMethods->xShmUnmap(s->real, and_delete);
}

/* Version 2: a memory map is not to be had, and the store wants none. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_traits,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

/* ---- the VFS itself ---- */

static int
shim_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *f, int flags,
    int *out_flags)
{
	struct shim_file *s = shim_of(f);
	bool is_new = path && access(path, F_OK) != 0;
	int rc;

	(void)vfs;
	memset(s, 0, sizeof(*s));
	if (fault_step(FAULT_OPEN) != FAULT_MODE_NONE)
		return SQLITE_CANTOPEN;
	s->real = (sqlite3_file *)(s + 1);
	rc = unix_vfs()->xOpen(unix_vfs(), path, s->real, flags, out_flags);
	if (rc != SQLITE_OK)
		return rc;
	s->base.pMethods = &methods;
	s->path = xstrdup(path ? path : "");
	if (is_new && (flags & SQLITE_OPEN_CREATE)) {
		disk_made(s->path, false);
		s->sync_names = (flags & SQLITE_OPEN_WAL) != 0;
	}
	return SQLITE_OK;
}

static int
shim_delete(sqlite3_vfs *vfs, const char *path, int sync_names)
{
	int rc;

	(void)vfs;
	if (fault_step(FAULT_DELETE) != FAULT_MODE_NONE)
		return SQLITE_IOERR_DELETE;
	rc = unix_vfs()->xDelete(unix_vfs(), path, sync_names);
	if (rc == SQLITE_OK)
		disk_removed(path);
	if (rc == SQLITE_OK && sync_names)
		sync_names_above(path);
	return rc;
}

static int
shim_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
	(void)vfs;
	if (fault_step(FAULT_ACCESS) != FAULT_MODE_NONE)
		return SQLITE_IOERR_ACCESS;
	return unix_vfs()->xAccess(unix_vfs(), path, flags, out);
}

/* Whoever waits for a lock has waited: no test runs on the clock. */
static int
shim_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static sqlite3_vfs shim;

void
vfs_shim_install(void)
{
	shim = *unix_vfs();
	shim.szOsFile += (int)sizeof(struct shim_file);
	shim.zName = "shim";
	shim.pNext = NULL;
	shim.xOpen = shim_open;
	shim.xDelete = shim_delete;
	shim.xAccess = shim_access;
	shim.xSleep = shim_sleep;
	if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK)
		BUG("no shim");
}
