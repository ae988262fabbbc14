/*
 * The receiving session. The input is options, the answers of the sink, then
 * what the client sends. It is run at once, a byte at a time, and with a sink
 * that answers only when all is there; all three must say the same. Then the
 * dialog is walked with a grammar of its own: each line of the client has its
 * one reply in order, and each message is what stands between its 354 and the
 * first CRLF.CRLF behind it, so that nothing is smuggled (RFC 5321 4.1.1.4).
 */
#include "config.h"

#include "relay/smtp/server_fsm.h"

#include "relay/smtp/header.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGES 8 /* that are kept; the sink takes no more */
#define LINE_BYTES 2048 /* what a command may have with its CRLF */
#define CODE_TEXT 4
#define BYTES_MAX 512 /* of an input that is fed byte for byte */

enum { RUN_WHOLE, RUN_BYTES, RUN_LATE };
enum { SINK_TAKES, SINK_FULL, SINK_BROKEN, SINK_REFUSES };

struct world {
	struct server_opts o;
	uint8_t sink[MESSAGES]; /* answers, two bits: see above */
	int body_err; /* that the first message's body meets, or 0 */
	bool goodbye; /* at the end */
};

struct message {
	struct buf body;
	bool whole, aborted;
	size_t n_rcpts;
};

struct run {
	const struct world *w;
	struct server_fsm *f;
	struct buf out;
	struct message messages[MESSAGES];
	size_t n;
	bool open; /* the last of them */
	bool closed;
};

static enum server_want
begin(struct run *r)
{
	struct sink_envelope env;
	int err = 0;

	FUZZ_CHECK(!r->open);
	server_fsm_envelope(r->f, &env);
	FUZZ_CHECK(env.n_rcpts > 0 && env.n_rcpts <= r->w->o.max_rcpts);
	FUZZ_CHECK(fuzz_is_printable(str_of(env.sender), ""));
	for (size_t i = 0; i < env.n_rcpts; i++) {
		FUZZ_CHECK(fuzz_is_printable(str_of(env.rcpts[i].addr), ""));
		FUZZ_CHECK(env.rcpts[i].next_hop[0] != '\0');
	}
	if (r->n == MESSAGES || r->w->sink[r->n] == SINK_FULL)
		err = ERR_FULL;
	else if (r->w->sink[r->n] == SINK_BROKEN)
		err = ERR_IO;
	if (!err) {
		r->messages[r->n].n_rcpts = env.n_rcpts;
		buf_init(&r->messages[r->n++].body, 1u << 20);
		r->open = true;
	} else if (r->n < MESSAGES) {
		/* Its turn is over too. */
		buf_init(&r->messages[r->n].body, 1);
		r->messages[r->n++].aborted = true;
	}
	return server_fsm_begun(r->f, err, &r->out);
}

static enum server_want
end(struct run *r)
{
	bool refuses = r->w->sink[r->n - 1] == SINK_REFUSES;

	FUZZ_CHECK(r->open);
	r->open = false;
	r->messages[r->n - 1].whole = true;
	return server_fsm_replied(r->f, refuses ? 554 : 250,
	    refuses ? "5.6.0" : "2.0.0", "said the sink", &r->out);
}

static enum server_want
take_body(struct run *r)
{
	struct str body = server_fsm_body(r->f);

	FUZZ_CHECK(r->open && body.n > 0);
	if (r->n == 1 && r->w->body_err) {
		r->open = false;
		r->messages[0].aborted = true;
		server_fsm_body_failed(r->f, r->w->body_err);
	} else {
		buf_add_str(&r->messages[r->n - 1].body, body);
	}
	return server_fsm_step(r->f, STR(""), &r->out);
}

/* Does what is wanted until that is input, or an answer of the sink when
 * late. */
