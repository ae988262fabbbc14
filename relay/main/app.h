/*
 * The relay process: shards, store, control socket, on descriptors that the
 * parent bound. Never forks, never execs, never binds.
 */
#ifndef RELAY_MAIN_APP_H
#define RELAY_MAIN_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/model/options.h"

struct app_args {
	const struct options *options;
	uint16_t resolver_port; /* of the managed child, 0: external */
	bool crashed; /* the relay before this one: see poison_is_crash */
};

/* Runs until told to stop. Exit status: 0 stopped, 3 can't run. */
int app_run(const struct app_args *a);

#endif
