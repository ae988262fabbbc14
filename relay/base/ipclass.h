/* Which addresses are not public. Pure. */
#ifndef RELAY_BASE_IPCLASS_H
#define RELAY_BASE_IPCLASS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Not a public unicast address: loopback, private, shared (100.64/10),
 * link-local, unique-local, multicast, unspecified, reserved, and mapped,
 * NAT64, 6to4 and compatible forms of these. family: 4 or 6 (anything else is
 * special); ip: 4 or 16 bytes.
 */
bool ipclass_is_special(unsigned family, const uint8_t *ip);

#endif
