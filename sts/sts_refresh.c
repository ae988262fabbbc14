/*
 * Fetches policies again that are due, whether anybody writes to their domains
 * or not, so that a policy in force does not run out while its domain still
 * publishes it; and drops entries that expired long ago.
 *
 * A pass pages through the entries of the shard and starts a job for each that
 * is due, few at a time and not all at once. What it sees, and what is stored
 * meanwhile, says when the next pass is worth while.
 *
 *	IDLE --> SCAN <--> WORK --> IDLE
 *
 * RFC 8461 3.3, 10.2.
 */
#include "config.h"

#include "sts/sts_refresh.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "sts/sts_job.h"
#include "sts/sts_notes.h"

#define FIRST_S 60 /* after the start, and not all shards at once */
#define PASS_LEAST_S 600
#define PASS_MOST_S 43200
#define IDLE_S 21600 /* until one is looked at that was not to be fetched */
#define PAGE 32 /* entries of one look */
#define SLOTS 4 /* fetches at a time */
#define GAP_MS 100 /* between their starts */

enum refresh_state { REFRESH_IDLE, REFRESH_SCAN, REFRESH_WORK };

struct slot {
	struct sts_refresh *refresh;
	struct sts_job *job; /* NULL: free */
	char domain[DOMAIN_MAX];
};

struct sts_refresh {
	struct sts_desk *desk;
	enum refresh_state state;
	bool started;
	struct timer *timer;
	int64_t next; /* when the next pass is worth while */
	int64_t earliest; /* when it may be, at the earliest */
	struct store_sts_scan scan;
	bool more; /* pages */
	struct sts_entry rows[PAGE];
	size_t n, at;
	struct slot slots[SLOTS];
};

static void
refresh_set_state(struct sts_refresh *r, enum refresh_state to)
{
	static const bool legal[][3] = {
	    [REFRESH_IDLE] = {[REFRESH_SCAN] = true},
	    [REFRESH_SCAN] = {[REFRESH_WORK] = true, [REFRESH_IDLE] = true},
	    [REFRESH_WORK] = {[REFRESH_SCAN] = true, [REFRESH_IDLE] = true},
	};

	if (!legal[r->state][to])
		BUG("sts refresh %d -> %d", (int)r->state, (int)to);
	r->state = to;
}

static int64_t
now_s(const struct sts_refresh *r)
{
	return clock_real_s(&r->desk->o.clock);
}

static void
want(struct sts_refresh *r, int64_t when)
{
	if (when < r->next)
		r->next = when;
}

/* Sets the timer for the next pass. */
static void
plan(struct sts_refresh *r)
{
	int64_t now = now_s(r);
	int64_t wait = r->next - now;

	if (wait < r->earliest - now)
		wait = r->earliest - now;
	if (wait > PASS_MOST_S)
		wait = PASS_MOST_S;
	timer_start(r->timer, wait > 0 ? wait * 1000 : 0);
}

static void
go_idle(struct sts_refresh *r)
{
	refresh_set_state(r, REFRESH_IDLE);
	r->earliest = now_s(r) + PASS_LEAST_S;
	sts_desk_gauge(r->desk);
	plan(r);
}

static void on_page(void *arg, int err, const struct store_sts_page *page);

static void
look(struct sts_refresh *r)
{
	refresh_set_state(r, REFRESH_SCAN);
	r->scan.now = now_s(r);
	if (store_sts_scan(r->desk->o.store, &r->scan, on_page, r)) {
		want(r, 0);
		go_idle(r);
	}
}

/* ---- one page ---- */

static struct slot *
free_slot(struct sts_refresh *r)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (!r->slots[i].job)
			return &r->slots[i];
	}
	return NULL;
}

static bool
is_working(const struct sts_refresh *r)
{
	for (size_t i = 0; i < SLOTS; i++) {
		if (r->slots[i].job)
			return true;
	}
	return false;
}

static void work(struct sts_refresh *r);

/* A job is over: fetched, the fetch failed, or there was nothing to fetch. */
static void
on_verdict(void *arg, const struct sts_verdict *v)
{
	struct slot *slot = arg;
	struct sts_refresh *r = slot->refresh;
	int64_t now = now_s(r), when;

	slot->job = NULL;
	if (v->source != STS_FRESH) {
		when = sts_notes_when(
		    r->desk->notes, slot->domain, NULL, false, now);
		want(r, when > now ? when : now + IDLE_S);
	}
	if (!timer_active(r->timer))
		work(r);
}

/* Takes one row up: true if a job was started for it. */
static bool
take(struct sts_refresh *r, struct slot *slot, const struct sts_entry *e)
{
	struct sts_desk *d = r->desk;
	int64_t now = now_s(r), when;

	if (e->expires <= now) {
		if (store_sts_drop(d->o.store, e->domain, now - STS_KEEP_S + 1,
			NULL, NULL))
			want(r, now); /* no credit: in the next pass */
		return false;
	}
	when = sts_notes_when(d->notes, e->domain, NULL, false, now);
	if (when > now) {
		want(r, when);
		return false;
	}
	memcpy(slot->domain, e->domain, sizeof(slot->domain));
	slot->refresh = r;
	slot->job = sts_job_start(
	    d, STS_JOB_REFRESH, e->domain, on_verdict, slot);
	return true;
}

/* Goes on with the page as far as it may. */
static void
work(struct sts_refresh *r)
{
	struct slot *slot;

	while (r->at < r->n && (slot = free_slot(r)) != NULL) {
		if (!take(r, slot, &r->rows[r->at++]))
			continue;
		timer_start(r->timer, GAP_MS);
		return;
	}
	if (r->at < r->n || is_working(r))
		return;
	if (r->more)
		look(r);
	else
		go_idle(r);
}

static void
on_page(void *arg, int err, const struct store_sts_page *page)
{
	struct sts_refresh *r = arg;

	if (err) {
		want(r, 0);
		go_idle(r);
		return;
	}
	want(r, page->next_due);
	r->more = page->more;
	memcpy(r->scan.after, page->last, sizeof(r->scan.after));
	r->n = page->n;
	r->at = 0;
	for (size_t i = 0; i < page->n; i++)
		r->rows[i] = page->rows[i];
	refresh_set_state(r, REFRESH_WORK);
	work(r);
}

static void
on_timer(void *arg)
{
	struct sts_refresh *r = arg;

	if (r->state == REFRESH_WORK) {
		work(r);
		return;
	}
	r->next = INT64_MAX;
	r->scan.after[0] = '\0';
	look(r);
}

/* ---- the contract ---- */

struct sts_refresh *
sts_refresh_new(struct sts_desk *d)
{
	struct sts_refresh *r = xcalloc(1, sizeof(*r));

	r->desk = d;
	r->scan.shard = d->o.shard;
	r->scan.shards = d->o.shards;
	r->scan.limit = PAGE;
	r->next = INT64_MAX;
	r->timer = timer_new(d->o.loop, on_timer, r);
	return r;
}

void
sts_refresh_free(struct sts_refresh *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		sts_job_cancel(r->slots[i].job);
	if (r->desk->o.store)
		store_forget(r->desk->o.store, r);
	timer_free(r->timer);
	free(r);
}

void
sts_refresh_start(struct sts_refresh *r)
{
	r->started = true;
	r->earliest = now_s(r) + FIRST_S + r->desk->o.shard % FIRST_S;
	want(r, r->earliest);
	plan(r);
}

void
sts_refresh_hint(struct sts_refresh *r, int64_t due)
{
	int64_t was = r->next;

	want(r, due);
	if (r->started && r->state == REFRESH_IDLE && r->next != was)
		plan(r);
}
