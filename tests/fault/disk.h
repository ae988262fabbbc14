/*
 * A disk that can lose its power: what was written to the state directory and
 * what of it was synced. A write is durable after a sync of its file, a name
 * after a sync of its folder; what is neither may or may not be there after
 * the power comes back, sector by sector and name by name.
 */
#ifndef TESTS_FAULT_DISK_H
#define TESTS_FAULT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"

/* How what was not synced fares. */
enum disk_fate {
	DISK_NONE, /* all of it is lost */
	DISK_ALL, /* nothing is: a process was killed */
	DISK_SOME /* each sector and each name by chance, independently */
};

/* Watches below dir, which is empty; the calls below do nothing before. */
void disk_watch(const char *dir);

/* The shims tell what they have done. Paths are as given to the system call;
 * others than those below dir are left alone, as is SQLite's -shm. */
void disk_made(const char *path, bool folder);
void disk_removed(const char *path);
void disk_wrote(const char *path, uint64_t at, const void *p, size_t n);
void disk_truncated(const char *path, uint64_t size);
void disk_synced(const char *path);
void disk_synced_names(const char *folder);

/* Bytes and names that are not synced. */
size_t disk_pending(void);

/* What is found in to (which must not exist) when the power comes back.
 * sector: bytes; rng: for DISK_SOME. */
void disk_image(
    const char *to, enum disk_fate fate, size_t sector, struct rng *rng);

#endif
