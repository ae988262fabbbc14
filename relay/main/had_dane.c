/* Map of domain to the time it was last written; see the header. */
#include "config.h"

#include "relay/main/had_dane.h"

#include <stdlib.h>

#include "relay/base/map.h"

#define HAD_DANE_AGAIN_S 86400 /* between two writes of one domain */
#define HAD_DANE_RETRY_MS 1000

struct had_dane {
	struct store *store;
	struct clock clock;
	struct map *map; /* domain -> int64_t * */
	struct timer *retry;
	unsigned shard, shards;
	void (*done_fn)(void *arg);
	void *arg;
};

struct had_dane *
had_dane_new(struct store *store, struct rng *rng, struct clock clock)
{
	struct had_dane *h = xcalloc(1, sizeof(*h));
	uint8_t seed[16];

	rng_fill(rng, seed, sizeof(seed));
	h->store = store;
	h->clock = clock;
	h->map = map_new(seed);
	return h;
}

void
had_dane_free(struct had_dane *h)
{
	if (!h)
		return;
	store_forget(h->store, h);
	timer_free(h->retry);
	map_free(h->map, free);
	free(h);
}

static int64_t *
had_dane_entry(struct had_dane *h, const char *domain)
{
	int64_t *at = map_get(h->map, str_of(domain));

	if (!at) {
		at = xcalloc(1, sizeof(*at));
		(void)map_put(h->map, str_of(domain), at);
	}
	return at;
}

static void
had_dane_on_load(void *arg, int err, const char *const *domains, size_t n)
{
	struct had_dane *h = arg;
	size_t i;

	if (err) {
		timer_start(h->retry, HAD_DANE_RETRY_MS);
		return;
	}
	for (i = 0; i < n; i++)
		(void)had_dane_entry(h, domains[i]);
	h->done_fn(h->arg);
}

static void
had_dane_ask(void *arg)
{
	struct had_dane *h = arg;

	if (store_dane_load(h->store, h->shard, h->shards, had_dane_on_load, h))
		timer_start(h->retry, HAD_DANE_RETRY_MS);
}

void
had_dane_load(struct had_dane *h, struct loop *loop, unsigned shard,
    unsigned shards, void (*done_fn)(void *arg), void *arg)
{
	h->shard = shard;
	h->shards = shards;
	h->done_fn = done_fn;
	h->arg = arg;
	h->retry = timer_new(loop, had_dane_ask, h);
	had_dane_ask(h);
}

bool
had_dane_get(void *arg, const char *domain)
{
	struct had_dane *h = arg;

	return map_get(h->map, str_of(domain)) != NULL;
}

/* Which domain it was is not told: each is written anew with its next
 * delivery. */
static void
had_dane_on_put(void *arg, int err)
{
	struct had_dane *h = arg;
	struct str key;
	void *at;
	size_t it = 0;

	while (err && map_next(h->map, &it, &key, &at))
		*(int64_t *)at = 0;
}

void
had_dane_set(void *arg, const char *domain)
{
	struct had_dane *h = arg;
	int64_t *at = had_dane_entry(h, domain);
	int64_t now = clock_real_s(&h->clock);

	if (*at && now - *at < HAD_DANE_AGAIN_S)
		return;
	/* A full store leaves *at as it is: the next delivery writes it. */
	if (!store_dane_put(h->store, domain, now, had_dane_on_put, h))
		*at = now;
}
