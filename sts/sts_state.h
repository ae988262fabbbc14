/*
 * Which policy is in force, and whether to fetch: RFC 8461 3.3, 5.1. Pure:
 * stored entry + TXT answer + clock in, decision out.
 */
#ifndef STS_STS_STATE_H
#define STS_STS_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/model/sts_entry.h"
#include "relay/model/verdicts.h"
#include "sts/sts_policy.h"

#define STS_SEEN_MAX 256 /* bytes of a record with a NUL; longer ones are cut */

/* What a verdict was made from, for those who explain it. */
struct sts_seen {
	bool asked; /* whether there was a question for the record */
	enum rr_status txt; /* its answer */
	enum rr_why why;
	bool secure;
	char record[STS_SEEN_MAX]; /* the first that stood there, or "" */
	size_t records; /* how many */
	bool no_store; /* there is no cache here that could be read */
	int store_err; /* of reading it; ERR_NOTFOUND: it holds nothing */
};

/* The answer to the question for the record into s. */
void sts_seen_record(struct sts_seen *s, const struct rr_set *set);

struct sts_inputs {
	int store_err; /* 0, ERR_NOTFOUND or an error */
	const struct sts_entry *entry; /* NULL when not there */
	enum rr_status txt_status;
	bool txt_secure; /* validated by DNSSEC */
	int record_err; /* of sts_record_select */
	const char *id; /* of the record, when record_err is 0 */
	bool held_back; /* this id may not be fetched now: STS-21 */
	const struct sts_seen *seen; /* NULL: nobody cares */
	int64_t now; /* seconds since 1970 */
};

enum sts_action { STS_ACT_USE, STS_ACT_FETCH };

/* Before a fetch. For STS_ACT_USE *source says what is in force. */
enum sts_action sts_state_decide(
    const struct sts_inputs *in, enum sts_source *source);
/*
 * The same when a policy is to be fetched though its id need not have changed:
 * a refresh of one that is in force (STS-25), which no record is needed for; or
 * forced by the operator, who need not wait and may fetch what is not cached.
 */
enum sts_action sts_state_refresh(
    const struct sts_inputs *in, bool forced, enum sts_source *source);
/* After a fetch that failed: what is in force. */
enum sts_source sts_state_after_failure(const struct sts_inputs *in);

/* The verdict handed to policy; policy valid when source is FRESH or CACHED. */
struct sts_verdict {
	enum sts_source source;
	struct sts_policy policy; /* owned */
	char id[STS_ID_MAX];
	int64_t fetched, expires; /* seconds since 1970; of the policy */
	const char *rule; /* static id of the rule that decided */
	char text[160]; /* reason of a failed fetch or record */
	struct sts_seen seen;
};
void sts_verdict_init(struct sts_verdict *v);
/* Initialises v. policy and id (copied): what is in force, for FRESH and
 * CACHED; text: why there is no live policy, or "". */
void sts_verdict_make(const struct sts_inputs *in, enum sts_source source,
    const struct sts_policy *policy, const char *id, const char *text,
    struct sts_verdict *v);
void sts_verdict_clear(struct sts_verdict *v);
void sts_verdict_copy(struct sts_verdict *to, const struct sts_verdict *from);

#endif
