/*
 * DANE and MTA-STS count together: a domain that goes from one to the other
 * has lost nothing. Of DANE it is enough that one host of the set has records,
 * since which host takes the mail is the domain's affair; so that it has none
 * can only be said when all were looked at, and none of the lookups failed.
 *
 * A failed lookup never says "gone". Where mail is held for what is gone
 * (continuity = hold), not knowing holds it too.
 */
#include "config.h"

#include "relay/policy/downgrade.h"

#include <string.h>

#include "relay/base/domain.h"
#include "relay/base/err.h"
#include "relay/base/str.h"

const char *
downgrade_str(enum downgrade d)
{
	static const char *const names[] = {
#define DOWNGRADE_NAME_(id, text) text,
	    DOWNGRADE_LIST(DOWNGRADE_NAME_)
#undef DOWNGRADE_NAME_
	};

	if ((size_t)d >= sizeof(names) / sizeof(names[0]))
		BUG("downgrade %d", (int)d);
	return names[d];
}

void
downgrade_host(struct downgrade_hosts *h, size_t i, enum dane_kind kind)
{
	if (i >= h->looked)
		h->looked = i + 1;
	switch (kind) {
	case DANE_USABLE:
	case DANE_UNUSABLE:
		h->any = true;
		break;
	case DANE_FAILED:
		h->failed = true;
		break;
	case DANE_NONE:
		break;
	}
}

enum downgrade_has
downgrade_dane(const struct downgrade_hosts *h, size_t n, enum mx_security mx)
{
	if (mx == MX_INSECURE || mx == MX_LITERAL)
		return DOWNGRADE_HAS_NOT;
	if (h->any)
		return DOWNGRADE_HAS;
	if (h->failed)
		return DOWNGRADE_UNKNOWN;
	return h->looked < n ? DOWNGRADE_UNSEEN : DOWNGRADE_HAS_NOT;
}

enum downgrade_has
downgrade_sts(const struct sts_verdict *v)
{
	if (!v)
		return DOWNGRADE_UNKNOWN;
	switch (v->source) {
	case STS_FRESH:
	case STS_CACHED:
		/* Another mode is the owner's word. */
		return v->policy.mode == STS_MODE_ENFORCE ? DOWNGRADE_HAS
							  : DOWNGRADE_HAS_NOT;
	case STS_STORE_ERROR:
		return DOWNGRADE_UNKNOWN;
	case STS_NO_POLICY:
		/* The TXT lookup failed. */
		if (strcmp(v->rule, "STS-40") == 0)
			return DOWNGRADE_UNKNOWN;
		break;
	case STS_UNOBTAINABLE:
		/* Its last policy is over and there is no other: who blocks
		 * the fetch for so long must not go unnoticed. */
		break;
	}
	return DOWNGRADE_HAS_NOT;
}

unsigned
downgrade_had(
    const struct had_entry *had, const char *via, bool dane_on, bool sts_on)
{
	unsigned what = 0;

	if (!had)
		return 0;
	if (had->via[0] && !domain_eq(str_of(had->via), str_of(via)))
		return 0;
	if (dane_on && had->dane)
		what |= HAD_DANE;
	if (sts_on && had->sts)
		what |= HAD_STS;
	return what;
}

enum downgrade
downgrade_judge(const struct downgrade_in *in)
{
	if (!in->had || in->dane == DOWNGRADE_HAS || in->sts == DOWNGRADE_HAS)
		return DOWNGRADE_NONE;
	/* It was said, and nothing hangs on it. */
	if (in->known && !in->holds)
		return DOWNGRADE_NONE;
	if (in->dane == DOWNGRADE_UNSEEN &&
	    (in->holds || in->sts == DOWNGRADE_HAS_NOT))
		return DOWNGRADE_LOOK;
	if (in->dane != DOWNGRADE_HAS_NOT || in->sts != DOWNGRADE_HAS_NOT)
		return DOWNGRADE_UNSURE;
	return DOWNGRADE_GONE;
}
