/*
 * Has a domain lost what protected it? From what it had and what of it can be
 * seen now. Pure. OPERATING.md, "Downgrade watch".
 */
#ifndef RELAY_POLICY_DOWNGRADE_H
#define RELAY_POLICY_DOWNGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/model/had_entry.h"
#include "relay/model/verdicts.h"
#include "sts/sts_state.h"

/* Is one of the two there now? */
enum downgrade_has {
	DOWNGRADE_HAS_NOT, /* an answer says so */
	DOWNGRADE_HAS,
	DOWNGRADE_UNKNOWN, /* a lookup failed, or nobody asked */
	DOWNGRADE_UNSEEN /* no host that was looked at has it, others may */
};

/* What the hosts of one MX set say together, in the order of the set. */
struct downgrade_hosts {
	size_t looked; /* at the first of them */
	bool any; /* one has TLSA records, usable or not */
	bool failed; /* a lookup of one failed */
};

/* Host number i of the set (from 0) was looked at; another time is fine. */
void downgrade_host(struct downgrade_hosts *h, size_t i, enum dane_kind kind);
/* n: hosts of the set. Of an MX set that may be forged no host counts. */
enum downgrade_has downgrade_dane(
    const struct downgrade_hosts *h, size_t n, enum mx_security mx);
/* NULL: nobody asked, or it is not known yet. */
enum downgrade_has downgrade_sts(const struct sts_verdict *v);

/* The part of had (NULL: nothing) that counts, as HAD_ bits: of the records
 * of via, without what the configuration has switched off. */
unsigned downgrade_had(
    const struct had_entry *had, const char *via, bool dane_on, bool sts_on);

struct downgrade_in {
	unsigned had; /* downgrade_had */
	bool known; /* had->gone: it was found gone before */
	bool holds; /* continuity = hold */
	enum downgrade_has dane, sts;
};

#define DOWNGRADE_LIST(X) \
	X(DOWNGRADE_NONE, "none") /* it has, never had, or all is said */ \
	X(DOWNGRADE_LOOK, \
	    "look") /* look at the other hosts, then ask again */ \
	X(DOWNGRADE_UNSURE, "unsure") /* it may have: no answer to be had */ \
	X(DOWNGRADE_GONE, "gone") /* it had, and has neither */

enum downgrade {
#define DOWNGRADE_ENUM_(id, text) id,
	DOWNGRADE_LIST(DOWNGRADE_ENUM_)
#undef DOWNGRADE_ENUM_
};

const char *downgrade_str(enum downgrade d);
enum downgrade downgrade_judge(const struct downgrade_in *in);

#endif
