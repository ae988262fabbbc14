/* The resolver section and its zones. Pure. */
#ifndef RELAY_CONFIG_CONF_RESOLVER_H
#define RELAY_CONFIG_CONF_RESOLVER_H

#include "relay/config/conf_tree.h"
#include "relay/model/options.h"

/* Fills r. Problems are noted in the tree. */
void conf_resolver_make(const struct conf_tree *t, struct opt_resolver *r);
void conf_resolver_free(struct opt_resolver *r);

/* Why the DNSSEC status that a resolver there reports is believed only when a
 * person says so (trust = yes): static text; NULL: it is believed. */
const char *conf_resolver_doubt(const struct opt_addr_port *a);

#endif
