/*
 * Cases: each in a child of its own with a folder and a ledger, so that it may
 * end in any way, and thousands of them in a minute.
 */
#ifndef TESTS_FAULT_CASES_H
#define TESTS_FAULT_CASES_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/fault/script.h"

struct world;

/* In the child, with the shims in place and nothing armed. */
typedef void case_fn(void *arg, struct world *w, struct ledger *l);

/* In the parent meanwhile. */
typedef void case_attend(void *arg, pid_t child);

struct case_env {
	const char *dir; /* of the case */
	struct world *w;
	struct ledger *l;
	unsigned long run; /* cases so far */
	unsigned failed;
};

/* A folder on a disk in memory when there is one. */
void case_begin(struct case_env *e);
/* What was counted, "PROGRAM: N cases, N failed"; exit status. */
int case_end(struct case_env *e, const char *program);

/* An empty folder and a ledger. */
void case_reset(struct case_env *e);
/* fn in a child, while the parent runs attend (or not, when it is NULL); the
 * child's wait status. */
int case_child(struct case_env *e, case_fn *fn, case_attend *attend, void *arg);
/* Both: one case. */
int case_run(struct case_env *e, case_fn *fn, void *arg);
/* The ledger against a folder, in a child; its wait status. */
int case_check(struct case_env *e, const char *dir, bool in_doubt);
/* Did it come to an end without a complaint? */
bool case_passed(int status);
bool case_killed(int status);

/* WAXSEAL_FAULT_FULL=1: all cases, however long it takes. */
bool case_full(void);
/* Every so many-th case is run: 1 in a plain build, and always when all are
 * wanted; under a sanitizer some stand for all. */
unsigned case_stride(unsigned with_sanitizer);
/* An argument; 0 when it is none. */
unsigned long case_number(const char *text);
/* What is left of a folder. */
void case_remove(const char *dir);

#endif
