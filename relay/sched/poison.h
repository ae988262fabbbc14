/*
 * Which message makes the relay crash? The verdict at the start, from what was
 * in work when the last run died. Pure.
 */
#ifndef RELAY_SCHED_POISON_H
#define RELAY_SCHED_POISON_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/model/work_entry.h"

#define POISON_HELD_AT 2 /* crashes, when it was tried alone at the last */
#define POISON_HELD_ANYWAY 3 /* crashes, whatever else was in work */

/*
 * Did the relay crash by itself? status: what it exited with; signo: the
 * signal that ended it, or 0. False for SIGKILL, SIGTERM and exit statuses
 * that it chose: somebody ended it, or it could not run.
 */
bool poison_is_crash(int status, int signo);

/*
 * v: what was in work (WORK_RUNNING) and what is remembered of former crashes,
 * n entries in any order, a message perhaps more than once. crashed: the last
 * run ended by poison_is_crash. Gives the number of entries that are left at
 * the beginning of v, by message: those to be held have WORK_HOLD, the others
 * are suspects, to be tried one at a time.
 */
size_t poison_judge(struct work_entry *v, size_t n, bool crashed);

/* Is msg among n entries as poison_judge leaves them, not held? */
bool poison_is_suspect(const struct work_entry *v, size_t n, uint64_t msg);

#endif
