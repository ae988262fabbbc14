/*
 * Two generations of rows, by number: what is noted lasts to the end of the
 * run after this one, because a row may also come late from another shard.
 */
#include "config.h"

#include "relay/sched/gone.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/map.h"

struct gone {
	uint8_t seed[16];
	struct map *young, *old; /* row -> struct note, owned */
	/* Highest row of a page: so far, and one, two ends of a run ago. */
	uint64_t paged, paged_young, paged_old;
};

struct note {
	bool done;
	uint32_t tries;
};

struct gone *
gone_new(const uint8_t seed[16])
{
	struct gone *g = xcalloc(1, sizeof(*g));

	for (size_t i = 0; i < sizeof(g->seed); i++)
		g->seed[i] = seed[i];
	g->young = map_new(seed);
	g->old = map_new(seed);
	return g;
}

void
gone_free(struct gone *g)
{
	if (!g)
		return;
	map_free(g->young, free);
	map_free(g->old, free);
	free(g);
}

static struct str
key_of(const uint64_t *row)
{
	return str_n((const char *)row, sizeof(*row));
}

void
gone_note(struct gone *g, uint64_t row, bool done, uint32_t tries)
{
	struct note *n = xcalloc(1, sizeof(*n));

	n->done = done;
	n->tries = tries;
	free(map_put(g->young, key_of(&row), n));
}

enum gone_what
gone_find(const struct gone *g, uint64_t row, uint32_t tries)
{
	const struct note *n = map_get(g->young, key_of(&row));

	if (!n)
		n = map_get(g->old, key_of(&row));
	if (!n)
		return GONE_FRESH;
	if (n->done)
		return GONE_DONE;
	return tries < n->tries ? GONE_STALE : GONE_FRESH;
}

void
gone_paged(struct gone *g, uint64_t row)
{
	if (row > g->paged)
		g->paged = row;
}

bool
gone_is_late(const struct gone *g, uint64_t row)
{
	return row <= g->paged_old;
}

void
gone_turn(struct gone *g)
{
	g->paged_old = g->paged_young;
	g->paged_young = g->paged;
	map_free(g->old, free);
	g->old = g->young;
	g->young = map_new(g->seed);
}
