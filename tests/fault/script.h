/*
 * A run of the store that uses all of it, and the ledger of what it was told:
 * each job with its answer. The ledger lies in memory that outlives the
 * process, and script_check compares a state directory with it.
 */
#ifndef TESTS_FAULT_SCRIPT_H
#define TESTS_FAULT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/queue/store.h"
#include "tests/fault/fault.h"

struct world;

#define LEDGER_MSGS 64
#define LEDGER_JOBS 128
#define LEDGER_RCPTS 3
#define LEDGER_EFFECTS 3

enum ledger_kind { LEDGER_PUT, LEDGER_FINISH, LEDGER_STS, LEDGER_HAD };
enum ledger_state { LEDGER_STARTED, LEDGER_GOOD, LEDGER_BAD };

struct ledger_msg {
	size_t size;
	unsigned n; /* recipients r0.., each with a next hop of its own */
	uint64_t rows[LEDGER_RCPTS]; /* 0: not known */
};

struct ledger_effect {
	int msg;
	unsigned rcpt;
	enum store_fate fate;
	uint32_t tries;
};

struct ledger_job {
	enum ledger_kind kind;
	enum ledger_state state;
	int err;
	int msg; /* the one put; the DSN of a finish, or -1 */
	struct ledger_effect effects[LEDGER_EFFECTS];
	unsigned n;
	int version; /* of the MTA-STS policy; of what was had, 0: dropped */
	unsigned epoch; /* the store was opened so often */
};

struct ledger {
	struct ledger_msg msgs[LEDGER_MSGS]; /* id: index + 1 */
	struct ledger_job jobs[LEDGER_JOBS];
	int n_msgs, n_jobs;
	unsigned bad; /* jobs of any kind that were answered with an error */
	unsigned epoch, failed_opens;
	bool whole; /* every step was gone */
	bool die; /* the process ends at the first error */
	bool fired; /* of the last case: see cases.h */
	unsigned long counts[FAULT_N_KINDS + 1];
};

/* Shared with children; for ever. */
struct ledger *ledger_new(void);
/* In the process that runs the script, any thread. */
void ledger_copy(struct ledger *to, const struct ledger *from);
/* The body of a message of the script. */
struct blob *script_body(uint64_t mark, size_t size);

/* A clock that runs so fast that nothing of the store ever waits for it, and
 * that can hold the writer. For the options of a store. */
struct clock script_clock(void);

/* Opens the store, goes through the jobs, closing and opening once; leaves it
 * open unless that failed. many: so much that a checkpoint runs. */
void script_run(struct world *w, struct ledger *l, bool many);
/* The faults are over: without a new start all works, and the store says so.
 * Closes it. */
void script_heal(struct world *w, struct ledger *l);
/*
 * Is the queue in dir what the ledger says? An answered job is there and one
 * that was answered with an error is not; of one without an answer, or one
 * with an error when in_doubt says so, all is there or nothing. Ends the
 * process with a line on stderr when not.
 */
void script_check(const char *dir, const struct ledger *l, bool in_doubt);
/* The same of the database alone: it is whole, and nothing points nowhere. */
void script_check_database(const struct world *w);

#endif
