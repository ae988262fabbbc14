/* What a parsed configuration must fulfil as a whole. Pure. */
#ifndef RELAY_CONFIG_CONF_CHECK_H
#define RELAY_CONFIG_CONF_CHECK_H

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/model/options.h"

/* Cross-checks; appends a line a problem. now: seconds since 1970, for rules
 * that have expired (a warning line, appended to warnings). ERR_CONFIG. */
NODISCARD int conf_check(const struct options *o, int64_t now,
    struct buf *errors, struct buf *warnings);

#endif
