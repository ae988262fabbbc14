/* Users by name or number, and giving up root for good. */
#ifndef RELAY_MAIN_UID_H
#define RELAY_MAIN_UID_H

#include "relay/base/err.h"

struct uid {
	long uid, gid; /* -1: stay what we are (not started as root) */
};

/* user: a name, "UID" (gid the same) or "UID:GID". Not root: {-1, -1}. text:
 * one line. ERR_CONFIG. */
NODISCARD int uid_resolve(const char *user, struct uid *out, char text[256]);
/* Gives up supplementary groups, gid, uid and the way back. ERR_PERM. */
NODISCARD int uid_drop(const struct uid *u);

#endif
