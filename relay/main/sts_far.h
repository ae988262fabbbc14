/*
 * The policy of a domain belongs to one shard, bucket of the domain mod number
 * of shards: how the others ask it.
 */
#ifndef RELAY_MAIN_STS_FAR_H
#define RELAY_MAIN_STS_FAR_H

#include "relay/base/err.h"
#include "sts/sts_lookup.h"

struct shard;
struct sts_far; /* one a shard */

/* On the loop of the shard that asks. peers: all shards, filled before the
 * first question. */
NODISCARD int sts_far_new(struct loop *loop, struct shard *const *peers,
    unsigned count, struct sts_far **out);
/* When no shard runs any more. NULL is fine. */
void sts_far_free(struct sts_far *f);
/* For struct sts_opts. */
struct sts_away sts_far_away(struct sts_far *f);

#endif
