/*
 * kill -9 at random under load. Round after round, on one queue, a child puts
 * messages and finishes recipients with many jobs under way, and is killed: by
 * the shims before an operation by chance, or by the parent after so many
 * answers. Another child then compares the queue with the table of what was
 * answered, each job by itself: all of it or nothing (QUE-01, QUE-08).
 *
 * A job that finishes a recipient stands for an MX that has taken the message.
 * A process that dies before the answer may leave the recipient in the queue,
 * and the next one delivers again: these second copies are counted, and they
 * are the only ones.
 *
 *	test_store_crash [ROUNDS [SEED]]
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fault/cases.h"
#include "tests/fault/load.h"

#define ROUNDS 150 /* with a sanitizer a fifth of it */
#define QUEUE_ROUNDS 50 /* then a new queue */

/* Answers until the child is to die, then what is left of them. */
static void
strike(void *arg, pid_t child)
{
	struct load *load = arg;
	char answers[64];
	size_t left = load->kill_after;
	ssize_t n;

	(void)close(load->answers[1]);
	do {
		n = read(load->answers[0], answers, sizeof(answers));
		left -= n > 0 && (size_t)n < left ? (size_t)n : left;
	} while (n > 0 && left > 0);
	(void)usleep(load->kill_us);
	(void)kill(child, SIGKILL);
	(void)close(load->answers[0]);
}

/* Half of the deaths are at an operation, half at an answer. */
static void
draw(struct load *load, struct rng *rng)
{
	load->seed = rng_below(rng, 1u << 30);
	load->kill_op = 0;
	load->kill_after = SIZE_MAX;
	load->kill_us = 0;
	if (rng_below(rng, 2) == 0) {
		load->kill_op = 1 + rng_below(rng, 2500);
		return;
	}
	load->kill_after = 1 + rng_below(rng, 200);
	load->kill_us = rng_below(rng, 500);
}

static bool
one_round(struct case_env *e, struct load *load, bool fresh)
{
	int status;

	if (pipe(load->answers) != 0)
		return false;
	if (fresh)
		case_reset(e);
	e->run++;
	status = case_child(e, load_run, strike, load);
	if (!case_killed(status)) {
		printf("round %lu: not killed: %d\n", e->run, status);
		return false;
	}
	return case_passed(case_child(e, load_check, NULL, load));
}

int
main(int argc, char **argv)
{
	unsigned usual = ROUNDS / case_stride(5);
	unsigned long rounds = argc > 1 ? case_number(argv[1]) : usual;
	unsigned long seed = argc > 2 ? case_number(argv[2]) : 1;
	struct load_table *t = load_table_new();
	struct load load = {.table = t};
	struct case_env e;
	struct rng rng;

	printf("test_store_crash: %lu rounds, seed %lu\n", rounds, seed);
	case_begin(&e);
	rng_init_seed(&rng, seed);
	for (unsigned long i = 0; i < rounds && e.failed == 0; i++) {
		bool fresh = i % QUEUE_ROUNDS == 0;

		if (fresh)
			load_table_reset(t);
		draw(&load, &rng);
		if (!one_round(&e, &load, fresh)) {
			e.failed++;
			printf("FAILED: test_store_crash %lu %lu: round "
			       "%lu\n",
			    rounds, seed, i);
		}
		if (i % 500 == 499) {
			printf("%lu rounds\n", i + 1);
			(void)fflush(stdout);
		}
	}
	load_print(t);
	return case_end(&e, "test_store_crash");
}
