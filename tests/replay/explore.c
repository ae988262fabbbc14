/*
 * Random worlds with random faults:
 *
 *	explore				the bounded run of "make check"
 *	explore --from A --seeds N	these seeds
 *	explore --soak SECONDS		fresh seeds for so long (make soak)
 *	explore --show SEED		the scenario of a seed, and its options
 *
 *	--jobs N	processes (default 1)
 *	--keep DIR	where failing scenarios go (default .)
 *	--shrink N	trials to make one smaller, 0: none (default 2000)
 *
 * A batch of seeds runs in a process of its own; the seed at which it dies is
 * known. Each failing seed leaves explore-SEED.scn and explore-SEED.min.scn,
 * and says how to replay them. Some seeds run twice: the logs must be equal.
 * WAXSEAL_EXPLORE_SEEDS: how many seeds the bounded run has.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay/base/codec.h"
#include "tests/replay/gen.h"
#include "tests/replay/trial.h"

#define BATCH 50 /* seeds of a process */
#define BATCH_CPU_S 900
#define TWICE 16 /* one in so many seeds runs a second time */
#define JOBS_MAX 16
#define SHOWN_MAX 10 /* failures that are shrunk */
#ifndef EXPLORE_SEEDS
#define EXPLORE_SEEDS 600
#endif

struct sums {
	uint64_t seeds, runs, steps, hits, lost, crashed, twice;
};

/* Shared with the child that runs it. */
struct batch {
	pid_t pid;
	uint64_t first, n, at; /* seeds; the one at work */
	struct sums sums;
	bool bad;
	char why[700];
};

struct explore {
	uint64_t next, end; /* seeds not begun */
	time_t stop; /* 0: at the end of the seeds */
	unsigned jobs, shrink, bad;
	const char *keep;
	struct batch *batches; /* shared, one a job */
	struct sums sums;
};

/* ---- in the child ---- */

static void
add(struct batch *b, const struct trial *t)
{
	b->sums.runs++;
	b->sums.steps += t->res.steps;
	b->sums.hits += t->res.hits;
	b->sums.lost += t->res.copies_lost;
	b->sums.crashed += t->res.copies_crashed;
}

static void
run_seed(struct batch *b, uint64_t seed)
{
	struct play_opts o;
	struct trial t, again;
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	gen_scenario(seed, &text, &o);
	trial_here("explore", buf_str(&text), &o, &t);
	add(b, &t);
	if (!t.res.why[0] && seed % TWICE == 0) {
		trial_here("explore", buf_str(&text), &o, &again);
		add(b, &again);
		b->sums.twice++;
		if (t.hash != again.hash)
			snprintf(t.res.why, sizeof(t.res.why),
			    "the second run has another log");
	}
	buf_clear(&text);
	if (t.res.why[0]) {
		memcpy(b->why, t.res.why, sizeof(b->why));
		b->bad = true;
		_exit(1);
	}
	b->sums.seeds++;
}

static void
batch_start(struct explore *x, struct batch *b, uint64_t first, uint64_t n)
{
	pid_t pid;

	memset(b, 0, sizeof(*b));
	b->first = first;
	b->n = n;
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("explore: fork");
		exit(2);
	}
	if (pid > 0) {
		b->pid = pid;
		return;
	}
	trial_limit(BATCH_CPU_S);
	x->sums = (struct sums){0};
	for (b->at = first; b->at < first + n; b->at++)
		run_seed(b, b->at);
	exit(0);
}

/* ---- a failure ---- */

static void
save(const char *path, struct str text)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text.p, 1, text.n, f) != text.n)
		fprintf(stderr, "explore: can't write %s\n", path);
	if (f)
		(void)fclose(f);
}

static void
say_command(const char *path, const struct play_opts *o)
{
	printf("  to see it: replay --seed %llu", (unsigned long long)o->seed);
	if (o->random)
		printf(" --random %u", o->random);
	if (o->jitter)
		printf(" --jitter %u", o->jitter);
	if (o->step)
		printf(" --step %llu --fault %s", (unsigned long long)o->step,
		    fake_fault_str(o->fault));
	printf(" %s\n", path);
}

static void
tell_bad(struct explore *x, uint64_t seed, const char *why)
{
	char path[1024];
	struct play_opts o;
	struct trial t;
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	gen_scenario(seed, &text, &o);
	snprintf(path, sizeof(path), "%s/explore-%llu.scn", x->keep,
	    (unsigned long long)seed);
	save(path, buf_str(&text));
	printf("FAIL seed %llu\n  %s\n", (unsigned long long)seed, why);
	say_command(path, &o);
	trial_apart(buf_str(&text), &o, &t);
	if (!trial_same(why, t.res.why)) {
		printf("  ... but alone it ends so: %s\n",
		    t.res.why[0] ? t.res.why : "well");
	} else if (x->shrink > 0 && x->bad <= SHOWN_MAX) {
		trial_shrink(&text, &o, t.res.why, x->shrink);
		snprintf(path, sizeof(path), "%s/explore-%llu.min.scn", x->keep,
		    (unsigned long long)seed);
		save(path, buf_str(&text));
		printf("  made smaller:\n%.*s", STR_FMT(buf_str(&text)));
		say_command(path, &o);
	}
	(void)fflush(stdout);
	buf_clear(&text);
}

/* ---- all batches ---- */

