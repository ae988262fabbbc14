/* Is the file system fit for a database in WAL mode? */
#ifndef RELAY_QUEUE_FS_CHECK_H
#define RELAY_QUEUE_FS_CHECK_H

#include <stdint.h>

#include "relay/base/err.h"

/* Name of the file system of this statfs(2) type when WAL is unsafe on it,
 * else NULL. */
const char *fs_check_type(uint32_t type);
/* ERR_UNSUPPORTED (text says which), ERR_NOTFOUND, ERR_PERM, ERR_IO. */
NODISCARD int fs_check(const char *path, char text[256]);
/* Free bytes for us on the file system of path; UINT64_MAX when unknown. */
uint64_t fs_free(const char *path);

#endif
