/* A failure notification as a message ready for the queue. Pure. */
#ifndef RELAY_BOUNCE_BOUNCE_H
#define RELAY_BOUNCE_BOUNCE_H

#include "relay/base/err.h"
#include "relay/bounce/dsn.h"
#include "relay/model/msg.h"

/*
 * One DSN for all of in->rcpts (those that dsn_wanted) from the null sender to
 * the sender of in->msg: RFC 5321 6.1. *msg has a count of 1 and its body, its
 * id is still 0; *to is its one recipient. ERR_NOTFOUND: nobody is to be told,
 * or the sender has no domain that mail can go to.
 */
NODISCARD int bounce_make(
    const struct dsn_in *in, struct msg **msg, struct rcpt_in *to);

#endif
