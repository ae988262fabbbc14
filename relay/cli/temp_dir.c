/* Removal goes by open folders, so that nobody can move them meanwhile. */
#include "config.h"

#include "relay/cli/temp_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
temp_dir_make(char path[TEMP_DIR_MAX])
{
	const char *base = getenv("TMPDIR");
	int n;

	if (!base || base[0] != '/')
		base = "/tmp";
	n = snprintf(path, TEMP_DIR_MAX, "%s/waxseal-explain-XXXXXX", base);
	if (n < 0 || n >= TEMP_DIR_MAX) {
		errno = ENAMETOOLONG;
		return ERR_IO;
	}
	/* The resolver's user must get to its folder in there. */
	if (!mkdtemp(path) || chmod(path, 0711) != 0)
		return ERR_IO;
	return 0;
}

static void
empty(int take_fd, bool folders)
{
	DIR *dir = fdopendir(take_fd);
	struct dirent *e;

	if (!dir) {
		close(take_fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		int fd;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || !folders)
			continue;
		fd = openat(dirfd(dir), e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			empty(fd, false);
		(void)unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

void
temp_dir_remove(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		empty(fd, true);
	(void)rmdir(path);
}
