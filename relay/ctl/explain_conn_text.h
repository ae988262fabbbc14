/* The part of a report for people that tells what the hosts did. Pure. */
#ifndef RELAY_CTL_EXPLAIN_CONN_TEXT_H
#define RELAY_CTL_EXPLAIN_CONN_TEXT_H

#include "relay/ctl/explain_read.h"

/* Nothing when no connections were made. */
void explain_conn_text(struct explain_reader *r);

#endif
