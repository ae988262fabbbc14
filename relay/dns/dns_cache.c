/*
 * Cache, coalescing and canary. One entry a key (name, type): it holds an
 * answer, or a lookup under way with its waiters, or what is remembered of
 * failures. Every answer goes out from a timer, so never inside dns_ask, and
 * callbacks may ask and cancel as they like.
 *
 * The canary (`. NS` must have AD, DANE-58) decides whether answers are
 * believed. When what it says changes, everything that was learned before is
 * forgotten: an answer that was insecure because nobody validated must not
 * outlive that, nor a failure of a dead resolver. DANE-03.
 *
 * Lists: an entry is in lru, unless its lookup is under way. A waiter is in
 * the list of its entry, in held (state unknown), or in ready (with a set).
 */
#include "config.h"

#include "relay/dns/dns_cache.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/base/map.h"
#include "relay/base/str.h"
#include "relay/dns/rdata.h"

/* RESOLVER.md 1.4; seconds. */
#define CAP_POSITIVE 300
#define CAP_TLSA 100
#define CAP_NEGATIVE 60
#define FAIL_MIN 5 /* RFC 9520 3.2 */
#define FAIL_MAX 60

#define CANARY_MS 30000
#define CANARY_BAD_MS 1000 /* while not all is well: doubles from here */
#define CANARY_DEAD_MAX 2000 /* mail waits for it */
/* A managed resolver that was just started may take that long to listen. */
#define CANARY_GRACE_MS 5000

#define KEY_MAX (DOMAIN_MAX + 2)

struct cache {
	struct dns base; /* first */
	struct dns_cache_opts o;
	struct loop *loop;
	struct map *map;
	struct list lru; /* best to keep at the end */
	struct list busy; /* entries with a lookup under way */
	struct list held; /* waiters: until the canary answers */
	struct list ready; /* waiters: to be answered */
	struct timer *deliver, *canary_timer;
	struct dns_query *canary;
	enum dns_state state;
	enum rr_why dead_why;
	int64_t canary_bad_ms, started;
};

struct entry {
	struct list node; /* lru or busy */
	struct cache *c;
	struct dns_query *q; /* under way */
	struct rr_set *set; /* NULL: none */
	int64_t expires; /* ms, of set */
	unsigned fail_s; /* last back-off, 0: last answer was good */
	bool stale; /* asked before the state changed: ask again */
	struct list waiters;
	enum rr_type type;
	size_t key_len;
	char key[KEY_MAX];
};

struct waiter {
	struct list node;
	struct cache *c;
	dns_fn *fn;
	void *arg;
	struct rr_set *set; /* in ready: what to answer */
	enum rr_type type;
	char name[DOMAIN_MAX];
};

static void
count(struct cache *c, enum metric id)
{
	if (c->o.metrics)
		metrics_add(c->o.metrics, id, 1);
}

/* Takes the count of set; w is in no list. */
static void
answer(struct waiter *w, struct rr_set *take_set)
{
	struct cache *c = w->c;

	w->set = take_set;
	list_push(&c->ready, &w->node);
	if (!timer_active(c->deliver))
		timer_start(c->deliver, 0);
}

static void
waiter_free(struct waiter *w)
{
	list_remove(&w->node);
	rr_set_unref(w->set);
	free(w);
}

static void
free_waiters(struct list *l)
{
	while (!list_empty(l))
		waiter_free(CONTAINER_OF(l->next, struct waiter, node));
}

static void
on_deliver(void *arg)
{
	struct cache *c = arg;
	struct list last;

	/* What callbacks ask is answered in the next round. */
	list_init(&last);
	list_push(&c->ready, &last);
	while (c->ready.next != &last) {
		struct waiter *w = CONTAINER_OF(
		    c->ready.next, struct waiter, node);
		struct rr_set *set = w->set;
		dns_fn *fn = w->fn;
		void *fn_arg = w->arg;

		w->set = NULL;
		waiter_free(w);
		fn(fn_arg, set);
		rr_set_unref(set);
	}
	list_remove(&last);
	if (!list_empty(&c->ready) && !timer_active(c->deliver))
		timer_start(c->deliver, 0);
}

