/* Drops the receipts of deliveries that are too old, a few at a time. */
#ifndef RELAY_DELIVER_TIDY_H
#define RELAY_DELIVER_TIDY_H

#include <stdint.h>

#include "relay/base/clock.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"

struct tidy;

/* Begins; one a process is enough. keep_s: seconds that a receipt is kept. */
struct tidy *tidy_new(
    struct loop *loop, struct store *store, struct clock clock, int64_t keep_s);
void tidy_free(struct tidy *t); /* NULL is fine */

#endif
