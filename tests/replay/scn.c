/* Reading a scenario, and playing it line by line. */
#include "config.h"

#include "tests/replay/scn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/codec.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_client.h"
#include "tests/fake/fake_dns.h"
#include "tests/fake/fake_http.h"
#include "tests/fake/fake_net.h"
#include "tests/fake/fake_peer.h"
#include "tests/fake/fake_store.h"

/* ---- reading ---- */

/* One word off *rest into out; false: it does not end. */
static bool
word_cut(struct str *rest, struct buf *out)
{
	bool quoted = false;

	while (rest->n > 0) {
		char c = rest->p[0];

		if (!quoted && (c == ' ' || c == '\t'))
			break;
		*rest = str_skip(*rest, 1);
		if (c == '"') {
			quoted = !quoted;
			continue;
		}
		if (c == '\\' && quoted && rest->n > 0) {
			c = rest->p[0];
			*rest = str_skip(*rest, 1);
			c = (char)(c == 'n' ? '\n'
				: c == 'r'  ? '\r'
				: c == 't'  ? '\t'
					    : c);
		}
		buf_add_char(out, c);
	}
	return !quoted;
}

static const char *
line_parse(struct str text, struct scn_line *l)
{
	for (;;) {
		struct buf word;

		while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
			text = str_skip(text, 1);
		if (text.n == 0 || text.p[0] == '#')
			return NULL;
		if (l->n == SCN_WORDS)
			return "too many words";
		buf_init(&word, 1u << 20);
		buf_add_cstr(&word, "");
		if (!word_cut(&text, &word)) {
			buf_clear(&word);
			return "a quote is not closed";
		}
		l->words[l->n++] = buf_take(&word);
	}
}

int
scn_parse(const char *name, struct str text, struct scn **out, char why[200])
{
	struct scn *s = xcalloc(1, sizeof(*s));
	unsigned number = 0;
	struct str line;

	s->name = xstrdup(name);
	while (str_cut(&text, '\n', &line)) {
		struct scn_line l = {.number = ++number};
		const char *bad = line_parse(str_trim(line), &l);

		if (l.n > 0 || bad) {
			s->lines = xrealloc(
			    s->lines, (s->n + 1) * sizeof(*s->lines));
			s->lines[s->n++] = l;
		}
		if (bad) {
			snprintf(why, 200, "%s:%u: %s", name, number, bad);
			scn_free(s);
			*out = NULL;
			return ERR_SYNTAX;
		}
	}
	*out = s;
	return 0;
}

void
scn_free(struct scn *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < s->lines[i].n; k++)
			free(s->lines[i].words[k]);
	}
	free(s->lines);
	free(s->name);
	free(s);
}

/* ---- helpers of the commands ---- */

void
scn_fail(struct play *p, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fake_fail("%s:%u: %s", p->scn->name, p->at ? p->at->number : 0, text);
}

const char *
scn_arg(char **w, size_t n, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < n; i++) {
		if (strncmp(w[i], key, len) == 0 && w[i][len] == '=')
			return w[i] + len + 1;
	}
	return NULL;
}

bool
scn_has(char **w, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(w[i], word) == 0)
			return true;
	}
	return false;
}

int64_t
scn_ms(struct play *p, const char *text)
{
	int64_t ms = 0;

	if (codec_duration_ms(str_of(text), &ms))
		scn_fail(p, "\"%s\" is no duration", text);
	return ms;
}

int64_t
scn_int(struct play *p, const char *text)
{
	int64_t v = 0;

	if (codec_i64(str_of(text), INT64_MIN, INT64_MAX, &v))
		scn_fail(p, "\"%s\" is no number", text);
	return v;
}

static void
on_fault(void *arg, enum fake_fault f)
{
	struct play *p = arg;
	bool ending = relay_is_ending(p->relay);

	if (f == FAKE_CRASH)
		relay_crash(p->relay);
	else
		relay_stop(p->relay);
	/* Who stops while the store hangs waits for no line. */
	if (p->o->random)
		book_lines_may_lack();
	if (!fake_failed() && !ending)
		relay_start(p->relay);
}

