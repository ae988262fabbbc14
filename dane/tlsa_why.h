/* What becomes of one TLSA record, for people: RFC 7672 3.1, RFC 7671 9. */
#ifndef DANE_TLSA_WHY_H
#define DANE_TLSA_WHY_H

#include <stddef.h>

#include "relay/model/rr.h"

struct tlsa_why {
	const char *rule; /* static id */
	const char *text; /* static */
};

/*
 * NULL: t is used. used: what tlsa_select made of the set that t is from. The
 * verdict is that of tlsa_usable and tlsa_select; here are the words for it.
 */
const struct tlsa_why *tlsa_why(
    const struct rr_tlsa *t, const struct rr_tlsa *used, size_t n);

#endif
