/* Receipts of deliveries as JSON, and as text for people. Pure. */
#ifndef RELAY_CTL_CTL_RECEIPT_H
#define RELAY_CTL_CTL_RECEIPT_H

#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/model/receipt.h"

/* Appends {"ok":true,"rows":[{"id":,"message":,...}]}, a line: as many as were
 * asked for, less when that was the end. The members are those of waxseal(1). */
void ctl_receipts_build(const struct receipt *v, size_t n, struct buf *out);

/* Appends the text of such an answer, in 80 columns where names are not too
 * long. ERR_SYNTAX: not such an answer, or not ok; out then holds part of it. */
NODISCARD int ctl_receipts_text(struct str json, struct buf *out);

#endif
