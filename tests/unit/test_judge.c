/* What becomes of a recipient after an attempt. */
#include "config.h"

#include "relay/sched/judge.h"
#include "tests/unit/t.h"

#define LIFETIME 432000
#define NOW 1800000000

static void
test_judge(void **state)
{
	static const struct {
		const char *name;
		enum outcome_class cls, want;
		int64_t at; /* behind arrival */
		bool remote;
		int64_t low, high;
		const char *dsn, *reply;
	} cases[] = {
	    {"sent", OUT_SENT, OUT_SENT, 10, true, 10, 10, "4.0.0", "text"},
	    {"bounced", OUT_BOUNCED, OUT_BOUNCED, 10, true, 10, 10, "4.0.0",
		"text"},
	    {"deferred", OUT_DEFERRED, OUT_DEFERRED, 10, true, 280, 340,
		"4.0.0", "text"},
	    {"last try at the end", OUT_DEFERRED, OUT_DEFERRED, LIFETIME - 5,
		true, LIFETIME, LIFETIME, "4.0.0", "text"},
	    {"expired: QUE-04", OUT_DEFERRED, OUT_EXPIRED, LIFETIME, true,
		LIFETIME, LIFETIME, "4.4.7", "text"},
	    {"expired, own text", OUT_DEFERRED, OUT_EXPIRED, LIFETIME, false,
		LIFETIME, LIFETIME, "4.4.7",
		"not delivered within 432000 s: text"},
	    {"bounced late", OUT_BOUNCED, OUT_BOUNCED, LIFETIME + 9, true,
		LIFETIME + 9, LIFETIME + 9, "4.0.0", "text"},
	};
	static const int64_t retry[] = {300, 900, 1800};
	const struct judge j = {retry, T_COUNT(retry), LIFETIME, 5};
	struct msg *m = msg_new();
	struct rcpt r = {.id = 1, .msg = m};

	(void)state;
	m->arrived = NOW;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct outcome out;
		int64_t next = 0;
		uint32_t tries = 0;

		outcome_init(&out, cases[i].cls);
		(void)snprintf(out.dsn, sizeof(out.dsn), "4.0.0");
		(void)snprintf(out.reply, sizeof(out.reply), "text");
		out.remote = cases[i].remote;
		judge_rcpt(&j, &r, NOW + cases[i].at, &out, &next, &tries);
		t_int(cases[i].name, out.cls, cases[i].want);
		t_int(cases[i].name, tries, 1);
		t_bool(cases[i].name, next - NOW >= cases[i].low, true);
		t_bool(cases[i].name, next - NOW <= cases[i].high, true);
		t_cstr(cases[i].name, out.dsn, cases[i].dsn);
		t_cstr(cases[i].name, out.reply, cases[i].reply);
	}
	msg_unref(m);
}

/* One seed: what failed together comes back together, at each number of
 * tries. */
static void
test_together(void **state)
{
	static const int64_t retry[] = {300, 900};
	const struct judge j = {retry, 2, LIFETIME, 77};
	struct msg *m = msg_new();

	(void)state;
	m->arrived = NOW;
	for (uint32_t tries = 0; tries < 3; tries++) {
		struct rcpt r = {.tries = tries, .msg = m};
		int64_t next[2] = {0, 1};

		for (size_t i = 0; i < 2; i++) {
			struct outcome out;
			uint32_t t = 0;

			outcome_init(&out, OUT_DEFERRED);
			judge_rcpt(&j, &r, NOW, &out, &next[i], &t);
			t_int("counted", t, tries + 1);
		}
		t_int("same", next[0], next[1]);
	}
	msg_unref(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_judge),
	    cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
