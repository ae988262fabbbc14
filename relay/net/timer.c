/*
 * Timers: one uv_timer_t each. "In 0 ms" goes through the loop's queue for
 * the next round instead, because libuv runs a timer that restarts itself
 * with 0 again in the same round, and again.
 */
#include "config.h"

#include "relay/net/timer.h"

#include <stdlib.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"
#include "relay/net/loop_int.h"

struct timer {
	uv_timer_t uv;
	struct loop *loop;
	struct loop_soon soon;
	timer_fn *fn;
	void *arg;
};

static void
soon_expired(void *arg)
{
	struct timer *t = arg;

	t->fn(t->arg);
}

static void
uv_expired(uv_timer_t *uv)
{
	struct timer *t = uv->data;

	t->fn(t->arg);
}

struct timer *
timer_new(struct loop *loop, timer_fn *fn, void *arg)
{
	struct timer *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->fn = fn;
	t->arg = arg;
	loop_soon_init(&t->soon, soon_expired, t);
	uv_timer_init(loop_uv(loop), &t->uv);
	t->uv.data = t;
	return t;
}

void
timer_start(struct timer *t, int64_t ms)
{
	timer_stop(t);
	if (ms <= 0) {
		loop_soon_call(t->loop, &t->soon);
		return;
	}
	/* libuv counts from the time of this round, which is old when much was
	 * done since, or when the loop does not run yet. */
	uv_update_time(loop_uv(t->loop));
	uv_timer_start(&t->uv, uv_expired, (uint64_t)ms, 0);
}

void
timer_stop(struct timer *t)
{
	loop_soon_cancel(&t->soon);
	uv_timer_stop(&t->uv);
}

bool
timer_active(const struct timer *t)
{
	return loop_soon_due(&t->soon) ||
	    uv_is_active((const uv_handle_t *)&t->uv);
}

static void
timer_closed(uv_handle_t *h)
{
	free(h->data);
}

void
timer_free(struct timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	uv_close((uv_handle_t *)&t->uv, timer_closed);
}

int64_t
timer_now(const struct loop *loop)
{
	/* uv_now only reads, whatever its parameter type says. */
	return (int64_t)uv_now(loop_uv((struct loop *)(uintptr_t)loop));
}
