/*
 * The VFS of SQLite under test: the unix one, with each operation counted,
 * failed as the plan (fault.h) says, and told to the disk (disk.h).
 */
#ifndef TESTS_FAULT_VFS_SHIM_H
#define TESTS_FAULT_VFS_SHIM_H

/* Before the store opens; from then on it is the default of the process. */
void vfs_shim_install(void);

#endif
