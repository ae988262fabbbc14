/* waxseal lint: what its files share. */
#ifndef RELAY_CLI_LINT_H
#define RELAY_CLI_LINT_H

#include <stdbool.h>

#include "relay/base/buf.h"
#include "relay/base/diag.h"
#include "relay/cli/cli.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "relay/tlsrpt/rpt_record.h"
#include "sts/sts_policy.h"

#define LINT_MAX (16u * 1024u * 1024u) /* bytes that are read and judged */

#define LINT_RESULT_LIST(X) \
	X(LINT_VALID, "valid") \
	X(LINT_NONE, "none") \
	X(LINT_INVALID, "invalid")

enum lint_result {
#define LINT_ENUM_(id, text) id,
	LINT_RESULT_LIST(LINT_ENUM_)
#undef LINT_ENUM_
};

#define LINT_DANE_LIST(X) \
	X(LINT_AUTHENTICATED, "authenticated") \
	X(LINT_FAIL, "fail") \
	X(LINT_UNUSABLE, "unusable")

enum lint_dane {
#define LINT_ENUM_(id, text) id,
	LINT_DANE_LIST(LINT_ENUM_)
#undef LINT_ENUM_
};

enum {
	LINT_OPT_RRSET = 0x100,
	LINT_OPT_BASE,
	LINT_OPT_NAME,
	LINT_OPT_TLSA,
	LINT_OPT_CHAIN,
	LINT_OPT_TIME
};

/* Verdict on a chain. */
struct lint_chain {
	enum lint_dane result;
	const char *error; /* NULL when authenticated */
	int depth; /* of the certificate that a record matched, or -1 */
	enum tls_proof proof;
	size_t given, usable; /* records; usable: after digest agility */
};

/* Where to read: standard input for "-", which is also its name in messages.
 * Ends the program when that can't be. false: more than LINT_MAX was there and
 * text holds that much. */
bool lint_read(const struct cli *c, const char *file, struct buf *text);

/* Each prints the answer, for a person or as JSON. id: "" when there is none. */
void lint_show_sts_record(const struct cli *c, enum lint_result result,
    const char *id, const struct diags *faults);
/* p: NULL when it is invalid. */
void lint_show_sts_policy(const struct cli *c, const struct sts_policy *p,
    const struct diags *faults);
/* error: NULL, or why nothing can match. */
void lint_show_match(const struct cli *c, bool match, const char *error);
/* r: NULL unless it is valid. */
void lint_show_tlsrpt(const struct cli *c, enum lint_result result,
    const struct rpt_record *r, const struct diags *faults,
    const struct diags *ignored);
void lint_show_dane(const struct cli *c, const struct lint_chain *chain);

/* lint dane; gives the exit status. */
int lint_dane(const struct cli *c);

#endif