struct relay *
scn_relay(struct play *p)
{
	struct buf errors;

	if (p->relay)
		return p->relay;
	buf_init(&errors, 1u << 16);
	buf_add_cstr(&p->settings, "");
	p->relay = relay_new(p->settings.p, p->o->seed * 1000, &errors);
	if (p->relay) {
		fake_on_end(on_fault, p);
		relay_start(p->relay);
	} else {
		scn_fail(p, "%s", errors.p);
	}
	buf_clear(&errors);
	return p->relay;
}

/* ---- playing ---- */

static const struct scn_command *
command_find(const char *name)
{
	static const struct scn_command *const tables[] = {scn_world_commands,
	    scn_peer_commands, scn_act_commands, scn_client_commands,
	    scn_expect_commands, scn_finally_commands};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct scn_command *c = tables[t]; c->name; c++) {
			if (strcmp(c->name, name) == 0)
				return c;
		}
	}
	return NULL;
}

static void
play_line(struct play *p)
{
	const struct scn_line *l = p->at;
	const struct scn_command *c = command_find(l->words[0]);
	char *words[SCN_WORDS];

	if (!c) {
		scn_fail(p, "there is no command \"%s\"", l->words[0]);
		return;
	}
	if (l->n - 1 < c->min) {
		scn_fail(p, "%s wants %zu words", c->name, c->min);
		return;
	}
	memcpy(words, l->words, sizeof(words));
	c->run(p, words + 1, l->n - 1);
}

/* What was accepted must leave the queue by the end of its lifetime, and a
 * notice by the end of its own; or, where many wait for one host that never
 * answers, one after the other. */
static void
play_settle(struct play *p)
{
	int64_t limit, step = INT64_C(600000);
	size_t least = SIZE_MAX;

	if (!p->relay || fake_failed())
		return;
	relay_start(p->relay);
	limit = relay_options(p->relay)->queue.lifetime_s * 3000 + 7200000;
	/* A client may still be about to hand over a message. */
	for (int64_t t = 0; t == 0 || (t < limit && fake_store_rows() > 0);
	     t += step) {
		if (!fake_run(t == 0 ? 6 * step : step))
			return;
		if (fake_store_rows() < least) {
			least = fake_store_rows();
			t = 0;
		}
	}
	if (fake_store_rows() > 0)
		scn_fail(p, "stuck: %zu recipients never leave the queue",
		    fake_store_rows());
	/* An answer of the store may be late: the lines are behind it. */
	if (!fake_run(180000))
		return;
	book_check();
	finally_check(p);
}

static void
play_end(struct play *p)
{
	p->at = NULL;
	/* The faults are over; what they left must be well. */
	fake_inject(0, FAKE_FINE);
	fake_inject_random(0);
	fake_store_error(0);
	fake_store_low_disk(false);
	fake_dns_resolver(FAKE_RESOLVER_OK);
	play_settle(p);
	if (p->relay && !fake_failed())
		relay_stop(p->relay);
}

void
scn_play(const struct scn *s, const struct play_opts *o,
    struct play_result *out, struct buf *log)
{
	struct play p = {.scn = s, .o = o};

	memset(out, 0, sizeof(*out));
	fake_begin(o->seed);
	book_begin();
	fake_store_begin();
	fake_inject(o->step, o->fault);
	fake_inject_random(o->random);
	fake_set_jitter(o->jitter);
	buf_init(&p.settings, 1u << 20);
	for (size_t i = 0; i < s->n && !fake_failed(); i++) {
		p.at = &s->lines[i];
		play_line(&p);
	}
	out->steps = fake_steps();
	out->hits = fake_hits();
	out->expects = p.expects;
	if (!fake_failed())
		play_end(&p);
	book_copies(&out->copies_lost, &out->copies_crashed);
	if (fake_failed())
		snprintf(out->why, sizeof(out->why), "%s", fake_failed());
	if (log && p.relay)
		buf_add_str(log, relay_log(p.relay));
	/* A relay that failed is left where it stands. */
	if (!fake_failed())
		relay_free(p.relay);
	buf_clear(&p.settings);
	fake_clients_end();
	fake_peers_end();
	fake_dns_end();
	fake_http_end();
	fake_store_end();
	book_end();
	fake_end();
}
