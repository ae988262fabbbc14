/* Replies of servers, whole and in pieces. */
#include "config.h"

#include "relay/smtp/reply.h"

#include "tests/unit/t.h"

static const struct {
	const char *name, *in;
	int err, code;
	const char *text, *dsn, *line;
	size_t left; /* bytes behind the reply */
} cases[] = {
    {"one line", "250 ok\r\n", 0, 250, "ok", "", "250 ok", 0},
    {"two replies", "250 ok\r\n550 no\r\n", 0, 250, "ok", "", "250 ok", 8},
    {"no text", "250\r\n", 0, 250, "", "", "250", 0},
    {"empty text", "250 \r\n", 0, 250, "", "", "250", 0},
    {"many lines", "250-a\r\n250-b\r\n250 c\r\n", 0, 250, "a\nb\nc", "",
	"250 a b c", 0},
    {"bare code ends it", "250-a\r\n250\r\n", 0, 250, "a\n", "", "250 a", 0},
    {"LF is taken", "550-a\n550 b\n", 0, 550, "a\nb", "", "550 a b", 0},
    {"enhanced code", "550 5.1.1 nobody\r\n", 0, 550, "5.1.1 nobody", "5.1.1",
	"550 5.1.1 nobody", 0},
    {"enhanced code repeated", "550-5.1.1 a\r\n550 5.1.1 b\r\n", 0, 550,
	"5.1.1 a\n5.1.1 b", "5.1.1", "550 5.1.1 a b", 0},
    {"enhanced code not repeated", "550-5.1.1 a\r\n550 b\r\n", 0, 550,
	"5.1.1 a\nb", "5.1.1", "550 5.1.1 a b", 0},
    {"empty line between", "250-a\r\n250-\r\n250 c\r\n", 0, 250, "a\n\nc", "",
	"250 a c", 0},
    {"enhanced code alone", "421 4.7.0\r\n", 0, 421, "4.7.0", "4.7.0",
	"421 4.7.0", 0},
    {"class does not fit", "550 4.1.1 x\r\n", 0, 550, "4.1.1 x", "",
	"550 4.1.1 x", 0},
    {"not a code", "550 5.1.1x\r\n", 0, 550, "5.1.1x", "", "550 5.1.1x", 0},
    {"unknown code", "599 x\r\n", 0, 599, "x", "", "599 x", 0},
    {"nothing", "", ERR_MORE, 0, NULL, NULL, NULL, 0},
    {"half a line", "250 o", ERR_MORE, 0, NULL, NULL, NULL, 0},
    {"half a reply", "250-a\r\n", ERR_MORE, 0, NULL, NULL, NULL, 0},
    {"codes differ", "250-a\r\n251 b\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"no code", "hello\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"second digit", "2x0 ok\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"third digit", "25x ok\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"LF alone", "\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"short", "25\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"empty line", "\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"class 1", "150 x\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"class 6", "650 x\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"no space", "250ok\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"bare CR", "250 a\rb\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
    {"CR CR LF", "250 a\r\r\n", ERR_SYNTAX, 0, NULL, NULL, NULL, 0},
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct str in = str_of(cases[i].in);
		struct reply r;
		struct buf line;
		size_t used = 99;

		reply_init(&r);
		buf_init(&line, 4096);
		t_err(cases[i].name, reply_parse(in, &r, &used), cases[i].err);
		if (cases[i].err) {
			t_int("untouched", r.code, 0);
		} else {
			t_int(cases[i].name, r.code, cases[i].code);
			t_is(cases[i].name, buf_str(&r.text), cases[i].text);
			t_is(cases[i].name, reply_dsn(&r), cases[i].dsn);
			reply_line(&r, &line);
			t_is(cases[i].name, buf_str(&line), cases[i].line);
			t_int(cases[i].name, (int64_t)used,
			    (int64_t)(in.n - cases[i].left));
		}
		reply_clear(&r);
		buf_clear(&line);
	}
}

/* No prefix of a reply is a reply. */
static void
test_prefixes(void **state)
{
	struct str in = STR("250-PIPELINING\r\n250-SIZE 10\r\n250 x\r\n");
	struct reply r;
	size_t used;

	(void)state;
	reply_init(&r);
	for (size_t n = 0; n < in.n; n++)
		t_err(
		    "prefix", reply_parse(str_n(in.p, n), &r, &used), ERR_MORE);
	t_err("whole", reply_parse(in, &r, &used), 0);
	reply_clear(&r);
}

static void
test_limits(void **state)
{
	struct buf in;
	struct reply r;
	size_t used;

	(void)state;
	reply_init(&r);
	buf_init(&in, 1 << 20);
	for (int i = 0; i < REPLY_LINES_MAX - 1; i++)
		buf_add_cstr(&in, "250-x\r\n");
	t_err("more", reply_parse(buf_str(&in), &r, &used), ERR_MORE);
	buf_add_cstr(&in, "250 x\r\n");
	t_err("lines", reply_parse(buf_str(&in), &r, &used), 0);
	buf_truncate(&in, in.n - 7);
	buf_add_cstr(&in, "250-x\r\n");
	t_err("one too many", reply_parse(buf_str(&in), &r, &used), ERR_TOOBIG);
	buf_reset(&in);
	buf_add_cstr(&in, "250 ");
	while (in.n < REPLY_LINE_MAX - 2)
		buf_add_char(&in, 'x');
	buf_add_cstr(&in, "\r\n");
	t_err("long line", reply_parse(buf_str(&in), &r, &used), 0);
	buf_truncate(&in, in.n - 2);
	buf_add_cstr(&in, "x\r\n");
	t_err("too long", reply_parse(buf_str(&in), &r, &used), ERR_TOOBIG);
	t_err("too long without an end",
	    reply_parse(str_n(in.p, REPLY_LINE_MAX), &r, &used), ERR_TOOBIG);
	buf_reset(&in);
	for (int i = 0; i < 10; i++) {
		buf_addf(&in, "250-%02000d\r\n", 0);
	}
	t_err(
	    "too much text", reply_parse(buf_str(&in), &r, &used), ERR_TOOBIG);
	buf_clear(&in);
	reply_clear(&r);
}

static void
test_copy(void **state)
{
	struct reply a, b;
	struct buf line;
	size_t used;

	(void)state;
	reply_init(&a);
	reply_init(&b);
	buf_init(&line, 100);
	t_err("parse", reply_parse(str_n("250 a\0b\r\n", 9), &a, &used), 0);
	reply_copy(&b, &a);
	reply_copy(&b, &b);
	t_int("code", b.code, 250);
	t_str("text", buf_str(&b.text), str_n("a\0b", 3));
	reply_line(&b, &line);
	t_is("a line has no NUL", buf_str(&line), "250 a?b");
	reply_clear(&a);
	reply_clear(&b);
	buf_clear(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
