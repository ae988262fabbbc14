/*
 * While the queue can't be opened, clients are told so: 421 4.3.0, and their
 * MTA keeps the mail. Tries the queue again every few seconds.
 */
#ifndef RELAY_MAIN_REFUSE_H
#define RELAY_MAIN_REFUSE_H

#include <stddef.h>

#include "relay/base/log.h"
#include "relay/queue/store.h"

struct refuse_fds {
	const int *listens; /* listening, of clients */
	size_t n;
	int ctl; /* listening, of the command line */
	int stop; /* readable: stop */
	int sig; /* signalfd with SIGTERM and SIGINT, which are blocked */
};

/*
 * Opens the store, however long it takes; meanwhile clients get 421 and the
 * command line the reason. The descriptors stay the caller's. 0, or
 * ERR_CANCELED when it was told to stop.
 */
NODISCARD int refuse_until_open(const struct store_opts *o,
    const char *hostname, const struct refuse_fds *fds, struct log *log,
    struct store_hub **out);

#endif
