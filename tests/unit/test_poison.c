/* Which message makes the relay crash? */
#include "config.h"

#include "relay/sched/poison.h"

#include <signal.h>

#include "tests/unit/t.h"

#define RUN WORK_RUNNING
#define TURN WORK_TURN
#define HOLD WORK_HOLD
#define MAX 6

static void
test_is_crash(void **state)
{
	static const struct {
		const char *name;
		int status, signo;
		bool want;
	} cases[] = {
	    {"a sanitizer's exit", 1, 0, true},
	    {"ended well", 0, 0, false},
	    {"configuration", 2, 0, false},
	    {"could not run", 3, 0, false},
	    {"segmentation fault", 0, SIGSEGV, true},
	    {"BUG()", 0, SIGABRT, true},
	    {"bus error", 0, SIGBUS, true},
	    {"division", 0, SIGFPE, true},
	    {"illegal instruction", 0, SIGILL, true},
	    {"trap", 0, SIGTRAP, true},
	    {"system call filter", 0, SIGSYS, true},
	    {"kill -9, out of memory", 0, SIGKILL, false},
	    {"told to stop", 0, SIGTERM, false},
	    {"hangup", 0, SIGHUP, false},
	    {"interrupt", 0, SIGINT, false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_bool(cases[i].name,
		    poison_is_crash(cases[i].status, cases[i].signo),
		    cases[i].want);
}

static void
test_judge(void **state)
{
	static const struct {
		const char *name;
		bool crashed;
		struct work_entry in[MAX], want[MAX];
	} cases[] = {
	    {"nothing known", true, {{0}}, {{0}}},
	    {"first crash: all in work are suspects", true,
		{{9, 0, RUN}, {7, 0, RUN}}, {{7, 1, 0}, {9, 1, 0}}},
	    {"killed: nobody is", false, {{9, 0, RUN}, {7, 0, RUN}}, {{0}}},
	    {"killed: suspects remain, as they were", false,
		{{7, 0, RUN}, {7, 1, TURN}, {9, 1, 0}}, {{7, 1, 0}, {9, 1, 0}}},
	    {"second crash, alone: held", true, {{7, 0, RUN}, {7, 1, TURN}},
		{{7, 2, HOLD}}},
	    {"the others in work become suspects", true,
		{{7, 0, RUN}, {8, 0, RUN}, {7, 1, TURN}, {9, 1, 0}},
		{{7, 2, HOLD}, {8, 1, 0}, {9, 1, 0}}},
	    {"second crash, its turn was over: a suspect still", true,
		{{7, 0, RUN}, {7, 1, 0}}, {{7, 2, 0}}},
	    {"third crash, alone or not: held", true, {{7, 0, RUN}, {7, 2, 0}},
		{{7, 3, HOLD}}},
	    {"one with a turn that was not in work any more", true,
		{{7, 1, TURN}, {8, 0, RUN}}, {{7, 1, 0}, {8, 1, 0}}},
	    {"in work in two shards: one crash", true,
		{{7, 0, RUN}, {7, 0, RUN}}, {{7, 1, 0}}},
	    {"held before, not yet in the database", false, {{7, 2, HOLD}},
		{{7, 2, HOLD}}},
	    {"ids are 64 bits, unsigned", true,
		{{UINT64_MAX, 0, RUN}, {1, 0, RUN}, {UINT64_MAX, 1, TURN}},
		{{1, 1, 0}, {UINT64_MAX, 2, HOLD}}},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct work_entry v[MAX];
		size_t n = 0, want = 0, got;

		memcpy(v, cases[i].in, sizeof(v));
		while (n < MAX && v[n].msg != 0)
			n++;
		while (want < MAX && cases[i].want[want].msg != 0)
			want++;
		got = poison_judge(v, n, cases[i].crashed);
		t_int(cases[i].name, (int64_t)got, (int64_t)want);
		for (size_t k = 0; k < got; k++) {
			const struct work_entry *w = &cases[i].want[k];

			t_int(
			    cases[i].name, (int64_t)v[k].msg, (int64_t)w->msg);
			t_int(cases[i].name, v[k].crashes, w->crashes);
			t_int(cases[i].name, v[k].flags, w->flags);
		}
	}
}

/*
 * Crash after crash under load: a message that crashes us by itself is held at
 * its second crash when it had its turn, and none of those beside it is.
 */
static void
test_life(void **state)
{
	struct work_entry v[8] = {
	    {1, 0, RUN}, {2, 0, RUN}, {3, 0, RUN}, {4, 0, RUN}};
	size_t n = poison_judge(v, 4, true);

	(void)state;
	t_int("suspects", (int64_t)n, 4);
	/* 1 goes well and is cleared; 2 has its turn, beside 9, and crashes. */
	v[0] = v[3];
	v[1].flags = TURN;
	v[3] = (struct work_entry){2, 0, RUN};
	v[4] = (struct work_entry){9, 0, RUN};
	n = poison_judge(v, 5, true);
	t_int("left", (int64_t)n, 4);
	t_int("held", (int64_t)v[0].msg, 2);
	t_int("held", v[0].flags, HOLD);
	for (size_t i = 1; i < n; i++)
		t_int("others", v[i].flags, 0);
	t_bool("3", poison_is_suspect(v, n, 3), true);
	t_bool("9", poison_is_suspect(v, n, 9), true);
	t_bool("held", poison_is_suspect(v, n, 2), false);
	t_bool("cleared", poison_is_suspect(v, n, 1), false);
	t_bool("none", poison_is_suspect(v, 0, 1), false);
	t_bool("none", poison_is_suspect(NULL, 0, 1), false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_is_crash),
	    cmocka_unit_test(test_judge),
	    cmocka_unit_test(test_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
