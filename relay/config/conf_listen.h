/* The listen sections. Pure. */
#ifndef RELAY_CONFIG_CONF_LISTEN_H
#define RELAY_CONFIG_CONF_LISTEN_H

#include "relay/config/conf_tree.h"
#include "relay/model/options.h"

/* Fills o->listens; without any section a smarthost on 127.0.0.1:2525.
 * Problems are noted in the tree. */
void conf_listens_make(const struct conf_tree *t, struct options *o);
void conf_listens_free(struct options *o);

#endif
