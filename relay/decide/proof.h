/* From a host that took a message to what a receipt says of it. Pure. */
#ifndef RELAY_DECIDE_PROOF_H
#define RELAY_DECIDE_PROOF_H

#include <stdint.h>

#include "relay/model/outcome.h"
#include "relay/model/receipt.h"
#include "relay/model/tls_plan.h"
#include "relay/model/verdicts.h"

struct sts_verdict; /* sts/sts_state.h */

/* All borrowed. */
struct proof_in {
	const char *host;
	uint16_t port;
	enum mx_security mx;
	const struct tls_plan *plan; /* that the session obeyed */
	/* That the host was judged by; NULL: nobody had to ask. */
	const struct sts_verdict *sts;
	const struct outcome *outcome; /* of a recipient that was taken */
};

/* out is initialized; receipt_proof_clear it. Its time is not set. */
void proof_make(const struct proof_in *in, struct receipt_proof *out);

#endif
