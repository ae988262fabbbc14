/* A scenario given as text, played in a process of its own. */
#ifndef TESTS_REPLAY_TRIAL_H
#define TESTS_REPLAY_TRIAL_H

#include "tests/replay/scn.h"

struct trial {
	struct play_result res; /* why: also of an abort */
	uint64_t hash; /* of the log */
};

/* In this process. After a failure (res.why) it should end soon, without
 * talk of leaks. */
void trial_here(const char *name, struct str text, const struct play_opts *o,
    struct trial *out);
/* In a child, so that an abort or a loop without end is a failure too. What
 * it says is dropped. */
void trial_apart(struct str text, const struct play_opts *o, struct trial *out);
/* Seconds of processor time that a process may take; then it is killed. */
void trial_limit(unsigned seconds);

/* Do two failures tell the same? Numbers in them do not count. */
bool trial_same(const char *why, const char *other);

/*
 * Makes a failing scenario smaller: without random faults or with only one,
 * without jitter, without lines, as long as it fails in the same way. text and
 * o become the smallest that was found within so many trials.
 */
void trial_shrink(
    struct buf *text, struct play_opts *o, const char *why, unsigned trials);

#endif
