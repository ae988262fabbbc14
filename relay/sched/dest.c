/*
 * A destination. Its waiting recipients are grouped by message, because a
 * grant is one message. Groups stand in two heaps: by the time the first of
 * them is due, and by the end of the message's lifetime. The second one lets
 * expired messages through while the destination backs off: they get their
 * last attempt and leave the queue, though nobody else is tried.
 */
#include "config.h"

#include "relay/sched/dest.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

#define SECONDS_MAX (INT64_C(1) << 40)

int64_t
dest_key(int64_t seconds, uint64_t seq)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds > SECONDS_MAX)
		seconds = SECONDS_MAX;
	return seconds << DEST_KEY_SHIFT |
	    (int64_t)(seq & ((1u << DEST_KEY_SHIFT) - 1));
}

int64_t
dest_key_time(int64_t key)
{
	return key >> DEST_KEY_SHIFT;
}

struct dest *
dest_new(struct str next_hop, const uint8_t seed[16])
{
	struct dest *d = xcalloc(1, sizeof(*d));

	d->next_hop = str_dup(next_hop);
	d->by_msg = map_new(seed);
	d->window = 1;
	list_init(&d->turn);
	return d;
}

void
dest_free(struct dest *d)
{
	if (d->n_waiting > 0 || heap_has(&d->ready) || !list_empty(&d->turn))
		BUG("destination %s is in use", d->next_hop);
	map_free(d->by_msg, NULL);
	heap_clear(&d->groups);
	heap_clear(&d->expiries);
	heap_clear(&d->lasts);
	free(d->next_hop);
	free(d);
}

int64_t
dest_due(const struct rcpt *r, int64_t lifetime_s)
{
	int64_t end = r->msg->arrived + lifetime_s;

	return r->next_try < end ? r->next_try : end;
}

static struct str
msg_key(const uint64_t *id)
{
	return str_n((const char *)id, sizeof(*id));
}

static struct item *
first_item(const struct group *g)
{
	return CONTAINER_OF(heap_min(&g->items), struct item, due);
}

static struct group *
group_of(struct dest *d, const struct msg *m, int64_t lifetime_s)
{
	struct group *g = map_get(d->by_msg, msg_key(&m->id));

	if (g)
		return g;
	g = xcalloc(1, sizeof(*g));
	g->dest = d;
	g->msg = m->id;
	(void)map_put(d->by_msg, msg_key(&g->msg), g);
	heap_add(
	    &d->expiries, &g->expiry, dest_key(m->arrived + lifetime_s, 0));
	return g;
}

void
dest_put(struct dest *d, struct item *it, int64_t key, int64_t lifetime_s)
{
	struct group *g = group_of(d, it->r->msg, lifetime_s);

	it->group = g;
	heap_add(&g->items, &it->due, key);
	heap_add(&d->lasts, &it->last, -key);
	if (heap_has(&g->due))
		heap_update(&d->groups, &g->due, first_item(g)->due.key);
	else
		heap_add(&d->groups, &g->due, key);
	d->n_waiting++;
}

void
dest_take(struct item *it)
{
	struct group *g = it->group;
	struct dest *d = it->dest;

	heap_remove(&g->items, &it->due);
	heap_remove(&d->lasts, &it->last);
	it->group = NULL;
	d->n_waiting--;
	if (heap_min(&g->items)) {
		heap_update(&d->groups, &g->due, first_item(g)->due.key);
		return;
	}
	heap_remove(&d->groups, &g->due);
	heap_remove(&d->expiries, &g->expiry);
	(void)map_del(d->by_msg, msg_key(&g->msg));
	heap_clear(&g->items);
	free(g);
}

struct item *
dest_last(const struct dest *d)
{
	struct heap_node *top = heap_min(&d->lasts);

	return top ? CONTAINER_OF(top, struct item, last) : NULL;
}

int64_t
dest_ready_at(const struct dest *d)
{
	const struct heap_node *top = heap_min(&d->groups);
	int64_t at;
	int64_t end;

	if (!top || d->running >= d->window)
		return -1;
	at = dest_key_time(top->key);
	if (at >= d->not_before)
		return at;
	end = dest_key_time(heap_min(&d->expiries)->key);
	return end < d->not_before ? end : d->not_before;
}

struct group *
dest_pick(const struct dest *d, int64_t now)
{
	struct heap_node *top = heap_min(&d->groups);
	struct group *g;

	if (!top)
		return NULL;
	g = CONTAINER_OF(top, struct group, due);
	if (now < d->not_before)
		g = CONTAINER_OF(heap_min(&d->expiries), struct group, expiry);
	if (now < d->not_before && dest_key_time(g->expiry.key) > now)
		return NULL;
	/* At the end of its lifetime all of a message is due: dest_due. */
	return dest_key_time(g->due.key) <= now ? g : NULL;
}

struct item *
dest_group_due(const struct group *g, int64_t now)
{
	struct heap_node *top = heap_min(&g->items);

	if (!top || dest_key_time(top->key) > now)
		return NULL;
	return CONTAINER_OF(top, struct item, due);
}
