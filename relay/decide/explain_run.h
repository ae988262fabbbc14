/* Walks a whole route and writes down why it goes as it does. */
#ifndef RELAY_DECIDE_EXPLAIN_RUN_H
#define RELAY_DECIDE_EXPLAIN_RUN_H

#include <stdint.h>

#include "relay/decide/decide.h"
#include "relay/model/explain.h"

#define EXPLAIN_RUN_MS 60000 /* all questions of all hosts together */

struct explain_run;

/* e: what is known now; it stays the run's and may be changed by the callee
 * no more. */
typedef void explain_run_fn(void *arg, const struct explain *e);

/*
 * Asks how mail for next_hop (as in route_req) would be sent; nothing is sent
 * and no connection is made but those of DNS and MTA-STS. fn runs once, later,
 * within EXPLAIN_RUN_MS, unless freed; e->ended is false when the time did not
 * suffice. port 0: as configured. Free it afterwards.
 */
struct explain_run *explain_run_start(struct decide *d, const char *next_hop,
    uint16_t port, explain_run_fn *fn, void *arg);
void explain_run_free(struct explain_run *r); /* also cancels; NULL is fine */

#endif
