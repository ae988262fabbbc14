/*
 * What is wrong with a text, where, and by which rule of doc/CONFORMANCE.md:
 * a bounded list that a parser fills for whoever shows it to a person.
 */
#ifndef RELAY_BASE_DIAG_H
#define RELAY_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/str.h"

#define DIAG_MAX 20 /* entries of one list; what comes later is only noted */

struct diag {
	size_t line; /* from 1; lines end in LF */
	size_t column; /* from 1, in bytes */
	const char *rule; /* "STS-06", static */
	const char *text; /* static */
};

struct diags {
	struct str whole; /* the text, borrowed */
	struct diag v[DIAG_MAX];
	size_t n;
	bool more; /* there were others */
};

void diag_init(struct diags *d, struct str whole);
/* at points into the whole text or to its end. d may be NULL: nobody asks. */
void diag_add(
    struct diags *d, const char *at, const char *rule, const char *text);

#endif
