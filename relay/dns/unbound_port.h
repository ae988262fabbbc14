/*
 * A port on 127.0.0.1 that only the resolver child can use: while the child
 * is down, no other local user can bind it and answer in its place. Parent's
 * thread.
 */
#ifndef RELAY_DNS_UNBOUND_PORT_H
#define RELAY_DNS_UNBOUND_PORT_H

#include <stdint.h>

#include "relay/base/err.h"

struct unbound_port {
	int udp, tcp; /* held, never read */
	uint16_t port;
};

/*
 * Chooses a free port. uid: of the child, or -1 for our own; sockets share a
 * port only among equal users, so these are made as that user. ERR_PERM,
 * ERR_IO with one line in text.
 */
NODISCARD int unbound_port_reserve(
    long uid, struct unbound_port *out, char text[160]);
void unbound_port_release(struct unbound_port *p);

#endif
