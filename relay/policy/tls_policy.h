/*
 * The one place where policy is decided: site rule, MX security, DANE, STS
 * and message flags of one host in, one tls_plan or a refusal out. Pure.
 */
#ifndef RELAY_POLICY_TLS_POLICY_H
#define RELAY_POLICY_TLS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/model/options.h"
#include "relay/model/tls_plan.h"
#include "relay/model/verdicts.h"
#include "sts/sts_state.h"

struct tls_policy_in {
	const struct opt_site *site; /* NULL: none; expired ones don't count */
	int64_t now; /* seconds since 1970 */
	enum mx_security mx;
	bool dane_insecure_mx; /* dane { insecure_mx = yes } */
	const struct dane_verdict *dane;
	const struct sts_verdict *sts;
	uint32_t msg_flags; /* enum msg_flags */
	/* external resolver untrusted, and the domain had secure TLSA once */
	bool untrusted_had_dane;
	bool untrusted; /* external resolver untrusted */
	/* It had DANE or STS, and has neither or may have neither now: what
	 * relay/policy/downgrade says */
	bool downgraded;
	const char *host; /* MX name, canonical */
	const char *next_hop; /* domain as addressed */
	const char *expanded; /* after CNAME: DANE-42 */
	enum tls_version min, opportunistic_min;
};

enum tls_verdict_kind {
	TLS_SEND, /* obey the plan */
	TLS_SKIP /* this host may not be used in this attempt */
};

struct tls_verdict {
	enum tls_verdict_kind kind;
	const char *rule; /* static id */
	const char *reason; /* static text, for TLS_SKIP */
	const char *dsn; /* static "4.7.5", for TLS_SKIP */
	enum tls_policy_by by;
};

/* plan is initialised here and owned by the caller; valid for TLS_SEND. */
void tls_policy_decide(const struct tls_policy_in *in, struct tls_plan *plan,
    struct tls_verdict *out);

#endif
