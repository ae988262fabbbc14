/*
 * The parent: takes the lock on state_dir, binds the listeners, starts and
 * restarts unbound and the relay, handles signals. Parses nothing remote,
 * touches no mail.
 */
#ifndef RELAY_MAIN_SUPERVISOR_H
#define RELAY_MAIN_SUPERVISOR_H

#include <stdbool.h>

#include "relay/base/str.h"
#include "relay/model/options.h"

struct supervisor_args {
	const struct options *options;
	const char *conf_name; /* as it stands in messages */
	struct str conf_text; /* handed to the relay as it was read */
	const char *program; /* of the relay: our own file */
	const char *argv0; /* waxseal(1) is beside it */
	bool embedded; /* no -c: say how to try it */
};

/* Runs until told to stop. Exit status; ends the process by die() when the
 * environment is unusable: 2 configuration, 3 else. */
int supervisor_run(const struct supervisor_args *a);

#endif
