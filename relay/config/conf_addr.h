/* Addresses, ports and networks as they stand in a configuration. Pure. */
#ifndef RELAY_CONFIG_CONF_ADDR_H
#define RELAY_CONFIG_CONF_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/options.h"
#include "relay/model/rr.h"

/*
 * "192.0.2.1:25", "[2001:db8::1]:25"; without a port, def_port unless that is
 * 0, and IPv6 then also without brackets. Port 1 to 65535. ERR_SYNTAX,
 * ERR_RANGE (the port).
 */
NODISCARD int conf_addr_port(
    struct str s, uint16_t def_port, struct opt_addr_port *out);
/*
 * "192.0.2.0/24", "2001:db8::/32", or one address. ERR_SYNTAX; ERR_RANGE: the
 * prefix is longer than the address.
 */
NODISCARD int conf_net(struct str s, struct opt_net *out);
/* Clears the bits behind the prefix; true when there were any. */
bool conf_net_mask(struct opt_net *net);
/* 127.0.0.0/8 and ::1. */
bool conf_addr_is_loopback(const struct rr_addr *a);

#endif
