/*
 * What is kept of a message that a host took: where it went, what was proven
 * there, and which policy asked for it. A value of words and bytes, so that a
 * receipt written by one version reads the same in the next.
 */
#ifndef RELAY_MODEL_RECEIPT_H
#define RELAY_MODEL_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/model/msg.h"
#include "relay/model/rr.h"
#include "relay/model/sts_entry.h"
#include "relay/model/tls_result.h"

/* Bytes of a TLSA set or a policy that are kept; what is cut off says so. */
#define RECEIPT_TEXT_MAX 8192

enum receipt_flags {
	RECEIPT_MX_INSECURE = 1u << 0, /* proves the host, not the domain */
	RECEIPT_FALLBACK = 1u << 1, /* in clear after TLS failed */
	RECEIPT_CERT = 1u << 2 /* the host showed a certificate */
};

/* What one transaction came to: the same for all its recipients. */
struct receipt_proof {
	int64_t at; /* seconds since 1970 */
	char mx[DOMAIN_MAX], addr[RR_ADDR_TEXT];
	uint16_t port;
	uint32_t flags; /* enum receipt_flags */
	char policy[8], rule[24], level[16]; /* as in the delivery line */
	char mx_set[12]; /* enum mx_security */
	char proof[12];
	char tls[16], cipher[64]; /* "": in clear */
	uint8_t cert[TLS_SHA256], spki[TLS_SHA256];
	char tlsa[TLS_TLSA_TEXT]; /* the record that matched */
	char *tlsa_set; /* usable records, a line each; owned, or NULL */
	/* MTA-STS, when it was asked for: source "" says that it was not. */
	char sts[16], sts_mode[12], sts_id[STS_ID_MAX];
	char sts_mx[DOMAIN_MAX]; /* pattern that names the host */
	char sts_audit[32]; /* mode testing: what PKIX said */
	char *sts_text; /* policy in force; owned, or NULL */
};

/* One recipient of it. */
struct receipt {
	uint64_t msg, rcpt;
	int64_t arrived; /* seconds since 1970 */
	char sender[ADDR_MAX], addr[ADDR_MAX], next_hop[DOMAIN_MAX];
	char dsn[12], reply[512];
	struct receipt_proof p;
};

/* Deep copy; to need not be initialized. */
void receipt_proof_copy(
    struct receipt_proof *to, const struct receipt_proof *from);
void receipt_proof_clear(struct receipt_proof *p);

#endif
