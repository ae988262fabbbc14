/*
 * The sending session as a sequence of events. The input is one byte of
 * options, then what the peer sends, with the bytes below 0x0e (but for CR,
 * LF and TAB) as events. It is run three times: as it is, a byte at a time
 * and with the marks of SPLIT passed over. All three must come to the same
 * bytes on the wire and the same results; the first is also watched.
 */
#include "config.h"

#include "relay/smtp/client_fsm.h"
#include "tests/fuzz/fuzz.h"

enum {
	OP_CONNECTED = 1,
	OP_TLS_OK,
	OP_TLS_FAILED,
	OP_CLOSED,
	OP_TIMEOUT,
	OP_BODY_SENT,
	OP_MAIL,
	OP_QUIT,
	OP_SPLIT = 0x0b,
	OP_REPEAT = 0x0c /* what came since the last event, again and again */
};

/* What the k-th reply of the peer answers. */
struct question {
	const char *stage; /* as in the results; "" for those without */
	size_t rcpt;
	unsigned txn;
};

enum { RUN_AS_IS, RUN_BYTES, RUN_WHOLE };

#define REPEATS 4 /* in one input */
#define TIMES 64 /* that one of them repeats: fills all that has a limit */
#define REPEAT_MAX 70000 /* bytes that it comes to */
#define BYTES_MAX 512 /* of one piece that is fed byte for byte */
#define RCPTS 3
#define QUESTIONS 128 /* that are noted */
#define PEER_MAX 16384 /* bytes of the peer that are */

struct run {
	struct client_fsm *f;
	struct client_opts o;
	struct client_txn txn;
	int mode;
	struct buf out; /* all that was sent */
	struct buf piece; /* bytes of the peer since the last event */
	size_t mark; /* where OP_REPEAT begins in them */
	unsigned repeats;
	bool ready; /* for a transaction */
	bool quit; /* was said */
	bool tls_asked, tls_ok; /* the handshake */
	bool in_txn, began; /* a transaction runs; there was one */
	bool body_asked, body_sent; /* in this transaction */
	bool closed; /* the peer went away in it */
	struct client_rcpt_result kept[RCPTS]; /* what TXN_DONE came with */
	bool done;
	struct question asked[QUESTIONS];
	size_t n_asked;
	unsigned txns;
	struct buf peer; /* all that it said */
};

static const char *const rcpts[RCPTS] = {
    "one@example.com", "two@example.com", "\"three 3\"@[192.0.2.1]"};

static void
check_result(const struct run *r, const struct client_rcpt_result *x)
{
	FUZZ_CHECK(x->stage != NULL);
	switch (x->state) {
	case CLIENT_RCPT_NONE:
		/* No fate only where the session failed, and says how. */
		FUZZ_CHECK(client_fsm_over(r->f));
		FUZZ_CHECK(client_fsm_failure(r->f) != CLIENT_OK);
		break;
	case CLIENT_RCPT_ACCEPTED:
		FUZZ_CHECK(x->reply && reply_class(x->reply) == 2);
		FUZZ_CHECK(r->body_asked && r->body_sent);
		break;
	case CLIENT_RCPT_REPLY:
		FUZZ_CHECK(x->reply != NULL);
		FUZZ_CHECK(reply_class(x->reply) >= 4);
		break;
	case CLIENT_RCPT_LOCAL:
		FUZZ_CHECK(x->local_dsn && x->local_text);
		FUZZ_CHECK(!r->body_asked);
		break;
	case CLIENT_RCPT_UNCERTAIN:
		FUZZ_CHECK(r->body_sent && r->closed && !x->reply);
		break;
	}
}

static void
note(struct run *r, const char *stage, size_t rcpt)
{
	if (r->n_asked < QUESTIONS)
		r->asked[r->n_asked] = (struct question){stage, rcpt, r->txns};
	r->n_asked++;
}

/* Which reply answers this about recipient i; n_asked: none. */
static size_t
question_of(const struct run *r, const char *stage, size_t i)
{
	size_t k;

	for (k = 0; k < r->n_asked; k++) {
		const struct question *q = &r->asked[k];

		if (q->txn == r->txns && strcmp(q->stage, stage) == 0 &&
		    (q->rcpt == i || strcmp(stage, "RCPT") != 0))
			break;
	}
	return k;
}

/* The k-th reply of the peer; clear it. */
static void
read_reply(const struct run *r, size_t k, struct reply *out)
{
	struct str rest = buf_str(&r->peer);
	size_t used;

	reply_init(out);
	for (size_t at = 0; at <= k; at++) {
		FUZZ_CHECK(reply_parse(rest, out, &used) == 0);
		rest = str_skip(rest, used);
	}
}