static enum server_want
obey(struct run *r, enum server_want want, bool late)
{
	for (;;) {
		switch (want) {
		case SERVER_WANT_BEGIN:
			if (late)
				return want;
			want = begin(r);
			break;
		case SERVER_WANT_END:
			if (late)
				return want;
			want = end(r);
			break;
		case SERVER_WANT_BODY:
			want = take_body(r);
			break;
		case SERVER_WANT_ABORT:
			FUZZ_CHECK(r->open);
			r->open = false;
			r->messages[r->n - 1].aborted = true;
			want = server_fsm_step(r->f, STR(""), &r->out);
			break;
		case SERVER_WANT_CLOSE:
			r->closed = true;
			return want;
		case SERVER_WANT_INPUT:
			return want;
		}
	}
}

static enum server_want
step(struct run *r, struct str data)
{
	bool was_closed = r->closed;
	size_t at = r->out.n;
	char *exact = fuzz_exact(data);
	enum server_want want = server_fsm_step(
	    r->f, str_n(exact, data.n), &r->out);

	free(exact);
	/* Nothing is written or wanted behind CLOSE. */
	if (was_closed)
		FUZZ_CHECK(want == SERVER_WANT_CLOSE && r->out.n == at);
	return want;
}

/* All input is given while the sink does not answer. */
static void
run_late(struct run *r, struct str input)
{
	enum server_want want = SERVER_WANT_INPUT;

	while (input.n > 0 || want == SERVER_WANT_BEGIN ||
	    want == SERVER_WANT_END) {
		struct str now = str_n(input.p, input.n < 7 ? input.n : 7);

		input = str_skip(input, now.n);
		if (want == SERVER_WANT_BEGIN || want == SERVER_WANT_END) {
			size_t at = r->out.n;

			if (now.n > 0) {
				FUZZ_CHECK(step(r, now) == SERVER_WANT_INPUT);
				FUZZ_CHECK(r->out.n == at);
				continue;
			}
			want = obey(r, want, false);
			continue;
		}
		want = obey(r, step(r, now), true);
	}
}

/* Byte for byte, or in small pieces where that would take too long. */
static void
run_pieces(struct run *r, struct str input)
{
	size_t most = input.n <= BYTES_MAX ? 1 : 13;

	for (size_t i = 0; input.n > 0; i++) {
		size_t n = i % most + 1;
		struct str now = str_n(input.p, n < input.n ? n : input.n);

		(void)obey(r, step(r, now), false);
		input = str_skip(input, now.n);
	}
}

static void
run(struct run *r, const struct world *w, struct str input, int mode)
{
	enum server_want want;

	memset(r, 0, sizeof(*r));
	r->w = w;
	buf_init(&r->out, 1u << 20);
	r->f = server_fsm_new(&w->o);
	want = server_fsm_start(r->f, &r->out);
	r->closed = want == SERVER_WANT_CLOSE;
	FUZZ_CHECK(r->closed == !w->o.may_relay);
	if (mode == RUN_WHOLE) {
		(void)obey(r, step(r, input), false);
	} else if (mode == RUN_LATE && !r->closed) {
		run_late(r, input);
	} else {
		run_pieces(r, input);
	}
	if (w->goodbye) {
		FUZZ_CHECK(server_fsm_goodbye(r->f, "4.3.2", "bye", &r->out) ==
		    SERVER_WANT_CLOSE);
		r->closed = true;
		(void)step(r, STR("NOOP\r\n"));
	}
	FUZZ_CHECK(server_fsm_helo(r->f) != NULL);
}

static void
clear(struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_clear(&r->messages[i].body);
	buf_clear(&r->out);
	server_fsm_free(r->f);
}

/* A void message may be so for several reasons, and pieces show one of them
 * first. */
static void
add_normal(struct buf *out, struct str replies)
{
	struct str line;

	while (str_cut(&replies, '\n', &line)) {
		if (str_starts(line, STR("550 5.6.0")) ||
		    str_starts(line, STR("552 5.3.4")) ||
		    str_starts(line, STR("452 4.3.1")) ||
		    str_starts(line, STR("451 4.3.0")))
			line = STR("550 void\r");
		buf_add_str(out, line);
		buf_add_char(out, '\n');
	}
}

