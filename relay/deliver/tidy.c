/*
 * Now and then a job for the store, which rides with a commit of others and
 * deletes a bounded number of rows; while there are more, again after a short
 * pause. An error waits for the next time.
 */
#include "config.h"

#include "relay/deliver/tidy.h"

#include <stdlib.h>

#include "relay/base/buf.h"

#define TIDY_EVERY_MS (10 * 60 * 1000)
#define TIDY_PAUSE_MS 100
#define TIDY_ROWS 500 /* of one commit */

struct tidy {
	struct store *store;
	struct clock clock;
	struct timer *timer;
	int64_t keep_s;
};

static void
tidy_on_dropped(void *arg, int err, uint64_t n)
{
	struct tidy *t = arg;
	bool more = !err && n == TIDY_ROWS;

	timer_start(t->timer, more ? TIDY_PAUSE_MS : TIDY_EVERY_MS);
}

static void
tidy_on_timer(void *arg)
{
	struct tidy *t = arg;
	int64_t before = clock_real_s(&t->clock) - t->keep_s;

	if (store_receipts_drop(
		t->store, before, TIDY_ROWS, tidy_on_dropped, t))
		timer_start(t->timer, TIDY_EVERY_MS);
}

struct tidy *
tidy_new(struct loop *loop, struct store *store, struct clock clock,
    const struct options *options)
{
	struct tidy *t = xcalloc(1, sizeof(*t));

	t->store = store;
	t->clock = clock;
	t->keep_s = options->queue.receipts_s;
	t->timer = timer_new(loop, tidy_on_timer, t);
	timer_start(t->timer, TIDY_EVERY_MS);
	return t;
}

void
tidy_free(struct tidy *t)
{
	if (!t)
		return;
	store_forget(t->store, t);
	timer_free(t->timer);
	free(t);
}
