/* What a shard remembers of policy fetches between questions. Pure. */
#ifndef STS_STS_NOTES_H
#define STS_STS_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"
#include "sts/sts_state.h"

#define STS_REFRESH_AGE_S 86400 /* RFC 8461 3.3: daily */
#define STS_REFRESH_GAP_S 3600 /* between two tries */

struct sts_notes;

/* Holds at most max domains (0: 4096); when full it forgets all, and fetches
 * may then come earlier than need be. rng: hash seed, kept by reference. */
struct sts_notes *sts_notes_new(struct rng *rng, size_t max);
void sts_notes_free(struct sts_notes *n); /* NULL is fine */
/* NULL: nothing is known. Valid until the next call that adds. */
const struct sts_memory *sts_notes_find(
    const struct sts_notes *n, const char *domain);
/* The fetch of this id failed now (seconds since 1970): STS-21. */
void sts_notes_failed(
    struct sts_notes *n, const char *domain, const char *id, int64_t now);
/* Is it time to fetch a policy again that was fetched then? Notes the try, so
 * the answer is yes once a gap: STS-25. */
bool sts_notes_refresh(
    struct sts_notes *n, const char *domain, int64_t fetched, int64_t now);

#endif
