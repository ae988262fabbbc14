/* Map of domain to what it had; see the header. What can't be written is
 * written with the next question about its domain. */
#include "config.h"

#include "relay/main/had.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/date.h"
#include "relay/base/map.h"
#include "relay/decide/decide.h"

#define HAD_AGAIN_S 86400 /* between two writes of one domain */
#define HAD_RETRY_MS 1000
#define HAD_PAGE 1000

/* A struct had_entry without its names: there may be many. */
struct row {
	char *via; /* NULL: not known */
	int64_t dane, sts, seen, gone;
	int64_t written; /* 0: not, or not as it is now */
};

struct had {
	struct had_opts o;
	struct map *map; /* domain -> struct row */
	struct timer *retry;
	unsigned shard, shards;
	char last[DOMAIN_MAX]; /* read so far */
	unsigned forgets; /* domains, so far */
	void (*done_fn)(void *arg);
	void *arg;
};

static void
row_free(void *p)
{
	struct row *r = p;

	free(r->via);
	free(r);
}

struct had *
had_new(const struct had_opts *o)
{
	struct had *h = xcalloc(1, sizeof(*h));
	uint8_t seed[16];

	rng_fill(o->rng, seed, sizeof(seed));
	h->o = *o;
	h->map = map_new(seed);
	return h;
}

void
had_free(struct had *h)
{
	if (!h)
		return;
	store_forget(h->o.store, h);
	timer_free(h->retry);
	map_free(h->map, row_free);
	free(h);
}

static struct row *
had_row(struct had *h, const char *domain)
{
	struct row *r = map_get(h->map, str_of(domain));

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		(void)map_put(h->map, str_of(domain), r);
	}
	return r;
}

/* ---- the store ---- */

static void had_ask(void *arg);

static void
had_on_load(void *arg, int err, const struct had_entry *v, size_t n)
{
	struct had *h = arg;

	if (err) {
		timer_start(h->retry, HAD_RETRY_MS);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct row *r = had_row(h, v[i].domain);

		free(r->via);
		r->via = v[i].via[0] ? xstrdup(v[i].via) : NULL;
		r->dane = v[i].dane;
		r->sts = v[i].sts;
		r->seen = r->written = v[i].seen;
		r->gone = v[i].gone;
		memcpy(h->last, v[i].domain, sizeof(h->last));
	}
	if (n == HAD_PAGE)
		had_ask(h);
	else
		h->done_fn(h->arg);
}

static void
had_ask(void *arg)
{
	struct had *h = arg;

	if (store_had_load(h->o.store, h->shard, h->shards, h->last, HAD_PAGE,
		had_on_load, h))
		timer_start(h->retry, HAD_RETRY_MS);
}

void
had_load(struct had *h, struct loop *loop, unsigned shard, unsigned shards,
    void (*done_fn)(void *arg), void *arg)
{
	h->shard = shard;
	h->shards = shards;
	h->done_fn = done_fn;
	h->arg = arg;
	h->retry = timer_new(loop, had_ask, h);
	had_ask(h);
}

/* Which domain it was is not told: each is written anew with the next look. */
static void
had_on_put(void *arg, int err)
{
	struct had *h = arg;
	struct str key;
	void *row;
	size_t it = 0;

	while (err && map_next(h->map, &it, &key, &row))
		((struct row *)row)->written = 0;
}

static void
had_fill(const struct row *r, const char *domain, struct had_entry *out)
{
	snprintf(out->domain, sizeof(out->domain), "%s", domain);
	snprintf(out->via, sizeof(out->via), "%s", r->via ? r->via : "");
	out->dane = r->dane;
	out->sts = r->sts;
	out->seen = r->seen;
	out->gone = r->gone;
}

static void
had_write(struct had *h, const char *domain, struct row *r)
{
	struct had_entry e;

	had_fill(r, domain, &e);
	r->written = 0;
	/* A full store leaves it so: the next look writes it. */
	if (!store_had_put(h->o.store, &e, had_on_put, h))
		r->written = clock_real_s(&h->o.clock);
}

/* ---- what is seen ---- */