static void
entry_forget(struct entry *e)
{
	rr_set_unref(e->set);
	e->set = NULL;
	e->fail_s = 0;
}

static void
entry_free(struct entry *e)
{
	if (map_del(e->c->map, str_n(e->key, e->key_len)) != e)
		BUG("cache entry not in its map");
	list_remove(&e->node);
	free_waiters(&e->waiters);
	rr_set_unref(e->set);
	free(e);
}

static void
shrink(struct cache *c)
{
	while (map_count(c->map) > c->o.entries && !list_empty(&c->lru))
		entry_free(CONTAINER_OF(c->lru.next, struct entry, node));
}

static void
forget_all(struct cache *c)
{
	struct list *node;

	while (!list_empty(&c->lru))
		entry_free(CONTAINER_OF(c->lru.next, struct entry, node));
	for (node = c->busy.next; node != &c->busy; node = node->next) {
		struct entry *e = CONTAINER_OF(node, struct entry, node);

		entry_forget(e);
		e->stale = true;
	}
}

static int64_t
keep_ms(struct entry *e, const struct rr_set *set)
{
	uint32_t cap = CAP_NEGATIVE;

	if (set->status == RR_FAIL) {
		e->fail_s = e->fail_s == 0 ? FAIL_MIN : e->fail_s * 2;
		if (e->fail_s > FAIL_MAX)
			e->fail_s = FAIL_MAX;
		return (int64_t)e->fail_s * 1000;
	}
	e->fail_s = 0;
	if (set->status == RR_OK)
		cap = set->type == RR_TLSA ? CAP_TLSA : CAP_POSITIVE;
	return (int64_t)(set->ttl < cap ? set->ttl : cap) * 1000;
}

/* What may be believed of an answer now; count of the result is the
 * caller's. */
static struct rr_set *
believe(const struct cache *c, struct rr_set *set)
{
	struct rr_set *copy;

	if (!set->secure || (c->state == DNS_STATE_OK && c->o.trust_ad))
		return rr_set_ref(set);
	copy = rr_set_dup(set);
	copy->secure = false;
	return copy;
}

static bool
is_silent(const struct rr_set *set)
{
	return set->status == RR_FAIL &&
	    (set->why == RR_WHY_UNREACHABLE || set->why == RR_WHY_TIMEOUT);
}

static void canary_soon(struct cache *c);
static void place(struct waiter *w);

/* Whoever answered was another resolver, or the same in another state: what
 * it did not validate must not count as insecure now. Those who wait are
 * placed as if they asked now. */
static void
ask_again(struct entry *e)
{
	struct list waiters, *node;

	e->stale = false;
	list_push(&e->c->lru, &e->node);
	list_init(&waiters);
	while ((node = list_pop(&e->waiters)) != NULL)
		list_push(&waiters, node);
	while ((node = list_pop(&waiters)) != NULL)
		place(CONTAINER_OF(node, struct waiter, node));
}

static void
on_answer(void *arg, struct rr_set *set)
{
	struct entry *e = arg;
	struct cache *c = e->c;
	struct list *node;

	e->q = NULL;
	list_remove(&e->node);
	if (e->stale) {
		ask_again(e);
		return;
	}
	list_push(&c->lru, &e->node);
	rr_set_unref(e->set);
	e->set = believe(c, set);
	e->expires = timer_now(c->loop) + keep_ms(e, set);
	while ((node = list_pop(&e->waiters)) != NULL)
		answer(CONTAINER_OF(node, struct waiter, node),
		    rr_set_ref(e->set));
	if (is_silent(set))
		canary_soon(c);
	shrink(c);
}