/* The reply that recipient i was told is the one to its own question. */
static void
check_whose(const struct run *r, size_t i, const struct client_rcpt_result *x)
{
	struct reply reply;
	size_t k;

	/* 421 answers all that is left: RFC 5321 3.8 */
	if (!x->reply || x->reply->code == 421 || r->mode != RUN_AS_IS ||
	    r->peer.full || r->n_asked > QUESTIONS)
		return;
	k = question_of(r, x->stage, i);
	/* 354 and a refusal of the body may have come in one piece; nothing
	 * was asked for in between. */
	if (k == r->n_asked)
		FUZZ_CHECK(strcmp(x->stage, "end of data") == 0 &&
		    strcmp(r->asked[k - 1].stage, "DATA") == 0);
	read_reply(r, k, &reply);
	FUZZ_CHECK(x->reply->code == reply.code);
	FUZZ_CHECK(str_eq(buf_str(&x->reply->text), buf_str(&reply.text)));
	reply_clear(&reply);
	if (strcmp(x->stage, "MAIL") == 0 || strcmp(x->stage, "RCPT") == 0)
		return;
	/* What became of the data holds for those alone who were accepted. */
	read_reply(r, question_of(r, "RCPT", i), &reply);
	FUZZ_CHECK(reply_class(&reply) == 2);
	reply_clear(&reply);
}

static void
check_results(struct run *r)
{
	for (size_t i = 0; i < r->txn.n_rcpts; i++) {
		struct client_rcpt_result x;

		client_fsm_result(r->f, i, &x);
		check_result(r, &x);
		check_whose(r, i, &x);
		/* What was final stays so. */
		if (r->done) {
			FUZZ_CHECK(x.state == r->kept[i].state);
			FUZZ_CHECK(x.reply == r->kept[i].reply);
		}
		r->kept[i] = x;
	}
	r->in_txn = false;
	r->done = true;
}

/* A command that carries the message: never in clear where it must not. */
static void
check_mail(const struct run *r, struct str line)
{
	FUZZ_CHECK(r->in_txn);
	FUZZ_CHECK(r->o.tls != CLIENT_TLS_MUST || r->tls_ok);
	FUZZ_CHECK(!r->o.requiretls || r->tls_ok);
	FUZZ_CHECK(!r->tls_asked || r->tls_ok);
	if (str_starts(line, STR("MAIL ")) && r->o.requiretls)
		FUZZ_CHECK(str_ends_ci(line, STR(" REQUIRETLS")));
}

/* One command, without its end: allowed where it stands? */
static void
check_command(const struct run *r, struct str line)
{
	FUZZ_CHECK(fuzz_is_printable(line, ""));
	if (str_starts(line, STR("MAIL ")) || str_starts(line, STR("RCPT ")) ||
	    str_eq(line, STR("DATA")))
		check_mail(r, line);
	else if (str_eq(line, STR("STARTTLS")))
		FUZZ_CHECK(!r->tls_ok && r->o.tls != CLIENT_TLS_NONE);
	else if (str_eq(line, STR(".")))
		FUZZ_CHECK(r->in_txn && !r->body_asked);
	else
		FUZZ_CHECK(str_starts(line, STR("EHLO ")) ||
		    str_starts(line, STR("HELO ")) ||
		    str_eq(line, STR("RSET")) || str_eq(line, STR("QUIT")));
}

/* Each command has one reply, in their order. */
static void
note_command(struct run *r, struct str line)
{
	size_t i = 0;

	if (str_starts(line, STR("MAIL "))) {
		note(r, "MAIL", 0);
	} else if (str_starts(line, STR("RCPT "))) {
		while (i < r->n_asked && i < QUESTIONS &&
		    (r->asked[i].txn != r->txns ||
			strcmp(r->asked[i].stage, "MAIL") != 0))
			i++;
		note(r, "RCPT", r->n_asked - i - 1);
	} else if (str_eq(line, STR("DATA"))) {
		note(r, "DATA", 0);
	} else {
		note(r, str_eq(line, STR(".")) ? "end of data" : "", 0);
	}
}

/* The bytes of one step are whole commands; nothing comes behind QUIT. */
static void
check_sent(struct run *r, struct str sent)
{
	struct str line;

	FUZZ_CHECK(sent.n == 0 || str_ends_ci(sent, STR("\r\n")));
	while (sent.n > 0 && str_cut(&sent, '\n', &line)) {
		FUZZ_CHECK(line.n > 0 && line.p[line.n - 1] == '\r');
		line.n--;
		FUZZ_CHECK(!r->quit);
		r->quit = str_eq(line, STR("QUIT"));
		check_command(r, line);
		note_command(r, line);
	}
}

