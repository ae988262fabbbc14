/*
 * The tree between libconfuse and the options. It knows nothing of what a key
 * means, but all about where it stands: every problem that a later step finds
 * is noted through conf_problem, which names file, line and key, so that all
 * problems of a file are told at once.
 */
#include "config.h"

#include "relay/config/conf_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/codec.h"
#include "relay/base/str.h"

#define TEXT_SHOWN 200 /* bytes of one message */

void
conf_tree_init(struct conf_tree *t, const char *name, struct buf *errors)
{
	memset(t, 0, sizeof(*t));
	t->name = xstrdup(name);
	t->errors = errors;
	(void)conf_tree_add_section(t, "", NULL, 1);
}

void
conf_tree_clear(struct conf_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct conf_sec *s = &t->secs[i];

		for (size_t k = 0; k < s->n; k++) {
			free(s->vals[k].key);
			free(s->vals[k].text);
		}
		free(s->vals);
		free(s->path);
		free(s->title);
	}
	free(t->secs);
	free(t->name);
	memset(t, 0, sizeof(*t));
}

static bool
same_title(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

size_t
conf_tree_add_section(
    struct conf_tree *t, const char *path, const char *title, int line)
{
	struct conf_sec *s;
	int first = 0;

	for (size_t i = 0; i < t->n && !first; i++) {
		if (strcmp(t->secs[i].path, path) == 0 &&
		    same_title(t->secs[i].title, title))
			first = t->secs[i].line;
	}
	t->secs = xrealloc(t->secs, (t->n + 1) * sizeof(*t->secs));
	s = &t->secs[t->n++];
	memset(s, 0, sizeof(*s));
	s->tree = t;
	s->path = xstrdup(path);
	s->title = xstrdup(title);
	s->line = line;
	if (first && title)
		conf_problem(s, NULL, line,
		    "\"%s\" is there twice, first in line %d; put both into "
		    "one",
		    title, first);
	else if (first)
		conf_problem(s, NULL, line,
		    "is there twice, first in line %d; put both into one",
		    first);
	return t->n - 1;
}

void
conf_tree_add_value(struct conf_tree *t, size_t sec, const char *key,
    const char *text, int line, bool more)
{
	struct conf_sec *s;
	const struct conf_val *old;
	struct conf_val *v;

	if (sec >= t->n)
		BUG("section %zu of %zu", sec, t->n);
	s = &t->secs[sec];
	old = conf_val_next(s, key, NULL);
	if (old && !more)
		conf_problem(s, key, line,
		    "is set twice, first in line %d; remove one", old->line);
	s->vals = xrealloc(s->vals, (s->n + 1) * sizeof(*s->vals));
	v = &s->vals[s->n++];
	v->key = xstrdup(key);
	v->text = xstrdup(text);
	v->line = line;
}

#define DEPTH_MAX 8 /* braces within braces whose lines are known */

struct scan {
	char *s;
	size_t i;
	struct conf_open *open;
	int braces[DEPTH_MAX]; /* lines */
	size_t depth;
};

static int
line_of(const struct scan *sc, size_t at)
{
	int line = 1;

	for (size_t i = 0; i < at; i++)
		line += sc->s[i] == '\n';
	return line;
}

static void
never_closed(struct scan *sc, const char *what, size_t at)
{
	sc->open->what = what;
	sc->open->line = line_of(sc, at);
}

/* Goes behind "${...}", which may hold anything. */
static void
scan_variable(struct scan *sc)
{
	sc->i += strcspn(sc->s + sc->i, "}");
	if (sc->s[sc->i])
		sc->i++;
}

static void
scan_quoted(struct scan *sc)
{
	const char *s = sc->s;
	size_t start = sc->i;
	char quote = s[sc->i++];

	while (s[sc->i] && s[sc->i] != quote) {
		if (s[sc->i] == '\\' && s[sc->i + 1])
			sc->i += 2;
		else if (quote == '"' && s[sc->i] == '$' && s[sc->i + 1] == '{')
			scan_variable(sc);
		else
			sc->i++;
	}
	if (s[sc->i])
		sc->i++;
	else
		never_closed(sc, quote == '"' ? "\"" : "'", start);
}

/* Blanks what stands up to end. */
static void
scan_blank(struct scan *sc, size_t end)
{
	for (; sc->i < end; sc->i++) {
		if (sc->s[sc->i] != '\n')
			sc->s[sc->i] = ' ';
	}
}

static void
scan_comment(struct scan *sc)
{
	const char *end = strstr(sc->s + sc->i + 2, "*/");

	if (!end)
		never_closed(sc, "/*", sc->i);
	scan_blank(sc,
	    end ? (size_t)(end + 2 - sc->s) : sc->i + strlen(sc->s + sc->i));
}

/* "//" within a word is part of it. */
static bool
is_line_comment(const struct scan *sc)
{
	const char *s = sc->s + sc->i;

	return s[0] == '/' && s[1] == '/' &&
	    (sc->i == 0 || strchr(" \t\n{},=", s[-1]));
}

static void
scan_brace(struct scan *sc)
{
	if (sc->s[sc->i] == '{') {
		if (sc->depth < DEPTH_MAX)
			sc->braces[sc->depth] = line_of(sc, sc->i);
		sc->depth++;
	} else if (sc->depth > 0) {
		sc->depth--;
	}
	sc->i++;
}

char *
conf_tree_blank_comments(const char *text, struct conf_open *open)
{
	struct scan sc = {.s = xstrdup(text), .open = open};

	open->what = NULL;
	open->line = 0;
	while (sc.s[sc.i]) {
		const char *s = sc.s + sc.i;

		if (*s == '"' || *s == '\'')
			scan_quoted(&sc);
		else if (*s == '$' && s[1] == '{')
			scan_variable(&sc);
		else if (*s == '#' || is_line_comment(&sc))
			scan_blank(&sc, sc.i + strcspn(s, "\n"));
		else if (*s == '/' && s[1] == '*')
			scan_comment(&sc);
		else if (*s == '{' || *s == '}')
			scan_brace(&sc);
		else
			sc.i++;
	}
	if (!open->what && sc.depth > 0) {
		open->what = "{";
		open->line =
		    sc.braces[(sc.depth < DEPTH_MAX ? sc.depth : DEPTH_MAX) -
			1];
	}
	return sc.s;
}

const struct conf_sec *
conf_tree_next(
    const struct conf_tree *t, const char *path, const struct conf_sec *prev)
{
	size_t i = prev ? (size_t)(prev - t->secs) + 1 : 0;

	for (; i < t->n; i++) {
		if (strcmp(t->secs[i].path, path) == 0)
			return &t->secs[i];
	}
	return NULL;
}

const struct conf_val *
conf_val_next(
    const struct conf_sec *sec, const char *key, const struct conf_val *prev)
{
	size_t i;

	if (!sec)
		return NULL;
	i = prev ? (size_t)(prev - sec->vals) + 1 : 0;
	for (; i < sec->n; i++) {
		if (strcmp(sec->vals[i].key, key) == 0)
			return &sec->vals[i];
	}
	return NULL;
}

void
conf_problem(
    const struct conf_sec *sec, const char *key, int line, const char *fmt, ...)
{
	struct conf_tree *t = sec->tree;
	const struct conf_val *v = key ? conf_val_next(sec, key, NULL) : NULL;
	char text[2 * TEXT_SHOWN];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A value may hold anything; a message is one line. */
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	if (line == 0)
		line = v ? v->line : sec->line;
	buf_addf(t->errors, "%s:%d: %s%s%s: %s\n", t->name, line, sec->path,
	    sec->path[0] && key ? "." : "", key ? key : "", text);
	t->n_errors++;
}

const char *
conf_get_text(const struct conf_sec *sec, const char *key)
{
	const struct conf_val *v = conf_val_next(sec, key, NULL);

	if (!v)
		return NULL;
	if (v->text[0] == '\0') {
		conf_problem(sec, key, v->line,
		    "is empty; give it a value or remove it");
		return NULL;
	}
	return v->text;
}

void
conf_get_dup(const struct conf_sec *sec, const char *key, char **out)
{
	const char *text = conf_get_text(sec, key);

	if (!text)
		return;
	free(*out);
	*out = xstrdup(text);
}

void
conf_get_user(
    const struct conf_sec *sec, const char *key, char **out, int *line)
{
	const struct conf_val *v = conf_val_next(sec, key, NULL);
	const char *text = conf_get_text(sec, key);

	if (!v || !text)
		return;
	/* What a peer can reach must not own the machine. */
	if (strcmp(text, "root") == 0 || strspn(text, "0") == strlen(text)) {
		conf_problem(sec, key, 0,
		    "is root; name a user that has nothing else to do");
		return;
	}
	conf_get_dup(sec, key, out);
	*line = v->line;
}

void
conf_get_bool(const struct conf_sec *sec, const char *key, bool *out)
{
	static const char *const words[] = {
	    "no", "yes", "off", "on", "false", "true"};
	const char *text = conf_get_text(sec, key);

	if (!text)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_eq_ci(str_of(text), str_of(words[i]))) {
			*out = i % 2 == 1;
			return;
		}
	}
	conf_problem(
	    sec, key, 0, "\"%.80s\" is not known; use yes or no", text);
}

