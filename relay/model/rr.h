/*
 * DNS answers as the rest of the house sees them: one value per question,
 * with its DNSSEC status. Immutable and counted within one shard.
 */
#ifndef RELAY_MODEL_RR_H
#define RELAY_MODEL_RR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/base/str.h"

enum rr_type {
	RR_A = 1,
	RR_NS = 2,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_MX = 15,
	RR_TXT = 16,
	RR_AAAA = 28,
	RR_TLSA = 52
};

/* What a lookup came to. FAIL covers bogus, SERVFAIL, timeout, malformed. */
#define RR_STATUS_LIST(X) \
	X(RR_OK, "ok") \
	X(RR_NODATA, "nodata") \
	X(RR_NXDOMAIN, "nxdomain") \
	X(RR_FAIL, "fail")

enum rr_status {
#define RR_ENUM_(id, text) id,
	RR_STATUS_LIST(RR_ENUM_)
#undef RR_ENUM_
};

/* Why a lookup failed, for reports; RR_WHY_NONE unless RR_FAIL. */
#define RR_WHY_LIST(X) \
	X(RR_WHY_NONE, "none") \
	X(RR_WHY_SERVFAIL, "servfail") \
	X(RR_WHY_BOGUS, "bogus") \
	X(RR_WHY_TIMEOUT, "timeout") \
	X(RR_WHY_REFUSED, "refused") \
	X(RR_WHY_MALFORMED, "malformed") \
	X(RR_WHY_CNAME_LOOP, "cname-loop") \
	X(RR_WHY_UNREACHABLE, "resolver-unreachable") \
	X(RR_WHY_UNTRUSTED, "resolver-untrusted")

enum rr_why {
#define RR_ENUM_(id, text) id,
	RR_WHY_LIST(RR_ENUM_)
#undef RR_ENUM_
};

const char *rr_status_str(enum rr_status s);
const char *rr_why_str(enum rr_why w);
const char *rr_type_str(enum rr_type t);

#define RR_TLSA_MAX 16384 /* bytes of one association */

struct rr_tlsa {
	uint8_t usage, selector, mtype;
	uint16_t len; /* bytes at data */
	uint8_t *data; /* owned by whoever owns the array */
};

struct rr_mx {
	uint16_t pref;
	char host[DOMAIN_MAX]; /* "" is the root: null MX */
};

struct rr_addr {
	uint8_t family; /* 4 or 6 */
	uint8_t ip[16]; /* 4 or 16 bytes, network order */
};

/*
 * One answer. Only the array of the asked type is set. TXT strings of one
 * record are joined without spaces (RFC 8461 3.1).
 */
struct rr_set {
	unsigned refs;
	enum rr_type type;
	enum rr_status status;
	enum rr_why why;
	bool secure; /* AD of a trusted resolver: whole chain validated */
	bool has_cname; /* a CNAME stood in the answer */
	char
	    final_name[DOMAIN_MAX]; /* owner after CNAMEs; asked name if none */
	uint32_t ttl; /* seconds that this may be kept */
	size_t n;
	union {
		struct rr_mx *mx;
		struct rr_addr *addr; /* A and AAAA */
		struct rr_tlsa *tlsa;
		struct str *txt; /* bytes owned by the set */
		char (*cname)[DOMAIN_MAX];
	} u;
};

/* New set with n zeroed records of type (none for types without an array);
 * count is 1. */
struct rr_set *rr_set_new(enum rr_type type, size_t n);
/* Shared empty answers: status FAIL with a reason, NODATA, NXDOMAIN. */
struct rr_set *rr_set_empty(
    enum rr_type type, enum rr_status status, enum rr_why why);
struct rr_set *rr_set_ref(struct rr_set *s);
void rr_set_unref(struct rr_set *s); /* NULL is fine; not thread-safe */
/* Copy with a count of 1, all records too; not yet shared, so it may still be
 * changed. */
struct rr_set *rr_set_dup(const struct rr_set *s);
/* Copies bytes into record i. */
void rr_set_tlsa(struct rr_set *s, size_t i, uint8_t usage, uint8_t selector,
    uint8_t mtype, struct str data);
void rr_set_txt(struct rr_set *s, size_t i, struct str text);

#define RR_ADDR_TEXT 46
/* "192.0.2.1" or "2001:db8::1". */
void rr_addr_str(const struct rr_addr *a, char out[RR_ADDR_TEXT]);
/* Text to address; ERR_SYNTAX. No brackets. */
int rr_addr_parse(struct str s, struct rr_addr *out);

/* Array of TLSA records, deep copy and free (n may be 0). */
struct rr_tlsa *rr_tlsa_dup(const struct rr_tlsa *v, size_t n);
void rr_tlsa_free(struct rr_tlsa *v, size_t n);
/* "3 1 1 ab12..." appended; RFC 6698 2.2. */
struct buf;
void rr_tlsa_text(struct buf *b, const struct rr_tlsa *t);

#endif
