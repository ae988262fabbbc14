/* The addresses of this machine, read again every half minute: mail is never
 * delivered back to them. One a shard. */
#ifndef RELAY_MAIN_OWN_ADDR_H
#define RELAY_MAIN_OWN_ADDR_H

#include <stdbool.h>

#include "relay/model/rr.h"
#include "relay/net/timer.h"

struct own_addr;

struct own_addr *own_addr_new(struct loop *loop);
void own_addr_free(struct own_addr *o); /* NULL is fine */
/* arg: the struct own_addr. A list that can't be read is kept as it was. */
bool own_addr_has(void *arg, const struct rr_addr *addr);

#endif
