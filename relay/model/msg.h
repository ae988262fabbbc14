/* A message: envelope, flags, recipients. */
#ifndef RELAY_MODEL_MSG_H
#define RELAY_MODEL_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/blob.h"
#include "relay/base/domain.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"

#define ADDR_MAX 512 /* bytes that hold any mailbox with a NUL */
#define ENVID_MAX 104
#define ORCPT_MAX 512

enum msg_flags {
	MSG_8BIT = 1u << 0, /* BODY=8BITMIME */
	MSG_SMTPUTF8 = 1u << 1,
	MSG_REQUIRETLS = 1u << 2,
	MSG_TLS_OPTIONAL = 1u << 3, /* TLS-Required: No, honoured */
	MSG_REPORT = 1u << 4, /* TLSRPT report mail: RPT-05 */
	MSG_RET_HDRS = 1u << 5, /* RFC 3461 4.3 */
	MSG_RET_FULL = 1u << 6,
	MSG_DSN = 1u << 7 /* made by us: never bounces */
};

enum rcpt_notify {
	NOTIFY_NEVER = 1u << 0,
	NOTIFY_SUCCESS = 1u << 1,
	NOTIFY_FAILURE = 1u << 2,
	NOTIFY_DELAY = 1u << 3
};

/*
 * The part of a message that all its recipients share. Immutable once it is
 * queued; counted atomically because several shards may deliver it.
 */
struct msg {
	_Atomic unsigned refs;
	uint64_t id; /* 0 until the store gave one */
	int64_t arrived; /* seconds since 1970 */
	uint32_t flags; /* enum msg_flags */
	size_t size; /* bytes of the body */
	char sender[ADDR_MAX]; /* "" is the null sender */
	char envid[ENVID_MAX];
	char client[64]; /* address of the client, for the log */
	struct blob *body; /* NULL when it must be read from the store;
			       * set by one thread before sharing */
	/* When not NULL: accounted bytes are taken off its gauge BODY_BYTES
	 * when the message goes; it must live longer. Set before sharing. */
	struct metrics *account;
	size_t accounted;
};

struct msg *msg_new(void); /* count 1 */
struct msg *msg_ref(struct msg *m);
void msg_unref(struct msg *m); /* NULL is fine; any thread */

/* A new id: never 0, below 2^63, growing by the second (so that rows that
 * arrive together stand together), 31 bits of chance. now: seconds since
 * 1970. */
uint64_t msg_pick_id(int64_t now, struct rng *rng);

/* Queue id as people see it: 13 characters of base 32, no NUL counted. */
#define MSG_QID_MAX 16
void msg_qid(uint64_t id, char out[MSG_QID_MAX]);
int msg_qid_parse(struct str s, uint64_t *id); /* ERR_SYNTAX */

/* A recipient as it arrives. */
struct rcpt_in {
	char addr[ADDR_MAX];
	char next_hop[DOMAIN_MAX]; /* canonical domain that DNS is asked for,
				    * or "[ip]" of an address literal */
	uint32_t notify;
	char orcpt[ORCPT_MAX];
};

/* A recipient as it stands in the queue: what the scheduler moves about. */
struct rcpt {
	uint64_t id; /* row */
	uint64_t dest; /* row of the destination */
	char next_hop[DOMAIN_MAX];
	char addr[ADDR_MAX];
	uint32_t notify;
	char orcpt[ORCPT_MAX];
	uint32_t tries; /* attempts made */
	int64_t next_try; /* seconds since 1970; 0: now */
	struct msg *msg; /* counted */
};

void rcpt_free(struct rcpt *r); /* drops the count of msg; NULL is fine */

/* Hash of a next hop into 4,096 buckets; shard = bucket mod workers. */
#define MSG_BUCKETS 4096
uint32_t msg_bucket(struct str next_hop);

#endif