static size_t
make_key(const char *name, enum rr_type type, char key[KEY_MAX])
{
	size_t n = 0;

	key[n++] = (char)((unsigned)type >> 8);
	key[n++] = (char)((unsigned)type & 255);
	for (; *name != '\0'; name++)
		key[n++] = str_lower(*name);
	return n;
}

static struct entry *
entry_get(struct cache *c, const char *name, enum rr_type type)
{
	char key[KEY_MAX];
	size_t n = make_key(name, type, key);
	struct entry *e = map_get(c->map, str_n(key, n));

	if (e)
		return e;
	e = xcalloc(1, sizeof(*e));
	e->c = c;
	e->type = type;
	e->key_len = n;
	memcpy(e->key, key, n);
	list_init(&e->waiters);
	list_init(&e->node);
	list_push(&c->lru, &e->node);
	map_put(c->map, str_n(key, n), e);
	return e;
}

/* Decides how w, which is in no list, gets its answer. */
static void
place(struct waiter *w)
{
	struct cache *c = w->c;
	struct entry *e;

	if (!rdata_name_ok(w->name)) {
		answer(w, rdata_fail(w->name, w->type, RR_WHY_MALFORMED));
		return;
	}
	if (c->state == DNS_STATE_UNKNOWN) {
		list_push(&c->held, &w->node);
		return;
	}
	if (c->state == DNS_STATE_DEAD) {
		answer(w, rdata_fail(w->name, w->type, c->dead_why));
		return;
	}
	e = entry_get(c, w->name, w->type);
	if (!e->q && e->set && e->expires > timer_now(c->loop)) {
		count(c, METRIC_DNS_CACHE_HITS);
		list_remove(&e->node);
		list_push(&c->lru, &e->node);
		answer(w, rr_set_ref(e->set));
		return;
	}
	list_push(&e->waiters, &w->node);
	if (e->q)
		return;
	list_remove(&e->node);
	list_push(&c->busy, &e->node);
	e->q = dns_ask(c->o.upstream, w->name, w->type, on_answer, e);
	shrink(c);
}

static struct dns_query *
cache_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct waiter *w = xcalloc(1, sizeof(*w));
	size_t n = strlen(name);

	w->c = (struct cache *)(void *)d;
	w->fn = fn;
	w->arg = arg;
	w->type = type;
	list_init(&w->node);
	/* A longer one stays "", which is refused. */
	if (n < sizeof(w->name))
		memcpy(w->name, name, n + 1);
	place(w);
	return (struct dns_query *)(void *)w;
}

/* The lookup runs on: its answer will be asked for again. */
static void
cache_cancel(struct dns_query *q)
{
	waiter_free((struct waiter *)(void *)q);
}

/* All that wait for the canary, or for the next round with an answer from
 * before, ask anew. */
static void
place_all(struct cache *c)
{
	struct list waiters, *node;

	list_init(&waiters);
	while ((node = list_pop(&c->held)) != NULL ||
	    (node = list_pop(&c->ready)) != NULL)
		list_push(&waiters, node);
	while ((node = list_pop(&waiters)) != NULL) {
		struct waiter *w = CONTAINER_OF(node, struct waiter, node);

		rr_set_unref(w->set);
		w->set = NULL;
		place(w);
	}
}

static void
cache_set_state(struct cache *c, enum dns_state to)
{
	enum dns_state from = c->state;

	if (from == to)
		return;
	if (to == DNS_STATE_UNKNOWN)
		BUG("resolver state back to unknown");
	c->state = to;
	forget_all(c);
	place_all(c);
	if (c->o.on_state)
		c->o.on_state(c->o.arg, from, to);
}

