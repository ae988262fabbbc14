/* A folder for a moment, with one level of folders below. */
#ifndef RELAY_CLI_TEMP_DIR_H
#define RELAY_CLI_TEMP_DIR_H

#include "relay/base/err.h"

#define TEMP_DIR_MAX 256

/* Makes one below TMPDIR or /tmp, which others may enter but not list. ERR_IO:
 * errno says why. */
NODISCARD int temp_dir_make(char path[TEMP_DIR_MAX]);
/* Removes it, the files in it, and the files in the folders in it. Never
 * follows a link: the folders may belong to somebody else. */
void temp_dir_remove(const char *path);

#endif
