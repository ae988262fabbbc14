/*
 * Large bodies as files in state_dir/spool, one a message, named by the queue
 * id. Store threads only. A file without its row in the database is an orphan.
 */
#ifndef RELAY_QUEUE_BODY_H
#define RELAY_QUEUE_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/blob.h"
#include "relay/base/err.h"
#include "relay/base/str.h"

/*
 * Bodies of more bytes than this are files. Measured, 500 messages at once on
 * ext4 over virtio, as rows and as files, in ms: 64 KB 182 and 445, 128 KB 352
 * and 740, 256 KB 869 and 583, 512 KB 1512 and 793.
 */
#define BODY_INLINE_MAX (128u * 1024u)

/* The folder, below the one that the functions are given. */
#define BODY_DIR "spool"

/* Makes the folder, and all names in dir last. ERR_PERM, ERR_FULL, ERR_IO. */
NODISCARD int body_init(const char *dir);
/*
 * Writes the file; when this returns 0 the bytes and the name are on the disk.
 * On error nothing is left. ERR_EXISTS, ERR_FULL, ERR_PERM, ERR_IO.
 */
NODISCARD int body_write(const char *dir, uint64_t id, struct str bytes);
/* ERR_NOTFOUND, ERR_CORRUPT (not size bytes long), ERR_PERM, ERR_IO. */
NODISCARD int body_read(
    const char *dir, uint64_t id, uint64_t size, struct blob **out);
/* A file that is not there is fine. */
void body_remove(const char *dir, uint64_t id);
/*
 * Removes files of which known says false; others' files are left alone.
 * *removed counts. Returns the first error of known, or ERR_IO.
 */
NODISCARD int body_sweep(const char *dir,
    int (*known)(void *arg, uint64_t id, bool *yes), void *arg,
    unsigned *removed);

#endif