/* Ready for a message, so there is TLS where there must be. */
static void
check_ready(struct run *r)
{
	FUZZ_CHECK(r->tls_ok || r->o.tls != CLIENT_TLS_MUST);
	FUZZ_CHECK(r->tls_ok || !r->o.requiretls);
	r->ready = true;
}

/* What one step came to. was_over: before it; at: bytes sent before it. */
static void
check_step(struct run *r, enum client_want want, bool was_over, size_t at)
{
	const struct reply *reply = client_fsm_reply(r->f);

	FUZZ_CHECK(!was_over || (want == CLIENT_OVER && r->out.n == at));
	FUZZ_CHECK(client_fsm_over(r->f) == (want == CLIENT_OVER));
	FUZZ_CHECK(!reply || (reply->code >= 200 && reply->code <= 599));
	FUZZ_CHECK((unsigned)client_fsm_timer(r->f) <= CLIENT_T_QUIT);
	if (want == CLIENT_WANT_STARTTLS) {
		FUZZ_CHECK(!r->tls_asked && r->o.tls != CLIENT_TLS_NONE);
		r->tls_asked = true;
	}
	check_sent(r, str_skip(buf_str(&r->out), at));
	if (want == CLIENT_WANT_BODY) {
		FUZZ_CHECK(r->in_txn && !r->body_asked);
		r->body_asked = true;
		note(r, "end of data", 0);
	}
	FUZZ_CHECK(want != CLIENT_TXN_DONE || r->in_txn);
	if (want == CLIENT_TXN_DONE || (r->began && want == CLIENT_OVER))
		check_results(r);
	if (want == CLIENT_WANT_TXN || want == CLIENT_TXN_DONE)
		check_ready(r);
}

static void
step(struct run *r, enum client_event_kind kind, struct str data, int err)
{
	struct client_event ev = {.kind = kind, .data = data, .err = err};
	bool was_over = client_fsm_over(r->f), shaking;
	unsigned before = client_fsm_replies(r->f);
	size_t at = r->out.n;
	enum client_want want;

	shaking = r->tls_asked && !r->tls_ok;
	if (kind == CLIENT_EV_TLS_OK && shaking && !was_over)
		r->tls_ok = true;
	if (kind == CLIENT_EV_BODY_SENT && r->body_asked && r->in_txn)
		r->body_sent = true;
	if (kind == CLIENT_EV_CLOSED && r->in_txn)
		r->closed = true;
	want = client_fsm_step(r->f, &ev, &r->out);
	/* RFC 3207 4.2: bytes before the handshake are an attack. */
	if (shaking && kind == CLIENT_EV_DATA && data.n > 0 && !was_over)
		FUZZ_CHECK(client_fsm_failure(r->f) == CLIENT_FAIL_PROTOCOL);
	FUZZ_CHECK(client_fsm_replies(r->f) >= before);
	check_step(r, want, was_over, at);
}

static void
feed(struct run *r, struct str now)
{
	char *exact = fuzz_exact(now);

	if (r->mode == RUN_AS_IS)
		buf_add_str(&r->peer, now);
	step(r, CLIENT_EV_DATA, str_n(exact, now.n), 0);
	free(exact);
}

/* Gives the peer's bytes to the machine, in the way of this run. */
static void
flush(struct run *r)
{
	struct str s = buf_str(&r->piece);
	size_t most = s.n > 8 * BYTES_MAX ? s.n / 3 : 13;

	if (s.n <= BYTES_MAX)
		most = 1;
	for (size_t i = 0; s.n > 0; i++) {
		size_t n = i % most + 1;
		struct str now;

		if (r->mode != RUN_BYTES)
			n = s.n;
		else if (s.n > 8 * BYTES_MAX)
			n = most;
		now = str_n(s.p, n < s.n ? n : s.n);
		feed(r, now);
		s = str_skip(s, now.n);
	}
	buf_reset(&r->piece);
	r->mark = 0;
}

static void
start_mail(struct run *r)
{
	bool was_over = client_fsm_over(r->f);
	size_t at = r->out.n;

	/* The contract: when it was asked for, and not behind QUIT. */
	if (!r->ready)
		return;
	r->ready = false;
	if (!was_over) {
		r->in_txn = r->began = true;
		r->txns++;
		r->body_asked = r->body_sent = r->closed = r->done = false;
	}
	check_step(r, client_fsm_mail(r->f, &r->txn, &r->out), was_over, at);
}

