/* Smaller scenarios that fail in the same way; trial.h. */
#include "config.h"

#include <string.h>

#include "tests/replay/trial.h"

struct shrink {
	struct buf *text;
	struct play_opts *o;
	const char *why;
	unsigned left; /* trials */
};

static bool
still_fails(struct shrink *s, struct str text, const struct play_opts *o)
{
	struct trial t;

	if (s->left == 0)
		return false;
	s->left--;
	trial_apart(text, o, &t);
	return trial_same(s->why, t.res.why);
}

/*
 * Walks over the lines that may go: those of the story, and what is asked of
 * it. What makes the world, and makes it well again, stays, since what the
 * generator forbids rests on it.
 */
struct walk {
	struct str rest;
	bool story;
};

static bool
walk_next(struct walk *w, struct str *line, bool *may_go)
{
	if (!str_cut(&w->rest, '\n', line))
		return false;
	if (str_starts(*line, STR("# ")))
		w->story = str_eq(*line, STR("# story"));
	*may_go = !str_starts(*line, STR("#")) &&
	    (w->story || str_starts(*line, STR("finally ")) ||
		str_starts(*line, STR("forbid ")));
	return true;
}

/* The text without those from the at-th to the last of n; false: there are
 * none. */
static bool
without(struct str text, size_t at, size_t n, struct buf *out)
{
	struct walk w = {.rest = text};
	struct str line;
	size_t i = 0;
	bool may_go;

	buf_reset(out);
	while (walk_next(&w, &line, &may_go)) {
		if (!may_go || i < at || i >= at + n)
			buf_addf(out, "%.*s\n", STR_FMT(line));
		i += may_go;
	}
	return at < i;
}

static size_t
count_lines(struct str text)
{
	struct walk w = {.rest = text};
	struct str line;
	size_t n = 0;
	bool may_go;

	while (walk_next(&w, &line, &may_go))
		n += may_go;
	return n;
}

/* Drops half of the lines, a quarter, ... one; true: some could go. */
static bool
drop_lines(struct shrink *s)
{
	bool any = false;
	struct buf less;

	buf_init(&less, SIZE_MAX / 2);
	for (size_t n = count_lines(buf_str(s->text)) / 2; n > 0; n /= 2) {
		size_t at = 0;

		while (s->left > 0 && without(buf_str(s->text), at, n, &less)) {
			if (!still_fails(s, buf_str(&less), s->o)) {
				at += n;
				continue;
			}
			buf_reset(s->text);
			buf_add_str(s->text, buf_str(&less));
			any = true;
		}
	}
	buf_clear(&less);
	return any;
}

/* One fault in place of many. */
static bool
one_fault(struct shrink *s)
{
	struct play_opts o = *s->o;
	struct trial t;

	o.random = 0;
	trial_apart(buf_str(s->text), &o, &t);
	for (o.step = 1; o.step <= t.res.steps && s->left > 0; o.step++) {
		for (int f = FAKE_LOSS; f < FAKE_FAULTS; f++) {
			o.fault = (enum fake_fault)f;
			if (still_fails(s, buf_str(s->text), &o)) {
				*s->o = o;
				return true;
			}
		}
	}
	return false;
}

static void
fewer_faults(struct shrink *s)
{
	struct play_opts o = *s->o;

	if (o.jitter > 0) {
		o.jitter = 0;
		if (still_fails(s, buf_str(s->text), &o))
			*s->o = o;
	}
	o = *s->o;
	if (o.random == 0)
		return;
	o.random = 0;
	if (still_fails(s, buf_str(s->text), &o))
		*s->o = o;
	else
		(void)one_fault(s);
}

void
trial_shrink(
    struct buf *text, struct play_opts *o, const char *why, unsigned trials)
{
	struct shrink s = {.text = text, .o = o, .why = why, .left = trials};

	while (drop_lines(&s) && s.left > 0)
		;
	fewer_faults(&s);
	while (drop_lines(&s) && s.left > 0)
		;
	fewer_faults(&s);
}
