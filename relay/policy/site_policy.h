/* What a site rule of the configuration asks for at this moment. Pure. */
#ifndef RELAY_POLICY_SITE_POLICY_H
#define RELAY_POLICY_SITE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/model/options.h"

/* The requirement in force: SITE_DEFAULT when site is NULL, or its day has
 * come. now: seconds since 1970. */
enum site_require site_policy_require(const struct opt_site *site, int64_t now);
/* Asks for more than the domain itself does; no message may waive it. */
bool site_policy_is_strict(enum site_require r);
/* continuity = log: that nobody validates is not held against mail for a domain
 * that is known to use DANE (DANE-58). */
bool site_policy_logs_continuity(const struct opt_site *site, int64_t now);
/* continuity = hold: mail waits while the domain lacks what it had. */
bool site_policy_holds_continuity(const struct opt_site *site, int64_t now);

#endif