static void
check_same(const struct run *a, const struct run *b)
{
	struct buf x, y;

	buf_init(&x, 1u << 20);
	buf_init(&y, 1u << 20);
	add_normal(&x, buf_str(&a->out));
	add_normal(&y, buf_str(&b->out));
	FUZZ_CHECK(str_eq(buf_str(&x), buf_str(&y)));
	FUZZ_CHECK(a->n == b->n && a->closed == b->closed);
	FUZZ_CHECK(a->w->body_err ||
	    server_fsm_errors(a->f) == server_fsm_errors(b->f));
	for (size_t i = 0; i < a->n; i++) {
		const struct message *m = &a->messages[i];
		const struct message *o = &b->messages[i];

		FUZZ_CHECK(m->whole == o->whole && m->aborted == o->aborted);
		FUZZ_CHECK(m->n_rcpts == o->n_rcpts);
		if (m->whole)
			FUZZ_CHECK(
			    str_eq(buf_str(&m->body), buf_str(&o->body)));
	}
	buf_clear(&x);
	buf_clear(&y);
}

/* The next reply off *out, of one line or more; its code. */
static int
next_reply(struct str *out)
{
	struct str line;
	int code = 0;
	bool more = true;

	while (more && str_cut(out, '\n', &line)) {
		/* RFC 5321 4.5.3.1.5 */
		FUZZ_CHECK(line.n > CODE_TEXT && line.n <= 511);
		FUZZ_CHECK(line.p[line.n - 1] == '\r');
		line.n--;
		FUZZ_CHECK(fuzz_is_printable(line, ""));
		code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 +
		    line.p[2] - '0';
		FUZZ_CHECK(code >= 200 && code < 600);
		FUZZ_CHECK(line.p[3] == ' ' || line.p[3] == '-');
		more = line.p[3] == '-';
	}
	return code;
}

/* Offset of what in s, or s.n. */
static size_t
find(struct str s, const char *what)
{
	struct str w = str_of(what);

	for (size_t i = 0; i + w.n <= s.n; i++) {
		if (str_starts(str_skip(s, i), w))
			return i;
	}
	return s.n;
}

static bool
has_bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			return true;
		if (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n'))
			return true;
	}
	return false;
}

/* The text of a message without its dots, lines that end in CRLF. */
static void
unstuff(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && (i == 0 || s.p[i - 1] == '\n'))
			continue;
		buf_add_char(out, s.p[i]);
	}
}

/* Message i is text, and code its reply; code 0: there is none yet. */
static void
check_message(const struct run *r, size_t i, struct str text, int code)
{
	const struct message *m = &r->messages[i];
	bool ok = !has_bare(text);
	struct buf want;

	FUZZ_CHECK(i < r->n);
	buf_init(&want, 1u << 20);
	unstuff(text, &want);
	ok = ok && want.n <= r->w->o.max_size;
	if (i == 0 && r->w->body_err && want.n > 0) {
		FUZZ_CHECK(m->aborted && !m->whole);
		FUZZ_CHECK(
		    code == 550 || code == 552 || code == 451 || code == 452);
	} else if (ok) {
		FUZZ_CHECK(m->whole && !m->aborted);
		FUZZ_CHECK(str_eq(buf_str(&m->body), buf_str(&want)));
		FUZZ_CHECK(code == (r->w->sink[i] == SINK_REFUSES ? 554 : 250));
	} else {
		FUZZ_CHECK(m->aborted && !m->whole);
		FUZZ_CHECK(code == 550 || code == 552);
	}
	buf_clear(&want);
}

