/*
 * The scheduler of one shard. A destination stands in one of three places: in
 * the heap `soon` until it may run, then in the list `round`, where each gets
 * one grant a turn, or in neither, while its window is full or nothing waits.
 *
 * Memory is bounded by the window. The recipients in it are those that can run
 * first: a new one puts out the one that comes last, counting the back-off of
 * its destination, and no destination takes more than its share. Rows that are
 * put out or turned away stay in the store and come back by paging.
 *
 * A page read before a commit can bring a row that has left the queue since:
 * rows finished during a paging run are remembered (QUE-08). So are rows that
 * a page brought: the shard that took the message in may be slower to hand
 * them over than we were to find and to finish them. If it is slower than our
 * memory, the row is left to the store, which knows.
 */
#include "config.h"

#include "relay/sched/sched.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/sched/backoff.h"
#include "relay/sched/dest.h"
#include "relay/sched/gone.h"
#include "relay/sched/judge.h"

/* Share of the window that one destination may take, and while it backs off:
 * many dead ones must not push out those that work. */
#define SHARE 4
#define SHARE_FAILED 64
/* Seconds after which rows outside are paged though the window is full. */
#define LOOK_OUTSIDE 60

struct grant {
	struct sched_grant pub;
	struct list node; /* in sched.grants */
	struct dest *dest;
	struct item **items;
	uint64_t seed; /* of the jitter, one for all recipients */
};

struct sched {
	struct sched_opts o; /* retry_s owned */
	uint8_t seed[16];
	struct map *dests; /* next hop -> struct dest */
	struct map *rows; /* row -> struct item */
	struct gone *gone; /* rows finished during paging runs */
	struct heap soon; /* struct dest.ready */
	struct list round; /* struct dest.turn */
	struct heap far; /* struct item.far, latest first */
	struct list grants;
	size_t n_rcpts;
	unsigned running;
	uint64_t seq, grant_seq;
	int64_t now, run_end; /* as of sched_next */
	bool paging; /* a run counts as under way */
	bool overflow; /* the store has rows that are not here */
	bool turned; /* one was turned away since the run began */
	bool full; /* and not only because a destination had its share */
	bool hungry; /* a destination with such rows has room again */
};

static struct str
row_key(const uint64_t *id)
{
	return str_n((const char *)id, sizeof(*id));
}

struct sched *
sched_new(const struct sched_opts *o)
{
	struct sched *s = xcalloc(1, sizeof(*s));
	int64_t *retry = xcalloc(o->n_retry, sizeof(*retry));

	if (o->n_retry > 0)
		memcpy(retry, o->retry_s, o->n_retry * sizeof(*retry));
	s->o = *o;
	s->o.retry_s = retry;
	memcpy(s->seed, o->seed, sizeof(s->seed));
	s->o.seed = s->seed;
	if (s->o.max_per_dest == 0)
		s->o.max_per_dest = 1;
	if (s->o.max_recipients == 0)
		s->o.max_recipients = 1;
	s->dests = map_new(s->seed);
	s->rows = map_new(s->seed);
	s->gone = gone_new(s->seed);
	list_init(&s->round);
	list_init(&s->grants);
	s->paging = true; /* the first load */
	return s;
}

/* ---- destinations ---- */

static size_t
share_of(const struct sched *s, const struct dest *d)
{
	size_t share = s->o.window / (d->failures > 0 ? SHARE_FAILED : SHARE);

	return share > s->o.max_recipients ? share : s->o.max_recipients;
}

static size_t
dest_count(const struct dest *d)
{
	return d->n_waiting + d->n_running;
}

static void
look_hungry(struct sched *s, const struct dest *d)
{
	if (d->overflow && dest_count(d) <= share_of(s, d) / 2)
		s->hungry = true;
}

static void
drop_dest(struct sched *s, struct dest *d)
{
	look_hungry(s, d);
	if (heap_has(&d->ready))
		heap_remove(&s->soon, &d->ready);
	list_remove(&d->turn);
	(void)map_del(s->dests, str_of(d->next_hop));
	dest_free(d);
}

