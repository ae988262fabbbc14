/*
 * A store under load, and the table of what it was told. The table outlives
 * the child that works and is brought up to date by the one that checks.
 */
#ifndef TESTS_FAULT_LOAD_H
#define TESTS_FAULT_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"

struct world;
struct ledger;
struct load_table;

struct load {
	struct load_table *table;
	uint64_t seed;
	unsigned long kill_op; /* dies before this operation; 0: never */
	/* Parent: kills after so many answers, and so many microseconds. */
	size_t kill_after;
	unsigned kill_us;
	int answers[2]; /* pipe: a byte for each */
};

struct load_table *load_table_new(void); /* shared with children, for ever */
void load_table_reset(struct load_table *t); /* all but the counters */
/* For case_run: works until it is killed. */
void load_run(void *load, struct world *w, struct ledger *l);
/* For case_child: ends the process with a line on stderr when the queue is
 * not what the table says. */
void load_check(void *load, struct world *w, struct ledger *l);
/* The counters. */
void load_print(const struct load_table *t);

#endif
