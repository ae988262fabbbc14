/*
 * Hash map with open addressing and linear probing; the table is a power of
 * two and at most three quarters full. Deleting shifts the followers back
 * instead of leaving a mark, so a map that lives for months stays fast.
 *
 * The hash is SipHash-2-4 (Aumasson, Bernstein: SipHash: a fast short-input
 * PRF, 2012): keys come from peers, who must not be able to make them collide.
 */
#include "config.h"

#include "relay/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

#define MAP_FIRST 16 /* slots of the first table */

struct slot {
	uint64_t hash;
	char *key; /* owned */
	size_t n;
	void *value; /* NULL: the slot is free */
};

struct map {
	uint8_t seed[16];
	struct slot *v;
	size_t cap; /* slots, 0 or a power of two */
	size_t n; /* slots in use */
};

struct sip {
	uint64_t a, b, c, d;
};

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static uint64_t
load_le(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++)
		x |= (uint64_t)p[i] << (8 * i);
	return x;
}

static void
sip_rounds(struct sip *s, int rounds)
{
	while (rounds-- > 0) {
		s->a += s->b;
		s->b = rotate(s->b, 13) ^ s->a;
		s->a = rotate(s->a, 32);
		s->c += s->d;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a += s->d;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c += s->b;
		s->b = rotate(s->b, 17) ^ s->c;
		s->c = rotate(s->c, 32);
	}
}

static void
sip_word(struct sip *s, uint64_t m)
{
	s->d ^= m;
	sip_rounds(s, 2);
	s->a ^= m;
}

uint64_t
map_hash(const uint8_t seed[16], const void *p, size_t n)
{
	uint64_t k0 = load_le(seed, 8), k1 = load_le(seed + 8, 8);
	/* The words spell "somepseudorandomlygeneratedbytes". */
	struct sip s = {
	    k0 ^ 0x736f6d6570736575U,
	    k1 ^ 0x646f72616e646f6dU,
	    k0 ^ 0x6c7967656e657261U,
	    k1 ^ 0x7465646279746573U,
	};
	/* An empty key may be NULL, to which nothing may be added. */
	const uint8_t *in = n > 0 ? p : seed;
	size_t i;

	for (i = 0; n - i >= 8; i += 8)
		sip_word(&s, load_le(in + i, 8));
	sip_word(&s, load_le(in + i, n - i) | (uint64_t)(n & 0xff) << 56);
	s.c ^= 0xff;
	sip_rounds(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}

struct map *
map_new(const uint8_t seed[16])
{
	struct map *m = xcalloc(1, sizeof(*m));

	memcpy(m->seed, seed, sizeof(m->seed));
	return m;
}

void
map_free(struct map *m, void (*free_fn)(void *value))
{
	if (!m)
		return;
	for (size_t i = 0; i < m->cap; i++) {
		if (!m->v[i].value)
			continue;
		free(m->v[i].key);
		if (free_fn)
			free_fn(m->v[i].value);
	}
	free(m->v);
	free(m);
}

size_t
map_count(const struct map *m)
{
	return m->n;
}

/* The slot that holds key, or the free one where it belongs. cap > 0. */
static struct slot *
find(const struct map *m, struct str key, uint64_t hash)
{
	size_t at = (size_t)hash & (m->cap - 1);

	for (;;) {
		struct slot *s = &m->v[at];

		if (!s->value)
			return s;
		if (s->hash == hash && str_eq(str_n(s->key, s->n), key))
			return s;
		at = (at + 1) & (m->cap - 1);
	}
}

void *
map_get(const struct map *m, struct str key)
{
	if (m->n == 0)
		return NULL;
	return find(m, key, map_hash(m->seed, key.p, key.n))->value;
}

static void
grow(struct map *m)
{
	struct slot *old = m->v;
	size_t old_cap = m->cap;

	m->cap = old_cap > 0 ? old_cap * 2 : MAP_FIRST;
	m->v = xcalloc(m->cap, sizeof(*m->v));
	for (size_t i = 0; i < old_cap; i++) {
		struct slot *s = &old[i];

		if (s->value)
			*find(m, str_n(s->key, s->n), s->hash) = *s;
	}
	free(old);
}

void *
map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(m->seed, key.p, key.n);
	struct slot *s;
	void *former;

	if (!value)
		BUG("a map can't hold NULL");
	if (m->n >= m->cap / 4 * 3)
		grow(m);
	s = find(m, key, hash);
	former = s->value;
	if (!former) {
		*s = (struct slot){
		    .hash = hash, .key = str_dup(key), .n = key.n};
		m->n++;
	}
	s->value = value;
	return former;
}

/* Frees slot at and moves followers back that it kept from their place. */
static void
close_gap(struct map *m, size_t at)
{
	size_t mask = m->cap - 1, next = at;

	for (;;) {
		size_t home;

		next = (next + 1) & mask;
		if (!m->v[next].value)
			break;
		home = (size_t)m->v[next].hash & mask;
		/* Stays if its home is behind the gap, up to where it is. */
		if (((next - home) & mask) < ((next - at) & mask))
			continue;
		m->v[at] = m->v[next];
		at = next;
	}
	m->v[at] = (struct slot){0};
}

void *
map_del(struct map *m, struct str key)
{
	struct slot *s;
	void *value;

	if (m->n == 0)
		return NULL;
	s = find(m, key, map_hash(m->seed, key.p, key.n));
	value = s->value;
	if (!value)
		return NULL;
	free(s->key);
	close_gap(m, (size_t)(s - m->v));
	m->n--;
	return value;
}

bool
map_next(const struct map *m, size_t *it, struct str *key, void **value)
{
	while (*it < m->cap) {
		const struct slot *s = &m->v[(*it)++];

		if (!s->value)
			continue;
		*key = str_n(s->key, s->n);
		*value = s->value;
		return true;
	}
	return false;
}
