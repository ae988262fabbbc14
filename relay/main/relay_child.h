/* The relay as a child of the parent: started with its descriptors, watched.
 * Parent's thread. */
#ifndef RELAY_MAIN_RELAY_CHILD_H
#define RELAY_MAIN_RELAY_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/net/timer.h"

struct relay_child;

struct relay_child_opts {
	struct loop *loop;
	const char *program; /* file to execute: waxseald itself */
	const char *name; /* of the configuration, for messages */
	long uid, gid;
	uint16_t resolver_port;
	bool crashed; /* the one before it, and it is told so */
	const int *fds; /* become FD_CONFIG and up; stay the caller's */
	size_t n_fds;
	/* Runs once: exit status, or the signal that ended it (else 0). The
	 * struct is gone then. */
	void (*on_exit)(void *arg, int status, int signo);
	void *arg;
};

/* text: one line. ERR_IO. */
NODISCARD int relay_child_start(
    const struct relay_child_opts *o, struct relay_child **out, char text[160]);
void relay_child_signal(struct relay_child *c, int signo);

#endif
