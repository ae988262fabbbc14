/*
 * TLSA records before anybody trusts them: which are usable for SMTP (RFC
 * 7672 3.1), and digest agility (RFC 7671 9). Pure.
 */
#ifndef DANE_TLSA_H
#define DANE_TLSA_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/model/rr.h"

/* Usage 2 or 3, selector 0 or 1, matching type 0, 1, 2 with the right digest
 * length; Full(0) data must be non-empty. DANE-38, DANE-39. */
bool tlsa_usable(const struct rr_tlsa *t);
/*
 * Copies of the usable records of in, after digest agility: for each usage
 * and selector, Full(0) and the strongest digest only (DANE-47), without
 * duplicates. *out owned by the caller (rr_tlsa_free), NULL when none.
 */
void tlsa_select(
    const struct rr_tlsa *in, size_t n, struct rr_tlsa **out, size_t *n_out);
/* "_25._tcp.mx.example" (DANE-28). ERR_TOOBIG when it is no name. */
int tlsa_name(unsigned port, const char *base, char out[DOMAIN_MAX]);

#endif
