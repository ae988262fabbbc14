/* Accepts connections on a bound, listening descriptor. */
#ifndef RELAY_NET_LISTENER_H
#define RELAY_NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/err.h"
#include "relay/net/sockaddr.h"
#include "relay/net/timer.h"

struct listener;
/* fd is owned by the callee. */
typedef void listener_fn(
    void *arg, int take_fd, const struct sockaddr_any *peer);

/* Takes the descriptor. ERR_IO. */
NODISCARD int listener_open(struct loop *loop, int take_fd, listener_fn *fn,
    void *arg, struct listener **out);
void listener_pause(struct listener *l, bool paused);
void listener_close(struct listener *l); /* NULL is fine */

/*
 * Makes a bound and listening socket; used by the parent. reuseport: several
 * may be bound to one address. *text gets one line (<= 160 bytes) on error.
 * ERR_EXISTS (address in use), ERR_PERM, ERR_IO.
 */
NODISCARD int listener_bind_tcp(
    const struct sockaddr_any *addr, bool reuseport, int *fd, char text[160]);
/* mode: permission bits; owner and group are the effective ones. Sets the umask
 * meanwhile, so no other thread may make files. A stale socket file is replaced;
 * a live one (somebody answers) is ERR_EXISTS. */
NODISCARD int listener_bind_unix(
    const char *path, unsigned mode, int *fd, char text[160]);

#endif
