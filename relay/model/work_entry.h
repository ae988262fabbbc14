/* What is kept of messages in work, for the next run of the relay. */
#ifndef RELAY_MODEL_WORK_ENTRY_H
#define RELAY_MODEL_WORK_ENTRY_H

#include <stdint.h>

#define WORK_RUNNING 1u /* an attempt was under way */
#define WORK_TURN 2u /* a suspect that was tried alone */
#define WORK_HOLD 4u /* to be held */

/* As it stands in a file: no padding, no pointers. msg 0: an empty place. */
struct work_entry {
	uint64_t msg;
	uint32_t crashes; /* of the relay, while this was in work */
	uint32_t flags;
};

#endif
