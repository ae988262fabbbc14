/*
 * The TXT record at _smtp._tls, RFC 8460 3: where reports about a domain are
 * to go. Pure.
 */
#ifndef RELAY_TLSRPT_RPT_RECORD_H
#define RELAY_TLSRPT_RPT_RECORD_H

#include <stddef.h>

#include "relay/base/diag.h"
#include "relay/base/domain.h"
#include "relay/base/err.h"
#include "relay/base/kvlist.h"
#include "relay/base/str.h"
#include "relay/model/msg.h"

#define RPT_RUA_MAX 16 /* URIs of one record that are used */

#define RPT_SCHEME_LIST(X) \
	X(RPT_MAILTO, "mailto") \
	X(RPT_HTTPS, "https")

enum rpt_scheme {
#define RPT_ENUM_(id, text) id,
	RPT_SCHEME_LIST(RPT_ENUM_)
#undef RPT_ENUM_
};

const char *rpt_scheme_str(enum rpt_scheme s);

struct rpt_uri {
	enum rpt_scheme scheme;
	struct str text; /* as written, borrowed from the record */
};

struct rpt_record {
	struct rpt_uri rua[RPT_RUA_MAX]; /* in the order of the record */
	size_t n; /* at least 1 */
	/* URIs that can't be used: RPT-38, or beyond RPT_RUA_MAX. */
	size_t ignored;
};

/*
 * One record, strings joined. faults gets one entry on an error, ignored one
 * for each URI that is passed over; their whole text holds txt, and each may
 * be NULL.
 *
 * ERR_NOTFOUND: does not begin with "v=TLSRPTv1;" (RPT-01). ERR_SYNTAX: is
 * broken (RPT-03), or names no URI that can be used (RPT-38). Several rua
 * fields count as one.
 */
NODISCARD int rpt_record_parse(struct str txt, struct rpt_record *out,
    struct diags *faults, struct diags *ignored);
/* Begins the choice among the records of an answer (RPT-01). */
void rpt_record_pick(struct kvlist_pick *p);
/* Address of a mailto URI in canonical form, its "?" part left out, and the
 * domain of it. ERR_SYNTAX, ERR_TOOBIG; never for a URI of a struct
 * rpt_record with that scheme. */
NODISCARD int rpt_uri_address(
    const struct rpt_uri *uri, char out[ADDR_MAX], char domain[DOMAIN_MAX]);

#endif
