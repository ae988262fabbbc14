/* Notifications as messages for the queue. */
#include "config.h"

#include "relay/bounce/bounce.h"

#include <stdio.h>

#include "relay/smtp/header.h"
#include "tests/unit/t.h"

static void
test_table(void **state)
{
	static const struct {
		const char *name, *sender;
		uint32_t flags;
		const char *original;
		int err;
		const char *to, *next_hop;
		uint32_t want_flags;
	} cases[] = {
	    {"plain", "a@B.example", 0, "X: y\r\n\r\nz\r\n", 0, "a@b.example",
		"b.example", MSG_DSN},
	    {"8-bit body", "a@b.example", MSG_8BIT, "X: y\r\n\r\n\xc3\xa4\r\n",
		0, "a@b.example", "b.example", MSG_DSN},
	    {"RTLS-08 headers need no tag", "a@b.example",
		MSG_8BIT | MSG_REQUIRETLS, "X: y\r\n\r\n\xc3\xa4\r\n", 0,
		"a@b.example", "b.example", MSG_DSN},
	    {"literal", "a@[192.0.2.1]", 0, "", 0, "a@[192.0.2.1]",
		"[192.0.2.1]", MSG_DSN},
	    {"QUE-07 null sender", "", 0, "", ERR_NOTFOUND, NULL, NULL, 0},
	    {"QUE-07 a notification", "a@b.example", MSG_DSN, "", ERR_NOTFOUND,
		NULL, NULL, 0},
	    {"no domain", "postmaster", 0, "", ERR_NOTFOUND, NULL, NULL, 0},
	    {"no mailbox", "a b", 0, "", ERR_NOTFOUND, NULL, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct msg *m = msg_new(), *made = NULL;
		struct rcpt_in to = {.notify = 99};
		struct outcome o;
		struct dsn_rcpt r = {"x@y.example", "", &o};
		struct dsn_in in = {.hostname = "relay.example",
		    .msg = m,
		    .qid = "Q1",
		    .original = str_of(cases[i].original),
		    .rcpts = &r,
		    .n = 1,
		    .now = 1795323000,
		    .max_original = 1000};

		outcome_init(&o, OUT_BOUNCED);
		outcome_set(&o, OUT_BOUNCED, "5.1.1", "SMTP-09", "no");
		snprintf(m->sender, sizeof(m->sender), "%s", cases[i].sender);
		m->flags = cases[i].flags;
		t_err(
		    cases[i].name, bounce_make(&in, &made, &to), cases[i].err);
		if (cases[i].err) {
			assert_null(made);
			t_int("untouched", to.notify, 99);
		} else {
			t_cstr(cases[i].name, to.addr, cases[i].to);
			t_cstr(cases[i].name, to.next_hop, cases[i].next_hop);
			t_cstr("null sender", made->sender, "");
			t_int(cases[i].name, made->flags, cases[i].want_flags);
			t_int("arrived", made->arrived, 1795323000);
			t_int("size", (int64_t)made->size,
			    (int64_t)blob_str(made->body).n);
			t_int("header",
			    (int64_t)header_count(
				blob_str(made->body), "Auto-Submitted"),
			    1);
			/* DSN-03: it can't bounce in its turn. */
			t_bool("wanted", dsn_wanted(made, 0), false);
		}
		msg_unref(made);
		msg_unref(m);
	}
}

static void
test_nobody(void **state)
{
	struct msg *m = msg_new(), *made = NULL;
	struct dsn_in in = {.hostname = "relay.example", .msg = m, .qid = "Q"};
	struct rcpt_in to;

	(void)state;
	snprintf(m->sender, sizeof(m->sender), "a@b.example");
	t_err("no recipients", bounce_make(&in, &made, &to), ERR_NOTFOUND);
	msg_unref(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
