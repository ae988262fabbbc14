/*
 * The process is killed before every operation of a run of the store, SQLite's
 * and its own; the next start finds what was answered, and of the job that was
 * under way all or nothing (QUE-01, QUE-08). A second run is so long that the
 * log is copied back meanwhile: WAXSEAL_FAULT_FULL=1 dies at all of its
 * operations too, else some stand for all.
 *
 *	test_store_death [short|long N]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/cases.h"

struct scenario {
	unsigned long n; /* dies before this one; 0: never */
	bool many;
};

static void
one_run(void *arg, struct world *w, struct ledger *l)
{
	const struct scenario *c = arg;
	struct fault_plan plan = {FAULT_N_KINDS, FAULT_MODE_KILL, c->n, false};

	fault_arm(&plan, NULL, NULL);
	script_run(w, l, c->many);
	l->counts[FAULT_N_KINDS] = fault_count(FAULT_N_KINDS);
	fault_disarm();
	script_heal(w, l);
}

/* Was it killed? */
static bool
one_case(struct case_env *e, struct scenario *c)
{
	int status = case_run(e, one_run, c);
	bool killed = case_killed(status);

	if ((!killed && !case_passed(status)) ||
	    !case_passed(case_check(e, e->dir, false))) {
		e->failed++;
		printf("FAILED: test_store_death %s %lu\n",
		    c->many ? "long" : "short", c->n);
	}
	return killed;
}

static void
every_n(struct case_env *e, bool many, unsigned stride)
{
	struct scenario c = {0, many};
	unsigned long killed = 0;
	unsigned long ran = 0;
	unsigned long count;

	if (one_case(e, &c) || !e->l->whole) {
		e->failed++;
		return;
	}
	count = e->l->counts[FAULT_N_KINDS];
	for (c.n = 1; c.n <= count; c.n += stride) {
		killed += one_case(e, &c);
		ran++;
	}
	printf("%s run: died at %lu of %lu operations\n",
	    many ? "long" : "short", killed, count);
	/* Two threads at work: the end may come an operation earlier. */
	if (killed + (many ? 20 : 0) < ran) {
		printf("FAILED: died %lu times less\n", ran - killed);
		e->failed++;
	}
}

int
main(int argc, char **argv)
{
	struct scenario c;
	struct case_env e;

	case_begin(&e);
	if (argc == 3) {
		c.many = strcmp(argv[1], "long") == 0;
		c.n = case_number(argv[2]);
		(void)one_case(&e, &c);
	} else {
		every_n(&e, false, case_stride(7));
		every_n(&e, true, case_full() ? 1 : case_stride(2) * 37);
	}
	return case_end(&e, "test_store_death");
}
