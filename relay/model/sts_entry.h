/* A row of the MTA-STS cache, as stored: STS-41. */
#ifndef RELAY_MODEL_STS_ENTRY_H
#define RELAY_MODEL_STS_ENTRY_H

#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"

#define STS_BODY_MAX (64u * 1024u) /* bytes, RFC 8461 3.3 */
#define STS_ID_MAX 33
/* Seconds that an entry is kept beyond its expiry, so that it stays known
 * which domain had a policy. */
#define STS_KEEP_S (90 * 86400)

struct sts_entry {
	char domain[DOMAIN_MAX];
	char id[STS_ID_MAX];
	int64_t fetched; /* seconds since 1970, of the fetch that succeeded */
	int64_t expires; /* fetched + max_age, capped: STS-14 */
	char *body; /* policy text, owned, NUL-terminated */
	size_t body_len;
};

/*
 * When it is to be fetched again, though nobody asks for it: 20 to 24 hours
 * after the last time, each entry at its own, or when half of its life is over;
 * never within an hour. RFC 8461 3.3, 10.2: STS-25.
 */
int64_t sts_entry_due(const struct sts_entry *e);
void sts_entry_clear(struct sts_entry *e);
void sts_entry_copy(struct sts_entry *to, const struct sts_entry *from);

#endif