void
conf_get_number(const struct conf_sec *sec, const char *key, unsigned min,
    unsigned max, unsigned *out)
{
	const char *text = conf_get_text(sec, key);
	uint64_t v;
	int err;

	if (!text)
		return;
	err = codec_u64(str_of(text), max, &v);
	if (err == ERR_SYNTAX)
		conf_problem(sec, key, 0,
		    "\"%.80s\" is not a number; use %u to %u", text, min, max);
	else if (err || v < min)
		conf_problem(sec, key, 0, "%.80s is out of range; use %u to %u",
		    text, min, max);
	else
		*out = (unsigned)v;
}

/* "5m" of milliseconds: the largest unit without a rest. */
static void
duration_text(int64_t ms, char *out, size_t size)
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"},
	    {1, "ms"}};
	size_t i = 0;

	while (i < 4 && (ms == 0 || ms % units[i].ms != 0))
		i++;
	(void)snprintf(
	    out, size, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
}

bool
conf_duration(const struct conf_sec *sec, const struct conf_val *v, int64_t min,
    int64_t max, int64_t *out)
{
	char low[32], high[32];
	int64_t ms;
	int err = codec_duration_ms(str_of(v->text), &ms);

	duration_text(min, low, sizeof(low));
	duration_text(max, high, sizeof(high));
	if (err == ERR_SYNTAX) {
		conf_problem(sec, v->key, v->line,
		    "\"%.80s\" is not a time; use %s to %s, with ms, s, m, h, "
		    "d or w",
		    v->text, low, high);
		return false;
	}
	if (err || ms < min || ms > max) {
		conf_problem(sec, v->key, v->line,
		    "%.80s is out of range; use %s to %s", v->text, low, high);
		return false;
	}
	*out = ms;
	return true;
}

