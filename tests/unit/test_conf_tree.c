/* Sections, keys and the texts of their problems. */
#include "relay/config/conf_tree.h"

#include <stdlib.h>

#include "tests/unit/conf_make.h"
#include "tests/unit/t.h"

static void
test_comments(void **state)
{
	static const struct {
		const char *name, *in, *want, *open;
		int line;
	} cases[] = {
	    {"none", "a = 1\n", "a = 1\n", NULL, 0},
	    {"hash", "a = 1 # x \"\nb", "a = 1      \nb", NULL, 0},
	    {"block", "a /* b\n } */ c", "a     \n      c", NULL, 0},
	    {"slashes", "// x\n //y\nb = http://z", "    \n    \nb = http://z",
		NULL, 0},
	    {"slashes behind", "a = {//x\n}", "a = {   \n}", NULL, 0},
	    {"quoted", "a = \"#\\\"/*\" # c", "a = \"#\\\"/*\"    ", NULL, 0},
	    {"single", "a = '#\\'{' # c", "a = '#\\'{'    ", NULL, 0},
	    {"variable", "a = \"${X:-\"#\"}\" # c", "a = \"${X:-\"#\"}\"    ",
		NULL, 0},
	    {"bare variable", "a = ${X:-#} # c", "a = ${X:-#}    ", NULL, 0},
	    {"open brace", "a {\n}\n\nb {\n", "a {\n}\n\nb {\n", "{", 4},
	    {"inner brace", "a {\nb {\n}\n", "a {\nb {\n}\n", "{", 1},
	    {"more closed", "}\n}\na {", "}\n}\na {", "{", 3},
	    {"open quote", "a {\n\"x", "a {\n\"x", "\"", 2},
	    {"open single", "\n'x\n\n", "\n'x\n\n", "'", 2},
	    {"open comment", "x /* {\n{", "x     \n ", "/*", 1},
	    {"open variable", "a = \"${x", "a = \"${x", "\"", 1},
	    {"escape at the end", "\"\\", "\"\\", "\"", 1},
	    {"deep", "{{{{{{{{{{\n", "{{{{{{{{{{\n", "{", 1},
	    {"empty", "", "", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct conf_open open;
		char *got = conf_tree_blank_comments(cases[i].in, &open);

		t_cstr(cases[i].name, got, cases[i].want);
		t_cstr(cases[i].name, open.what, cases[i].open);
		t_int(cases[i].name, open.line, cases[i].line);
		free(got);
	}
}

static void
test_sections(void **state)
{
	struct buf errors;
	struct conf_tree t;
	const struct conf_sec *s;
	const struct conf_val *v;
	size_t a;

	(void)state;
	buf_init(&errors, 4096);
	conf_tree_init(&t, "f", &errors);
	a = conf_tree_add_section(&t, "site", "a", 3);
	conf_tree_add_value(&t, a, "k", "1", 4, false);
	conf_tree_add_value(&t, a, "l", "2", 4, false);
	conf_tree_add_value(&t, a, "k", "3", 5, true);
	(void)conf_tree_add_section(&t, "dane", NULL, 6);
	(void)conf_tree_add_section(&t, "site", "b", 7);
	s = conf_tree_next(&t, "site", NULL);
	t_cstr("first", s->title, "a");
	v = conf_val_next(s, "k", NULL);
	t_cstr("first item", v->text, "1");
	v = conf_val_next(s, "k", v);
	t_cstr("second item", v->text, "3");
	t_bool("no third", conf_val_next(s, "k", v) == NULL, true);
	s = conf_tree_next(&t, "site", s);
	t_cstr("second", s->title, "b");
	t_bool("no third", conf_tree_next(&t, "site", s) == NULL, true);
	t_bool("no section", conf_val_next(NULL, "k", NULL) == NULL, true);
	t_is("no problem", buf_str(&errors), "");
	(void)conf_tree_add_section(&t, "dane", NULL, 8);
	(void)conf_tree_add_section(&t, "site", "a", 9);
	conf_tree_add_value(&t, 0, "x", "1", 10, false);
	conf_tree_add_value(&t, 0, "x", "1", 11, false);
	t_int("problems", t.n_errors, 3);
	make_end("twice", &t, &errors,
	    "f:8: dane: is there twice, first in line 6; put both into one\n"
	    "f:9: site: \"a\" is there twice, first in line 3; put both into "
	    "one\n"
	    "f:11: x: is set twice, first in line 10; remove one\n");
}

static void
test_problem(void **state)
{
	static const struct make m = {
	    "sts", NULL, {{"mode", "x"}, {"other", "y"}}};
	struct buf errors;
	struct conf_tree t;
	const struct conf_sec *s, *top;

	(void)state;
	make_tree(&t, &m, &errors);
	s = conf_tree_next(&t, "sts", NULL);
	top = conf_tree_next(&t, "", NULL);
	conf_problem(s, "mode", 0, "a%d", 1);
	conf_problem(s, "mode", 7, "a");
	conf_problem(s, "none", 0, "a\tb\x7f");
	conf_problem(s, NULL, 0, "a");
	conf_problem(top, "key", 0, "a");
	make_end("lines", &t, &errors,
	    "f:2: sts.mode: a1\nf:7: sts.mode: a\nf:1: sts.none: a?b?\n"
	    "f:1: sts: a\nf:1: key: a\n");
}

enum getter { BOOL, NUMBER, TIME, SIZE, WORD, USER };

static const struct {
	const char *name;
	enum getter get;
	const char *text;
	int64_t want; /* -1: as it was */
	const char *error;
} gets[] = {
    {"yes", BOOL, "yes", 1, ""},
    {"On", BOOL, "On", 1, ""},
    {"true", BOOL, "true", 1, ""},
    {"no", BOOL, "no", 0, ""},
    {"off", BOOL, "off", 0, ""},
    {"false", BOOL, "FALSE", 0, ""},
    {"1", BOOL, "1", -1, "f:2: s.k: \"1\" is not known; use yes or no\n"},
    {"empty", BOOL, "", -1,
	"f:2: s.k: is empty; give it a value or remove it\n"},
    {"least", NUMBER, "5", 5, ""},
    {"most", NUMBER, "10", 10, ""},
    {"less", NUMBER, "4", -1, "f:2: s.k: 4 is out of range; use 5 to 10\n"},
    {"more", NUMBER, "11", -1, "f:2: s.k: 11 is out of range; use 5 to 10\n"},
    {"huge", NUMBER, "99999999999999999999", -1,
	"f:2: s.k: 99999999999999999999 is out of range; use 5 to 10\n"},
    {"no number", NUMBER, "5x", -1,
	"f:2: s.k: \"5x\" is not a number; use 5 to 10\n"},
    {"time", TIME, "90s", 90000, ""},
    {"bare time", TIME, "90", 90000, ""},
    {"short", TIME, "1500ms", -1,
	"f:2: s.k: 1500ms is out of range; use 2s to 2h\n"},
    {"long", TIME, "3h", -1, "f:2: s.k: 3h is out of range; use 2s to 2h\n"},
    {"no time", TIME, "soon", -1,
	"f:2: s.k: \"soon\" is not a time; use 2s to 2h, with ms, s, m, h, d "
	"or w\n"},
    {"size", SIZE, "2k", 2048, ""},
    {"small", SIZE, "1023", -1,
	"f:2: s.k: 1023 is out of range; use 1k to 1500M\n"},
    {"large", SIZE, "2G", -1,
	"f:2: s.k: 2G is out of range; use 1k to 1500M\n"},
    {"no size", SIZE, "1T", -1,
	"f:2: s.k: \"1T\" is not a size; use 1k to 1500M, with k, M or G\n"},
    {"word", WORD, "three", 2, ""},
    {"no word", WORD, "Three", -1,
	"f:2: s.k: \"Three\" is not known; use one, two or three\n"},
    {"user", USER, "mail", 1, ""},
    {"number", USER, "65533", 1, ""},
    {"root", USER, "root", -1,
	"f:2: s.k: is root; name a user that has nothing else to do\n"},
    {"zeros", USER, "00", -1,
	"f:2: s.k: is root; name a user that has nothing else to do\n"},
};

static int64_t
get(enum getter what, const struct conf_sec *s)
{
	static const char *const words[] = {"one", "two", "three"};
	unsigned n = UINT32_MAX;
	uint64_t u = UINT64_MAX;
	int64_t ms = -1, got = -1;
	char *text = NULL;
	int line = 0;
	bool a = false, b = true;

	switch (what) {
	case BOOL:
		conf_get_bool(s, "k", &a);
		conf_get_bool(s, "k", &b);
		got = a == b ? a : -1;
		break;
	case NUMBER:
		conf_get_number(s, "k", 5, 10, &n);
		got = n == UINT32_MAX ? -1 : (int64_t)n;
		break;
	case TIME:
		conf_get_duration(s, "k", 2000, 7200000, &ms);
		got = ms;
		break;
	case SIZE:
		conf_get_size(s, "k", 1024, 1500 << 20, &u);
		got = u == UINT64_MAX ? -1 : (int64_t)u;
		break;
	case WORD:
		conf_get_word(s, "k", words, 3, &n);
		got = n == UINT32_MAX ? -1 : (int64_t)n;
		break;
	case USER:
		conf_get_user(s, "k", &text, &line);
		t_int("line", line > 0, text != NULL);
		got = text ? 1 : -1;
		break;
	}
	free(text);
	return got;
}

static void
test_getters(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(gets); i++) {
		const struct make m = {"s", NULL, {{"k", gets[i].text}}};
		struct buf errors;
		struct conf_tree t;
		int64_t got;

		make_tree(&t, &m, &errors);
		got = get(gets[i].get, conf_tree_next(&t, "s", NULL));
		t_int(gets[i].name, got, gets[i].want);
		/* Booleans are asked twice. */
		if (gets[i].get == BOOL && gets[i].error[0])
			buf_truncate(&errors, errors.n / 2);
		make_end(gets[i].name, &t, &errors, gets[i].error);
	}
}

/* Without the key, and without the section, all stays as it is. */
static void
test_absent(void **state)
{
	static const struct make m = {"s", NULL, {{"other", "x"}}};
	struct buf errors;
	struct conf_tree t;
	char *text = xstrdup("old");

	(void)state;
	make_tree(&t, &m, &errors);
	for (enum getter what = BOOL; what <= USER; what++) {
		t_int("no key", get(what, conf_tree_next(&t, "s", NULL)), -1);
		t_int("no section", get(what, NULL), -1);
	}
	conf_get_dup(NULL, "k", &text);
	t_cstr("no text", text, "old");
	conf_get_dup(conf_tree_next(&t, "s", NULL), "other", &text);
	t_cstr("text", text, "x");
	free(text);
	make_end("nothing", &t, &errors, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_comments),
	    cmocka_unit_test(test_sections),
	    cmocka_unit_test(test_problem),
	    cmocka_unit_test(test_getters),
	    cmocka_unit_test(test_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
