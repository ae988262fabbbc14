/* What the two parts of a report for people share: reading, writing a line. */
#ifndef RELAY_CTL_EXPLAIN_READ_H
#define RELAY_CTL_EXPLAIN_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"

#define EXPLAIN_INDENT 12 /* where the text of a row begins */

struct json_t;

/* Remembers whether something was not as it should be. */
struct explain_reader {
	struct json_t *root;
	struct buf *out;
	struct buf line; /* the row being made, not yet escaped */
	bool bad;
};

NODISCARD int explain_reader_open(
    struct explain_reader *r, struct str json, struct buf *out);
/* Frees; ERR_SYNTAX when anything was bad, or out is full. */
NODISCARD int explain_reader_close(struct explain_reader *r);

/* Members of o; "", 0 or false and bad when they are of another type. */
struct str explain_str(
    struct explain_reader *r, const struct json_t *o, const char *key);
int64_t explain_number(
    struct explain_reader *r, const struct json_t *o, const char *key);
bool explain_bool(
    struct explain_reader *r, const struct json_t *o, const char *key);

/* Begins a row, and what it is collected in. */
struct buf *explain_line(struct explain_reader *r);
struct buf *explain_buf(struct explain_reader *r);
/* Appends a member to the row. */
void explain_add(
    struct explain_reader *r, const struct json_t *o, const char *key);
/* Writes the row behind its label (of our own, at most 12 characters). */
void explain_flush(struct explain_reader *r, const char *label);
/* A row of one text. */
void explain_row(struct explain_reader *r, const char *label, const char *text);

#endif
