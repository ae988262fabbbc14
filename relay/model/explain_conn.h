/* What a host really did when it was connected to: waxseal explain. */
#ifndef RELAY_MODEL_EXPLAIN_CONN_H
#define RELAY_MODEL_EXPLAIN_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/model/rr.h"
#include "relay/model/tls_result.h"

#define EXPLAIN_CERTS_MAX 16 /* of one chain */
#define EXPLAIN_NAME_MAX 256 /* bytes of a subject or issuer with a NUL */
#define EXPLAIN_SANS_MAX 1024 /* bytes of all alternative names with a NUL */

struct explain_cert {
	char subject[EXPLAIN_NAME_MAX], issuer[EXPLAIN_NAME_MAX];
	char names[EXPLAIN_SANS_MAX]; /* DNS names, space between; cut */
	int64_t not_before, not_after; /* seconds since 1970 */
	uint8_t sha256[32]; /* of the certificate */
	uint8_t spki_sha256[32]; /* of its public key: TLSA x 1 1 */
};

/* A TLSA record of the plan and the certificate whose data it has. */
struct explain_match {
	size_t tlsa; /* of plan.tlsa */
	int depth; /* 0: the host's own certificate; -1: none */
};

struct explain_conn {
	char host[DOMAIN_MAX];
	struct rr_addr addr;
	uint16_t port;
	bool connected;
	bool starttls; /* a handshake was begun */
	bool ready; /* all that the plan asks for is there: MAIL could go */
	bool clear; /* it is not, but the plan lets mail go without TLS */
	const char *failure; /* static: what the session failed by, or "ok" */
	char text[256]; /* the host's last words, or the network's error */
	struct tls_result tls;
	struct explain_cert *certs; /* owned, the host's own first */
	size_t n_certs;
	struct explain_match *matches; /* owned */
	size_t n_matches;
};

#endif
