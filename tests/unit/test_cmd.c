/* Command grammar. */
#include "config.h"

#include "relay/smtp/cmd.h"

#include "tests/unit/t.h"

static const struct {
	const char *in;
	enum cmd_verb verb;
	enum cmd_problem problem;
	const char *what; /* helo or address */
	uint64_t size;
	bool eightbit;
} commands[] = {
    {"EHLO c.example", CMD_EHLO, CMD_FINE, "c.example", 0, false},
    {"ehlo  c.example ", CMD_EHLO, CMD_FINE, "c.example", 0, false},
    {"HELO [192.0.2.1]", CMD_HELO, CMD_FINE, "[192.0.2.1]", 0, false},
    {"HELO my_pc", CMD_HELO, CMD_FINE, "my_pc", 0, false},
    {"HELO", CMD_HELO, CMD_BAD_SYNTAX, "", 0, false},
    {"EHLO a\x7f", CMD_EHLO, CMD_BAD_SYNTAX, "", 0, false},
    {"EHLO a b", CMD_EHLO, CMD_BAD_SYNTAX, "", 0, false},
    {"EHLO \xc3\xa4", CMD_EHLO, CMD_BAD_SYNTAX, "", 0, false},
    {"MAIL FROM:<a@b.example>", CMD_MAIL, CMD_FINE, "a@b.example", 0, false},
    {"mail from: <a@b.example>", CMD_MAIL, CMD_FINE, "a@b.example", 0, false},
    {"MAIL FROM:<> SIZE=12 BODY=8bitmime", CMD_MAIL, CMD_FINE, "", 12, true},
    {"MAIL FROM:<>  BODY=7BIT  SIZE=0 ", CMD_MAIL, CMD_FINE, "", 0, false},
    {"MAIL FROM:<a@b.example>SIZE=1", CMD_MAIL, CMD_BAD_ADDR, "a@b.example", 0,
	false},
    {"MAIL FROM:a@b.example", CMD_MAIL, CMD_BAD_ADDR, "", 0, false},
    {"MAIL FROM <a@b.example>", CMD_MAIL, CMD_BAD_SYNTAX, "", 0, false},
    {"MAIL <a@b.example>", CMD_MAIL, CMD_BAD_SYNTAX, "", 0, false},
    {"MAIL FROM:<> SIZE=", CMD_MAIL, CMD_BAD_PARAM, "", 0, false},
    {"MAIL FROM:<> SIZE=18446744073709551615", CMD_MAIL, CMD_FINE, "",
	UINT64_MAX, false},
    {"MAIL FROM:<> SIZE=99999999999999999999", CMD_MAIL, CMD_FINE, "",
	UINT64_MAX, false},
    {"MAIL FROM:<> SIZE=000000000000000000001", CMD_MAIL, CMD_BAD_PARAM, "", 0,
	false},
    {"MAIL FROM:<> SIZE", CMD_MAIL, CMD_BAD_PARAM, "", 0, false},
    {"MAIL FROM:<> SIZE=-1", CMD_MAIL, CMD_BAD_PARAM, "", 0, false},
    {"MAIL FROM:<> BODY=BINARYMIME", CMD_MAIL, CMD_BAD_PARAM, "", 0, false},
    {"MAIL FROM:<> SMTPUTF8", CMD_MAIL, CMD_UNKNOWN_PARAM, "", 0, false},
    {"MAIL FROM:<> REQUIRETLS", CMD_MAIL, CMD_UNKNOWN_PARAM, "", 0, false},
    {"MAIL FROM:<\xc3\xa4@b.example>", CMD_MAIL, CMD_NOT_ASCII, "", 0, false},
    {"RCPT TO:<a@b.example>", CMD_RCPT, CMD_FINE, "a@b.example", 0, false},
    {"RCPT TO:<>", CMD_RCPT, CMD_BAD_ADDR, "", 0, false},
    {"RCPT TO:<a@b.example> ORCPT=x", CMD_RCPT, CMD_UNKNOWN_PARAM,
	"a@b.example", 0, false},
    {"RCPT TO:<a@b.example> SIZE=1", CMD_RCPT, CMD_UNKNOWN_PARAM, "a@b.example",
	0, false},
    {"RCPT TO:<postmaster>", CMD_RCPT, CMD_FINE, "postmaster", 0, false},
    {"MAIL FROM:<postmaster>", CMD_MAIL, CMD_BAD_ADDR, "postmaster", 0, false},
    {"DATA", CMD_DATA, CMD_FINE, "", 0, false},
    {"DATA ", CMD_DATA, CMD_FINE, "", 0, false},
    {"DATA x", CMD_DATA, CMD_BAD_SYNTAX, "", 0, false},
    {"rset", CMD_RSET, CMD_FINE, "", 0, false},
    {"QUIT", CMD_QUIT, CMD_FINE, "", 0, false},
    {"NOOP any thing", CMD_NOOP, CMD_FINE, "", 0, false},
    {"NOOP a\tb", CMD_NOOP, CMD_FINE, "", 0, false},
    {"NOOP \x7f", CMD_NOOP, CMD_BAD_SYNTAX, "", 0, false},
    {"DATA\tx", CMD_DATA, CMD_BAD_SYNTAX, "", 0, false},
    {"NOOP \x01", CMD_NOOP, CMD_BAD_SYNTAX, "", 0, false},
    {"VRFY", CMD_VRFY, CMD_BAD_SYNTAX, "", 0, false},
    {"VRFY x", CMD_VRFY, CMD_FINE, "", 0, false},
    {"HELP", CMD_HELP, CMD_FINE, "", 0, false},
    {"GET / HTTP/1.0", CMD_HTTP, CMD_FINE, "", 0, false},
    {"connect x:25", CMD_HTTP, CMD_FINE, "", 0, false},
    {"BDAT 5 LAST", CMD_BDAT, CMD_FINE, "", 0, false},
    {"MAILFROM:<>", CMD_UNKNOWN, CMD_FINE, "", 0, false},
    {"", CMD_UNKNOWN, CMD_FINE, "", 0, false},
    {" DATA", CMD_UNKNOWN, CMD_FINE, "", 0, false},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(commands); i++) {
		struct cmd c;

		cmd_parse(str_of(commands[i].in), &c);
		t_cstr(commands[i].in, cmd_verb_str(c.verb),
		    cmd_verb_str(commands[i].verb));
		t_int(commands[i].in, c.problem, commands[i].problem);
		t_cstr(commands[i].in, c.helo[0] ? c.helo : c.addr,
		    commands[i].what);
		t_int(
		    commands[i].in, (int64_t)c.size, (int64_t)commands[i].size);
		t_bool(commands[i].in, c.eightbit, commands[i].eightbit);
	}
}

static void
test_refusal(void **state)
{
	static const struct {
		const char *in;
		bool esmtp;
		int code;
	} cases[] = {
	    {"MAIL FROM:<>", true, 0},
	    {"MAIL FROM:<> SIZE=1", true, 0},
	    {"MAIL FROM:<> SIZE=1", false, 555},
	    {"MAIL FROM:<> X=1", true, 555},
	    {"MAIL FROM:<> SIZE=x", true, 501},
	    {"MAIL FROM:<x>", true, 501},
	    {"RCPT TO:<x>", true, 501},
	    {"RCPT TO:<\xc3\xa4@b.example>", true, 553},
	    {"DATA x", true, 501},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct cmd c;
		const char *text = NULL;

		cmd_parse(str_of(cases[i].in), &c);
		t_int(cases[i].in, cmd_refusal(&c, cases[i].esmtp, &text),
		    cases[i].code);
		if (cases[i].code)
			assert_int_equal(text[0], '5');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
