/*
 * Answers of the control protocol, read again: as text for people, and what a
 * program must know of them. Pure.
 */
#ifndef RELAY_CTL_CTL_SHOW_H
#define RELAY_CTL_CTL_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"

struct ctl_answer {
	bool ok;
	char error[256]; /* "" when ok */
	size_t problems; /* of a status */
	size_t rows; /* of a list */
	uint64_t last; /* id of the last row, for the next question; 0 of
			* rows whose id is a text */
	uint64_t recipients; /* of a release */
};

/* A line without its end. ERR_SYNTAX: not an answer. */
NODISCARD int ctl_answer_parse(struct str json, struct ctl_answer *out);

/*
 * Appends the text of an answer, a JSON line, with control characters
 * escaped. ERR_SYNTAX: not such an answer, or not ok; out then holds part of
 * it.
 */
NODISCARD int ctl_status_text(struct str json, struct buf *out);
NODISCARD int ctl_list_text(struct str json, struct buf *out);
NODISCARD int ctl_release_text(struct str json, struct buf *out);
NODISCARD int ctl_stats_text(struct str json, struct buf *out);

#endif
