/* A site rule's nexthop and address literals as text. Pure. */
#ifndef RELAY_POLICY_NEXTHOP_H
#define RELAY_POLICY_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/rr.h"

struct nexthop {
	bool literal; /* addr counts, host is its text in brackets */
	struct rr_addr addr;
	char host[DOMAIN_MAX]; /* canonical name */
	uint16_t port;
};

/*
 * "host", "host:port", "[192.0.2.1]", "[2001:db8::1]:port", and the form of
 * RFC 5321 4.1.3, "[IPv6:2001:db8::1]". def_port: when none is said.
 * ERR_SYNTAX.
 */
NODISCARD int nexthop_parse(
    struct str s, uint16_t def_port, struct nexthop *out);

#endif
