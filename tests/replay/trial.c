/* See the header. */
#include "config.h"

#include "tests/replay/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/base/map.h"

#define TRIAL_CPU_S 60

void
trial_here(const char *name, struct str text, const struct play_opts *o,
    struct trial *out)
{
	static const uint8_t seed[16] = "explore";
	struct scn *s = NULL;
	struct buf log;

	memset(out, 0, sizeof(*out));
	if (scn_parse(name, text, &s, out->res.why))
		return;
	buf_init(&log, SIZE_MAX / 2);
	scn_play(s, o, &out->res, &log);
	out->hash = map_hash(seed, log.p ? log.p : "", log.n);
	buf_clear(&log);
	scn_free(s);
}

void
trial_limit(unsigned seconds)
{
	struct rlimit r = {.rlim_cur = seconds, .rlim_max = seconds + 10};

	(void)setrlimit(RLIMIT_CPU, &r);
}

static void
be_quiet(void)
{
	int fd = open("/dev/null", O_WRONLY);

	if (fd >= 0) {
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		(void)close(fd);
	}
}

void
trial_apart(struct str text, const struct play_opts *o, struct trial *out)
{
	struct trial *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t pid;

	memset(out, 0, sizeof(*out));
	if (t == MAP_FAILED)
		return;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		be_quiet();
		trial_limit(TRIAL_CPU_S);
		trial_here("shrunk", text, o, t);
		if (t->res.why[0])
			_exit(0);
		exit(0);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid) {
		*out = *t;
		if (status != 0 && !out->res.why[0])
			snprintf(out->res.why, sizeof(out->res.why),
			    "died: status %d", status);
	}
	(void)munmap(t, sizeof(*t));
}

/* Behind "file:line: ", and with all numbers as "0". */
static void
plain(const char *why, char out[700])
{
	const char *colon = strstr(why, ": ");
	size_t n = 0;

	if (colon && colon > why && str_is_digit(colon[-1]))
		why = colon + 2;
	for (size_t i = 0; why[i] && n < 699; i++) {
		bool digit = str_is_digit(why[i]);

		if (digit && n > 0 && out[n - 1] == '0')
			continue;
		out[n++] = digit ? '0' : why[i];
	}
	out[n] = '\0';
}

bool
trial_same(const char *why, const char *other)
{
	char a[700], b[700];

	/* What a status is made of is no number. */
	if (strncmp(why, "died", 4) == 0)
		return strcmp(why, other) == 0;
	plain(why, a);
	plain(other, b);
	return strcmp(a, b) == 0;
}
