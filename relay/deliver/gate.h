/*
 * The last gate before MAIL, and what the session is told to do about TLS.
 * Pure: the only reading of a plan in the delivery code.
 */
#ifndef RELAY_DELIVER_GATE_H
#define RELAY_DELIVER_GATE_H

#include <stdbool.h>

#include "relay/model/tls_plan.h"
#include "relay/model/tls_result.h"
#include "relay/smtp/client_fsm.h"

/* clear: this is the plan's fallback, on a new connection. A plan that does
 * not allow it gets CLIENT_TLS_MUST whatever clear says. */
enum client_tls gate_client_tls(const struct tls_plan *plan, bool clear);

/*
 * May this message go over a channel with these facts? True only when the
 * plan's level is proven, or when the plan itself allows clear text.
 */
bool gate_may_mail(
    const struct tls_plan *plan, bool clear, const struct tls_result *tls);

#endif
