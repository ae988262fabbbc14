/*
 * A destination, its waiting recipients by message, its window and its
 * back-off. Private to relay/sched.
 */
#ifndef RELAY_SCHED_DEST_H
#define RELAY_SCHED_DEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/heap.h"
#include "relay/base/list.h"
#include "relay/base/map.h"
#include "relay/model/msg.h"

struct dest;
struct group;

/* One recipient. Waiting: in its group. Running: in no heap, of a grant. */
struct item {
	struct heap_node due; /* in group.items */
	struct heap_node far; /* in the scheduler's heap: latest first */
	struct heap_node last; /* in dest.lasts: latest first */
	struct rcpt *r; /* owned */
	struct dest *dest;
	struct group *group; /* NULL while it runs */
	bool paged; /* came in during a paging run */
};

/* The waiting recipients of one message for one destination. */
struct group {
	struct heap_node due; /* in dest.groups, by its first item */
	struct heap_node expiry; /* in dest.expiries */
	struct dest *dest;
	uint64_t msg;
	struct heap items; /* struct item.due */
};

struct dest {
	struct heap_node ready; /* in the scheduler's heap of those to come */
	struct list turn; /* in its round of those that may run now */
	char *next_hop;
	struct heap groups; /* struct group.due */
	struct heap expiries; /* struct group.expiry */
	struct heap lasts; /* struct item.last */
	struct map *by_msg; /* id -> struct group */
	size_t n_waiting, n_running; /* recipients */
	unsigned running, window; /* grants */
	unsigned failures; /* of the host, in a row */
	int64_t not_before; /* end of the back-off, seconds */
	bool overflow; /* rows were turned away */
};

/* Seconds to keys: a sequence number below them keeps first come, first
 * served among equals. */
#define DEST_KEY_SHIFT 20
int64_t dest_key(int64_t seconds, uint64_t seq);
int64_t dest_key_time(int64_t key);

struct dest *dest_new(struct str next_hop, const uint8_t seed[16]);
/* Items are the caller's: none may be waiting. */
void dest_free(struct dest *d);

/* When item is due: next_try, but not past the end of its lifetime. */
int64_t dest_due(const struct rcpt *r, int64_t lifetime_s);
/* Puts item (dest set) among the waiting. key: of its due time. */
void dest_put(struct dest *d, struct item *it, int64_t key, int64_t lifetime_s);
/* Takes a waiting item out. */
void dest_take(struct item *it);
/* The waiting item that is due last, or NULL. */
struct item *dest_last(const struct dest *d);
/* When a grant may start, -1 when never: window full or nobody waits. */
int64_t dest_ready_at(const struct dest *d);
/* The group to grant from at now, or NULL. */
struct group *dest_pick(const struct dest *d, int64_t now);
/* First waiting item of a group that is due at now, or NULL. */
struct item *dest_group_due(const struct group *g, int64_t now);

#endif
