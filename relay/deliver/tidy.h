/* Drops the receipts of deliveries that are too old, a few at a time. */
#ifndef RELAY_DELIVER_TIDY_H
#define RELAY_DELIVER_TIDY_H

#include "relay/base/clock.h"
#include "relay/model/options.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"

struct tidy;

/* Begins; one a process is enough. */
struct tidy *tidy_new(struct loop *loop, struct store *store,
    struct clock clock, const struct options *options);
void tidy_free(struct tidy *t); /* NULL is fine */

#endif
