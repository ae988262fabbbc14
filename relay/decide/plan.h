/*
 * From the MX set and what was learnt of each host to what happens next with
 * this attempt. Pure.
 */
#ifndef RELAY_DECIDE_PLAN_H
#define RELAY_DECIDE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/model/outcome.h"
#include "relay/model/verdicts.h"

/* Why a host was passed over, worst kept for the outcome of the attempt. */
struct plan_skip {
	char host[DOMAIN_MAX];
	const char *rule;
	const char *dsn;
	const char *reason;
	enum tls_policy_by by;
	bool permanent; /* no addresses at all: 5.4.4 if all hosts are so */
	bool by_policy;
};

#define PLAN_SKIPS_MAX 16

struct plan_skips {
	struct plan_skip v[PLAN_SKIPS_MAX];
	size_t n, total;
	bool any_temporary;
};

void plan_skip_add(struct plan_skips *s, const struct plan_skip *k);
/*
 * The outcome when the hosts are used up and none was reached for: deferred
 * with the reason of the best-preference policy skip, else of the first;
 * bounced only when every skip is permanent.
 */
void plan_no_host(
    const struct plan_skips *s, const char *domain, struct outcome *out);

#endif