static void
take_sums(struct sums *to, const struct sums *s)
{
	to->seeds += s->seeds;
	to->runs += s->runs;
	to->steps += s->steps;
	to->hits += s->hits;
	to->lost += s->lost;
	to->crashed += s->crashed;
	to->twice += s->twice;
}

static bool
more_seeds(const struct explore *x)
{
	return x->stop ? time(NULL) < x->stop : x->next < x->end;
}

static void
batch_next(struct explore *x, struct batch *b)
{
	uint64_t n = BATCH;

	b->pid = 0;
	if (!more_seeds(x))
		return;
	if (!x->stop && x->end - x->next < n)
		n = x->end - x->next;
	batch_start(x, b, x->next, n);
	x->next += n;
}

static void
batch_over(struct explore *x, struct batch *b, int status)
{
	uint64_t at = b->at, end = b->first + b->n;

	take_sums(&x->sums, &b->sums);
	if (status == 0) {
		batch_next(x, b);
		return;
	}
	x->bad++;
	if (!b->bad && at >= end) {
		/* Only the whole of it complains: of what was not freed. */
		printf("FAIL seeds %llu to %llu\n  died at the end: status "
		       "%d\n",
		    (unsigned long long)b->first, (unsigned long long)end - 1,
		    status);
		batch_next(x, b);
		return;
	}
	if (!b->bad)
		snprintf(b->why, sizeof(b->why), "died: status %d", status);
	tell_bad(x, at, b->why);
	if (at + 1 < end && (!x->stop || time(NULL) < x->stop))
		batch_start(x, b, at + 1, end - at - 1);
	else
		batch_next(x, b);
}

static unsigned
count_busy(const struct explore *x)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < x->jobs; i++)
		busy += x->batches[i].pid > 0;
	return busy;
}

static void
say_sums(const struct explore *x)
{
	const struct sums *s = &x->sums;

	printf("%llu seeds, %llu runs, %llu steps, %llu faults, %llu logs "
	       "compared; second copies: %llu after a lost reply, %llu after a "
	       "crash; %u failed\n",
	    (unsigned long long)s->seeds, (unsigned long long)s->runs,
	    (unsigned long long)s->steps, (unsigned long long)s->hits,
	    (unsigned long long)s->twice, (unsigned long long)s->lost,
	    (unsigned long long)s->crashed, x->bad);
	(void)fflush(stdout);
}

static void
run_all(struct explore *x)
{
	time_t told = time(NULL);

	x->batches = mmap(NULL, x->jobs * sizeof(*x->batches),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (x->batches == MAP_FAILED) {
		perror("explore: mmap");
		exit(2);
	}
	for (unsigned i = 0; i < x->jobs; i++)
		batch_next(x, &x->batches[i]);
	while (count_busy(x) > 0) {
		int status;
		pid_t pid = wait(&status);

		for (unsigned i = 0; i < x->jobs; i++) {
			if (x->batches[i].pid == pid)
				batch_over(x, &x->batches[i], status);
		}
		if (time(NULL) - told >= 60) {
			told = time(NULL);
			say_sums(x);
		}
	}
	(void)munmap(x->batches, x->jobs * sizeof(*x->batches));
}

/* ---- main ---- */

static uint64_t
number(const char *text)
{
	uint64_t v = 0;

	if (!text || codec_u64(str_of(text), UINT64_MAX, &v)) {
		fprintf(stderr, "explore: a number is missing\n");
		exit(2);
	}
	return v;
}

static void
show(uint64_t seed)
{
	struct play_opts o;
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	gen_scenario(seed, &text, &o);
	printf("%.*s# replay --seed %llu --random %u --jitter %u\n",
	    STR_FMT(buf_str(&text)), (unsigned long long)seed, o.random,
	    o.jitter);
	buf_clear(&text);
}

static void
read_args(int argc, char **argv, struct explore *x)
{
	for (int i = 1; i < argc; i += 2) {
		const char *a = argv[i], *next = argv[i + 1];

		if (strcmp(a, "--from") == 0) {
			x->end = x->end - x->next + number(next);
			x->next = number(next);
		} else if (strcmp(a, "--seeds") == 0) {
			x->end = x->next + number(next);
		} else if (strcmp(a, "--soak") == 0) {
			/* No two soaks have the same seeds. */
			x->next = (uint64_t)time(NULL) * 1000000;
			x->stop = time(NULL) + (time_t)number(next);
		} else if (strcmp(a, "--jobs") == 0) {
			x->jobs = (unsigned)number(next);
		} else if (strcmp(a, "--shrink") == 0) {
			x->shrink = (unsigned)number(next);
		} else if (strcmp(a, "--keep") == 0 && next) {
			x->keep = next;
			(void)mkdir(next, 0777);
		} else if (strcmp(a, "--show") == 0) {
			show(number(next));
			exit(0);
		} else {
			fprintf(stderr, "explore: what is %s?\n", a);
			exit(2);
		}
	}
	if (x->jobs < 1 || x->jobs > JOBS_MAX)
		x->jobs = 1;
}

int
main(int argc, char **argv)
{
	const char *seeds = getenv("WAXSEAL_EXPLORE_SEEDS");
	struct explore x = {.next = 1,
	    .end = 1 + (seeds ? number(seeds) : EXPLORE_SEEDS),
	    .jobs = 1,
	    .shrink = 2000,
	    .keep = "."};

	read_args(argc, argv, &x);
	run_all(&x);
	say_sums(&x);
	printf("%llu passed, %u failed\n", (unsigned long long)x.sums.seeds,
	    x.bad);
	return x.bad > 0;
}
