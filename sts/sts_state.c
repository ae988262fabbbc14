/*
 * Which policy is in force. Three facts decide: what the cache holds, what
 * the TXT record says now, and whether a fetch of this id failed a moment
 * ago. A cached policy that has not expired survives everything except a
 * newer one: whoever blocks DNS or HTTPS must not be able to remove it.
 *
 * RFC 8461 3.3, 5.1.
 */
#include "config.h"

#include "sts/sts_state.h"

#include <stdio.h>
#include <string.h>

#include "relay/base/err.h"

static bool
store_failed(const struct sts_inputs *in)
{
	return in->store_err != 0 && in->store_err != ERR_NOTFOUND;
}

static bool
has_cached(const struct sts_inputs *in)
{
	return in->entry && in->entry->expires > in->now;
}

static bool
has_record(const struct sts_inputs *in)
{
	return in->txt_status == RR_OK && in->record_err == 0;
}

/* STS-21: this id was tried within the last five minutes. */
static bool
failed_lately(const struct sts_inputs *in)
{
	const struct sts_memory *m = in->memory;

	return m && m->failed_id[0] && strcmp(m->failed_id, in->id) == 0 &&
	    in->now - m->failed_at < STS_REFETCH_MIN_S &&
	    in->now >= m->failed_at;
}

enum sts_source
sts_state_after_failure(const struct sts_inputs *in)
{
	if (store_failed(in))
		return STS_STORE_ERROR;
	return has_cached(in) ? STS_CACHED : STS_UNOBTAINABLE;
}

enum sts_action
sts_state_decide(const struct sts_inputs *in, enum sts_source *source)
{
	/* A row that can't be understood is cured by fetching it anew; all
	 * other store errors leave us not knowing what was promised. */
	if (store_failed(in) && in->store_err != ERR_CORRUPT) {
		*source = STS_STORE_ERROR;
		return STS_ACT_USE;
	}
	if (!has_record(in)) {
		/* RFC 8461 3.3: no live policy can be found */
		*source = store_failed(in) ? STS_STORE_ERROR
		    : has_cached(in)       ? STS_CACHED
					   : STS_NO_POLICY;
		return STS_ACT_USE;
	}
	if (has_cached(in) && strcmp(in->entry->id, in->id) == 0) {
		*source = STS_FRESH;
		return STS_ACT_USE;
	}
	if (failed_lately(in)) {
		*source = sts_state_after_failure(in);
		return STS_ACT_USE;
	}
	return STS_ACT_FETCH;
}

void
sts_verdict_init(struct sts_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->source = STS_NO_POLICY;
	v->rule = "STS-02";
}

void
sts_seen_record(struct sts_seen *s, const struct rr_set *set)
{
	s->txt = set->status;
	s->why = set->why;
	s->secure = set->secure;
	s->records = set->status == RR_OK ? set->n : 0;
	if (s->records > 0)
		(void)snprintf(s->record, sizeof(s->record), "%.*s",
		    STR_FMT(set->u.txt[0]));
}

/* What the verdict comes from. A policy that is fresh and is not the stored
 * one was fetched just now. */
static void
see(const struct sts_inputs *in, const struct sts_policy *policy,
    struct sts_verdict *v)
{
	bool stored = in->entry &&
	    (v->source == STS_CACHED ||
		(has_cached(in) && strcmp(in->entry->id, v->id) == 0));

	v->seen.fetched = stored ? in->entry->fetched : in->now;
	v->seen.expires = stored ? in->entry->expires
				 : in->now + policy->max_age;
}

static const char *
rule_of_mode(enum sts_mode mode)
{
	switch (mode) {
	case STS_MODE_ENFORCE:
		return "STS-29";
	case STS_MODE_TESTING:
		return "STS-32";
	case STS_MODE_NONE:
		break;
	}
	return "STS-33";
}

static const char *
rule_without_policy(const struct sts_inputs *in)
{
	if (in->txt_status == RR_FAIL)
		return "STS-40";
	return in->record_err == ERR_SYNTAX ? "STS-03" : "STS-02";
}

void
sts_verdict_make(const struct sts_inputs *in, enum sts_source source,
    const struct sts_policy *policy, const char *id, const char *text,
    struct sts_verdict *v)
{
	sts_verdict_init(v);
	v->source = source;
	if (in->seen)
		v->seen = *in->seen;
	v->seen.store_err = in->store_err;
	snprintf(v->text, sizeof(v->text), "%s", text);
	switch (source) {
	case STS_FRESH:
		v->rule = rule_of_mode(policy->mode);
		break;
	case STS_CACHED:
		v->rule = "STS-24";
		break;
	case STS_UNOBTAINABLE:
		v->rule = "STS-23";
		return;
	case STS_STORE_ERROR:
		v->rule = "STS-41";
		return;
	case STS_NO_POLICY:
		v->rule = rule_without_policy(in);
		return;
	}
	sts_policy_copy(&v->policy, policy);
	snprintf(v->id, sizeof(v->id), "%s", id);
	see(in, policy, v);
}

void
sts_verdict_clear(struct sts_verdict *v)
{
	sts_policy_clear(&v->policy);
	sts_verdict_init(v);
}

void
sts_verdict_copy(struct sts_verdict *to, const struct sts_verdict *from)
{
	*to = *from;
	sts_policy_copy(&to->policy, &from->policy);
}
