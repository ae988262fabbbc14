/*
 * DANE for one host as a pure table: which question comes next, and what the
 * answers mean. RFC 7672 2.1, 2.2; RESOLVER.md 5.
 */
#ifndef DANE_DANE_POLICY_H
#define DANE_DANE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/model/rr.h"
#include "relay/model/verdicts.h"

/* What is known of a host so far; NULL: not asked. Borrowed. */
struct dane_facts {
	const char *host;
	unsigned port;
	const struct rr_set *a, *aaaa;
	const struct rr_set *cname; /* CNAME question, DANE-10 */
	const struct rr_set *tlsa_final; /* TLSA at the expanded name */
	const struct rr_set *tlsa_host; /* TLSA at the original name */
};

enum dane_step_kind {
	DANE_ASK_ADDR, /* A and AAAA in parallel */
	DANE_ASK_CNAME, /* host CNAME */
	DANE_ASK_TLSA_FINAL,
	DANE_ASK_TLSA_HOST,
	DANE_DONE
};

/* Next question; name is set for the TLSA questions. */
struct dane_step {
	enum dane_step_kind kind;
	char name[DOMAIN_MAX];
};

/*
 * Reachability of the host by addresses alone. OK: use the addresses (one
 * family may have failed: DANE-56). NONE: no address records. FAIL: lookup
 * error, host unreachable.
 */
enum dane_addr { DANE_ADDR_OK, DANE_ADDR_NONE, DANE_ADDR_FAIL };
enum dane_addr dane_addr_state(const struct dane_facts *f);

/* on = false (dane { mode = off }): asks addresses only, verdict NONE. */
void dane_next(const struct dane_facts *f, bool on, struct dane_step *out);
/* Verdict once dane_next says DANE_DONE. out is initialised here. */
void dane_judge(const struct dane_facts *f, bool on, struct dane_verdict *out);
/*
 * Reference identifiers of DANE-TA (RFC 7672 3.2.2): the base first, then
 * next hop and expanded next hop as MX security allows; no duplicates. mx is
 * of enum mx_security. Writes at most max names, returns how many.
 */
size_t dane_names(enum mx_security mx, const char *base, const char *next_hop,
    const char *expanded, char names[][DOMAIN_MAX], size_t max);

#endif
