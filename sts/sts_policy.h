/* The policy text of RFC 8461 3.2 (STS-10, STS-11, STS-12, STS-15), and matching
 * of MX names 4.1. Pure. */
#ifndef STS_STS_POLICY_H
#define STS_STS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/diag.h"
#include "relay/base/domain.h"
#include "relay/base/err.h"
#include "relay/model/verdicts.h"

#define STS_MAX_AGE_CAP 31557600 /* seconds, STS-13 */
#define STS_MX_MAX 1000 /* mx lines of one policy */

struct sts_policy {
	enum sts_mode mode;
	int64_t max_age; /* seconds, capped */
	char (*mx)[DOMAIN_MAX];
	size_t n_mx;
};

/* *text: what is wrong, static, on ERR_SYNTAX and ERR_TOOBIG (may be NULL). */
NODISCARD int sts_policy_parse(
    struct str body, struct sts_policy *out, const char **text);
/* The same, but all faults go to d, whose whole text is body. */
NODISCARD int sts_policy_lint(
    struct str body, struct sts_policy *out, struct diags *d);
/* The value of an mx line to canonical form (STS-15). ERR_SYNTAX with *text,
 * static; *text is written in any case. */
NODISCARD int sts_policy_mx(
    struct str value, char out[DOMAIN_MAX], const char **text);
void sts_policy_clear(struct sts_policy *p);
void sts_policy_copy(struct sts_policy *to, const struct sts_policy *from);
/* STS-34: name of the MX record against the patterns. */
bool sts_policy_match(const struct sts_policy *p, const char *mx_host);
/* The first pattern that names the host, or NULL. */
const char *sts_policy_pattern(const struct sts_policy *p, const char *mx_host);
/* Appends what was understood of the policy, as a policy text. */
void sts_policy_text(const struct sts_policy *p, struct buf *out);

#endif
