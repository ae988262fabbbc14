/* Hosts passed over, and what the attempt comes to. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/decide/plan.h"

enum kind { END, POLICY, NET, GONE };

static void
add(struct plan_skips *s, enum kind kind, unsigned number)
{
	struct plan_skip k = {.rule = "DANE-06", .dsn = "4.4.3", .reason = "x"};

	snprintf(k.host, sizeof(k.host), "mx%u.example", number);
	if (kind == POLICY) {
		k.rule = "DANE-07";
		k.dsn = "4.7.5";
		k.reason = "TLSA lookup failed";
		k.by = TLS_BY_DANE;
		k.by_policy = true;
	} else if (kind == GONE) {
		k.rule = "DANE-23";
		k.dsn = "5.4.4";
		k.permanent = true;
	}
	plan_skip_add(s, &k);
}

static void
test_no_host(void **state)
{
	static const struct {
		const char *name;
		enum kind kinds[4];
		enum outcome_class cls;
		const char *dsn, *rule, *reply;
	} cases[] = {
	    {"policy", {POLICY}, OUT_DEFERRED, "4.7.5", "DANE-07",
		"mx1.example: TLSA lookup failed"},
	    {"policy before the network", {NET, POLICY, POLICY}, OUT_DEFERRED,
		"4.7.5", "DANE-07", "mx2.example: TLSA lookup failed"},
	    {"the first of the network", {GONE, NET, NET}, OUT_DEFERRED,
		"4.4.3", "DANE-06", "mx2.example: x"},
	    {"all gone", {GONE, GONE}, OUT_BOUNCED, "5.4.4", "DANE-23",
		"mx1.example: x"},
	    {"one may come back", {GONE, POLICY}, OUT_DEFERRED, "4.7.5",
		"DANE-07", "mx2.example: TLSA lookup failed"},
	    {"none at all", {END}, OUT_DEFERRED, "4.4.4", "SMTP-15",
		"no host to send to for a.example"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		const char *name = cases[i].name;
		struct plan_skips s = {0};
		struct outcome o;

		for (unsigned j = 0; cases[i].kinds[j] != END; j++)
			add(&s, cases[i].kinds[j], j + 1);
		plan_no_host(&s, "a.example", &o);
		t_cstr(name, outcome_class_str(o.cls),
		    outcome_class_str(cases[i].cls));
		t_cstr(name, o.dsn, cases[i].dsn);
		t_cstr(name, o.rule, cases[i].rule);
		t_cstr(name, o.reply, cases[i].reply);
		t_bool(
		    name, o.by_policy, strcmp(cases[i].rule, "DANE-07") == 0);
		t_cstr(name, o.mx, "");
	}
}

/* More skips than are kept: none that matters is lost. */
static void
test_many(void **state)
{
	struct plan_skips s = {0};
	struct outcome o;

	(void)state;
	for (unsigned i = 1; i <= 2 * PLAN_SKIPS_MAX; i++)
		add(&s, GONE, i);
	plan_no_host(&s, "a.example", &o);
	t_cstr("all gone", outcome_class_str(o.cls), "bounced");
	add(&s, POLICY, 77);
	add(&s, POLICY, 78);
	plan_no_host(&s, "a.example", &o);
	t_cstr("late policy", outcome_class_str(o.cls), "deferred");
	t_cstr("late policy", o.reply, "mx77.example: TLSA lookup failed");
	t_int("counted", (int64_t)s.total, 2 * PLAN_SKIPS_MAX + 2);

	s = (struct plan_skips){0};
	for (unsigned i = 1; i <= PLAN_SKIPS_MAX; i++)
		add(&s, NET, i);
	add(&s, POLICY, 77);
	add(&s, POLICY, 78);
	plan_no_host(&s, "a.example", &o);
	t_cstr(
	    "policy after many", o.reply, "mx77.example: TLSA lookup failed");

	s = (struct plan_skips){0};
	for (unsigned i = 1; i <= PLAN_SKIPS_MAX; i++)
		add(&s, GONE, i);
	add(&s, NET, 99);
	plan_no_host(&s, "a.example", &o);
	t_cstr("late and temporary", outcome_class_str(o.cls), "deferred");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_host),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
