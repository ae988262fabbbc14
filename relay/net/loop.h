/* One event loop, owned by one thread. */
#ifndef RELAY_NET_LOOP_H
#define RELAY_NET_LOOP_H

#include "relay/base/err.h"
#include "relay/net/timer.h"

/* ERR_IO when the system has no more descriptors. */
NODISCARD int loop_new(struct loop **out);
/* Runs until loop_stop, or until nothing is left to wait for. */
void loop_run(struct loop *l);
/* Makes loop_run return after this round; on the loop's thread. */
void loop_stop(struct loop *l);
/* Runs what is pending without blocking; tests and shutdown. */
void loop_run_once(struct loop *l);
/* Runs the loop until all handles closed, then frees. Every timer, conn,
 * listener and mailbox of it must have been freed or closed before; what is
 * not is a BUG. NULL is fine. */
void loop_free(struct loop *l);
/* The uv_loop_t, for adapters in relay/net, relay/dns and relay/main. */
void *loop_uv(struct loop *l);

/* Signals, main thread only. fn runs on the loop. */
struct loop_signal;
NODISCARD int loop_signal_new(struct loop *l, int signo,
    void (*fn)(void *arg, int signo), void *arg, struct loop_signal **out);
void loop_signal_free(struct loop_signal *s);

#endif
