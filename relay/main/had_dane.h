/*
 * Downgrade memory of one shard: which of its domains ever had secure TLSA.
 * In memory for the answer, in the store for the next run. DANE-58.
 */
#ifndef RELAY_MAIN_HAD_DANE_H
#define RELAY_MAIN_HAD_DANE_H

#include <stdbool.h>

#include "relay/base/clock.h"
#include "relay/base/rng.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"

struct had_dane;

struct had_dane *had_dane_new(
    struct store *store, struct rng *rng, struct clock clock);
/* NULL is fine. The store must still be open. */
void had_dane_free(struct had_dane *h);
/* Reads the stored ones; asks again until the store answers; then done_fn,
 * once. On the loop's thread. */
void had_dane_load(struct had_dane *h, struct loop *loop, unsigned shard,
    unsigned shards, void (*done_fn)(void *arg), void *arg);
/* arg: the struct had_dane. */
bool had_dane_get(void *arg, const char *domain);
/* Notes it; written at most once a day and domain. */
void had_dane_set(void *arg, const char *domain);

#endif
