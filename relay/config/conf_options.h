/* All sections of a configuration to options. Pure. */
#ifndef RELAY_CONFIG_CONF_OPTIONS_H
#define RELAY_CONFIG_CONF_OPTIONS_H

#include "relay/base/err.h"
#include "relay/config/conf_tree.h"
#include "relay/model/options.h"

/* What the machine says where the file says nothing. */
struct conf_machine {
	const char *hostname; /* may be no full name */
	unsigned cores;
	const char *unbound; /* program */
	bool any_name; /* a machine without a full name is fine */
};

/*
 * New options with all defaults, then what the tree says; problems are noted
 * in the tree. Never NULL; freed by conf_options_free also after problems.
 */
struct options *conf_options_make(
    const struct conf_tree *t, const struct conf_machine *m);
void conf_options_free(struct options *o); /* NULL is fine */

#endif