static void
quit(struct run *r)
{
	bool was_over = client_fsm_over(r->f);
	size_t at = r->out.n;

	r->ready = false;
	check_step(r, client_fsm_quit(r->f, &r->out), was_over, at);
}

static void
repeat(struct run *r)
{
	struct str once = str_skip(buf_str(&r->piece), r->mark);
	char *copy = fuzz_exact(once);

	if (r->repeats++ < REPEATS) {
		for (size_t i = 1; i < TIMES && i * once.n < REPEAT_MAX; i++)
			buf_add(&r->piece, copy, once.n);
	}
	free(copy);
}

static void
event(struct run *r, uint8_t op)
{
	if (op == OP_SPLIT && r->mode == RUN_WHOLE) {
		r->mark = r->piece.n;
		return;
	}
	if (op == OP_REPEAT) {
		repeat(r);
		return;
	}
	flush(r);
	if (op == OP_CONNECTED)
		step(r, CLIENT_EV_CONNECTED, STR(""), 0);
	else if (op == OP_TLS_OK)
		step(r, CLIENT_EV_TLS_OK, STR(""), 0);
	else if (op == OP_TLS_FAILED)
		step(r, CLIENT_EV_TLS_FAILED, STR(""), 0);
	else if (op == OP_CLOSED)
		step(r, CLIENT_EV_CLOSED, STR(""), ERR_CLOSED);
	else if (op == OP_TIMEOUT)
		step(r, CLIENT_EV_CLOSED, STR(""), ERR_TIMEOUT);
	else if (op == OP_BODY_SENT)
		step(r, CLIENT_EV_BODY_SENT, STR(""), 0);
	else if (op == OP_MAIL)
		start_mail(r);
	else if (op == OP_QUIT)
		quit(r);
}

static bool
is_event(uint8_t c)
{
	return (c >= OP_CONNECTED && c <= OP_QUIT) || c == OP_SPLIT ||
	    c == OP_REPEAT;
}

/* All that an onlooker knows at the end. */
static void
sum_up(struct run *r)
{
	const struct reply *reply = client_fsm_reply(r->f);

	buf_addf(&r->out, "over %d failure %s timer %d replies %u reply %d\n",
	    client_fsm_over(r->f), client_fail_str(client_fsm_failure(r->f)),
	    (int)client_fsm_timer(r->f), client_fsm_replies(r->f),
	    reply ? reply->code : 0);
	for (size_t i = 0; r->began && i < r->txn.n_rcpts; i++) {
		struct client_rcpt_result x;

		client_fsm_result(r->f, i, &x);
		buf_addf(&r->out, "%d %s %d %s\n", (int)x.state, x.stage,
		    x.reply ? x.reply->code : 0,
		    x.local_dsn ? x.local_dsn : "");
	}
}

static void
run(struct run *r, int mode, uint8_t options, struct fuzz_in in)
{
	memset(r, 0, sizeof(*r));
	r->mode = mode;
	r->o = (struct client_opts){.helo = "relay.example",
	    .tls = (enum client_tls)((options & 3) % 3),
	    .requiretls = options & 4};
	r->txn = (struct client_txn){
	    .sender = options & 8 ? "me@example.org" : "",
	    .rcpts = rcpts,
	    .n_rcpts = (size_t)(options >> 6) % RCPTS + 1,
	    .size = 1000,
	    .eightbit = options & 16,
	    .smtputf8 = options & 32};
	buf_init(&r->out, 1u << 20);
	buf_init(&r->piece, 1u << 20);
	buf_init(&r->peer, PEER_MAX);
	note(r, "", 0); /* the greeting */
	r->f = client_fsm_new(&r->o);
	while (in.n > 0) {
		uint8_t c = fuzz_take_byte(&in);

		if (is_event(c))
			event(r, c);
		else
			buf_add_char(&r->piece, (char)c);
	}
	flush(r);
	sum_up(r);
	client_fsm_free(r->f);
	buf_clear(&r->piece);
	buf_clear(&r->peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint8_t options = fuzz_take_byte(&in);
	struct run a, b;

	run(&a, RUN_AS_IS, options, in);
	for (int mode = RUN_BYTES; mode <= RUN_WHOLE; mode++) {
		run(&b, mode, options, in);
		FUZZ_CHECK(str_eq(buf_str(&a.out), buf_str(&b.out)));
		buf_clear(&b.out);
	}
	buf_clear(&a.out);
	return 0;
}
