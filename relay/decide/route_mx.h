/* What an MX set means for a route when there is no host in it to try. */
#ifndef RELAY_DECIDE_ROUTE_MX_H
#define RELAY_DECIDE_ROUTE_MX_H

#include <stdbool.h>

#include "relay/dns/mx.h"
#include "relay/model/outcome.h"

/*
 * False: there are hosts. Else out says what becomes of mail for domain.
 * blind: nobody validated this answer though DANE is a promise (DANE-58), so
 * nothing may bounce by it.
 */
bool route_mx_end(const struct mx_set *mx, const char *domain, bool blind,
    struct outcome *out);

#endif
