/* Timers of one loop. All calls on the loop's thread. */
#ifndef RELAY_NET_TIMER_H
#define RELAY_NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct timer;
typedef void timer_fn(void *arg);

/* A stopped timer; fn runs once a start. */
struct timer *timer_new(struct loop *loop, timer_fn *fn, void *arg);
/* (Re)starts: fn runs after ms milliseconds, never before this returns, so
 * 0 means "in the next round of the loop". */
void timer_start(struct timer *t, int64_t ms);
void timer_stop(struct timer *t);
bool timer_active(const struct timer *t);
/* Stops; fn never runs again. Memory goes later. NULL is fine. May be called
 * from within fn. */
void timer_free(struct timer *t);
/* Milliseconds of the loop's clock: monotonic, cached for this round. */
int64_t timer_now(const struct loop *loop);

#endif
