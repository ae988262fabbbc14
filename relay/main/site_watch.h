/* Tells in the log which site rules have ended, so that nobody goes on to rely
 * on one that has no effect. */
#ifndef RELAY_MAIN_SITE_WATCH_H
#define RELAY_MAIN_SITE_WATCH_H

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/model/options.h"
#include "relay/net/timer.h"

struct site_watch;

/* On the loop's thread, or before it runs. One line (site-expired) for each
 * rule that has ended: at the start or within an hour of its end, and again
 * once a day. */
struct site_watch *site_watch_new(struct loop *loop, const struct options *o,
    struct clock clock, struct log *log);
void site_watch_free(struct site_watch *w); /* NULL is fine */

#endif
