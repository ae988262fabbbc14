/* waxseal explain: its parts. One thread, which owns all that they make. */
#ifndef RELAY_CLI_EXPLAIN_H
#define RELAY_CLI_EXPLAIN_H

#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/cli/cli.h"
#include "relay/model/options.h"

/* A question, checked. */
struct explain_ask {
	char domain[DOMAIN_MAX]; /* canonical, or "[ip]" */
	uint16_t port; /* 0: as configured */
	bool has_resolver;
	struct opt_addr_port resolver; /* to ask, and not the daemon */
};

/*
 * Answers by a relay's own parts in this process: a resolver of its own unless
 * the question or the configuration names one. Appends the report's JSON. Ends
 * the program when it can't.
 */
void explain_local(const struct cli *c, const struct explain_ask *ask,
    const struct options *options, struct buf *report);
/* Replaces a report by the same one with what its hosts do. */
void explain_connect(
    const struct cli *c, const struct options *options, struct buf *report);

#endif
