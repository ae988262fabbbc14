/* Outcomes as values. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/model/outcome.h"

static void
test_set(void **state)
{
	struct outcome o;

	(void)state;
	outcome_init(&o, OUT_DEFERRED);
	t_cstr("class", outcome_class_str(o.cls), "deferred");
	assert_non_null(o.rule);
	t_int("depth", o.tls.depth, -1);
	outcome_set(&o, OUT_BOUNCED, "5.1.2", "SMTP-14", "no domain %s", "a.b");
	t_cstr("class", outcome_class_str(o.cls), "bounced");
	t_cstr("dsn", o.dsn, "5.1.2");
	t_cstr("rule", o.rule, "SMTP-14");
	t_cstr("reply", o.reply, "no domain a.b");
}

static void
test_long_text_is_cut(void **state)
{
	char text[OUTCOME_TEXT * 2];
	struct outcome o;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	outcome_init(&o, OUT_SENT);
	outcome_set(&o, OUT_SENT, "2.0.0", "SMTP-09", "%s", text);
	t_int("bytes", (int64_t)strlen(o.reply), OUTCOME_TEXT - 1);
}

static void
test_names(void **state)
{
	(void)state;
	t_cstr("sent", outcome_class_str(OUT_SENT), "sent");
	t_cstr("expired", outcome_class_str(OUT_EXPIRED), "expired");
}

/* RFC 5321 5.1: mail bounces only when no host is a matter of time. */
static void
test_better(void **state)
{
	static const struct {
		const char *name;
		enum outcome_class have;
		bool have_policy;
		enum outcome_class o;
		bool o_policy, want;
	} cases[] = {
	    {"first network fault stays", OUT_DEFERRED, false, OUT_DEFERRED,
		false, false},
	    {"policy explains more", OUT_DEFERRED, false, OUT_DEFERRED, true,
		true},
	    {"policy stays", OUT_DEFERRED, true, OUT_DEFERRED, false, false},
	    {"first policy stays", OUT_DEFERRED, true, OUT_DEFERRED, true,
		false},
	    {"no address, then one that is down", OUT_BOUNCED, false,
		OUT_DEFERRED, false, true},
	    {"no address, then policy", OUT_BOUNCED, false, OUT_DEFERRED, true,
		true},
	    {"down, then one without address", OUT_DEFERRED, false, OUT_BOUNCED,
		false, false},
	    {"no permanent fault outweighs", OUT_DEFERRED, false, OUT_BOUNCED,
		true, false},
	    {"two without address", OUT_BOUNCED, false, OUT_BOUNCED, false,
		false},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct outcome have, o;

		outcome_init(&have, cases[i].have);
		have.by_policy = cases[i].have_policy;
		outcome_init(&o, cases[i].o);
		o.by_policy = cases[i].o_policy;
		t_bool(cases[i].name, outcome_better(&have, &o), cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_set),
	    cmocka_unit_test(test_long_text_is_cut),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
