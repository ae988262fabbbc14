/*
 * The folder of the resolver child: configuration, trust anchor, root hints.
 * It belongs to the child's user, who keeps the anchor by RFC 5011 there, so
 * nothing in it is trusted by the parent. Parent's thread.
 */
#ifndef RELAY_DNS_UNBOUND_FILES_H
#define RELAY_DNS_UNBOUND_FILES_H

#include <stdint.h>

#include "relay/base/err.h"
#include "relay/model/options.h"

struct unbound_files_opts {
	const struct opt_resolver *resolver;
	const char *dir; /* made when it is not there */
	long uid, gid; /* owner; -1: stay what we are */
	uint16_t port;
	unsigned shards;
};

/*
 * Writes what is missing or changed. The anchor is seeded once: a given
 * trust_anchor file again whenever that file changes, the public root's also
 * when a release knows a key that the seed had not; else RFC 5011 keeps it.
 * *dir_fd: the folder, open; the caller closes it. ERR_CONFIG, ERR_PERM,
 * ERR_FULL (disk), ERR_IO with one line in text.
 */
NODISCARD int unbound_files_write(
    const struct unbound_files_opts *o, int *dir_fd, char text[256]);

#endif