void
conf_get_duration(const struct conf_sec *sec, const char *key, int64_t min,
    int64_t max, int64_t *out)
{
	if (conf_get_text(sec, key))
		(void)conf_duration(
		    sec, conf_val_next(sec, key, NULL), min, max, out);
}

static void
size_text(uint64_t n, char *out, size_t size)
{
	static const char *const units[] = {"G", "M", "k", ""};
	unsigned shift = 30;

	while (shift > 0 && (n == 0 || n % (UINT64_C(1) << shift) != 0))
		shift -= 10;
	(void)snprintf(out, size, "%llu%s", (unsigned long long)(n >> shift),
	    units[3 - shift / 10]);
}

void
conf_get_size(const struct conf_sec *sec, const char *key, uint64_t min,
    uint64_t max, uint64_t *out)
{
	const char *text = conf_get_text(sec, key);
	char low[32], high[32];
	uint64_t v;
	int err;

	if (!text)
		return;
	size_text(min, low, sizeof(low));
	size_text(max, high, sizeof(high));
	err = codec_size(str_of(text), &v);
	if (err == ERR_SYNTAX)
		conf_problem(sec, key, 0,
		    "\"%.80s\" is not a size; use %s to %s, with k, M or G",
		    text, low, high);
	else if (err || v < min || v > max)
		conf_problem(sec, key, 0, "%.80s is out of range; use %s to %s",
		    text, low, high);
	else
		*out = v;
}

void
conf_get_word(const struct conf_sec *sec, const char *key,
    const char *const *words, size_t n, unsigned *out)
{
	const char *text = conf_get_text(sec, key);
	struct buf all;

	if (!text)
		return;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, words[i]) == 0) {
			*out = (unsigned)i;
			return;
		}
	}
	buf_init(&all, TEXT_SHOWN);
	for (size_t i = 0; i < n; i++)
		buf_addf(&all, "%s%s",
		    i == 0           ? ""
			: i == n - 1 ? " or "
				     : ", ",
		    words[i]);
	conf_problem(sec, key, 0, "\"%.80s\" is not known; use %s", text,
	    all.p ? all.p : "");
	buf_clear(&all);
}
