/*
 * Memory of failed fetches and of refreshes: bounded, and lost at a restart,
 * which costs no more than a fetch that comes early.
 *
 * RFC 8461 3.3.
 */
#include "config.h"

#include "sts/sts_notes.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/map.h"

#define NOTES_MAX 4096

struct note {
	struct sts_memory memory; /* first: handed out */
	int64_t refreshed; /* last try */
};

struct sts_notes {
	struct rng *rng;
	struct map *map; /* domain -> struct note */
	size_t max;
};

static struct map *
new_map(struct rng *rng)
{
	uint8_t seed[16];

	rng_fill(rng, seed, sizeof(seed));
	return map_new(seed);
}

struct sts_notes *
sts_notes_new(struct rng *rng, size_t max)
{
	struct sts_notes *n = xcalloc(1, sizeof(*n));

	n->rng = rng;
	n->max = max ? max : NOTES_MAX;
	n->map = new_map(rng);
	return n;
}

void
sts_notes_free(struct sts_notes *n)
{
	if (!n)
		return;
	map_free(n->map, free);
	free(n);
}

const struct sts_memory *
sts_notes_find(const struct sts_notes *n, const char *domain)
{
	const struct note *note = map_get(n->map, str_of(domain));

	return note ? &note->memory : NULL;
}

static struct note *
note_get(struct sts_notes *n, const char *domain)
{
	struct note *note = map_get(n->map, str_of(domain));

	if (note)
		return note;
	if (map_count(n->map) >= n->max) {
		map_free(n->map, free);
		n->map = new_map(n->rng);
	}
	note = xcalloc(1, sizeof(*note));
	map_put(n->map, str_of(domain), note);
	return note;
}

void
sts_notes_failed(
    struct sts_notes *n, const char *domain, const char *id, int64_t now)
{
	struct note *note = note_get(n, domain);

	snprintf(
	    note->memory.failed_id, sizeof(note->memory.failed_id), "%s", id);
	note->memory.failed_at = now;
}

bool
sts_notes_refresh(
    struct sts_notes *n, const char *domain, int64_t fetched, int64_t now)
{
	struct note *note;

	if (now - fetched < STS_REFRESH_AGE_S)
		return false;
	note = note_get(n, domain);
	if (note->refreshed != 0 && now >= note->refreshed &&
	    now - note->refreshed < STS_REFRESH_GAP_S)
		return false;
	note->refreshed = now;
	return true;
}