/* Puts d where it belongs now. d may be freed. */
static void
place(struct sched *s, struct dest *d)
{
	int64_t at = dest_ready_at(d);

	if (!list_empty(&d->turn))
		return; /* sched_next looks at it anew */
	if (dest_count(d) == 0) {
		/* Idle: kept only for what it knows about a dead host. */
		if (d->not_before == 0) {
			drop_dest(s, d);
			return;
		}
		at = d->not_before;
	}
	if (at < 0) {
		if (heap_has(&d->ready))
			heap_remove(&s->soon, &d->ready);
	} else if (heap_has(&d->ready)) {
		heap_update(&s->soon, &d->ready, at);
	} else {
		heap_add(&s->soon, &d->ready, at);
	}
}

/* ---- recipients ---- */

static int64_t
far_key(const struct dest *d, int64_t due_key)
{
	int64_t end = dest_key(d->not_before, 0);

	return -(due_key > end ? due_key : end);
}

static void
put_item(struct sched *s, struct item *it)
{
	int64_t key = dest_key(dest_due(it->r, s->o.lifetime_s), s->seq++);

	dest_put(it->dest, it, key, s->o.lifetime_s);
	heap_add(&s->far, &it->far, far_key(it->dest, key));
}

static void
take_item(struct sched *s, struct item *it)
{
	dest_take(it);
	heap_remove(&s->far, &it->far);
}

/* A recipient leaves memory; it waits nowhere. */
static void
free_item(struct sched *s, struct item *it)
{
	(void)map_del(s->rows, row_key(&it->r->id));
	s->n_rcpts--;
	rcpt_free(it->r);
	free(it);
}

/* A waiting recipient makes room; its row stays in the store. */
static void
put_out(struct sched *s, struct item *it)
{
	s->overflow = true;
	s->turned = true;
	take_item(s, it);
	free_item(s, it);
}

/* The back-off of d has changed, and with it who comes last. */
static void
refresh_far(struct sched *s, struct dest *d)
{
	while (dest_count(d) > share_of(s, d) && d->n_waiting > 0) {
		d->overflow = true;
		put_out(s, dest_last(d));
	}
	for (size_t i = 0; i < d->lasts.n; i++) {
		struct item *it = CONTAINER_OF(
		    d->lasts.v[i], struct item, last);

		heap_update(&s->far, &it->far, far_key(d, it->due.key));
	}
}

/* Room for a recipient of d with this key; false when there is none. */
static bool
make_room(struct sched *s, struct dest *d, int64_t key)
{
	struct item *last = dest_last(d);

	if (dest_count(d) >= share_of(s, d)) {
		d->overflow = true;
		if (!last || last->due.key <= key)
			return false;
		put_out(s, last);
	}
	if (s->n_rcpts >= s->o.window) {
		struct heap_node *far = heap_min(&s->far);
		struct dest *other;

		s->full = true;
		if (!far || far->key >= far_key(d, key))
			return false;
		last = CONTAINER_OF(far, struct item, far);
		other = last->dest;
		put_out(s, last);
		if (other != d)
			place(s, other);
	}
	return true;
}

static int
turn_away(struct sched *s, struct rcpt *take_r)
{
	s->overflow = true;
	s->turned = true;
	rcpt_free(take_r);
	return ERR_FULL;
}

static struct dest *
dest_get(struct sched *s, const char *next_hop)
{
	struct str key = str_of(next_hop);
	struct dest *d = map_get(s->dests, key);

	if (!d) {
		d = dest_new(key, s->seed);
		(void)map_put(s->dests, key, d);
	}
	return d;
}

int
sched_add(struct sched *s, struct rcpt *take_r, bool paged)
{
	enum gone_what what = gone_find(s->gone, take_r->id, take_r->tries);
	struct item *it;
	struct dest *d;
	int64_t key;

	if (what == GONE_DONE || map_get(s->rows, row_key(&take_r->id))) {
		rcpt_free(take_r);
		return ERR_EXISTS;
	}
	if (paged)
		gone_paged(s->gone, take_r->id);
	if (what == GONE_STALE || (!paged && gone_is_late(s->gone, take_r->id)))
		return turn_away(s, take_r);
	d = dest_get(s, take_r->next_hop);
	key = dest_key(dest_due(take_r, s->o.lifetime_s), s->seq);
	if (!make_room(s, d, key)) {
		place(s, d);
		return turn_away(s, take_r);
	}
	it = xcalloc(1, sizeof(*it));
	it->r = take_r;
	it->dest = d;
	it->paged = s->paging;
	(void)map_put(s->rows, row_key(&take_r->id), it);
	s->n_rcpts++;
	put_item(s, it);
	place(s, d);
	return 0;
}

