/*
 * A clock that the test turns: the calls of relay/net/timer.h, in place of
 * those in libadapt.
 */
#ifndef TESTS_ADAPT_VCLOCK_H
#define TESTS_ADAPT_VCLOCK_H

#include <stdint.h>

#include "relay/base/list.h"

struct loop {
	int64_t now; /* ms */
	struct list timers; /* empty: all were freed */
};

void vclock_init(struct loop *l);
/* Runs, in order, what is due until ms later. */
void vclock_turn(struct loop *l, int64_t ms);

#endif
