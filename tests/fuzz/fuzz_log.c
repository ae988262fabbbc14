/*
 * Values of log lines, in both formats. A line is one line of printable text,
 * has the keys that were put in and no others, and in JSON each value is a
 * string of its own. The input is two values, divided by NUL.
 */
#include "config.h"

#include "relay/base/log.h"

#include <jansson.h>

#include "tests/fuzz/fuzz.h"

static void
keep(void *arg, enum log_level level, struct str line)
{
	(void)level;
	buf_add_str(arg, line);
}

static void
write_line(enum log_format format, struct str a, struct str b, struct buf *out)
{
	struct log log = {
	    .level = LOG_DEBUG, .format = format, .write_fn = keep, .arg = out};
	struct log_line l;

	log_begin(&l, &log, LOG_INFO, "fuzz");
	log_str(&l, "one", a);
	log_int(&l, "n", -5);
	log_str(&l, "two", b);
	log_hex(&l, "h", 255);
	log_end(&l);
	FUZZ_CHECK(out->n > 0 && out->n <= LOG_LINE_MAX && !out->full);
	for (size_t i = 0; i < out->n; i++)
		FUZZ_CHECK(
		    (unsigned char)out->p[i] >= ' ' && out->p[i] != 0x7f);
}

/* Takes "key=" and its value, quoted or not. */
static bool
take_pair(struct str *s, struct str *key)
{
	size_t i = str_find(*s, '=');

	if (i == s->n)
		return false;
	*key = str_n(s->p, i);
	i++;
	if (i < s->n && s->p[i] == '"') {
		for (i++; i < s->n && s->p[i] != '"'; i++)
			i += s->p[i] == '\\';
		FUZZ_CHECK(i < s->n);
		i++;
	} else {
		while (i < s->n && s->p[i] != ' ')
			i++;
	}
	FUZZ_CHECK(i == s->n || s->p[i] == ' ');
	*s = str_skip(*s, i + 1);
	return true;
}

static void
check_logfmt(struct str a, struct str b)
{
	static const char *const keys[] = {
	    "event", "one", "n", "two", "h", "cut"};
	struct buf out;
	struct str s, key;
	size_t at = 0;

	buf_init(&out, 2 * LOG_LINE_MAX);
	write_line(LOG_LOGFMT, a, b, &out);
	s = buf_str(&out);
	while (take_pair(&s, &key)) {
		/* A pair may be left out, never another one put in. */
		while (at < FUZZ_COUNT(keys) && !str_eq(key, str_of(keys[at])))
			at++;
		FUZZ_CHECK(at < FUZZ_COUNT(keys));
		at++;
	}
	FUZZ_CHECK(s.n == 0 && at > 0);
	buf_clear(&out);
}

static bool
is_plain(struct str s)
{
	return s.n < 500 && fuzz_is_printable(s, "");
}

static void
check_json(struct str a, struct str b)
{
	const char *key;
	struct buf out;
	json_t *root, *v;

	buf_init(&out, 2 * LOG_LINE_MAX);
	write_line(LOG_JSON, a, b, &out);
	root = json_loadb(
	    out.p, out.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	FUZZ_CHECK(json_is_object(root));
	json_object_foreach(root, key, v)
	{
		FUZZ_CHECK(strstr(" event one n two h cut ", key) != NULL);
		FUZZ_CHECK(json_is_string(v) || json_is_integer(v));
	}
	if (is_plain(a) && is_plain(b)) {
		v = json_object_get(root, "one");
		FUZZ_CHECK(str_eq(
		    a, str_n(json_string_value(v), json_string_length(v))));
		v = json_object_get(root, "two");
		FUZZ_CHECK(str_eq(
		    b, str_n(json_string_value(v), json_string_length(v))));
	}
	json_decref(root);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct str a = fuzz_take_until(&in, '\0');
	struct str b = fuzz_rest(&in);

	check_logfmt(a, b);
	check_json(a, b);
	return 0;
}
