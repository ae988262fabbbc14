/* From what a session saw to the outcome of each recipient. Pure. */
#ifndef RELAY_DELIVER_CLASSIFY_H
#define RELAY_DELIVER_CLASSIFY_H

#include <stdbool.h>

#include "relay/model/outcome.h"
#include "relay/model/tls_plan.h"
#include "relay/smtp/client_fsm.h"

/* What the attempt does when a session ended without a transaction. */
enum classify_next {
	CLASSIFY_FINAL, /* outcomes stand; no other host is asked */
	CLASSIFY_NEXT_ADDR, /* next address, then next host */
	CLASSIFY_NEXT_HOST,
	CLASSIFY_CLEAR /* once more to this address without TLS */
};

struct classify_session {
	const struct tls_plan *plan;
	enum client_fail failure;
	int err; /* of the connection: enum err */
	const char *err_text; /* of the system, may be "" */
	const struct reply *reply; /* of the failure, or NULL */
	const struct tls_result *tls;
	bool connected; /* TCP came about */
	bool clear_retry; /* this was the fallback already */
	bool not_proven; /* the gate before MAIL said no */
};

/*
 * A session that ended before any recipient was asked: what next, and the
 * outcome to keep in case nothing better comes, always deferred: nothing was
 * said of the recipients, and a 5yz greeting may be forged (SMTP-29). Policy
 * failures are 4.7.x (DANE-57, STS-31). A plan whose on_* is TLS_FAIL_CLEAR
 * gives CLASSIFY_CLEAR exactly once.
 */
enum classify_next classify_session(
    const struct classify_session *s, struct outcome *out);
/* One recipient after a transaction that began. 4yz deferred; 5yz bounced; 552 at RCPT
 * for too many recipients deferred (SMTP-12); uncertain is deferred and
 * marked (QUE-09). */
void classify_rcpt(const struct classify_session *s,
    const struct client_rcpt_result *r, struct outcome *out);

#endif
