/* The site sections: rules for single domains. Pure. */
#ifndef RELAY_CONFIG_CONF_SITE_H
#define RELAY_CONFIG_CONF_SITE_H

#include "relay/config/conf_tree.h"
#include "relay/model/options.h"

/* Fills o->sites. Problems are noted in the tree. */
void conf_sites_make(const struct conf_tree *t, struct options *o);
void conf_sites_free(struct options *o);

#endif
