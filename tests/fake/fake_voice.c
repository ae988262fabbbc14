/* See the header. What waits is a list of words, each an event of its own. */
#include "config.h"

#include "tests/fake/fake_voice.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "tests/fake/fake.h"

#define FLOOD_LINES 20000
#define FLOOD_PIECE 500 /* lines that come together */

struct fake_voice {
	struct conn *conn;
	int64_t until; /* nothing is said before */
	struct list words;
};

struct word {
	struct list node;
	struct fake_voice *voice;
	struct fake_event *due;
	struct buf bytes;
	bool *seen;
	bool eof, reset;
	int64_t every_ms;
};

struct fake_voice *
fake_voice_new(struct conn *c)
{
	struct fake_voice *v = xcalloc(1, sizeof(*v));

	v->conn = c;
	list_init(&v->words);
	return v;
}

static void
word_free(struct word *w)
{
	list_remove(&w->node);
	fake_drop(&w->due);
	buf_clear(&w->bytes);
	free(w);
}

void
fake_voice_free(struct fake_voice *v)
{
	while (v && !list_empty(&v->words))
		word_free(CONTAINER_OF(v->words.next, struct word, node));
	free(v);
}

static void
word_out(void *arg)
{
	struct word *w = arg;
	struct conn *c = w->voice->conn;

	w->due = NULL;
	if (w->reset)
		fake_conn_reset(c);
	else if (w->eof)
		fake_conn_eof(c);
	else
		fake_conn_send(c, buf_str(&w->bytes), w->seen);
	if (w->every_ms > 0)
		w->due = fake_at(w->every_ms, word_out, w);
	else
		word_free(w);
}

static struct word *
word_new(struct fake_voice *v)
{
	struct word *w = xcalloc(1, sizeof(*w));

	list_init(&w->node);
	list_push(&v->words, &w->node);
	w->voice = v;
	buf_init(&w->bytes, SIZE_MAX / 2);
	return w;
}

/* Now, or when its time has come; w is gone when it was now. */
static void
word_send(struct word *w)
{
	int64_t wait = w->voice->until - fake_now_ms();

	if (wait > 0)
		w->due = fake_at(wait, word_out, w);
	else
		word_out(w);
}

void
fake_voice_wait(struct fake_voice *v, int64_t ms)
{
	int64_t now = fake_now_ms();

	v->until = (v->until > now ? v->until : now) + ms;
}

static void
add_lines(struct buf *out, const char *text)
{
	struct str rest = str_of(text), line;

	while (str_cut(&rest, '\n', &line)) {
		buf_add_str(out, line);
		buf_add_cstr(out, "\r\n");
	}
}

void
fake_voice_say(struct fake_voice *v, const char *text, bool *seen)
{
	struct word *w = word_new(v);

	add_lines(&w->bytes, text);
	w->seen = seen;
	word_send(w);
}

void
fake_voice_hang_up(struct fake_voice *v, bool reset)
{
	struct word *w = word_new(v);

	w->reset = reset;
	w->eof = !reset;
	word_send(w);
}

void
fake_voice_repeat(struct fake_voice *v, const char *line, int64_t every_ms)
{
	if (every_ms > 0) {
		struct word *w = word_new(v);

		add_lines(&w->bytes, line);
		w->every_ms = every_ms;
		word_send(w);
		return;
	}
	for (int i = 0; i < FLOOD_LINES; i += FLOOD_PIECE) {
		struct word *w = word_new(v);

		for (int k = 0; k < FLOOD_PIECE; k++)
			add_lines(&w->bytes, line);
		word_send(w);
	}
}
