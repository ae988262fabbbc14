/* From a host that took a message to what a receipt says of it. Pure. */
#ifndef RELAY_DECIDE_PROOF_H
#define RELAY_DECIDE_PROOF_H

#include "relay/decide/decide.h"
#include "relay/model/outcome.h"
#include "relay/model/receipt.h"

/* h: the host as the route gave it, while the route is there; o: what became
 * of a recipient that it took. out is initialized; receipt_proof_clear it. Its
 * time is not set. */
void proof_make(const struct route_host *h, const struct outcome *o,
    struct receipt_proof *out);

#endif