/* ---- paging ---- */

bool
sched_has_room(const struct sched *s)
{
	return s->n_rcpts < s->o.window;
}

void
sched_outside(struct sched *s)
{
	s->overflow = s->turned = s->hungry = true;
}

static void
begin_run(struct sched *s)
{
	size_t i = 0;
	struct str key;
	void *value;

	s->paging = true;
	s->turned = false;
	s->full = false;
	s->hungry = false;
	while (map_next(s->dests, &i, &key, &value)) {
		struct dest *d = value;

		d->overflow = false;
	}
}

bool
sched_wants_page(struct sched *s)
{
	if (!s->overflow)
		return false;
	if (!s->hungry && !(s->full && s->n_rcpts <= s->o.window / 2))
		return false;
	if (!s->paging)
		begin_run(s);
	return true;
}

void
sched_paged(struct sched *s, bool all)
{
	s->overflow = !all || s->turned;
	s->full = s->full || !all;
	s->paging = false;
	s->run_end = s->now;
	gone_turn(s->gone);
}

/* ---- grants ---- */

static struct grant *
start_grant(struct sched *s, struct dest *d, struct group *g, int64_t now)
{
	struct grant *gr = xcalloc(1, sizeof(*gr));
	size_t max = s->o.max_recipients;
	struct item *it;
	size_t n = 0;

	if (max > g->items.n)
		max = g->items.n;
	gr->items = xcalloc(max, sizeof(struct item *));
	gr->pub.rcpts = xcalloc(max, sizeof(struct rcpt *));
	/* The group is freed with its last item: ask for the next one only
	 * while there is one. */
	for (size_t left = g->items.n; left > 0 && n < max; left--) {
		it = dest_group_due(g, now);
		if (!it)
			break;
		take_item(s, it);
		gr->items[n] = it;
		gr->pub.rcpts[n++] = it->r;
	}
	gr->pub.n = n;
	gr->pub.id = ++s->grant_seq;
	gr->pub.next_hop = d->next_hop;
	gr->pub.msg = gr->pub.rcpts[0]->msg;
	gr->dest = d;
	rng_fill(s->o.rng, &gr->seed, sizeof(gr->seed));
	list_init(&gr->node);
	list_push(&s->grants, &gr->node);
	d->n_running += n;
	d->running++;
	s->running++;
	return gr;
}

/* Moves those whose time has come to the end of the round. */
static void
fill_round(struct sched *s, int64_t now)
{
	struct heap_node *top;

	while ((top = heap_min(&s->soon)) != NULL && top->key <= now) {
		struct dest *d = CONTAINER_OF(top, struct dest, ready);

		heap_remove(&s->soon, top);
		if (dest_count(d) == 0)
			drop_dest(s, d);
		else
			list_push(&s->round, &d->turn);
	}
}

const struct sched_grant *
sched_next(struct sched *s, int64_t now)
{
	struct list *node;

	s->now = now;
	/* However it came about: rows outside are looked at in the end. */
	if (s->overflow && now - s->run_end >= LOOK_OUTSIDE)
		s->hungry = true;
	if (s->running >= s->o.max_running)
		return NULL;
	fill_round(s, now);
	while ((node = list_pop(&s->round)) != NULL) {
		struct dest *d = CONTAINER_OF(node, struct dest, turn);
		struct group *g = d->running < d->window ? dest_pick(d, now)
							 : NULL;
		struct grant *gr = g ? start_grant(s, d, g, now) : NULL;

		place(s, d);
		if (gr)
			return &gr->pub;
	}
	return NULL;
}

int64_t
sched_wake(const struct sched *s)
{
	struct heap_node *top = heap_min(&s->soon);
	int64_t at = -1;

	if (s->running < s->o.max_running && !list_empty(&s->round))
		return 0;
	if (s->running < s->o.max_running && top)
		at = top->key;
	if (s->overflow && !s->hungry &&
	    (at < 0 || at > s->run_end + LOOK_OUTSIDE))
		at = s->run_end + LOOK_OUTSIDE;
	return at;
}

