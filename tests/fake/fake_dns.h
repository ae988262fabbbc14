/* The zones of the world, and the resolver that knows them. */
#ifndef TESTS_FAKE_FAKE_DNS_H
#define TESTS_FAKE_FAKE_DNS_H

#include <stdbool.h>

#include "relay/dns/dns.h"
#include "relay/model/rr.h"

enum fake_resolver {
	FAKE_RESOLVER_OK,
	FAKE_RESOLVER_UNTRUSTED, /* answers without AD */
	FAKE_RESOLVER_BOASTING, /* AD on all, whatever is asked, but the root */
	FAKE_RESOLVER_DEAD, /* nobody listens */
	FAKE_RESOLVER_MUTE /* never answers */
};

void fake_dns_resolver(enum fake_resolver r);
/* The answer to a question from now on; takes set over. NULL: it times out.
 * What is not there is NXDOMAIN, as secure as the zone. */
void fake_dns_put(const char *name, enum rr_type type, struct rr_set *take_set);
/* The set for a question, to be changed, or NULL. */
struct rr_set *fake_dns_get(const char *name, enum rr_type type);
void fake_dns_remove(const char *name, enum rr_type type);
/* Are names in and below it signed? The longest match counts. */
void fake_dns_zone(const char *name, bool secure);
bool fake_dns_is_secure(const char *name);
/* Questions that reached the resolver; name NULL: all but the canary's. */
unsigned fake_dns_asked(const char *name, enum rr_type type);
void fake_dns_end(void);

#endif
