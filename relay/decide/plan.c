/*
 * Skips of one attempt to its outcome. A host refused by policy tells more
 * than one that has no address, so the first policy skip, which is the one of
 * best preference, speaks for the attempt.
 */
#include "config.h"

#include "relay/decide/plan.h"

#include <stdio.h>

static bool
is_weightier(const struct plan_skip *a, const struct plan_skip *b)
{
	if (a->permanent != b->permanent)
		return b->permanent;
	return a->by_policy && !b->by_policy;
}

void
plan_skip_add(struct plan_skips *s, const struct plan_skip *k)
{
	s->total++;
	if (!k->permanent)
		s->any_temporary = true;
	if (s->n < PLAN_SKIPS_MAX) {
		s->v[s->n++] = *k;
		return;
	}
	/* Full: the last place is for one that matters more. */
	if (is_weightier(k, &s->v[s->n - 1]))
		s->v[s->n - 1] = *k;
}

/* The skip that speaks for the attempt; permanent ones only if all are. */
static const struct plan_skip *
spokesman(const struct plan_skips *s)
{
	const struct plan_skip *first = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct plan_skip *k = &s->v[i];

		if (k->permanent && s->any_temporary)
			continue;
		if (k->by_policy)
			return k;
		if (!first)
			first = k;
	}
	return first;
}

void
plan_no_host(
    const struct plan_skips *s, const char *domain, struct outcome *out)
{
	const struct plan_skip *k = spokesman(s);
	bool permanent = s->total > 0 && !s->any_temporary;

	outcome_init(out, OUT_DEFERRED);
	out->host_fault = true;
	if (!k) {
		outcome_set(out, OUT_DEFERRED, "4.4.4", "SMTP-15",
		    "no host to send to for %s", domain);
		return;
	}
	outcome_set(out, permanent ? OUT_BOUNCED : OUT_DEFERRED, k->dsn,
	    k->rule, "%s: %s", k->host, k->reason);
	out->by = k->by;
	out->by_policy = k->by_policy;
}
