/*
 * Hash map from bytes to a pointer. Keys are copied, compared byte for byte
 * and hashed with a per-map seed (SipHash), so that peers can't make it slow.
 */
#ifndef RELAY_BASE_MAP_H
#define RELAY_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/str.h"

struct map;

struct map *map_new(const uint8_t seed[16]);
/* Frees the map; each value goes to free_fn unless that is NULL. */
void map_free(struct map *m, void (*free_fn)(void *value));
size_t map_count(const struct map *m);
void *map_get(const struct map *m, struct str key); /* NULL: not there */
/* Sets key to value (not NULL), returns the former value or NULL. */
void *map_put(struct map *m, struct str key, void *value);
/* Removes key, returns its value or NULL. */
void *map_del(struct map *m, struct str key);
/*
 * Walks all pairs: start with *it = 0; false at the end. The map must not
 * change meanwhile.
 */
bool map_next(const struct map *m, size_t *it, struct str *key, void **value);
/* SipHash-2-4 of n bytes. */
uint64_t map_hash(const uint8_t seed[16], const void *p, size_t n);

#endif
