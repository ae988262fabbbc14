/* The fate of one recipient in one attempt. Log line, DSN, metrics and
 * explain are views of it. */
#ifndef RELAY_MODEL_OUTCOME_H
#define RELAY_MODEL_OUTCOME_H

#include <stdbool.h>

#include "relay/base/domain.h"
#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"

#define OUTCOME_LIST(X) \
	X(OUT_SENT, "sent") \
	X(OUT_DEFERRED, "deferred") \
	X(OUT_BOUNCED, "bounced") \
	X(OUT_EXPIRED, "expired")

enum outcome_class {
#define OUT_ENUM_(id, text) id,
	OUTCOME_LIST(OUT_ENUM_)
#undef OUT_ENUM_
};

#define OUTCOME_TEXT 512

struct outcome {
	enum outcome_class cls;
	char dsn[12]; /* "4.7.5" */
	char reply[OUTCOME_TEXT]; /* peer's reply or our own text, one line */
	bool remote; /* reply came from the peer at mx */
	bool by_policy; /* held by policy, not by the network */
	bool host_fault; /* failed before any recipient was asked */
	bool uncertain; /* body sent, answer lost: QUE-09 */
	bool clear_fallback; /* sent on a second connection without TLS */
	bool mx_insecure; /* proven for a host that forged DNS may have named:
			   * no proof for the domain, DANE-19 */
	/* DANE-53, require = audit: the rule that would have decided, and what
	 * it would have come to: "ok", "skip" (the host would not have been
	 * used), "unknown" (the session did not get that far) or a
	 * tls_failure_str. Static; NULL: no audit. */
	const char *audit_rule, *audit;
	enum tls_policy_by by;
	const char *rule; /* static id, never NULL: "SMTP-09" */
	char mx[DOMAIN_MAX]; /* "" when no host was reached for */
	char addr[RR_ADDR_TEXT];
	struct tls_result tls;
};

const char *outcome_class_str(enum outcome_class v);
void outcome_init(struct outcome *o, enum outcome_class cls);
/* Sets cls, dsn and text. */
void outcome_set(struct outcome *o, enum outcome_class cls, const char *dsn,
    const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/*
 * Of two hosts that did not take a message: does o tell more than have, which
 * came before it? A host that may come back outweighs one that is of no use
 * for good (RFC 5321 5.1); a reason of policy one of the network.
 */
bool outcome_better(const struct outcome *have, const struct outcome *o);

#endif
