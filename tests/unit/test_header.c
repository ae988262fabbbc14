/* Header fields of a message. */
#include "config.h"

#include "relay/smtp/header.h"

#include <stdio.h>

#include "tests/unit/t.h"

static void
test_block(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"A: b\r\n\r\nbody\r\n", "A: b\r\n"},
	    {"A: b\r\n c\r\nD: e\r\n\r\nX: y\r\n", "A: b\r\n c\r\nD: e\r\n"},
	    {"A: b\r\n", "A: b\r\n"},
	    {"A: b", "A: b"},
	    {"\r\nA: b\r\n", ""},
	    {"", ""},
	    {"hello\r\nA: b\r\n", ""},
	    {"A: b\r\nhello\r\nC: d\r\n", "A: b\r\n"},
	    {" c\r\nA: b\r\n", ""},
	    {"A : b\r\n\r\n", "A : b\r\n"},
	    {"A\t: b\r\n\r\n", "A\t: b\r\n"},
	    {"A b: c\r\n\r\n", ""},
	    {"A\x7f: b\r\n\r\n", ""},
	    {"\xc3\xa4: b\r\n\r\n", ""},
	    {": b\r\n\r\n", ""},
	    {"A: b\n\nX: y\n", "A: b\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++)
		t_is(cases[i].in, header_block(str_of(cases[i].in)),
		    cases[i].want);
}

static void
test_fields(void **state)
{
	static const char msg[] = "Received: one\r\n"
				  "received: two\r\n\tmore\r\n"
				  "Subject: a\r\n \t b\r\n  c\r\n"
				  "Empty:\r\n"
				  "\r\n"
				  "Received: body\r\n";
	static const struct {
		const char *name, *want; /* NULL: not there */
		size_t n;
	} cases[] = {
	    {"Received", "one", 2},
	    {"SUBJECT", "a b c", 1},
	    {"Empty", "", 1},
	    {"Receive", NULL, 0},
	    {"body", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct buf out;
		bool found;

		buf_init(&out, 1000);
		t_int(cases[i].name,
		    (int64_t)header_count(STR(msg), cases[i].name),
		    (int64_t)cases[i].n);
		found = header_get(STR(msg), cases[i].name, &out);
		t_bool(cases[i].name, found, cases[i].want != NULL);
		if (cases[i].want)
			t_is(cases[i].name, buf_str(&out), cases[i].want);
		buf_clear(&out);
	}
}

/* SMTP-20: a header of any size is counted up to its limit. */
static void
test_count_many(void **state)
{
	struct buf msg;

	(void)state;
	buf_init(&msg, 1 << 20);
	for (int i = 0; i < 101; i++)
		buf_add_cstr(&msg, "Received: from x\r\n\tby y;\r\n\tdate\r\n");
	t_int("many", (int64_t)header_count(buf_str(&msg), "Received"), 101);
	while (msg.n < 2 * HEADER_MAX)
		buf_add_cstr(&msg, "X: y\r\n");
	t_bool("limit", header_block(buf_str(&msg)).n <= HEADER_MAX, true);
	buf_clear(&msg);
}

static void
test_received(void **state)
{
	static const struct {
		const char *name, *addr, *helo, *protocol, *rcpt, *want;
	} cases[] = {
	    {"SMTP-19", "192.0.2.1", "c.example", "ESMTP", "x@y.example",
		"Received: from c.example ([192.0.2.1])\r\n"
		"\tby relay.example with ESMTP\r\n\tid Q1\r\n"
		"\tfor <x@y.example>;\r\n"
		"\tSun, 22 Nov 2026 04:50:00 +0000\r\n"},
	    {"IPv6, several recipients", "2001:db8::1",
		"a-quite-long-name.example", "SMTP", NULL,
		"Received: from a-quite-long-name.example \r\n"
		"\t([IPv6:2001:db8::1])\r\n"
		"\tby relay.example with SMTP\r\n\tid Q1;\r\n"
		"\tSun, 22 Nov 2026 04:50:00 +0000\r\n"},
	    {"unix, name that lies", "unix", "x;\t(y", "ESMTP", NULL,
		"Received: from unknown (local client)\r\n"
		"\tby relay.example with ESMTP\r\n\tid Q1;\r\n"
		"\tSun, 22 Nov 2026 04:50:00 +0000\r\n"},
	    {"name is an address", "2001:db8::1", "[IPv6:2001:db8::1]", "ESMTP",
		NULL,
		"Received: from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n"
		"\tby relay.example with ESMTP\r\n\tid Q1;\r\n"
		"\tSun, 22 Nov 2026 04:50:00 +0000\r\n"},
	    {"name of a desktop", "192.0.2.1", "my_pc-2", "ESMTP", NULL,
		"Received: from my_pc-2 ([192.0.2.1])\r\n"
		"\tby relay.example with ESMTP\r\n\tid Q1;\r\n"
		"\tSun, 22 Nov 2026 04:50:00 +0000\r\n"},
	    {"no name", "192.0.2.1", "", "ESMTP", NULL,
		"Received: from unknown ([192.0.2.1])\r\n"
		"\tby relay.example with ESMTP\r\n\tid Q1;\r\n"
		"\tSun, 22 Nov 2026 04:50:00 +0000\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct sink_client c = {.protocol = cases[i].protocol};
		struct buf out;

		buf_init(&out, 2000);
		snprintf(c.addr, sizeof(c.addr), "%s", cases[i].addr);
		snprintf(c.helo, sizeof(c.helo), "%s", cases[i].helo);
		header_received(
		    &out, &c, "relay.example", "Q1", cases[i].rcpt, 1795323000);
		t_is(cases[i].name, buf_str(&out), cases[i].want);
		/* It is one field of a header. */
		t_int(cases[i].name,
		    (int64_t)header_count(buf_str(&out), "Received"), 1);
		t_str(
		    cases[i].name, header_block(buf_str(&out)), buf_str(&out));
		buf_clear(&out);
	}
}

static void
test_8bit(void **state)
{
	(void)state;
	t_bool("empty", header_is_8bit(STR("")), false);
	t_bool("ASCII", header_is_8bit(STR("A: b\r\n\r\n~\x7f\r\n")), false);
	t_bool("header", header_is_8bit(STR("A: \x80\r\n\r\n")), true);
	t_bool("last byte", header_is_8bit(STR("A: b\r\n\r\n\xff")), true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_block),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_count_many),
	    cmocka_unit_test(test_received),
	    cmocka_unit_test(test_8bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
