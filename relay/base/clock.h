/* Time as a value that is handed in, so that tests can turn it. */
#ifndef RELAY_BASE_CLOCK_H
#define RELAY_BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*mono_ms)(void *arg); /* milliseconds, never goes back */
	int64_t (*real_s)(void *arg); /* seconds since 1970, UTC */
	void *arg;
};

/* The machine's clocks. */
struct clock clock_system(void);
int64_t clock_mono_ms(const struct clock *c);
int64_t clock_real_s(const struct clock *c);

#endif