/* What an answer to the canary says; *why only for DEAD. */
static enum dns_state
judge(const struct cache *c, const struct rr_set *set, enum rr_why *why)
{
	if (set->status == RR_OK && set->secure && c->o.trust_ad)
		return DNS_STATE_OK;
	*why = RR_WHY_UNREACHABLE;
	if (is_silent(set))
		return DNS_STATE_DEAD;
	/* Who denies that there is a root would deny every domain, and mail
	 * would bounce for that. */
	if (set->status == RR_NXDOMAIN || set->status == RR_NODATA) {
		*why = RR_WHY_UNTRUSTED;
		return DNS_STATE_DEAD;
	}
	if (!c->o.managed)
		return DNS_STATE_UNTRUSTED;
	/* It is ours and does not validate: that is a broken one. */
	if (set->status != RR_FAIL)
		*why = RR_WHY_UNTRUSTED;
	return DNS_STATE_DEAD;
}

static void
on_canary(void *arg, struct rr_set *set)
{
	struct cache *c = arg;
	enum rr_why why = RR_WHY_NONE;
	enum dns_state to = judge(c, set, &why);
	int64_t age = timer_now(c->loop) - c->started;

	c->canary = NULL;
	if (to == DNS_STATE_OK) {
		c->canary_bad_ms = 0;
		timer_start(c->canary_timer, c->o.canary_ms);
	} else {
		int64_t max = c->o.canary_ms;

		if (to == DNS_STATE_DEAD && max > CANARY_DEAD_MAX)
			max = CANARY_DEAD_MAX;
		c->canary_bad_ms = c->canary_bad_ms == 0 ? CANARY_BAD_MS
							 : c->canary_bad_ms * 2;
		if (c->canary_bad_ms > max)
			c->canary_bad_ms = max;
		timer_start(c->canary_timer, c->canary_bad_ms);
	}
	if (c->state == DNS_STATE_UNKNOWN && to == DNS_STATE_DEAD &&
	    c->o.managed && age < CANARY_GRACE_MS)
		return;
	c->dead_why = why;
	cache_set_state(c, to);
}

static void
on_canary_timer(void *arg)
{
	struct cache *c = arg;

	if (!c->canary)
		c->canary = dns_ask(c->o.upstream, ".", RR_NS, on_canary, c);
}

/* The resolver did not answer a lookup: don't wait to find out. */
static void
canary_soon(struct cache *c)
{
	if (c->state == DNS_STATE_OK && !c->canary)
		timer_start(c->canary_timer, 0);
}

int
dns_cache_new(
    struct loop *loop, const struct dns_cache_opts *o, struct dns **out)
{
	struct cache *c;
	uint8_t seed[16];

	if (!o->upstream || !o->rng)
		return ERR_CONFIG;
	c = xcalloc(1, sizeof(*c));
	c->base.ask = cache_ask;
	c->base.cancel = cache_cancel;
	c->o = *o;
	if (c->o.entries == 0)
		c->o.entries = 10000;
	if (c->o.canary_ms <= 0)
		c->o.canary_ms = CANARY_MS;
	c->loop = loop;
	rng_fill(o->rng, seed, sizeof(seed));
	c->map = map_new(seed);
	list_init(&c->lru);
	list_init(&c->busy);
	list_init(&c->held);
	list_init(&c->ready);
	c->started = timer_now(loop);
	c->deliver = timer_new(loop, on_deliver, c);
	c->canary_timer = timer_new(loop, on_canary_timer, c);
	timer_start(c->canary_timer, 0);
	*out = &c->base;
	return 0;
}

enum dns_state
dns_cache_state(const struct dns *d)
{
	const struct cache *c = (const struct cache *)(const void *)d;

	return c->state;
}

void
dns_cache_free(struct dns *d)
{
	struct cache *c = (struct cache *)(void *)d;

	if (!c)
		return;
	dns_cancel(c->o.upstream, c->canary);
	while (!list_empty(&c->busy)) {
		struct entry *e = CONTAINER_OF(
		    c->busy.next, struct entry, node);

		dns_cancel(c->o.upstream, e->q);
		entry_free(e);
	}
	forget_all(c);
	map_free(c->map, NULL);
	free_waiters(&c->held);
	free_waiters(&c->ready);
	timer_free(c->deliver);
	timer_free(c->canary_timer);
	free(c);
}
