/*
 * System calls of ours, by the linker's --wrap: those on files below the
 * watched folder are counted, failed as the plan (fault.h) says and told to
 * the disk (disk.h); all others go through. SQLite's library is not reached.
 */
#ifndef TESTS_FAULT_SYS_WRAP_H
#define TESTS_FAULT_SYS_WRAP_H

/* Absolute, and the same text as in the paths to come. */
void sys_wrap_watch(const char *dir);

#endif
