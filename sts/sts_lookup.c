/*
 * "What does MTA-STS say for this domain?" One job a domain at a time, and its
 * answer to all who wait. What the operator asks for stands alone. A domain of
 * another shard is asked there: only its owner reads, fetches and stores.
 *
 * RFC 8461 3.3, 5.1.
 */
#include "config.h"

#include "sts/sts_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"
#include "relay/base/list.h"
#include "relay/base/map.h"
#include "relay/model/msg.h"
#include "sts/sts_job.h"
#include "sts/sts_notes.h"
#include "sts/sts_refresh.h"

#define TXT_TIMEOUT_MS 20000 /* STS-40 */
#define FETCH_TIMEOUT_MS 60000 /* RFC 8461 3.3 */
#define AWAY_MARGIN_MS 15000 /* beyond what another shard may take */
#define OVERDUE_MAX 4 /* fetched at once because mail asked for them */

struct sts {
	struct sts_desk desk;
	struct map *by_domain; /* domain -> struct group that may be joined */
	struct list groups; /* struct group.link */
	struct sts_refresh *refresh;
	struct list forgets; /* struct forget.link */
	size_t overdue; /* groups that are */
};

/* Those who wait for one job, of ours or of another shard. */
struct group {
	struct list link;
	struct sts *sts;
	char domain[DOMAIN_MAX];
	bool joinable; /* stands in sts->by_domain */
	bool overdue; /* nobody waits: see refresh_overdue */
	struct list waiters; /* struct sts_lookup.link */
	struct sts_job *job;
	void *away;
	struct timer *timer; /* for that */
};

struct sts_lookup {
	struct list link;
	sts_lookup_fn *fn;
	void *arg;
};

struct forget {
	struct list link;
	struct sts *sts;
	char domain[DOMAIN_MAX];
	store_done_fn *fn;
	void *arg;
};

/* ---- groups ---- */

static void
group_leave_map(struct group *g)
{
	if (g->joinable)
		map_del(g->sts->by_domain, str_of(g->domain));
	g->joinable = false;
}

static void
group_free(struct group *g)
{
	struct list *node;

	group_leave_map(g);
	sts_job_cancel(g->job);
	if (g->away)
		g->sts->desk.o.away.cancel(g->away);
	timer_free(g->timer);
	while ((node = list_pop(&g->waiters)) != NULL)
		free(CONTAINER_OF(node, struct sts_lookup, link));
	list_remove(&g->link);
	g->sts->overdue -= g->overdue;
	free(g);
}

static struct group *group_new(
    struct sts *s, enum sts_job_kind kind, const char *domain);

static bool
is_overdue(const struct sts *s, const char *domain, const struct sts_verdict *v)
{
	int64_t now = clock_real_s(&s->desk.o.clock), due;
	struct sts_entry e = {.fetched = v->fetched, .expires = v->expires};

	if (v->source != STS_FRESH && v->source != STS_CACHED)
		return false;
	snprintf(e.domain, sizeof(e.domain), "%s", domain);
	due = sts_entry_due(&e);
	return now >= due + (e.expires - due) / 4 &&
	    sts_notes_when(s->desk.notes, domain, NULL, false, now) <= now;
}

static bool
is_refreshed(struct sts *s, const char *domain)
{
	for (struct list *n = s->groups.next; n != &s->groups; n = n->next) {
		const struct group *g = CONTAINER_OF(n, struct group, link);

		if (g->overdue && strcmp(g->domain, domain) == 0)
			return true;
	}
	return false;
}

/* STS-25: a policy that mail goes by does not wait for its turn among all that
 * are stored, of which a stranger can make many. */
static void
refresh_overdue(struct sts *s, const char *domain, const struct sts_verdict *v)
{
	struct group *g;

	if (!is_overdue(s, domain, v) || s->overdue >= OVERDUE_MAX ||
	    is_refreshed(s, domain))
		return;
	g = group_new(s, STS_JOB_REFRESH, domain);
	g->overdue = true;
	s->overdue++;
}

/* Answers all who waited: calling back comes last. */
static void
on_verdict(void *arg, const struct sts_verdict *v)
{
	struct group *g = arg;
	struct list waiters, *node;
	bool looked = g->job && g->joinable;

	g->job = NULL;
	if (looked)
		refresh_overdue(g->sts, g->domain, v);
	list_init(&waiters);
	while ((node = list_pop(&g->waiters)) != NULL)
		list_push(&waiters, node);
	group_free(g);
	/* A callback may cancel others of this list: each is taken singly. */
	while ((node = list_pop(&waiters)) != NULL) {
		struct sts_lookup *l = CONTAINER_OF(
		    node, struct sts_lookup, link);
		sts_lookup_fn *fn = l->fn;
		void *fn_arg = l->arg;

		free(l);
		fn(fn_arg, v);
	}
}

/* The owner does not answer: nobody knows what it keeps. */
static void
on_no_answer(void *arg)
{
	struct group *g = arg;
	struct sts_verdict v;

	sts_verdict_init(&v);
	v.source = STS_STORE_ERROR;
	v.rule = "STS-41";
	snprintf(v.text, sizeof(v.text),
	    "the shard that keeps this policy does not answer");
	on_verdict(g, &v);
}

static void
on_away(void *arg, const struct sts_verdict *v)
{
	struct group *g = arg;

	g->away = NULL;
	if (v)
		on_verdict(g, v);
	else
		on_no_answer(g);
}

