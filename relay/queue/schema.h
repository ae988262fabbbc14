/* Tables of the queue, and the way from one version to the next. */
#ifndef RELAY_QUEUE_SCHEMA_H
#define RELAY_QUEUE_SCHEMA_H

#include "relay/base/clock.h"
#include "relay/base/err.h"
#include "relay/queue/db.h"

#define SCHEMA_VERSION 2

/*
 * Checks that the file is ours and of a version that we know, and brings it up
 * to SCHEMA_VERSION in one transaction. ERR_VERSION (newer), ERR_CORRUPT (also
 * a database of some other program), ERR_BUSY, ERR_PERM, ERR_FULL, ERR_IO.
 */
NODISCARD int schema_prepare(struct db *db);
/* After an unclean stop: looks for damage, for at most ms milliseconds by the
 * steps of the machine's clock. ERR_CORRUPT, ERR_IO. */
NODISCARD int schema_check(
    struct db *db, int64_t ms, const struct clock *clock);

#endif
