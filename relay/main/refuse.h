/*
 * While the queue can't be opened, clients are told so: 421 4.3.0, and their
 * MTA keeps the mail. Tries the queue again every few seconds.
 */
#ifndef RELAY_MAIN_REFUSE_H
#define RELAY_MAIN_REFUSE_H

#include <stddef.h>

#include "relay/base/log.h"
#include "relay/queue/store.h"

/*
 * Opens the store, however long it takes; meanwhile answers on the n
 * listening descriptors (which stay the caller's). 0, or ERR_CANCELED when
 * stop_fd became readable or SIGTERM/SIGINT came (blocked by the caller and
 * waiting in sig_fd).
 */
int refuse_until_open(const struct store_opts *o, const char *hostname,
    const int *fds, size_t n, int stop_fd, int sig_fd, struct log *log,
    struct store_hub **out);

#endif
