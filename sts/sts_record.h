/* The TXT record of RFC 8461 3.1: STS-06, STS-07. Pure. */
#ifndef STS_STS_RECORD_H
#define STS_STS_RECORD_H

#include <stddef.h>

#include "relay/base/diag.h"
#include "relay/base/err.h"
#include "relay/base/kvlist.h"
#include "relay/model/rr.h"
#include "relay/model/sts_entry.h"

/* One record, strings joined. ERR_NOTFOUND: does not begin with "v=STSv1;"
 * (not ours; blanks may stand before ";"). ERR_SYNTAX: begins so and is
 * broken. */
NODISCARD int sts_record_parse(struct str txt, char id[STS_ID_MAX]);
/* The same, and on an error one entry of d (may be NULL), whose whole text
 * holds txt. */
NODISCARD int sts_record_lint(
    struct str txt, char id[STS_ID_MAX], struct diags *d);
/* A whole answer: discard rule, then exactly one (STS-02, STS-03). 0 with id,
 * ERR_NOTFOUND: no policy, ERR_SYNTAX: invalid, the same as no policy. */
NODISCARD int sts_record_select(const struct rr_set *txt, char id[STS_ID_MAX]);
/* Begins that choice for whoever has no rr_set. */
void sts_record_pick(struct kvlist_pick *p);

#endif
