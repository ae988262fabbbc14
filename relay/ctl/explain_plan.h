/*
 * The hosts of a report that would be tried, as the relay would try them: the
 * plans that its JSON form tells, made values again. Pure.
 */
#ifndef RELAY_CTL_EXPLAIN_PLAN_H
#define RELAY_CTL_EXPLAIN_PLAN_H

#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/explain.h"

struct explain_try {
	char host[DOMAIN_MAX];
	uint16_t port;
	struct rr_addr addrs[EXPLAIN_ADDRS_MAX];
	size_t n_addrs;
	struct tls_plan plan; /* owned */
};

/* Best host first. ERR_SYNTAX: no report; a plan is understood whole or not
 * at all, so that no part of it is forgotten. */
NODISCARD int explain_plan_read(
    struct str json, struct explain_try **out, size_t *n);
void explain_plan_free(struct explain_try *v, size_t n);

#endif
