/* The table of transitions: see the picture in decide.c. */
#include "config.h"

#include "relay/decide/route_state.h"

bool
route_state_legal(enum route_state from, enum route_state to)
{
	static const bool legal[][7] = {
	    [ROUTE_ST_MX] = {[ROUTE_ST_WALK] = true, [ROUTE_ST_OVER] = true},
	    [ROUTE_ST_WALK] = {[ROUTE_ST_WALK] = true,
		[ROUTE_ST_LOOK] = true,
		[ROUTE_ST_WAIT] = true,
		[ROUTE_ST_OVER] = true},
	    [ROUTE_ST_LOOK] = {[ROUTE_ST_WALK] = true,
		[ROUTE_ST_STS] = true,
		[ROUTE_ST_AHEAD] = true,
		[ROUTE_ST_WAIT] = true},
	    [ROUTE_ST_STS] = {[ROUTE_ST_WALK] = true,
		[ROUTE_ST_AHEAD] = true,
		[ROUTE_ST_WAIT] = true},
	    [ROUTE_ST_AHEAD] = {[ROUTE_ST_WALK] = true, [ROUTE_ST_WAIT] = true},
	    [ROUTE_ST_WAIT] = {[ROUTE_ST_WALK] = true},
	    [ROUTE_ST_OVER] = {false},
	};

	return legal[from][to];
}
