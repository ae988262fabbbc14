/*
 * Random numbers. The system's come from getrandom(2), fresh on each call:
 * no state that a fork or a core file could repeat. The seeded sequence is
 * xoshiro256** (Blackman, Vigna 2018), filled from the seed by splitmix64; it
 * is for tests and simulations and never for secrets.
 */
#include "config.h"

#include "relay/base/rng.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "relay/base/err.h"

void
rng_init_system(struct rng *r)
{
	*r = (struct rng){.seeded = 0};
}

void
rng_init_seed(struct rng *r, uint64_t seed)
{
	*r = (struct rng){.seeded = 1};
	for (size_t i = 0; i < 4; i++) {
		uint64_t z;

		seed += 0x9e3779b97f4a7c15U;
		z = seed;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
		z = (z ^ z >> 27) * 0x94d049bb133111ebU;
		r->s[i] = z ^ z >> 31;
	}
}

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t
seeded_next(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

static void
system_fill(uint8_t *p, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			BUG("getrandom: %d", errno);
		p += got;
		n -= (size_t)got;
	}
}

void
rng_fill(struct rng *r, void *p, size_t n)
{
	uint8_t *out = p;

	if (!r->seeded) {
		system_fill(out, n);
		return;
	}
	while (n > 0) {
		uint64_t x = seeded_next(r);

		/* Byte by byte: the same sequence on every machine. */
		for (int i = 0; i < 8 && n > 0; i++, n--) {
			*out++ = (uint8_t)x;
			x >>= 8;
		}
	}
}

static uint32_t
next32(struct rng *r)
{
	uint8_t b[4];

	rng_fill(r, b, sizeof(b));
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	    (uint32_t)b[3] << 24;
}

uint32_t
rng_below(struct rng *r, uint32_t bound)
{
	uint32_t skip, x;

	if (bound == 0)
		return 0;
	/* 2^32 mod bound numbers are one too many for a fair remainder. */
	skip = (0U - bound) % bound;
	do {
		x = next32(r);
	} while (x < skip);
	return x % bound;
}
