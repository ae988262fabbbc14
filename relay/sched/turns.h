/*
 * Who may go now: one at a time, first come first served. The shards that have
 * a suspect to try stand in this line. Pure.
 */
#ifndef RELAY_SCHED_TURNS_H
#define RELAY_SCHED_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct turns;

/* who is 0 to count - 1; each stands in line once at most. */
struct turns *turns_new(unsigned count);
void turns_free(struct turns *t); /* NULL is fine */
/* who wants to go, with msg. One that stands in line already is ignored. */
void turns_ask(struct turns *t, unsigned who, uint64_t msg);
/* The next one may go: true, and who it is. False while another one goes, or
 * when nobody waits. */
bool turns_next(struct turns *t, unsigned *who, uint64_t *msg);
/* who has ended msg. False, and without effect, when its time was over before. */
bool turns_end(struct turns *t, unsigned who, uint64_t msg);
/* Who goes now has had its time: the next one may go. True, and whose turn it
 * was; false when it was nobody's. */
bool turns_expire(struct turns *t, uint64_t *msg);

#endif
