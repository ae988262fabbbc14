/*
 * Plays scenarios:
 *
 *	replay [OPTION]... [FILE.scn]...	(default: all in tests/replay/scn)
 *
 *	--faults	each also with every fault at every step
 *	--stride N	... at every Nth step (default 1)
 *	--step N --fault NAME	just that run
 *	--seed N	of the chances (default 1)
 *	--random N	faults by chance, 1 in N steps
 *	--jitter MS	the net takes up to MS longer
 *	--log		show the log of the relay
 *
 * A scenario runs in a process of its own, so that an abort is told with the
 * step and the fault that led to it. The last line is "N passed, N failed",
 * counting scenarios. Without arguments it is the test program of "make
 * check": all of them with faults; WAXSEAL_REPLAY_STRIDE is its stride.
 */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/base/codec.h"
#include "tests/replay/scn.h"

struct options_of_run {
	struct play_opts play;
	bool faults, log;
	uint64_t stride;
};

/* What a child tells; shared memory, so that it stands when the child dies. */
struct report {
	uint64_t step, runs, hits, steps;
	enum fake_fault fault;
	unsigned expects, lost, crashed;
	bool bad;
	char why[700];
};

static bool
read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	(void)fclose(f);
	return !out->full;
}

static bool
play_once(const struct scn *s, const struct options_of_run *o, uint64_t step,
    enum fake_fault fault, struct report *rep, struct play_result *res)
{
	struct play_opts po = o->play;
	struct buf log;

	if (step > 0) {
		po.step = step;
		po.fault = fault;
	}
	rep->step = po.step;
	rep->fault = po.fault;
	buf_init(&log, SIZE_MAX / 2);
	scn_play(s, &po, res, o->log ? &log : NULL);
	if (o->log)
		printf("%.*s", STR_FMT(buf_str(&log)));
	buf_clear(&log);
	rep->runs++;
	rep->hits += res->hits;
	rep->lost += res->copies_lost;
	rep->crashed += res->copies_crashed;
	if (res->why[0] == '\0')
		return true;
	rep->bad = true;
	snprintf(rep->why, sizeof(rep->why), "%s", res->why);
	return false;
}

static void
play_all(
    const struct scn *s, const struct options_of_run *o, struct report *rep)
{
	struct play_result res, other;

	if (!play_once(s, o, 0, FAKE_FINE, rep, &res))
		return;
	rep->steps = res.steps;
	rep->expects = res.expects;
	if (!o->faults)
		return;
	for (int f = FAKE_LOSS; f < FAKE_FAULTS; f++) {
		for (uint64_t i = 1; i <= res.steps; i += o->stride) {
			if (!play_once(
				s, o, i, (enum fake_fault)f, rep, &other))
				return;
		}
	}
}

static void
tell(const char *path, const struct options_of_run *o, const struct report *rep)
{
	printf("FAIL %s\n  %s\n  to see it: replay", path, rep->why);
	if (rep->step)
		printf(" --step %llu --fault %s", (unsigned long long)rep->step,
		    fake_fault_str(rep->fault));
	if (o->play.random)
		printf(" --random %u", o->play.random);
	if (o->play.jitter)
		printf(" --jitter %u", o->play.jitter);
	printf(
	    " --seed %llu --log %s\n", (unsigned long long)o->play.seed, path);
}

