/*
 * Which policy is in force. Three facts decide: what the cache holds, what
 * the TXT record says now, and whether this id may be fetched now. A cached policy that has not expired survives everything except a
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

/* The domain says, and nobody can have forged it, that there is no record. */
static bool
is_withdrawn(const struct sts_inputs *in)
{
	return in->txt_secure &&
	    (in->txt_status == RR_NXDOMAIN || in->txt_status == RR_NODATA ||
		(in->txt_status == RR_OK && in->record_err == ERR_NOTFOUND));
}

enum sts_source
sts_state_after_failure(const struct sts_inputs *in)
{
	if (store_failed(in))
		return STS_STORE_ERROR;
	return has_cached(in) ? STS_CACHED : STS_UNOBTAINABLE;
}

/* What is in force without a fetch. */
static enum sts_source
source_now(const struct sts_inputs *in)
{
	/* A row that can't be understood leaves us not knowing what was
	 * promised, like all other store errors. */
	if (store_failed(in))
		return STS_STORE_ERROR;
	if (!has_record(in)) /* RFC 8461 3.3: no live policy can be found */
		return has_cached(in) ? STS_CACHED : STS_NO_POLICY;
	if (!has_cached(in))
		return STS_UNOBTAINABLE;
	return strcmp(in->entry->id, in->id) == 0 ? STS_FRESH : STS_CACHED;
}

enum sts_action
sts_state_decide(const struct sts_inputs *in, enum sts_source *source)
{
	*source = source_now(in);
	/* A row that can't be understood is cured by fetching it anew. */
	if (*source == STS_STORE_ERROR && in->store_err != ERR_CORRUPT)
		return STS_ACT_USE;
	if (*source == STS_FRESH || !has_record(in) || in->held_back)
		return STS_ACT_USE;
	return STS_ACT_FETCH;
}

enum sts_action
sts_state_refresh(
    const struct sts_inputs *in, bool forced, enum sts_source *source)
{
	*source = source_now(in);
	if (*source == STS_STORE_ERROR && in->store_err != ERR_CORRUPT)
		return STS_ACT_USE;
	/* RFC 8461 8.3: the policy runs out; nothing prolongs it */
	if (is_withdrawn(in))
		return STS_ACT_USE;
	if (!has_cached(in) && !(forced && has_record(in)))
		return STS_ACT_USE;
	if (in->held_back && !forced)
		return STS_ACT_USE;
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
