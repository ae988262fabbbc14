/* A report for people: made from its JSON form, 80 columns wide. Pure. */
#ifndef RELAY_CTL_EXPLAIN_TEXT_H
#define RELAY_CTL_EXPLAIN_TEXT_H

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/explain.h"

#define EXPLAIN_COLUMNS 80

/*
 * Appends the text of a report. No line is longer than EXPLAIN_COLUMNS
 * characters and none has control characters. ERR_SYNTAX: not a report, or
 * not ok.
 */
NODISCARD int explain_text(struct str json, struct buf *out);
/* The verdict of a report; ERR_SYNTAX. */
NODISCARD int explain_text_fate(struct str json, enum explain_fate *out);

#endif
