/* A look at the rules each hour, as the clock of the machine may be set; a
 * configuration without dates costs nothing. */
#include "config.h"

#include "relay/main/site_watch.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/date.h"

#define LOOK_MS (3600 * 1000)
#define AGAIN_S 86400

struct site_watch {
	const struct options *o;
	struct clock clock;
	struct log *log;
	struct timer *timer;
	int64_t *told; /* of each rule: when, 0: not yet */
};

static void
tell(const struct site_watch *w, const struct opt_site *s)
{
	struct log_line l;
	char day[DATE_MAX];

	date_rfc3339(s->expires_s, day);
	log_begin(&l, w->log, LOG_WARN, "site-expired");
	log_cstr(&l, "domain", s->domain);
	log_str(&l, "expires", str_n(day, 10));
	log_cstr(&l, "where", s->where);
	if (s->author)
		log_cstr(&l, "author", s->author);
	if (s->reason)
		log_cstr(&l, "reason", s->reason);
	log_cstr(&l, "text",
	    "the rule has no effect any more: remove it, or give it a new day");
	log_end(&l);
}

static void
look(void *arg)
{
	struct site_watch *w = arg;
	int64_t now = clock_real_s(&w->clock);

	for (size_t i = 0; i < w->o->n_sites; i++) {
		const struct opt_site *s = &w->o->sites[i];

		if (!options_site_ended(s, now) ||
		    (w->told[i] && now - w->told[i] < AGAIN_S))
			continue;
		tell(w, s);
		w->told[i] = now;
	}
	timer_start(w->timer, LOOK_MS);
}

struct site_watch *
site_watch_new(struct loop *loop, const struct options *o, struct clock clock,
    struct log *log)
{
	struct site_watch *w = xcalloc(1, sizeof(*w));
	bool any = false;

	w->o = o;
	w->clock = clock;
	w->log = log;
	w->told = xcalloc(o->n_sites + 1, sizeof(*w->told));
	w->timer = timer_new(loop, look, w);
	for (size_t i = 0; i < o->n_sites; i++)
		any = any || o->sites[i].expires_s != 0;
	if (any)
		timer_start(w->timer, 0);
	return w;
}

void
site_watch_free(struct site_watch *w)
{
	if (!w)
		return;
	timer_free(w->timer);
	free(w->told);
	free(w);
}
