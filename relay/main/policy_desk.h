/*
 * The control socket's way to the shard that owns the policy of a domain. Main
 * thread.
 */
#ifndef RELAY_MAIN_POLICY_DESK_H
#define RELAY_MAIN_POLICY_DESK_H

#include "relay/base/err.h"
#include "relay/ctl/ctl_proto.h"

struct errand_home;
struct shard;

struct policy_desk {
	struct shard *const *shards;
	unsigned count;
	struct errand_home *home;
};

/* As ask_owner of relay/ctl/ctl_server.h. ERR_FULL, ERR_CLOSED. */
NODISCARD int policy_desk_ask(const struct policy_desk *d,
    const struct ctl_question *q, void (*fn)(void *fn_arg, struct buf *answer),
    void *fn_arg);

#endif