bool
had_get(void *arg, const char *domain, struct had_entry *out)
{
	struct had *h = arg;
	struct row *r = map_get(h->map, str_of(domain));

	if (!r)
		return false;
	if (r->written == 0)
		had_write(h, domain, r);
	had_fill(r, domain, out);
	return true;
}

static void
log_what(struct log_line *l, const char *key, bool dane, bool sts)
{
	log_cstr(l, key, dane && sts ? "dane,sts" : dane ? "dane" : "sts");
}

/* Something is there again. */
static void
had_back(struct had *h, const char *domain, struct row *r, unsigned what)
{
	struct log_line l;

	if (what & HAD_DANE)
		r->dane = 0;
	if (what & HAD_STS)
		r->sts = 0;
	r->gone = 0;
	log_begin(&l, h->o.log, LOG_INFO, "downgrade-over");
	log_cstr(&l, "domain", domain);
	log_what(&l, "has", what & HAD_DANE, what & HAD_STS);
	log_end(&l);
}

/* Other records than before are of another route, of which nothing is known. */
static bool
had_via(struct row *r, const char *via)
{
	if (r->via && strcmp(r->via, via) == 0)
		return false;
	if (r->via)
		r->dane = r->sts = r->gone = 0;
	free(r->via);
	r->via = xstrdup(via);
	return true;
}

void
had_seen(void *arg, const char *domain, const char *via, unsigned what)
{
	struct had *h = arg;
	struct row *r = had_row(h, domain);
	int64_t now = clock_real_s(&h->o.clock);
	bool news = had_via(r, via);

	if (r->gone) {
		had_back(h, domain, r, what);
		news = true;
	}
	if ((what & HAD_DANE) && !r->dane) {
		r->dane = now;
		news = true;
	}
	if ((what & HAD_STS) && !r->sts) {
		r->sts = now;
		news = true;
	}
	if (!news && r->written && now - r->written < HAD_AGAIN_S)
		return;
	r->seen = now;
	had_write(h, domain, r);
}

static void
had_log_gone(struct had *h, const char *domain, const struct row *r, bool held)
{
	int64_t since = r->dane && (!r->sts || r->dane < r->sts) ? r->dane
								 : r->sts;
	struct log_line l;
	char date[DATE_MAX];

	log_begin(&l, h->o.log, LOG_WARN, "downgrade");
	log_cstr(&l, "domain", domain);
	if (r->via && strcmp(r->via, domain) != 0)
		log_cstr(&l, "via", r->via);
	log_what(&l, "had", r->dane != 0, r->sts != 0);
	date_rfc3339(since, date);
	log_cstr(&l, "since", date);
	date_rfc3339(r->seen, date);
	log_cstr(&l, "seen", date);
	log_cstr(&l, "mail", held ? "held" : "sent");
	log_cstr(&l, "rule", "CONTINUITY");
	log_cstr(&l, "text",
	    held ? "it has neither now; held until it has, or until waxseal "
		   "policy forget DOMAIN --yes"
		 : "it has neither now; its mail goes without a proof");
	log_end(&l);
}

void
had_gone(void *arg, const char *domain, bool held)
{
	struct had *h = arg;
	struct row *r = map_get(h->map, str_of(domain));

	if (!r || r->gone)
		return;
	r->gone = clock_real_s(&h->o.clock);
	metrics_add(h->o.metrics, METRIC_DOWNGRADES, 1);
	had_log_gone(h, domain, r, held);
	had_write(h, domain, r);
}

int
had_forget(struct had *h, const char *domain, store_done_fn *fn, void *arg)
{
	int err = store_had_drop(h->o.store, domain, fn, arg);
	struct row *r;

	if (err)
		return err;
	h->forgets++;
	r = map_del(h->map, str_of(domain));
	if (r)
		row_free(r);
	return 0;
}

void
had_serve(struct had *h, struct decide_opts *o)
{
	o->had = had_get;
	o->had_seen = had_seen;
	o->had_gone = had_gone;
	o->had_arg = h;
	o->had_forgets = &h->forgets;
}
