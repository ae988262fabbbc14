/* RFC 7672 2.2, RFC 8461 5: what the plan demands is proven before MAIL, or
 * nothing is sent. Two independent readings, so that a slip in one of them
 * still sends nothing. */
#include "config.h"

#include "relay/deliver/gate.h"

static bool
gate_clear_allowed(const struct tls_plan *plan, enum tls_fail what)
{
	return plan->level == TLS_OPPORTUNISTIC && what == TLS_FAIL_CLEAR &&
	    !plan->requiretls;
}

enum client_tls
gate_client_tls(const struct tls_plan *plan, bool clear)
{
	if (clear && gate_clear_allowed(plan, plan->on_tls_failure))
		return CLIENT_TLS_NONE;
	if (gate_clear_allowed(plan, plan->on_no_starttls))
		return CLIENT_TLS_TRY;
	return CLIENT_TLS_MUST;
}

bool
gate_may_mail(
    const struct tls_plan *plan, bool clear, const struct tls_result *tls)
{
	if (clear)
		return gate_clear_allowed(plan, plan->on_tls_failure);
	switch (plan->level) {
	case TLS_OPPORTUNISTIC:
		return tls->established ||
		    gate_clear_allowed(plan, plan->on_no_starttls);
	case TLS_ENCRYPT:
		return tls->established;
	case TLS_PKIX:
	case TLS_DANE:
	case TLS_DANE_PKIX:
		return tls->established && tls->verified;
	}
	return false;
}
