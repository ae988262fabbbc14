/* Receipts of deliveries: plain values with two texts of their own. */
#include "config.h"

#include "relay/model/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"

void
receipt_proof_copy(struct receipt_proof *to, const struct receipt_proof *from)
{
	*to = *from;
	to->tlsa_set = xstrdup(from->tlsa_set);
	to->sts_text = xstrdup(from->sts_text);
}

void
receipt_proof_clear(struct receipt_proof *p)
{
	free(p->tlsa_set);
	free(p->sts_text);
	memset(p, 0, sizeof(*p));
}
