/*
 * From what a DNS library unpacked of a reply to a struct rr_set: names,
 * CNAME chain, status and TTL, with every length checked. RESOLVER.md 1.3,
 * steps 2 to 6, RFC 1034 3.6.2, RFC 2308. Pure.
 */
#ifndef RELAY_DNS_RDATA_H
#define RELAY_DNS_RDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/rr.h"

#define RDATA_RRS_MAX 1024 /* records of one answer section */
#define RDATA_CNAME_MAX 10 /* links of a chain that are followed */
#define RDATA_TXT_MAX 65535 /* bytes of one TXT record */
#define RDATA_NO_SOA_TTL 5 /* seconds: negative answer without SOA */

/*
 * Wire form (RFC 1035 3.1, not compressed, nothing behind it) to text: lower
 * case, no last dot, the root is "". Bytes other than letters, digits, "-"
 * and "_" become \DDD, which rdata_name_ok then refuses. ERR_SYNTAX,
 * ERR_TOOBIG (text that does not fit).
 */
NODISCARD int rdata_name(const uint8_t *p, size_t n, char out[DOMAIN_MAX]);

/* May this be asked? Labels of 1-63 LDH or "_", 253 bytes, no last dot; "."
 * is the root. */
bool rdata_name_ok(const char *name);

/* One record of the answer section, class IN. Strings are borrowed. */
struct rdata_rr {
	char owner[DOMAIN_MAX];
	char target[DOMAIN_MAX]; /* CNAME, MX */
	unsigned type;
	uint32_t ttl;
	uint16_t pref; /* MX */
	uint8_t usage, selector, mtype; /* TLSA */
	struct str data; /* A, AAAA: address; TLSA: association; TXT:
				  * strings joined (RFC 8461 3.1) */
};

/* What a reply said. */
struct rdata_reply {
	char qname[DOMAIN_MAX];
	unsigned qtype;
	unsigned rcode;
	bool tc, ad;
	bool malformed; /* a record could not be unpacked */
	const struct rdata_rr *rrs;
	size_t n;
	bool has_soa; /* in the authority section */
	uint32_t soa_ttl, soa_minimum;
};

/* Is this the reply to that question? (RESOLVER.md B4) */
bool rdata_reply_matches(
    const struct rdata_reply *r, const char *name, enum rr_type type);

/*
 * The answer to (name, type) as a set with a count of 1, never NULL. secure
 * is AD; ttl is the least of all records in the answer, and of the SOA when
 * there is none of the type. Anything that does not fit is RR_FAIL.
 */
struct rr_set *rdata_build(
    const struct rdata_reply *r, const char *name, enum rr_type type);

/* RR_FAIL with a reason, for name. */
struct rr_set *rdata_fail(const char *name, enum rr_type type, enum rr_why why);

#endif
