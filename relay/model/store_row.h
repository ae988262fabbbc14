/* What the store shows of the queue, as plain values. */
#ifndef RELAY_MODEL_STORE_ROW_H
#define RELAY_MODEL_STORE_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/model/msg.h"

/* One recipient in the queue. Times are seconds since 1970. */
struct store_row {
	uint64_t msg, rcpt;
	int64_t arrived, next_try;
	uint32_t tries;
	size_t size;
	char state[12]; /* "queued", "held" */
	char sender[ADDR_MAX], addr[ADDR_MAX], next_hop[DOMAIN_MAX];
	char dsn[12], rule[16], mx[DOMAIN_MAX], reply[512];
};

/* The queue as a whole. */
struct store_stats {
	uint64_t msgs, rcpts, deferred, dests, bytes;
	int64_t oldest; /* arrived of the oldest message, 0 when empty */
	uint64_t held; /* recipients, of those above */
};

#endif
