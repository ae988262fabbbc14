/*
 * Rows that were finished while a paging run was under way: a page read before
 * their finish was committed may still bring them. And how far pages went: a
 * row may come from its shard when all notes of it are forgotten. Private to
 * relay/sched.
 */
#ifndef RELAY_SCHED_GONE_H
#define RELAY_SCHED_GONE_H

#include <stdbool.h>
#include <stdint.h>

struct gone;

/* What a row that comes in is. */
enum gone_what {
	GONE_FRESH, /* nothing is known against it */
	GONE_STALE, /* it has been tried since: read it again */
	GONE_DONE /* it has left the queue */
};

struct gone *gone_new(const uint8_t seed[16]);
void gone_free(struct gone *g);
/* done: the row left the queue; else it stands with that many tries. */
void gone_note(struct gone *g, uint64_t row, bool done, uint32_t tries);
enum gone_what gone_find(const struct gone *g, uint64_t row, uint32_t tries);
/* A page brought it. Ids of rows are never used twice and only grow. */
void gone_paged(struct gone *g, uint64_t row);
/* A row that comes from a shard: a page may have brought it so long ago that
 * nothing is known of it any more. */
bool gone_is_late(const struct gone *g, uint64_t row);
/* A run ended: forgets what was noted before the run before it ended. */
void gone_turn(struct gone *g);

#endif
