/*
 * Site rules. A rule ends on its day, and all of it does: looser ones must
 * have a day, so that an exception made in haste does not stay for ever.
 */
#include "config.h"

#include "relay/policy/site_policy.h"

#include <stddef.h>

enum site_require
site_policy_require(const struct opt_site *site, int64_t now)
{
	if (!site || options_site_ended(site, now))
		return SITE_DEFAULT;
	return site->require;
}

bool
site_policy_is_strict(enum site_require r)
{
	switch (r) {
	case SITE_ENCRYPTED:
	case SITE_VERIFIED:
	case SITE_STS:
	case SITE_DANE:
		return true;
	case SITE_DEFAULT:
	case SITE_OPPORTUNISTIC:
	case SITE_AUDIT:
		break;
	}
	return false;
}

bool
site_policy_logs_continuity(const struct opt_site *site, int64_t now)
{
	return site && site->continuity == CONTINUITY_LOG &&
	    !options_site_ended(site, now);
}

bool
site_policy_holds_continuity(const struct opt_site *site, int64_t now)
{
	return site && site->continuity == CONTINUITY_HOLD &&
	    !options_site_ended(site, now);
}