/* ---- what became of them ---- */

void
sched_judge(const struct sched *s, const struct sched_grant *g, size_t i,
    int64_t now, struct outcome *io, int64_t *next_try, uint32_t *tries)
{
	const struct grant *gr = (const struct grant *)(const void *)g;
	struct judge j = {
	    .retry_s = s->o.retry_s,
	    .n_retry = s->o.n_retry,
	    .lifetime_s = s->o.lifetime_s,
	    .seed = gr->seed,
	};

	_Static_assert(offsetof(struct grant, pub) == 0, "cast above");
	judge_rcpt(&j, g->rcpts[i], now, io, next_try, tries);
}

static void
free_grant(struct grant *gr)
{
	list_remove(&gr->node);
	free(gr->pub.rcpts);
	free(gr->items);
	free(gr);
}

/* The window, and the back-off of the destination as a whole: QUE-05. */
static void
learn(struct sched *s, struct dest *d, bool host_failed, int64_t now)
{
	bool was_off = d->not_before != 0;

	if (!host_failed) {
		d->failures = 0;
		d->not_before = 0;
		if (d->window < s->o.max_per_dest)
			d->window++;
		if (was_off)
			refresh_far(s, d);
		return;
	}
	d->window = d->window > 1 ? d->window / 2 : 1;
	/* Grants that ran side by side fail for one and the same reason. */
	if (now < d->not_before)
		return;
	d->failures++;
	d->not_before = now +
	    backoff_delay(s->o.retry_s, s->o.n_retry, d->failures, s->o.rng);
	refresh_far(s, d);
}

void
sched_done(struct sched *s, const struct sched_grant *g, const bool *done,
    const int64_t *next_try, const uint32_t *tries, enum sched_end end,
    int64_t now)
{
	/* The grant is ours; the caller only must not write to it. */
	struct grant *gr = (struct grant *)(uintptr_t)g;
	struct dest *d = gr->dest;

	for (size_t i = 0; i < gr->pub.n; i++) {
		struct item *it = gr->items[i];
		bool stays = !done[i] && !s->full && !d->overflow;

		if (!done[i]) {
			it->r->next_try = next_try[i];
			it->r->tries = tries[i];
		}
		/* What a page brought may still come from the shard that took
		 * it in, after the run. */
		if (s->paging || it->paged)
			gone_note(s->gone, it->r->id, done[i], it->r->tries);
		if (stays) {
			put_item(s, it);
			continue;
		}
		/* Where rows wait outside, this one queues up behind them. */
		if (!done[i])
			s->overflow = s->turned = true;
		free_item(s, it);
	}
	d->n_running -= gr->pub.n;
	d->running--;
	s->running--;
	if (end != SCHED_NOT_TRIED)
		learn(s, d, end == SCHED_HOST_FAILED, now);
	look_hungry(s, d);
	free_grant(gr);
	place(s, d);
}

void
sched_stats(const struct sched *s, struct sched_stats *out)
{
	out->rcpts = s->n_rcpts;
	out->dests = map_count(s->dests);
	out->running = s->running;
}

static void
free_dest(void *value)
{
	struct dest *d = value;

	d->ready.at = 0; /* the heap goes as a whole */
	list_remove(&d->turn);
	dest_free(d);
}

void
sched_free(struct sched *s)
{
	struct heap_node *top;
	struct list *node;

	if (!s)
		return;
	while ((node = list_pop(&s->grants)) != NULL) {
		struct grant *gr = CONTAINER_OF(node, struct grant, node);

		for (size_t i = 0; i < gr->pub.n; i++)
			free_item(s, gr->items[i]);
		free_grant(gr);
	}
	while ((top = heap_min(&s->far)) != NULL) {
		struct item *it = CONTAINER_OF(top, struct item, far);

		take_item(s, it);
		free_item(s, it);
	}
	map_free(s->dests, free_dest);
	map_free(s->rows, NULL);
	gone_free(s->gone);
	heap_clear(&s->soon);
	heap_clear(&s->far);
	free((void *)(uintptr_t)s->o.retry_s);
	free(s);
}
