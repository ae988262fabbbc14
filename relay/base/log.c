/*
 * One event, one line. This is the one place where remote text becomes
 * printable: a value can neither end its line nor forge another key.
 *
 * Inside a line, RESERVE bytes are kept for what must follow in any case: the
 * closing quote, the "cut" mark and the brace of JSON. A value that doesn't
 * fit is cut between two characters; the line is whole in both formats.
 *
 * JSON has no \xNN, so there a byte that is not UTF-8 becomes the four
 * characters \xNN of the string.
 */
#include "config.h"

#include "relay/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relay/base/date.h"

#define RESERVE 16 /* bytes: quote, ,"cut":1 and brace */
#define STDERR_EXTRA 128 /* bytes that the sink adds to a line */

static const char *
level_str(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return "debug";
	case LOG_INFO:
		return "info";
	case LOG_WARN:
		return "warn";
	case LOG_ERROR:
		return "error";
	}
	return "unknown";
}

/* One line with its end in one write(2): lines of threads don't mix. */
static void
write_line(const char *p, size_t n)
{
	ssize_t done;

	/* A log that can't be written must not stop mail: no second try. */
	do {
		done = write(STDERR_FILENO, p, n);
	} while (done < 0 && errno == EINTR);
}

/*
 * The sink adds level and time at the end, so that a line begins with its
 * event and the text handed to write_fn does not depend on a clock.
 */
static void
emit(struct str line, enum log_level level, enum log_format format)
{
	char out[LOG_LINE_MAX + STDERR_EXTRA];
	char now[DATE_MAX];
	int n;

	date_rfc3339((int64_t)time(NULL), now);
	if (line.n > LOG_LINE_MAX)
		line.n = LOG_LINE_MAX;
	if (format == LOG_JSON && line.n > 0)
		n = snprintf(out, sizeof(out),
		    "%.*s,\"level\":\"%s\",\"time\":\"%s\"}\n", (int)line.n - 1,
		    line.p, level_str(level), now);
	else
		n = snprintf(out, sizeof(out), "%.*s level=%s time=%s\n",
		    (int)line.n, line.p, level_str(level), now);
	if (n > 0 && (size_t)n < sizeof(out))
		write_line(out, (size_t)n);
}

static void
emit_logfmt(void *arg, enum log_level level, struct str line)
{
	(void)arg;
	emit(line, level, LOG_LOGFMT);
}

static void
emit_json(void *arg, enum log_level level, struct str line)
{
	(void)arg;
	emit(line, level, LOG_JSON);
}

void
log_init_stderr(struct log *log, enum log_level level, enum log_format format)
{
	*log = (struct log){
	    .level = level,
	    .format = format,
	    .write_fn = format == LOG_JSON ? emit_json : emit_logfmt,
	};
}

static bool
is_json(const struct log_line *l)
{
	return l->log->format == LOG_JSON;
}

/* Appends all of s, or nothing and false when it would pass max. */
static bool
put(struct log_line *l, struct str s, size_t max)
{
	if (l->n > max || s.n > max - l->n) {
		l->cut = true;
		return false;
	}
	memcpy(l->text + l->n, s.p, s.n);
	l->n += s.n;
	return true;
}

/* Separator, key and "=" or ":". */
static bool
put_key(struct log_line *l, const char *key)
{
	char head[64];
	int n;

	if (is_json(l))
		n = snprintf(
		    head, sizeof(head), "%s\"%s\":", l->n > 1 ? "," : "", key);
	else
		n = snprintf(
		    head, sizeof(head), "%s%s=", l->n > 0 ? " " : "", key);
	if (n < 0 || (size_t)n >= sizeof(head)) {
		l->cut = true;
		return false;
	}
	return put(l, str_n(head, (size_t)n), LOG_LINE_MAX - RESERVE);
}

/*
 * Bytes of the UTF-8 character at the start of s (RFC 3629 4: no overlong
 * form, no surrogate, nothing past U+10FFFF), with its value; 0 when it is none.
 */
