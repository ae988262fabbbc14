/*
 * Faults on the way to the disk. Every operation of the store, SQLite's
 * (vfs_shim) and its own on spool files (sys_wrap), first comes here to be
 * counted; the plan says which one goes wrong, and how. One plan a process:
 * each case runs in a child of its own.
 */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>

/* X(NAME, text): f_... are SQLite's methods, s_... system calls. */
#define FAULT_KINDS(X) \
	X(READ, "read") \
	X(WRITE, "write") \
	X(SYNC, "sync") \
	X(TRUNCATE, "truncate") \
	X(OPEN, "open") \
	X(DELETE, "delete") \
	X(ACCESS, "access") \
	X(SIZE, "size") \
	X(LOCK, "lock") \
	X(SHM_MAP, "shm-map") \
	X(SHM_LOCK, "shm-lock") \
	X(SYS_OPEN, "sys-open") \
	X(SYS_READ, "sys-read") \
	X(SYS_WRITE, "sys-write") \
	X(SYS_SYNC, "sys-sync") \
	X(SYS_CLOSE, "sys-close") \
	X(SYS_UNLINK, "sys-unlink") \
	X(SYS_MKDIR, "sys-mkdir") \
	X(SYS_OPENDIR, "sys-opendir")

#define FAULT_KIND(name, text) FAULT_##name,
enum fault_kind { FAULT_KINDS(FAULT_KIND) FAULT_N_KINDS };

/* What becomes of an operation. */
#define FAULT_MODES(X) \
	X(NONE, "none") /* as asked */ \
	X(FAIL, "fail") /* input/output error, nothing done */ \
	X(FULL, "full") /* no space; of a lock: somebody else has it */ \
	X(TEAR, "tear") /* the first part is done, then an error */ \
	X(SHORT, "short") /* the first part is done, and said so */ \
	X(DELAY, "delay") /* late, and as asked */ \
	X(KILL, "kill") /* the process ends before it */

#define FAULT_MODE(name, text) FAULT_MODE_##name,
enum fault_mode { FAULT_MODES(FAULT_MODE) FAULT_N_MODES };

struct fault_plan {
	enum fault_kind kind; /* FAULT_N_KINDS: any */
	enum fault_mode mode;
	unsigned long n; /* the n-th of its kind, from 1; 0: none */
	bool on; /* and all of the kind that follow */
};

/* Sees every operation before it is done; one thread at a time. */
typedef void fault_hook(void *arg, enum fault_kind kind);

const char *fault_kind_str(enum fault_kind kind);
const char *fault_mode_str(enum fault_mode mode);
/* Does the mode mean anything for the kind? */
bool fault_applies(enum fault_kind kind, enum fault_mode mode);

/* Counts from 0 again and follows the plan; hook may be NULL. */
void fault_arm(const struct fault_plan *plan, fault_hook *hook, void *arg);
/* Nothing goes wrong or is counted from here on. */
void fault_disarm(void);
/* Operations of a kind since fault_arm, FAULT_N_KINDS: of all. */
unsigned long fault_count(enum fault_kind kind);
/* Did the plan's operation come? */
bool fault_fired(void);

/* For the shims: an operation is about to be done. */
enum fault_mode fault_step(enum fault_kind kind);

#endif
