/* A failure notification: RFC 3464, 6522, 3461 6. Pure. */
#ifndef RELAY_BOUNCE_DSN_H
#define RELAY_BOUNCE_DSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"
#include "relay/model/msg.h"
#include "relay/model/outcome.h"

struct dsn_rcpt {
	const char *addr;
	const char *orcpt;
	const struct outcome *outcome; /* OUT_BOUNCED or OUT_EXPIRED */
};

struct dsn_in {
	const char *hostname; /* Reporting-MTA */
	const struct msg *msg; /* sender, envid, flags, arrived */
	const char *qid;
	struct str original; /* body of the message; may be empty */
	const struct dsn_rcpt *rcpts;
	size_t n;
	int64_t now; /* seconds since 1970 */
	uint64_t nonce; /* for boundary and Message-ID */
	size_t max_original; /* bytes of body returned; more: headers only */
};

/*
 * Must a failure of this recipient be told? No for the null sender (QUE-07),
 * for our own DSNs, and for NOTIFY without FAILURE (DSN-03).
 */
bool dsn_wanted(const struct msg *msg, uint32_t notify);
/* The message, CRLF ends, with all headers. Lines <= 998. */
void dsn_build(const struct dsn_in *in, struct buf *out);

#endif
