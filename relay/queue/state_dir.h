/* The folder that the queue lives in: made, checked, locked. Parent. */
#ifndef RELAY_QUEUE_STATE_DIR_H
#define RELAY_QUEUE_STATE_DIR_H

#include "relay/base/err.h"

/*
 * Makes path (mode 0711: the resolver's folder
 * is below it, owner uid:gid unless uid < 0) when it is not there,
 * checks that it is a local file system, takes the lock. *fd stays open as
 * long as the lock is wanted (close-on-exec). text: one line with the reason
 * and what to do. ERR_EXISTS (another instance; its pid is in text), ERR_PERM,
 * ERR_UNSUPPORTED, ERR_IO.
 */
NODISCARD int state_dir_lock(
    const char *path, long uid, long gid, int *fd, char text[256]);

#endif