/* Takes the message at the front of *in, false when its end is not there. */
static bool
walk_message(const struct run *r, size_t i, struct str *in, struct str *out)
{
	size_t end = 0;

	if (!str_starts(*in, STR(".\r\n"))) {
		end = find(*in, "\r\n.\r\n");
		if (end == in->n) {
			FUZZ_CHECK(!r->messages[i].whole);
			return false;
		}
		end += 2;
	}
	check_message(r, i, str_n(in->p, end), next_reply(out));
	*in = str_skip(*in, end + 3);
	return true;
}

/* The reply to one line; false: nothing comes behind it. */
static bool
walk_line(const struct run *r, struct str line, bool whole, struct str *out,
    int *code)
{
	bool bad = has_bare(line) || line.n + 2 > LINE_BYTES;

	if (!whole) {
		/* A line that is bad already is answered before its end. */
		bad = line.n >= LINE_BYTES;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		bad = bad || has_bare(line);
		if (bad)
			FUZZ_CHECK(next_reply(out) == 500);
		return false;
	}
	*code = next_reply(out);
	if (bad)
		FUZZ_CHECK(*code == 500);
	return !(r->closed && (out->n == 0 || str_starts(*out, STR("421"))));
}

/* Is the next reply a no of the sink to message i? */
static bool
is_refused(const struct run *r, size_t i, struct str out)
{
	return i < r->n && r->messages[i].n_rcpts == 0 &&
	    (str_starts(out, STR("452 4.3.1 ")) ||
		str_starts(out, STR("451 4.3.0 ")));
}

/* Lines and replies side by side. */
static void
walk(const struct run *r, struct str in)
{
	struct str out = buf_str(&r->out);
	bool more = true;
	size_t i = 0;
	int code = next_reply(&out);

	FUZZ_CHECK(code == (r->w->o.may_relay ? 220 : 554));
	more = r->w->o.may_relay;
	while (more && in.n > 0) {
		size_t n = find(in, "\r\n");

		/* The sink had its turn. */
		if (n < in.n && is_refused(r, i, out))
			i++;
		more = walk_line(r, str_n(in.p, n), n < in.n, &out, &code);
		in = str_skip(in, n + 2);
		if (!more)
			break;
		if (code == 354)
			more = walk_message(r, i++, &in, &out);
	}
	if (r->closed && str_starts(out, STR("421")))
		(void)next_reply(&out);
	FUZZ_CHECK(out.n == 0);
}

static void
take_world(struct fuzz_in *in, struct world *w)
{
	static const uint64_t sizes[] = {20, 100, 1000, 1u << 20};
	static const int errors[] = {ERR_TOOBIG, ERR_FULL, ERR_IO, ERR_BUSY};
	uint8_t b = fuzz_take_byte(in);
	unsigned sink = (unsigned)fuzz_take_number(in, 2);

	memset(w, 0, sizeof(*w));
	w->o = (struct server_opts){.hostname = "relay.example",
	    .client = "192.0.2.1",
	    .may_relay = (b & 0xc0) != 0xc0,
	    .max_size = sizes[b & 3],
	    .max_rcpts = b & 4 ? 100 : 2,
	    .max_errors = b & 8 ? 20 : 2};
	w->goodbye = b & 16;
	for (size_t i = 0; i < MESSAGES; i++)
		w->sink[i] = (uint8_t)(sink >> 2 * i & 3);
	if (b & 32) {
		w->body_err = errors[w->sink[MESSAGES - 1]];
		/* What it is answered by counts as an error or not. */
		w->o.max_errors = 1000;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct world w;
	struct run a, b;
	struct str input;

	take_world(&in, &w);
	input = fuzz_rest(&in);
	run(&a, &w, input, RUN_WHOLE);
	for (int mode = RUN_BYTES; mode <= RUN_LATE; mode++) {
		run(&b, &w, input, mode);
		check_same(&a, &b);
		clear(&b);
	}
	walk(&a, input);
	clear(&a);
	return 0;
}
