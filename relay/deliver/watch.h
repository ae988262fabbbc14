/*
 * What dispatch tells of the messages that it works on, so that a crash can be
 * put down to one of them. All calls are on the shard's thread; all pointers
 * NULL: nobody watches, and every message is tried as it comes.
 */
#ifndef RELAY_DELIVER_WATCH_H
#define RELAY_DELIVER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deliver_watch {
	/* An attempt begins; gives the place that end is called with, when
	 * what came of it is committed, or it is given up at shutdown. */
	size_t (*begin)(void *arg, uint64_t msg);
	void (*end)(void *arg, size_t place);
	/* Was it in work at a crash? Then it waits for a turn. */
	bool (*is_suspect)(void *arg, uint64_t msg);
	/* dispatch_turn answers it, later; until then there is no other call. */
	void (*ask_turn)(void *arg, uint64_t msg);
	/* What came of the attempt is committed, or it was given up. */
	void (*end_turn)(void *arg, uint64_t msg);
	void *arg;
};

#endif
