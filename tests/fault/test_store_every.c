/*
 * Every operation of a run of the store goes wrong once, in every way that it
 * can, alone and with all that follow: an error, a full disk, half a write, a
 * short one, a late one. After each the store has said that it is in trouble,
 * heals without a new start, and the queue is what was answered (QUE-01,
 * QUE-08). So it is when the process dies at the first error.
 *
 *	test_store_every [KIND:MODE:N:once|on|die]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/cases.h"

enum course { ONCE, ON, DIE, N_COURSES };

struct scenario {
	struct fault_plan plan;
	enum course course;
};

static const char *
course_str(enum course course)
{
	static const char *const names[N_COURSES] = {"once", "on", "die"};

	return names[course];
}

static void
one_run(void *arg, struct world *w, struct ledger *l)
{
	const struct scenario *c = arg;

	l->die = c->course == DIE;
	fault_arm(&c->plan, NULL, NULL);
	script_run(w, l, false);
	l->fired = fault_fired();
	for (int i = 0; i <= FAULT_N_KINDS; i++)
		l->counts[i] = fault_count((enum fault_kind)i);
	fault_disarm();
	script_heal(w, l);
}

/* A commit that failed in these may be found after a new start: SQLite's log
 * had all of it by then. */
static bool
may_return(enum fault_kind kind)
{
	return kind == FAULT_SYNC || kind == FAULT_SHM_MAP;
}

static bool
one_case(struct case_env *e, struct scenario *c)
{
	int status = case_run(e, one_run, c);
	bool good = case_passed(status) ||
	    (c->course == DIE && case_killed(status));

	if (good)
		good = case_passed(
		    case_check(e, e->dir, may_return(c->plan.kind)));
	if (!good) {
		e->failed++;
		printf("FAILED: test_store_every %s:%s:%lu:%s\n",
		    fault_kind_str(c->plan.kind), fault_mode_str(c->plan.mode),
		    c->plan.n, course_str(c->course));
	}
	return good;
}

/* What one run does, without a fault. */
static bool
count_all(struct case_env *e, unsigned long counts[FAULT_N_KINDS + 1])
{
	struct scenario c = {{FAULT_N_KINDS, FAULT_MODE_NONE, 0, false}, ONCE};

	if (!one_case(e, &c) || !e->l->whole || e->l->bad > 0)
		return false;
	memcpy(counts, e->l->counts, sizeof(e->l->counts));
	for (int i = 0; i < FAULT_N_KINDS; i++) {
		/* A kind that is never seen is one that is not caught. */
		if (counts[i] == 0) {
			printf("no operation \"%s\"\n",
			    fault_kind_str((enum fault_kind)i));
			return false;
		}
	}
	return true;
}

static bool
makes_sense(enum fault_mode mode, enum course course)
{
	if (mode == FAULT_MODE_KILL)
		return false; /* test_store_death */
	if (mode == FAULT_MODE_DELAY || mode == FAULT_MODE_SHORT)
		return course == ONCE;
	return course != DIE || mode != FAULT_MODE_FULL;
}

static void
every_n(struct case_env *e, enum fault_kind kind, enum fault_mode mode,
    enum course course, unsigned long count)
{
	unsigned stride = case_stride(11);
	unsigned spread = stride < count ? stride : (unsigned)count;
	unsigned long missed = 0;
	unsigned long ran = 0;
	unsigned failed = e->failed;
	/* Different ones of each kind stand for all. */
	unsigned long n = 1 + (unsigned)(kind * 7 + mode * 3) % spread;

	for (; n <= count; n += stride) {
		struct scenario c = {{kind, mode, n, course == ON}, course};

		(void)one_case(e, &c);
		ran++;
		missed += course != DIE && !e->l->fired;
	}
	printf("%-12s %-6s %-5s %5lu of %5lu, %u failed\n",
	    fault_kind_str(kind), fault_mode_str(mode), course_str(course), ran,
	    count, e->failed - failed);
	if (missed > 0) {
		printf("FAILED: %lu of them never came\n", missed);
		e->failed++;
	}
}

static void
all_cases(struct case_env *e)
{
	unsigned long counts[FAULT_N_KINDS + 1];

	if (!count_all(e, counts)) {
		printf("FAILED: the run without a fault\n");
		e->failed++;
		return;
	}
	for (int k = 0; k < FAULT_N_KINDS; k++) {
		for (int m = FAULT_MODE_FAIL; m < FAULT_N_MODES; m++) {
			for (int c = 0; c < N_COURSES; c++) {
				if (fault_applies((enum fault_kind)k,
					(enum fault_mode)m) &&
				    makes_sense(
					(enum fault_mode)m, (enum course)c))
					every_n(e, (enum fault_kind)k,
					    (enum fault_mode)m, (enum course)c,
					    counts[k]);
			}
		}
	}
}

/* KIND:MODE:N:COURSE */
static bool
parse(char *text, struct scenario *c)
{
	char *part[4];
	int n = 0;
	int k, m, o;

	for (; text && n < 4; n++) {
		part[n] = text;
		text = strchr(text, ':');
		if (text)
			*text++ = '\0';
	}
	if (n != 4 || text)
		return false;
	for (k = 0; strcmp(fault_kind_str((enum fault_kind)k), part[0]) != 0;)
		if (k++ == FAULT_N_KINDS)
			return false;
	for (m = 0; strcmp(fault_mode_str((enum fault_mode)m), part[1]) != 0;)
		if (++m == FAULT_N_MODES)
			return false;
	for (o = 0; strcmp(course_str((enum course)o), part[3]) != 0;)
		if (++o == N_COURSES)
			return false;
	c->plan.kind = (enum fault_kind)k;
	c->plan.mode = (enum fault_mode)m;
	c->plan.n = case_number(part[2]);
	c->plan.on = o == ON;
	c->course = (enum course)o;
	return true;
}

int
main(int argc, char **argv)
{
	struct case_env e;
	struct scenario c = {0};

	case_begin(&e);
	if (argc > 1 && parse(argv[1], &c))
		(void)one_case(&e, &c);
	else if (argc > 1)
		e.failed++;
	else
		all_cases(&e);
	return case_end(&e, "test_store_every");
}
