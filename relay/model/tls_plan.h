/*
 * What one session to one MX host must prove before MAIL, and what a failure
 * means. Made by relay/policy from all inputs at once, obeyed by
 * relay/deliver; nothing else in the house considers plaintext.
 */
#ifndef RELAY_MODEL_TLS_PLAN_H
#define RELAY_MODEL_TLS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"
#include "relay/model/rr.h"

/* What the peer must prove. */
#define TLS_LEVEL_LIST(X) \
	X(TLS_OPPORTUNISTIC, "opportunistic") /* any TLS, or none */ \
	X(TLS_ENCRYPT, "encrypt") /* TLS, nobody's name */ \
	X(TLS_PKIX, "pkix") /* chain and MX name */ \
	X(TLS_DANE, "dane") /* a TLSA record */ \
	X(TLS_DANE_PKIX, "dane+pkix") /* both */

enum tls_level {
#define TLS_ENUM_(id, text) id,
	TLS_LEVEL_LIST(TLS_ENUM_)
#undef TLS_ENUM_
};

/* What a failure means: the next host, defer at once, or (opportunistic and
 * STS testing only) once more in clear on a new connection. */
#define TLS_FAIL_LIST(X) \
	X(TLS_FAIL_NEXT, "next") \
	X(TLS_FAIL_DEFER, "defer") \
	X(TLS_FAIL_CLEAR, "clear")

enum tls_fail {
#define TLS_ENUM_(id, text) id,
	TLS_FAIL_LIST(TLS_ENUM_)
#undef TLS_ENUM_
};

/* Which mechanism decided; the policy= of the delivery line. */
#define TLS_POLICY_LIST(X) \
	X(TLS_BY_NONE, "none") \
	X(TLS_BY_DANE, "dane") \
	X(TLS_BY_STS, "sts") \
	X(TLS_BY_SITE, "site")

enum tls_policy_by {
#define TLS_ENUM_(id, text) id,
	TLS_POLICY_LIST(TLS_ENUM_)
#undef TLS_ENUM_
};

enum tls_version { TLS_V1_0 = 0x0301, TLS_V1_1, TLS_V1_2, TLS_V1_3 };

#define TLS_NAMES_MAX 4

struct tls_plan {
	enum tls_level level;
	enum tls_fail on_no_starttls;
	enum tls_fail on_tls_failure;
	enum tls_policy_by by;
	const char *rule; /* id of CONFORMANCE, static: "DANE-11" */
	char sni[DOMAIN_MAX]; /* "" sends none */
	/* Reference identifiers for DANE-TA (RFC 7672 3.2.2); the first is the
	 * TLSA base domain. */
	char dane_names[TLS_NAMES_MAX][DOMAIN_MAX];
	size_t n_dane_names;
	char pkix_name[DOMAIN_MAX]; /* MX host name, for levels with PKIX */
	struct rr_tlsa *tlsa; /* usable records only, owned */
	size_t n_tlsa;
	enum tls_version min;
	bool requiretls; /* next hop must offer REQUIRETLS */
	bool audit_pkix; /* STS testing: check pkix_name, never act on it */
	bool
	    audit_mismatch; /* STS testing: the policy does not name the host */
	bool mx_insecure; /* proof does not cover the MX set: DANE-19 */
	bool sts_testing; /* an STS policy in mode testing was seen */
	/*
	 * DANE-53, require = audit. audit_rule: the rule that would have
	 * decided, static; NULL: no audit. audit: the plan that would have
	 * been obeyed, owned: it is checked in the session and never acted
	 * on. NULL beside a rule: the host would have been passed over.
	 */
	const char *audit_rule;
	struct tls_plan *audit;
};

const char *tls_level_str(enum tls_level v);
const char *tls_fail_str(enum tls_fail v);
const char *tls_policy_by_str(enum tls_policy_by v);

/* Zeroed plan: opportunistic, both failures TLS_FAIL_NEXT (never clear). */
void tls_plan_init(struct tls_plan *p);
/* Deep copy; to is initialized or zeroed, what it owned is freed. */
void tls_plan_copy(struct tls_plan *to, const struct tls_plan *from);
void tls_plan_clear(struct tls_plan *p); /* frees records and audit */
/* take_would, which is cleared, becomes what p is audited by. */
void tls_plan_set_audit(struct tls_plan *p, struct tls_plan *take_would);
/*
 * Canonical bytes of all that makes two sessions interchangeable (DANE-60):
 * host, address text, port, SNI, level, minimum version, REQUIRETLS, the TLSA
 * set (order does not count), names where the proof uses names, and the plan
 * that the session is audited by. When out->full is set afterwards the key is
 * cut: share nothing by it.
 */
void tls_plan_key(const struct tls_plan *p, struct str host, struct str addr,
    uint16_t port, struct buf *out);

#endif
