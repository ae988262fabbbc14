/* What DANE and MTA-STS say, as values: the inputs of relay/policy. */
#ifndef RELAY_MODEL_VERDICTS_H
#define RELAY_MODEL_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/model/rr.h"

/* DANE's answer for one host. */
#define DANE_VERDICT_LIST(X) \
	X(DANE_NONE, "none") /* no TLSA, or nothing secure */ \
	X(DANE_USABLE, "usable") /* at least one usable record */ \
	X(DANE_UNUSABLE, "unusable") /* records, none usable: DANE-12 */ \
	X(DANE_FAILED, "failed") /* lookup error: DANE-07 */

enum dane_kind {
#define DANE_ENUM_(id, text) id,
	DANE_VERDICT_LIST(DANE_ENUM_)
#undef DANE_ENUM_
};

struct dane_verdict {
	enum dane_kind kind;
	char base[DOMAIN_MAX]; /* TLSA base domain; "" unless records exist */
	struct rr_tlsa *tlsa; /* usable ones after digest agility, owned */
	size_t n_tlsa;
	enum rr_why why; /* of DANE_FAILED */
	const char *rule; /* static id of the rule that decided */
};

const char *dane_kind_str(enum dane_kind k);
void dane_verdict_init(struct dane_verdict *v);
void dane_verdict_clear(struct dane_verdict *v);

/* MTA-STS's answer for a policy domain. */
#define STS_MODE_LIST(X) \
	X(STS_MODE_NONE, "none") \
	X(STS_MODE_TESTING, "testing") \
	X(STS_MODE_ENFORCE, "enforce")

enum sts_mode {
#define STS_ENUM_(id, text) id,
	STS_MODE_LIST(STS_ENUM_)
#undef STS_ENUM_
};

/* Where the policy in force comes from. */
#define STS_SOURCE_LIST(X) \
	X(STS_NO_POLICY, "no-policy") /* no record, nothing cached */ \
	X(STS_FRESH, "fresh") /* id of the record = id of the entry */ \
	X(STS_CACHED, "cached") /* nothing live obtainable: STS-24 */ \
	X(STS_UNOBTAINABLE, "fetch-failed") /* record, no body: STS-23 */ \
	X(STS_STORE_ERROR, "store-error") /* cache unreadable: must hold */

enum sts_source {
#define STS_ENUM_(id, text) id,
	STS_SOURCE_LIST(STS_ENUM_)
#undef STS_ENUM_
};

struct sts_policy; /* sts/sts_policy.h, a parsed policy, counted there */

const char *sts_mode_str(enum sts_mode m);
const char *sts_source_str(enum sts_source s);

/* Kind of MX set. */
#define MX_SECURITY_LIST(X) \
	X(MX_SECURE, "secure") /* DNSSEC-validated MX set */ \
	X(MX_INSECURE, "insecure") /* MX set without DNSSEC */ \
	X(MX_IMPLICIT, "implicit") /* no MX: the domain is the host */ \
	X(MX_LITERAL, "literal") /* [ip]: DANE and STS do not apply */ \
	X(MX_NEXTHOP, "nexthop") /* site rule names the host */

enum mx_security {
#define MX_ENUM_(id, text) id,
	MX_SECURITY_LIST(MX_ENUM_)
#undef MX_ENUM_
};

const char *mx_security_str(enum mx_security s);

#endif
