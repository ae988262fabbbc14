/* Addresses of peers, without any system header in sight. */
#ifndef RELAY_NET_SOCKADDR_H
#define RELAY_NET_SOCKADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"

struct sockaddr_any {
	uint8_t family; /* 4, 6, or 0 for a unix socket */
	uint8_t ip[16];
	uint16_t port;
};

#define SOCKADDR_TEXT 64
void sockaddr_str(const struct sockaddr_any *a, char out[SOCKADDR_TEXT]);
/* "1.2.3.4:25" "[2001:db8::1]:25" "1.2.3.4"(with def_port). ERR_SYNTAX. */
NODISCARD int sockaddr_parse(
    struct str s, uint16_t def_port, struct sockaddr_any *out);
/* Turns ::ffff:a.b.c.d into the IPv4 address itself. */
void sockaddr_unmap(struct sockaddr_any *a);
/*
 * Not a public unicast address: loopback, private, shared (100.64/10),
 * link-local, unique-local, multicast, unspecified, reserved, and mapped,
 * NAT64, 6to4 and compatible forms of these.
 */
bool sockaddr_is_special(const struct sockaddr_any *a);
/* Addresses of this machine's interfaces, freshly read; caller frees with
 * free(). ERR_IO. */
NODISCARD int sockaddr_own(struct sockaddr_any **out, size_t *n);
/* Same IP, ports aside; a mapped address equals the IPv4 one in it. Unix
 * sockets equal nothing. */
bool sockaddr_eq_ip(const struct sockaddr_any *a, const struct sockaddr_any *b);

/* For adapters: to the system's form, which is sockaddr_storage large;
 * returns its length in bytes, 0 for a unix socket. */
struct sockaddr;
struct sockaddr_storage;
unsigned sockaddr_to_sys(
    const struct sockaddr_any *a, struct sockaddr_storage *out);
/* From the system's form; family 0 for all but IPv4 and IPv6. */
void sockaddr_from_sys(const struct sockaddr *sa, struct sockaddr_any *out);

#endif
