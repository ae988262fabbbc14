/*
 * Counters and gauges. One shard writes, anybody reads: each value is right
 * by itself, no order between two of them is promised, so relaxed is enough.
 */
#include "config.h"

#include "relay/base/metrics.h"

#include <stdatomic.h>

#include "relay/base/err.h"

static void
check_id(enum metric id)
{
	if ((unsigned)id >= METRIC_COUNT)
		BUG("no metric %u", (unsigned)id);
}

void
metrics_init(struct metrics *m)
{
	for (size_t i = 0; i < METRIC_COUNT; i++)
		atomic_init(&m->v[i], 0);
}

void
metrics_add(struct metrics *m, enum metric id, int64_t n)
{
	check_id(id);
	/* Unsigned arithmetic wraps, so adding -1 as 2^64 - 1 subtracts. */
	atomic_fetch_add_explicit(&m->v[id], (uint64_t)n, memory_order_relaxed);
}

uint64_t
metrics_get(const struct metrics *m, enum metric id)
{
	check_id(id);
	return atomic_load_explicit(&m->v[id], memory_order_relaxed);
}

const char *
metric_name(enum metric id)
{
	static const char *const names[] = {
#define METRIC_NAME_(id, name, help) name,
	    METRICS_LIST(METRIC_NAME_)
#undef METRIC_NAME_
	};

	check_id(id);
	return names[id];
}

const char *
metric_help(enum metric id)
{
	static const char *const helps[] = {
#define METRIC_HELP_(id, name, help) help,
	    METRICS_LIST(METRIC_HELP_)
#undef METRIC_HELP_
	};

	check_id(id);
	return helps[id];
}