static size_t
utf8_char(struct str s, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char c = (unsigned char)s.p[0];
	uint32_t v;
	size_t n;

	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > s.n)
		return 0;
	v = c & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		unsigned char t = (unsigned char)s.p[i];

		if ((t & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (t & 0x3fU);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*cp = v;
	return n;
}

/* C1 controls, line separators and what turns the writing direction. */
static bool
is_hidden(uint32_t cp)
{
	return (cp >= 0x80 && cp <= 0x9f) || cp == 0x61c ||
	    (cp >= 0x200e && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

static struct str
escape_byte(char c, bool json, char out[8])
{
	unsigned byte = (unsigned char)c;
	int n;

	if (c == '"' || c == '\\')
		n = snprintf(out, 8, "\\%c", c);
	else if (c == '\n')
		n = snprintf(out, 8, "\\n");
	else if (c == '\r')
		n = snprintf(out, 8, "\\r");
	else if (c == '\t')
		n = snprintf(out, 8, "\\t");
	else if (!json)
		n = snprintf(out, 8, "\\x%02x", byte);
	else if (byte < 0x80)
		n = snprintf(out, 8, "\\u%04x", byte);
	else
		n = snprintf(out, 8, "\\\\x%02x", byte);
	return str_n(out, n > 0 ? (size_t)n : 0);
}

/* The next character of *s, escaped when it must be, cut off *s. */
static struct str
next_escaped(struct str *s, bool json, char tmp[8])
{
	unsigned char c = (unsigned char)s->p[0];
	struct str out = {s->p, 1};
	uint32_t cp = 0;

	if (c >= 0x80) {
		out.n = utf8_char(*s, &cp);
		if (out.n == 0 || is_hidden(cp)) {
			/* A byte at a time; the rest is no UTF-8 either. */
			out = escape_byte(s->p[0], json, tmp);
			*s = str_skip(*s, 1);
			return out;
		}
	} else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
		out = escape_byte(s->p[0], json, tmp);
		*s = str_skip(*s, 1);
		return out;
	}
	*s = str_skip(*s, out.n);
	return out;
}

static bool
needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			return true;
	}
	return s.n == 0;
}

void
log_str(struct log_line *l, const char *key, struct str value)
{
	size_t max = LOG_LINE_MAX - RESERVE;
	bool quotes;
	char tmp[8];

	if (l->off || !put_key(l, key))
		return;
	if (value.n > LOG_VALUE_MAX) {
		value.n = LOG_VALUE_MAX;
		l->cut = true;
	}
	quotes = is_json(l) || needs_quotes(value);
	if (quotes)
		put(l, STR("\""), max + 1);
	while (value.n > 0) {
		struct str c = next_escaped(&value, is_json(l), tmp);

		if (!put(l, c, max))
			break;
	}
	if (quotes)
		put(l, STR("\""), LOG_LINE_MAX);
}

void
log_cstr(struct log_line *l, const char *key, const char *value)
{
	log_str(l, key, str_of(value));
}

void
log_int(struct log_line *l, const char *key, int64_t value)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%" PRId64, value);
	size_t start = l->n;

	if (l->off || !put_key(l, key))
		return;
	/* Half a number is a wrong number: all of the pair or nothing. */
	if (!put(l, str_n(text, (size_t)n), LOG_LINE_MAX - RESERVE))
		l->n = start;
}

void
log_hex(struct log_line *l, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%016" PRIx64, value);
	log_cstr(l, key, text);
}

void
log_begin(struct log_line *l, struct log *log, enum log_level level,
    const char *event)
{
	l->log = log;
	l->level = level;
	l->off = !log || !log->write_fn || level < log->level;
	l->cut = false;
	l->n = 0;
	if (l->off)
		return;
	if (is_json(l))
		put(l, STR("{"), LOG_LINE_MAX);
	log_cstr(l, "event", event);
}

void
log_end(struct log_line *l)
{
	if (l->off)
		return;
	if (l->cut)
		put(l, is_json(l) ? STR(",\"cut\":1") : STR(" cut=1"),
		    LOG_LINE_MAX);
	if (is_json(l))
		put(l, STR("}"), LOG_LINE_MAX);
	l->off = true;
	l->log->write_fn(l->log->arg, l->level, str_n(l->text, l->n));
}

void
log_text(struct log *log, enum log_level level, const char *event,
    const char *fmt, ...)
{
	char text[LOG_VALUE_MAX + 2];
	struct log_line l;
	va_list ap;

	log_begin(&l, log, level, event);
	if (l.off)
		return;
	va_start(ap, fmt);
	/* One byte more than a value may have: log_str sees what is cut. */
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	log_cstr(&l, "text", text);
	log_end(&l);
}