static void
ask_away(struct group *g)
{
	const struct sts_opts *o = &g->sts->desk.o;

	g->timer = timer_new(o->loop, on_no_answer, g);
	g->away = o->away.ask(o->away.arg, g->domain, on_away, g);
	timer_start(g->timer,
	    g->away
		? 2 * o->txt_timeout_ms + o->fetch_timeout_ms + AWAY_MARGIN_MS
		: 0);
}

static bool
is_ours(const struct sts *s, const char *domain)
{
	const struct sts_opts *o = &s->desk.o;

	return !o->on || !o->away.ask || domain_is_ip(str_of(domain)) ||
	    msg_bucket(str_of(domain)) % o->shards == o->shard;
}

static struct group *
group_new(struct sts *s, enum sts_job_kind kind, const char *domain)
{
	struct group *g = xcalloc(1, sizeof(*g));

	g->sts = s;
	snprintf(g->domain, sizeof(g->domain), "%s", domain);
	list_init(&g->waiters);
	list_push(&s->groups, &g->link);
	if (is_ours(s, domain))
		g->job = sts_job_start(&s->desk, kind, domain, on_verdict, g);
	else
		ask_away(g);
	return g;
}

static struct sts_lookup *
group_join(struct group *g, sts_lookup_fn *fn, void *arg)
{
	struct sts_lookup *l = xcalloc(1, sizeof(*l));

	l->fn = fn;
	l->arg = arg;
	list_push(&g->waiters, &l->link);
	return l;
}

/* ---- forgetting ---- */

/* Those who come from now on do not join those who came before. */
static void
cut_off(struct sts *s, const char *domain)
{
	struct group *g = map_get(s->by_domain, str_of(domain));

	if (g)
		group_leave_map(g);
	sts_job_disown(&s->desk, domain);
	sts_notes_forget(s->desk.notes, domain);
	sts_desk_gauge(&s->desk);
}

static void
forget_free(struct forget *f)
{
	list_remove(&f->link);
	free(f);
}

static void
on_forgotten(void *arg, int err)
{
	struct forget *f = arg;
	store_done_fn *fn = f->fn;
	void *fn_arg = f->arg;

	/* Some may have read the entry before it was gone. */
	if (!err)
		cut_off(f->sts, f->domain);
	forget_free(f);
	fn(fn_arg, err);
}

static void
on_no_credit(void *arg, int err)
{
	(void)err;
	on_forgotten(arg, ERR_FULL);
}

void
sts_forget(struct sts *s, const char *domain, store_done_fn *fn, void *arg)
{
	struct forget *f = xcalloc(1, sizeof(*f));

	f->sts = s;
	snprintf(f->domain, sizeof(f->domain), "%s", domain);
	f->fn = fn;
	f->arg = arg;
	list_push(&s->forgets, &f->link);
	if (store_sts_drop(s->desk.o.store, domain, INT64_MAX, on_forgotten, f))
		store_later(s->desk.o.store, on_no_credit, f);
	else /* what is stored from here on comes behind it */
		cut_off(s, domain);
}

/* ---- the rest of the contract ---- */

static void
on_stored(void *arg, int64_t due)
{
	struct sts *s = arg;

	sts_refresh_hint(s->refresh, due);
}

struct sts *
sts_new(const struct sts_opts *o)
{
	struct sts *s = xcalloc(1, sizeof(*s));
	struct sts_desk *d = &s->desk;
	uint8_t seed[16];

	sts_desk_init(d);
	d->o = *o;
	if (d->o.txt_timeout_ms == 0)
		d->o.txt_timeout_ms = TXT_TIMEOUT_MS;
	if (d->o.fetch_timeout_ms == 0)
		d->o.fetch_timeout_ms = FETCH_TIMEOUT_MS;
	d->notes = sts_notes_new(o->rng, 0);
	d->on_stored = on_stored;
	d->arg = s;
	s->refresh = sts_refresh_new(d);
	rng_fill(o->rng, seed, sizeof(seed));
	s->by_domain = map_new(seed);
	list_init(&s->groups);
	list_init(&s->forgets);
	return s;
}

void
sts_free(struct sts *s)
{
	if (!s)
		return;
	sts_refresh_free(s->refresh);
	while (!list_empty(&s->groups))
		group_free(CONTAINER_OF(s->groups.next, struct group, link));
	while (!list_empty(&s->forgets)) {
		struct forget *f = CONTAINER_OF(
		    s->forgets.next, struct forget, link);

		store_forget(s->desk.o.store, f);
		forget_free(f);
	}
	map_free(s->by_domain, NULL);
	sts_notes_free(s->desk.notes);
	free(s);
}

void
sts_start(struct sts *s)
{
	if (s->desk.o.on)
		sts_refresh_start(s->refresh);
}

struct sts_lookup *
sts_lookup_start(
    struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg)
{
	struct group *g = map_get(s->by_domain, str_of(domain));

	if (!g) {
		g = group_new(s, STS_JOB_LOOK, domain);
		map_put(s->by_domain, str_of(domain), g);
		g->joinable = true;
	}
	return group_join(g, fn, arg);
}

struct sts_lookup *
sts_refresh_now(struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg)
{
	return group_join(group_new(s, STS_JOB_FORCED, domain), fn, arg);
}

void
sts_lookup_cancel(struct sts_lookup *l)
{
	if (!l)
		return;
	list_remove(&l->link);
	free(l);
}
