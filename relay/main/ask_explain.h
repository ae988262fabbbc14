/* Asks the shard that owns a destination how it would send mail there. */
#ifndef RELAY_MAIN_ASK_EXPLAIN_H
#define RELAY_MAIN_ASK_EXPLAIN_H

#include <stdint.h>

#include "relay/base/err.h"
#include "relay/ctl/ctl_server.h"
#include "relay/main/errand.h"

/* The errand to send; owned by whoever sends it, and by itself then. done is
 * called on the asker's loop when it is back, or when it never will be. */
struct errand *ask_explain_new(
    const char *domain, uint16_t port, ctl_explain_fn *done, void *job);
/* One that was not sent; done is not called. */
void ask_explain_free(struct errand *e);

#endif
