/*
 * WAL needs memory shared by all who open the file, and locks that work:
 * network file systems have neither in all cases (sqlite.org/wal.html, "All
 * processes using a database must be on the same host"). FUSE is let through:
 * container layers and virtiofs are FUSE, and behave.
 */
#include "config.h"

#include "relay/queue/fs_check.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

const char *
fs_check_type(uint32_t type)
{
	/* Numbers as in statfs(2). */
	static const struct {
		uint32_t type;
		const char *name;
	} unsafe[] = {
	    {0x6969, "nfs"},
	    {0xff534d42, "cifs"},
	    {0xfe534d42, "smb2"},
	    {0x517b, "smb"},
	    {0x01021997, "9p"},
	    {0x5346414f, "afs"},
	    {0x6b414653, "afs"},
	    {0x73757245, "coda"},
	    {0x564c, "ncp"},
	    {0x786f4256, "vboxsf"},
	};

	for (size_t i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
		if (unsafe[i].type == type)
			return unsafe[i].name;
	}
	return NULL;
}

int
fs_check(const char *path, char text[256])
{
	struct statfs fs;
	const char *name;

	if (statfs(path, &fs) != 0) {
		int e = errno;

		(void)snprintf(text, 256, "%s: %s", path, strerror(e));
		if (e == ENOENT)
			return ERR_NOTFOUND;
		return e == EACCES ? ERR_PERM : ERR_IO;
	}
	name = fs_check_type((uint32_t)fs.f_type);
	if (!name)
		return 0;
	(void)snprintf(text, 256,
	    "%s: is on a %s file system, where the queue is not safe: "
	    "set state_dir to a local disk",
	    path, name);
	return ERR_UNSUPPORTED;
}

uint64_t
fs_free(const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) != 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
}
