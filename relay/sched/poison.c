/*
 * A crash makes suspects of all that was in work: nobody can say which of them
 * it was. Suspects then get their turns one after the other, so that the next
 * crash names one. That one is held. Who has left the queue is a suspect no more.
 *
 * A turn ends early when its message hangs (relay/main/careful.c), so more than
 * one suspect can be in work after all; such a one is held at the third crash,
 * alone or not, or a message that takes its time to crash us would go on for
 * ever and let the others be held instead.
 *
 * Whoever kills the relay from outside accuses nobody.
 */
#include "config.h"

#include "relay/sched/poison.h"

#include <signal.h>
#include <stdlib.h>

/* What the sanitizers of test builds exit with: no other part of the relay
 * ends with 1. */
#define SANITIZER_STATUS 1

bool
poison_is_crash(int status, int signo)
{
	switch (signo) {
	case 0:
		return status == SANITIZER_STATUS;
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
		return true;
	default:
		return false;
	}
}

static int
by_msg(const void *a, const void *b)
{
	const struct work_entry *x = a, *y = b;

	if (x->msg == y->msg)
		return 0;
	return x->msg < y->msg ? -1 : 1;
}

/* All that is known of one message as one entry. */
static struct work_entry
merge(const struct work_entry *v, size_t n)
{
	struct work_entry e = v[0];

	for (size_t i = 1; i < n; i++) {
		e.flags |= v[i].flags;
		if (v[i].crashes > e.crashes)
			e.crashes = v[i].crashes;
	}
	return e;
}

static void
judge_one(struct work_entry *e, bool crashed)
{
	bool alone = (e->flags & WORK_TURN) != 0;
	bool hold = (e->flags & WORK_HOLD) != 0;

	if (crashed && (e->flags & WORK_RUNNING) != 0) {
		e->crashes++;
		if (e->crashes >= POISON_HELD_ANYWAY ||
		    (alone && e->crashes >= POISON_HELD_AT))
			hold = true;
	}
	e->flags = hold ? WORK_HOLD : 0;
}

size_t
poison_judge(struct work_entry *v, size_t n, bool crashed)
{
	size_t left = 0;
	size_t run;

	if (n > 0)
		qsort(v, n, sizeof(*v), by_msg);
	for (size_t i = 0; i < n; i += run) {
		struct work_entry e;

		for (run = 1; i + run < n && v[i + run].msg == v[i].msg;)
			run++;
		e = merge(v + i, run);
		judge_one(&e, crashed);
		if (e.msg != 0 && (e.crashes > 0 || e.flags != 0))
			v[left++] = e;
	}
	return left;
}

bool
poison_is_suspect(const struct work_entry *v, size_t n, uint64_t msg)
{
	const struct work_entry key = {.msg = msg};
	const struct work_entry *e = n > 0
	    ? bsearch(&key, v, n, sizeof(*v), by_msg)
	    : NULL;

	return e != NULL && (e->flags & WORK_HOLD) == 0;
}
