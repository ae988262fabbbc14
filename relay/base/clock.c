/*
 * The machine's clocks behind the value that everybody else is handed. With
 * log and rng the only pure file that asks the system for anything.
 */
#include "config.h"

#include "relay/base/clock.h"

#include <stddef.h>
#include <time.h>

#include "relay/base/err.h"

static struct timespec
read_clock(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		BUG("clock %d can't be read", (int)id);
	return ts;
}

static int64_t
system_mono_ms(void *arg)
{
	struct timespec ts = read_clock(CLOCK_MONOTONIC);

	(void)arg;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t
system_real_s(void *arg)
{
	(void)arg;
	return (int64_t)read_clock(CLOCK_REALTIME).tv_sec;
}

struct clock
clock_system(void)
{
	return (struct clock){system_mono_ms, system_real_s, NULL};
}

int64_t
clock_mono_ms(const struct clock *c)
{
	return c->mono_ms(c->arg);
}

int64_t
clock_real_s(const struct clock *c)
{
	return c->real_s(c->arg);
}
