/*
 * One SMTP session that goes as far as a plan asks for and no further: EHLO,
 * STARTTLS, the handshake, EHLO, QUIT. It has no envelope to send. An actor.
 */
#ifndef RELAY_DELIVER_PROBE_H
#define RELAY_DELIVER_PROBE_H

#include <stdint.h>

#include "relay/model/explain_conn.h"
#include "relay/model/options.h"
#include "relay/model/tls_plan.h"
#include "relay/net/timer.h"

struct probe;
struct tls_ctx;

struct probe_req {
	struct loop *loop;
	struct tls_ctx *tls;
	const struct options *options; /* hostname, timeouts */
	const char *host; /* copied */
	struct rr_addr addr;
	uint16_t port;
	const struct tls_plan *plan; /* copied */
	int64_t limit_ms; /* of the whole session */
};

/* What the host did, and its chain as PEM, with the certificates of out left
 * to the callee to make. Borrowed for the call. */
typedef void probe_fn(
    void *arg, const struct explain_conn *out, struct str pem);

/* fn runs once, later, when the connection is gone; the probe with it. NULL:
 * no socket can be made, fn is not called. */
struct probe *probe_start(const struct probe_req *req, probe_fn *fn, void *arg);

#endif
