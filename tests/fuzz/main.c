/*
 * Runs a fuzz target over files, for compilers without libFuzzer, for
 * coverage and for the ordinary test programs. Without arguments the files are
 * those of the target's corpus, which its own name points to:
 * $WAXSEAL_SRCDIR/tests/fuzz/corpus/NAME for fuzz_NAME. Each is named before
 * it runs, so the last name is that of the one that ended the program.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)1 << 20)
#define PATH_BYTES 4096

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *block, *exact;
	size_t n;

	if (!f) {
		perror(path);
		exit(2);
	}
	fprintf(stderr, "%s\n", path);
	block = xmalloc(INPUT_MAX);
	n = fread(block, 1, INPUT_MAX, f);
	(void)fclose(f);
	exact = fuzz_exact(str_n(block, n));
	free(block);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)exact, n);
	free(exact);
}

/* Returns how many there were. */
static unsigned
run_folder(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	unsigned n = 0;

	if (!d) {
		perror(folder);
		exit(2);
	}
	while ((e = readdir(d)) != NULL) {
		char path[PATH_BYTES];
		int len = snprintf(
		    path, sizeof(path), "%s/%s", folder, e->d_name);

		if (e->d_name[0] == '.' || len < 0 ||
		    (size_t)len >= sizeof(path))
			continue;
		run_file(path);
		n++;
	}
	(void)closedir(d);
	return n;
}

int
main(int argc, char **argv)
{
	const char *root = getenv("WAXSEAL_SRCDIR");
	const char *name = strrchr(argv[0], '/');
	char folder[PATH_BYTES];
	unsigned n = 0;

	name = name ? name + 1 : argv[0];
	if (argc < 2) {
		if (strncmp(name, "fuzz_", 5) != 0) {
			fprintf(stderr, "usage: %s FILE...\n", name);
			return 2;
		}
		(void)snprintf(folder, sizeof(folder),
		    "%s/tests/fuzz/corpus/%s", root ? root : ".", name + 5);
		n = run_folder(folder);
		if (n == 0)
			fprintf(stderr, "%s: no inputs\n", folder);
	}
	for (int i = 1; i < argc; i++, n++)
		run_file(argv[i]);
	printf("%u inputs\n", n);
	return n > 0 ? 0 : 1;
}
