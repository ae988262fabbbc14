/* The states of a route, and which may follow which. */
#ifndef RELAY_DECIDE_ROUTE_STATE_H
#define RELAY_DECIDE_ROUTE_STATE_H

#include <stdbool.h>

enum route_state {
	ROUTE_ST_MX, /* asking for the MX set */
	ROUTE_ST_WALK, /* about to take the next host */
	ROUTE_ST_LOOK, /* asking for addresses and TLSA of a host */
	ROUTE_ST_STS, /* all is known but MTA-STS */
	ROUTE_ST_AHEAD, /* asking for TLSA of hosts whose turn is not yet */
	ROUTE_ST_WAIT, /* a host was handed out */
	ROUTE_ST_OVER
};

/* Is this step in the table of transitions? */
bool route_state_legal(enum route_state from, enum route_state to);

#endif
