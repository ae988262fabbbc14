/* Random numbers: the kernel's, or a seeded sequence for tests. */
#ifndef RELAY_BASE_RNG_H
#define RELAY_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
	int seeded; /* 0: getrandom(2), 1: xoshiro256** from s */
};

void rng_init_system(struct rng *r);
void rng_init_seed(struct rng *r, uint64_t seed);
void rng_fill(struct rng *r, void *p, size_t n);
/* 0 .. bound-1, unbiased; bound 0 gives 0. */
uint32_t rng_below(struct rng *r, uint32_t bound);

#endif
