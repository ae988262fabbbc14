/*
 * Care for messages that may have crashed the last run: who is a suspect, who
 * is held, and whose turn it is. Files in state_dir remember it. Main thread,
 * but for the calls of the watches.
 */
#ifndef RELAY_MAIN_CAREFUL_H
#define RELAY_MAIN_CAREFUL_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/log.h"
#include "relay/deliver/watch.h"
#include "relay/model/work_entry.h"
#include "relay/net/timer.h"

struct careful;

struct careful_opts {
	const char *state_dir;
	unsigned shards;
	size_t places; /* attempts that a shard has under way at most */
	bool crashed; /* the last run: see poison_is_crash */
	struct log *log;
	/* The shard may go on with what its watch asked a turn for. */
	void (*give_turn)(void *arg, unsigned shard);
	void *arg;
};

/* Reads what the last run left and judges it. Files that can't be written are
 * logged; the relay runs without them. */
struct careful *careful_new(const struct careful_opts *o);
/* For the store to open with; its marks are read by careful_opened. */
struct work_entry *careful_entries(struct careful *c, size_t *n);
void careful_opened(struct careful *c);
/* Before the shards run. ERR_IO. */
NODISCARD int careful_start(struct careful *c, struct loop *loop);
/* The watch of a shard, for its thread. */
struct deliver_watch careful_watch(struct careful *c, unsigned shard);
/* All shards have stopped: no turn is given any more. */
void careful_stop(struct careful *c);
/* After the loop has ended. NULL is fine. */
void careful_free(struct careful *c);

#endif
