/*
 * Memory of failed fetches: bounded, and lost at a restart, which costs no more
 * than a fetch that comes early.
 *
 * An id that failed is not tried again for five minutes, then for twice that
 * time after each failure. Whoever forges TXT records has as many ids as he
 * likes, so each failure also puts off the next new id, by less: an owner who
 * mends his policy host and publishes a new id does not wait for long.
 *
 * RFC 8461 3.3, 10.2.
 */
#include "config.h"

#include "sts/sts_notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/base/map.h"

#define NOTES_MAX 4096
#define IDS 4 /* that failed, of a domain */
#define RISK_MOST_S (2 * 86400) /* before its end, a policy is at risk */

struct id_note {
	char id[STS_ID_MAX]; /* "": none */
	unsigned fails;
	int64_t at; /* last failure */
};

struct note {
	struct list link; /* in order of use */
	char domain[DOMAIN_MAX];
	struct id_note ids[IDS];
	unsigned fails; /* since the last success, whatever the id */
	int64_t at; /* last failure */
	int err;
	int64_t changes; /* when the last change is paid off */
	int64_t risk_end; /* expiry of the policy that is at risk, or 0 */
};

struct sts_notes {
	struct map *map; /* domain -> struct note */
	struct list used; /* struct note.link; first: longest ago */
	size_t max;
};

struct sts_notes *
sts_notes_new(struct rng *rng, size_t max)
{
	struct sts_notes *n = xcalloc(1, sizeof(*n));
	uint8_t seed[16];

	rng_fill(rng, seed, sizeof(seed));
	n->map = map_new(seed);
	n->max = max ? max : NOTES_MAX;
	list_init(&n->used);
	return n;
}

void
sts_notes_free(struct sts_notes *n)
{
	if (!n)
		return;
	map_free(n->map, free);
	free(n);
}

static void
note_drop(struct sts_notes *n, struct note *note)
{
	map_del(n->map, str_of(note->domain));
	list_remove(&note->link);
	free(note);
}

static struct note *
note_get(struct sts_notes *n, const char *domain)
{
	struct note *note = map_get(n->map, str_of(domain));

	if (note) {
		list_remove(&note->link);
	} else {
		if (map_count(n->map) >= n->max)
			note_drop(
			    n, CONTAINER_OF(n->used.next, struct note, link));
		note = xcalloc(1, sizeof(*note));
		snprintf(note->domain, sizeof(note->domain), "%s", domain);
		list_init(&note->link);
		map_put(n->map, str_of(domain), note);
	}
	list_push(&n->used, &note->link);
	return note;
}

/* first, doubled for each failure but one, up to most. */
static int64_t
pause_of(unsigned fails, int64_t first, int64_t most)
{
	int64_t s = first;

	for (unsigned i = 1; i < fails && s < most; i++)
		s *= 2;
	return s < most ? s : most;
}

static int64_t
pause_of_id(unsigned fails)
{
	return pause_of(fails, STS_RETRY_FIRST_S, STS_RETRY_MOST_S);
}

static int64_t
pause_of_other(unsigned fails)
{
	return pause_of(fails, STS_OTHER_ID_FIRST_S, STS_OTHER_ID_MOST_S);
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The end of a pause that began at at; none when the clock was set back. */
static int64_t
after(int64_t at, int64_t pause, int64_t now)
{
	return at > now ? now : at + pause;
}

static const struct id_note *
find_id(const struct note *note, const char *id)
{
	for (size_t i = 0; i < IDS; i++) {
		if (note->ids[i].id[0] && strcmp(note->ids[i].id, id) == 0)
			return &note->ids[i];
	}
	return NULL;
}

int64_t
sts_notes_when(const struct sts_notes *n, const char *domain, const char *id,
    bool in_force, int64_t now)
{
	const struct note *note = map_get(n->map, str_of(domain));
	const struct id_note *failed;
	int64_t when = now, t;

	if (!note)
		return now;
	failed = id ? find_id(note, id) : NULL;
	if (failed)
		when = later(
		    when, after(failed->at, pause_of_id(failed->fails), now));
	if (note->fails > 0)
		when = later(when,
		    after(note->at,
			id ? pause_of_other(note->fails)
			   : pause_of_id(note->fails),
			now));
	t = note->changes - (STS_CHANGES_BURST - 1) * STS_CHANGES_S;
	/* Farther off than it can be: the clock was set back. */
	if (in_force && t > when && t <= now + STS_CHANGES_S)
		when = t;
	return when;
}

void
sts_notes_changed(struct sts_notes *n, const char *domain, int64_t now)
{
	struct note *note = note_get(n, domain);

	if (note->changes < now ||
	    note->changes > now + STS_CHANGES_BURST * STS_CHANGES_S)
		note->changes = now;
	note->changes += STS_CHANGES_S;
}

static void
note_id(struct note *note, const char *id, int64_t now)
{
	struct id_note *at = &note->ids[0];

	for (size_t i = 0; i < IDS; i++) {
		struct id_note *v = &note->ids[i];

		if (v->id[0] && strcmp(v->id, id) == 0) {
			v->fails++;
			v->at = now;
			return;
		}
		if (v->at < at->at)
			at = v;
	}
	snprintf(at->id, sizeof(at->id), "%s", id);
	at->fails = 1;
	at->at = now;
}

/* Near the end of its life: the last quarter, or two days when that is more
 * (but not more than half of it). */
static bool
is_risky(const struct sts_entry *e, int64_t now)
{
	int64_t life = e->expires - e->fetched;
	int64_t margin = life / 2 < RISK_MOST_S ? life / 2 : RISK_MOST_S;

	if (life / 4 > margin)
		margin = life / 4;
	return e->expires - now <= margin;
}

bool
sts_notes_failed(struct sts_notes *n, const struct sts_failure *f)
{
	struct note *note = note_get(n, f->domain);
	bool risky = f->in_force && is_risky(f->in_force, f->now);
	bool news = note->fails == 0 || note->err != f->err ||
	    (risky && note->risk_end == 0);

	note_id(note, f->id, f->now);
	note->fails++;
	note->at = f->now;
	note->err = f->err;
	note->risk_end = risky ? f->in_force->expires : 0;
	return news;
}

unsigned
sts_notes_fetched(struct sts_notes *n, const char *domain)
{
	struct note *note = map_get(n->map, str_of(domain));
	unsigned fails;

	if (!note)
		return 0;
	fails = note->fails;
	note->fails = 0;
	note->risk_end = 0;
	memset(note->ids, 0, sizeof(note->ids));
	return fails;
}

void
sts_notes_forget(struct sts_notes *n, const char *domain)
{
	struct note *note = map_get(n->map, str_of(domain));

	if (note)
		note_drop(n, note);
}

size_t
sts_notes_risks(struct sts_notes *n, int64_t now)
{
	size_t sum = 0;

	for (struct list *at = n->used.next; at != &n->used; at = at->next) {
		struct note *note = CONTAINER_OF(at, struct note, link);

		if (note->risk_end <= now)
			note->risk_end = 0;
		sum += note->risk_end != 0;
	}
	return sum;
}