static bool
play_file(const char *path, const struct options_of_run *o, struct report *sum)
{
	struct report *rep = mmap(NULL, sizeof(*rep), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct scn *s = NULL;
		struct buf text;

		buf_init(&text, 1u << 20);
		if (!read_file(path, &text)) {
			rep->bad = true;
			snprintf(rep->why, sizeof(rep->why), "can't read it");
		} else if (scn_parse(path, buf_str(&text), &s, rep->why)) {
			rep->bad = true;
		} else {
			play_all(s, o, rep);
		}
		scn_free(s);
		buf_clear(&text);
		(void)fflush(stdout);
		/* A run that failed leaves its relay: no talk of leaks. */
		if (rep->bad)
			_exit(1);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = 1;
	if (status != 0 && !rep->bad) {
		rep->bad = true;
		snprintf(rep->why, sizeof(rep->why), "died: status %d", status);
	}
	sum->runs += rep->runs;
	sum->hits += rep->hits;
	sum->expects += rep->expects;
	sum->lost += rep->lost;
	sum->crashed += rep->crashed;
	sum->steps += rep->steps;
	if (rep->bad)
		tell(path, o, rep);
	status = rep->bad;
	(void)munmap(rep, sizeof(*rep));
	return status == 0;
}

static int
is_scn(const struct dirent *d)
{
	return str_ends_ci(str_of(d->d_name), STR(".scn"));
}

static size_t
find_all(char ***out)
{
	const char *src = getenv("WAXSEAL_SRCDIR");
	struct dirent **v = NULL;
	char dir[2048];
	int n;

	snprintf(dir, sizeof(dir), "%s/tests/replay/scn", src ? src : ".");
	n = scandir(dir, &v, is_scn, alphasort);
	if (n <= 0) {
		fprintf(stderr, "replay: no scenarios in %s\n", dir);
		exit(2);
	}
	*out = xcalloc((size_t)n, sizeof(**out));
	for (int i = 0; i < n; i++) {
		struct buf path;

		buf_init(&path, 4096);
		buf_addf(&path, "%s/%s", dir, v[i]->d_name);
		(*out)[i] = buf_take(&path);
		free(v[i]);
	}
	free(v);
	return (size_t)n;
}

static uint64_t
number(const char *text)
{
	uint64_t v = 0;

	if (!text || codec_u64(str_of(text), UINT64_MAX, &v)) {
		fprintf(stderr, "replay: a number is missing\n");
		exit(2);
	}
	return v;
}

static enum fake_fault
fault_of(const char *text)
{
	for (int f = FAKE_LOSS; f < FAKE_FAULTS; f++) {
		if (text &&
		    strcmp(fake_fault_str((enum fake_fault)f), text) == 0)
			return (enum fake_fault)f;
	}
	fprintf(stderr, "replay: faults are loss, silence, stop, crash\n");
	exit(2);
}

/* Index of the first file among the arguments. */
static int
read_args(int argc, char **argv, struct options_of_run *o)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *a = argv[i], *next = argv[i + 1];

		if (strcmp(a, "--faults") == 0) {
			o->faults = true;
			continue;
		}
		if (strcmp(a, "--log") == 0) {
			o->log = true;
			continue;
		}
		i++;
		if (strcmp(a, "--stride") == 0)
			o->stride = number(next);
		else if (strcmp(a, "--step") == 0)
			o->play.step = number(next);
		else if (strcmp(a, "--fault") == 0)
			o->play.fault = fault_of(next);
		else if (strcmp(a, "--seed") == 0)
			o->play.seed = number(next);
		else if (strcmp(a, "--random") == 0)
			o->play.random = (unsigned)number(next);
		else if (strcmp(a, "--jitter") == 0)
			o->play.jitter = (unsigned)number(next);
		else {
			fprintf(stderr, "replay: what is %s?\n", a);
			exit(2);
		}
	}
	if (o->stride == 0)
		o->stride = 1;
	return i;
}

int
main(int argc, char **argv)
{
	struct options_of_run o = {.play = {.seed = 1}, .stride = 1};
	struct report sum = {0};
	unsigned good = 0, bad = 0;
	char **paths = argv;
	size_t n;
	int at = read_args(argc, argv, &o);

	if (argc == 1) {
		const char *stride = getenv("WAXSEAL_REPLAY_STRIDE");

		o.faults = true;
		o.stride = stride ? number(stride) : 1;
		if (o.stride == 0)
			o.stride = 1;
	}
	if (at < argc) {
		paths = argv + at;
		n = (size_t)(argc - at);
	} else {
		n = find_all(&paths);
	}
	for (size_t i = 0; i < n; i++) {
		if (play_file(paths[i], &o, &sum))
			good++;
		else
			bad++;
		if (at >= argc)
			free(paths[i]);
	}
	if (at >= argc)
		free(paths);
	printf("%llu runs, %llu steps without faults, %llu faults, "
	       "%u expectations; second copies: %u after a lost reply, %u "
	       "after a crash\n",
	    (unsigned long long)sum.runs, (unsigned long long)sum.steps,
	    (unsigned long long)sum.hits, sum.expects, sum.lost, sum.crashed);
	printf("%u passed, %u failed\n", good, bad);
	return bad > 0;
}
