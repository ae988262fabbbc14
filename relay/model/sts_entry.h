/* A row of the MTA-STS cache, as stored: STS-41. */
#ifndef RELAY_MODEL_STS_ENTRY_H
#define RELAY_MODEL_STS_ENTRY_H

#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"

#define STS_BODY_MAX (64u * 1024u) /* bytes, RFC 8461 3.3 */
#define STS_ID_MAX 33

struct sts_entry {
	char domain[DOMAIN_MAX];
	char id[STS_ID_MAX];
	int64_t fetched; /* seconds since 1970, of the fetch that succeeded */
	int64_t expires; /* fetched + max_age, capped: STS-14 */
	char *body; /* policy text, owned, NUL-terminated */
	size_t body_len;
};

void sts_entry_clear(struct sts_entry *e);
void sts_entry_copy(struct sts_entry *to, const struct sts_entry *from);

#endif
