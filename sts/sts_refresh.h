/* Looks after the stored policies of a shard: STS-25. RFC 8461 3.3, 10.2. */
#ifndef STS_STS_REFRESH_H
#define STS_STS_REFRESH_H

#include <stdint.h>

struct sts_desk; /* sts/sts_job.h */
struct sts_refresh;

/* d by reference. Nothing happens before sts_refresh_start. */
struct sts_refresh *sts_refresh_new(struct sts_desk *d);
void sts_refresh_free(struct sts_refresh *r); /* NULL is fine */
/* The first pass comes a minute or two later. Once. */
void sts_refresh_start(struct sts_refresh *r);
/* An entry was stored that will be due then (seconds since 1970). */
void sts_refresh_hint(struct sts_refresh *r, int64_t due);

#endif
