/* Who may relay: networks only, loopback by default. Pure. */
#ifndef RELAY_IN_ACCESS_H
#define RELAY_IN_ACCESS_H

#include <stdbool.h>

#include "relay/model/options.h"
#include "relay/model/rr.h"

/*
 * addr NULL: a unix socket, whose permission bits decide. Mapped addresses
 * (::ffff:) are compared as IPv4. A listener without networks serves
 * 127.0.0.0/8 and ::1.
 */
bool access_may_relay(const struct opt_listen *l, const struct rr_addr *addr);

#endif
