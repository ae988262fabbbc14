/* MX sets: RFC 5321 5.1, RFC 7505. Pure. */
#ifndef RELAY_DNS_MX_H
#define RELAY_DNS_MX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"
#include "relay/model/rr.h"
#include "relay/model/verdicts.h"

#define MX_HOSTS_MAX 100 /* hosts of one set that are looked at */

struct mx_host {
	char name[DOMAIN_MAX];
	uint16_t pref;
};

enum mx_result {
	MX_HOSTS, /* n >= 1 */
	MX_NULL, /* RFC 7505: no mail, NMX-01 */
	MX_NO_DOMAIN, /* NXDOMAIN */
	MX_FAIL, /* lookup error: defer */
	MX_SELF /* we are the best MX: SMTP-17 */
};

struct mx_set {
	enum mx_result result;
	enum mx_security security;
	enum rr_why why;
	struct mx_host *hosts; /* owned, best first, equals shuffled */
	size_t n;
	bool self_dropped; /* our own name cut the set */
	/* next hop after CNAMEs, canonical: DANE-42 */
	char expanded[DOMAIN_MAX];
};

/*
 * Answer to an MX question to candidates. own: our hostname. NODATA makes
 * the domain itself the only host (implicit). "." beside others is ignored
 * (NMX-03). Duplicate names keep the best preference.
 */
void mx_set_build(const struct rr_set *answer, const char *domain,
    const char *own, struct rng *rng, struct mx_set *out);
void mx_set_clear(struct mx_set *s);

#endif
