/* relay/base/log: one event a line, and nothing remote can forge one. */
#include "config.h"

#include <unistd.h>

#include "relay/base/log.h"
#include "tests/unit/t.h"

struct capture {
	char text[LOG_LINE_MAX + 1];
	size_t n;
	int lines;
	enum log_level level;
};

static void
keep(void *arg, enum log_level level, struct str line)
{
	struct capture *c = arg;

	assert_true(line.n <= LOG_LINE_MAX);
	memcpy(c->text, line.p, line.n);
	c->text[line.n] = '\0';
	c->n = line.n;
	c->level = level;
	c->lines++;
}

static struct log
make_log(struct capture *c, enum log_format format)
{
	memset(c, 0, sizeof(*c));
	return (struct log){LOG_INFO, format, keep, c};
}

static void
test_line(void **state)
{
	static const struct {
		enum log_format format;
		const char *want;
	} cases[] = {
	    {LOG_LOGFMT,
		"event=delivery qid=ABC from=\"\" n=-5 "
		"id=00000000deadbeef none=\"\""},
	    {LOG_JSON,
		"{\"event\":\"delivery\",\"qid\":\"ABC\",\"from\":\"\","
		"\"n\":-5,\"id\":\"00000000deadbeef\",\"none\":\"\"}"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct capture c;
		struct log log = make_log(&c, cases[i].format);
		struct log_line l;

		log_begin(&l, &log, LOG_WARN, "delivery");
		log_str(&l, "qid", STR("ABC"));
		log_cstr(&l, "from", "");
		log_int(&l, "n", -5);
		log_hex(&l, "id", 0xdeadbeef);
		log_cstr(&l, "none", NULL);
		t_int("not before the end", c.lines, 0);
		log_end(&l);
		t_int("one line", c.lines, 1);
		t_int("level", (int64_t)c.level, LOG_WARN);
		t_cstr("line", c.text, cases[i].want);
	}
}

static void
test_levels(void **state)
{
	struct capture c;
	struct log log = make_log(&c, LOG_LOGFMT);
	struct log_line l;

	(void)state;
	log_begin(&l, &log, LOG_DEBUG, "x");
	log_int(&l, "a", 1);
	log_end(&l);
	log_text(&log, LOG_DEBUG, "x", "%d", 1);
	t_int("too low", c.lines, 0);
	log.level = LOG_DEBUG;
	log_text(&log, LOG_DEBUG, "x", "%s is %d", "it", 1);
	t_cstr("text", c.text, "event=x text=\"it is 1\"");
	log_text(NULL, LOG_ERROR, "x", "no log at all");
	log.write_fn = NULL;
	log_text(&log, LOG_ERROR, "x", "no sink");
	t_int("no more lines", c.lines, 1);
}

static void
test_escape(void **state)
{
	static const struct {
		const char *name;
		struct str in;
		const char *logfmt, *json;
	} cases[] = {
	    {"plain", {"abc", 3}, "abc", "\"abc\""},
	    {"address", {"<a@b.c>", 7}, "<a@b.c>", "\"<a@b.c>\""},
	    {"blank", {"a b", 3}, "\"a b\"", "\"a b\""},
	    {"equals", {"a=b", 3}, "\"a=b\"", "\"a=b\""},
	    {"quote", {"a\"b", 3}, "\"a\\\"b\"", "\"a\\\"b\""},
	    {"backslash", {"a\\b", 3}, "\"a\\\\b\"", "\"a\\\\b\""},
	    {"line ends", {"a\r\n\tb", 5}, "\"a\\r\\n\\tb\"",
		"\"a\\r\\n\\tb\""},
	    {"forged event", {"x\nevent=y", 9}, "\"x\\nevent=y\"",
		"\"x\\nevent=y\""},
	    {"NUL", {"a\0b", 3}, "\"a\\x00b\"", "\"a\\u0000b\""},
	    {"escape and DEL", {"\x1b\x7f", 2}, "\"\\x1b\\x7f\"",
		"\"\\u001b\\u007f\""},
	    {"UTF-8", {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9},
		"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
		"\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""},
	    {"Latin-1",
		{"b\xfc"
		 "c",
		    3},
		"\"b\\xfcc\"", "\"b\\\\xfcc\""},
	    {"alone", {"\x80", 1}, "\"\\x80\"", "\"\\\\x80\""},
	    {"cut off", {"\xe2\x82", 2}, "\"\\xe2\\x82\"",
		"\"\\\\xe2\\\\x82\""},
	    {"overlong slash", {"\xc0\xaf", 2}, "\"\\xc0\\xaf\"",
		"\"\\\\xc0\\\\xaf\""},
	    {"overlong, 3 bytes", {"\xe0\x80\xaf", 3}, "\"\\xe0\\x80\\xaf\"",
		"\"\\\\xe0\\\\x80\\\\xaf\""},
	    {"surrogate", {"\xed\xa0\x80", 3}, "\"\\xed\\xa0\\x80\"",
		"\"\\\\xed\\\\xa0\\\\x80\""},
	    {"past the end", {"\xf4\x90\x80\x80", 4},
		"\"\\xf4\\x90\\x80\\x80\"", "\"\\\\xf4\\\\x90\\\\x80\\\\x80\""},
	    {"C1 control", {"\xc2\x9b", 2}, "\"\\xc2\\x9b\"",
		"\"\\\\xc2\\\\x9b\""},
	    {"right to left", {"\xe2\x80\xae", 3}, "\"\\xe2\\x80\\xae\"",
		"\"\\\\xe2\\\\x80\\\\xae\""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct capture c;
		struct log log = make_log(&c, LOG_LOGFMT);
		struct log_line l;
		char want[256];

		log_begin(&l, &log, LOG_INFO, "e");
		log_str(&l, "k", cases[i].in);
		log_end(&l);
		snprintf(want, sizeof(want), "event=e k=%s", cases[i].logfmt);
		t_cstr(cases[i].name, c.text, want);

		log.format = LOG_JSON;
		log_begin(&l, &log, LOG_INFO, "e");
		log_str(&l, "k", cases[i].in);
		log_end(&l);
		snprintf(want, sizeof(want), "{\"event\":\"e\",\"k\":%s}",
		    cases[i].json);
		t_cstr(cases[i].name, c.text, want);
	}
}

static void
test_long_value(void **state)
{
	struct capture c;
	struct log log = make_log(&c, LOG_LOGFMT);
	struct log_line l;
	char big[LOG_VALUE_MAX + 1];

	(void)state;
	memset(big, 'x', sizeof(big));
	log_begin(&l, &log, LOG_INFO, "e");
	log_str(&l, "k", str_n(big, LOG_VALUE_MAX));
	log_end(&l);
	t_int("all of it", (int64_t)c.n, LOG_VALUE_MAX + 10);

	log_begin(&l, &log, LOG_INFO, "e");
	log_str(&l, "k", str_n(big, LOG_VALUE_MAX + 1));
	log_int(&l, "n", 3);
	log_end(&l);
	t_int("cut", (int64_t)c.n, LOG_VALUE_MAX + 10 + 10);
	t_bool(
	    "says so", str_ends_ci(str_of(c.text), STR("x n=3 cut=1")), true);

	log_text(&log, LOG_INFO, "e", "%.*s", (int)sizeof(big), big);
	t_bool(
	    "text says so", str_ends_ci(str_of(c.text), STR("x cut=1")), true);
	log_text(&log, LOG_INFO, "e", "%.*s", LOG_VALUE_MAX, big);
	t_bool("text fits", str_ends_ci(str_of(c.text), STR("xxx")), true);
}

/* Whatever fills it, a line is whole and within its maximum. */
static void
test_long_line(void **state)
{
	static const char *const units[] = {
	    "x", "\n", "\x01", "\xff", "\xc3\xa4", "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < 2 * T_COUNT(units); i++) {
		bool json = i >= T_COUNT(units);
		struct str unit = str_of(units[i % T_COUNT(units)]);
		struct capture c;
		struct log log = make_log(&c, json ? LOG_JSON : LOG_LOGFMT);

		for (size_t pad = 0; pad < 40; pad++) {
			struct log_line l;
			char big[LOG_VALUE_MAX];
			size_t n = 0;

			while (n + unit.n <= sizeof(big)) {
				memcpy(big + n, unit.p, unit.n);
				n += unit.n;
			}
			log_begin(&l, &log, LOG_INFO, "e");
			log_str(&l, "pad", str_n(big, pad * unit.n));
			for (int j = 0; j < 8; j++) {
				log_str(&l, "value", str_n(big, n));
				log_int(&l, "number", 1234567890);
			}
			log_end(&l);
			t_bool("in bounds", c.n <= LOG_LINE_MAX, true);
			t_bool("nearly filled", c.n > LOG_LINE_MAX - 64, true);
			t_bool("marked",
			    str_ends_ci(str_of(c.text),
				json ? STR(",\"cut\":1}") : STR(" cut=1")),
			    true);
			t_bool("one line",
			    str_find(str_of(c.text), '\n') == c.n, true);
		}
	}
}

/* What comes out of standard error, by way of a pipe. */
static void
test_stderr(void **state)
{
	static const struct {
		enum log_format format;
		const char *start, *end;
	} cases[] = {
	    {LOG_LOGFMT, "event=e n=1 level=error time=20", "Z\n"},
	    {LOG_JSON,
		"{\"event\":\"e\",\"n\":1,\"level\":\"error\","
		"\"time\":\"20",
		"Z\"}\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int ends[2], saved = dup(STDERR_FILENO);
		struct log log;
		struct log_line l;
		char got[512];
		ssize_t n;

		assert_true(saved >= 0);
		assert_int_equal(pipe(ends), 0);
		dup2(ends[1], STDERR_FILENO);
		log_init_stderr(&log, LOG_INFO, cases[i].format);
		log_begin(&l, &log, LOG_ERROR, "e");
		log_int(&l, "n", 1);
		log_end(&l);
		dup2(saved, STDERR_FILENO);
		close(saved);
		close(ends[1]);
		n = read(ends[0], got, sizeof(got));
		close(ends[0]);
		assert_true(n > 0);
		t_bool(cases[i].start,
		    str_starts(str_n(got, (size_t)n), str_of(cases[i].start)),
		    true);
		t_bool(cases[i].end,
		    str_ends_ci(str_n(got, (size_t)n), str_of(cases[i].end)),
		    true);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_line),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_escape),
	    cmocka_unit_test(test_long_value),
	    cmocka_unit_test(test_long_line),
	    cmocka_unit_test(test_stderr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
