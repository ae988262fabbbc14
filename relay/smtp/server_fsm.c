/*
 * The receiving side of one SMTP session, RFC 5321 3 and 4. Bytes wait in one
 * buffer and are taken a command or a piece of body at a time; while the sink
 * is asked (BEGIN, END) nothing is taken, so that replies keep the order of
 * the commands (RFC 2920 3.2). A message that turns out void is read to its
 * final dot without being kept, and gets its one reply there.
 *
 * A greeting that refuses and the reply to EHLO carry no enhanced code of
 * RFC 2034 but in their text.
 */
#include "config.h"

#include "relay/smtp/server_fsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/smtp/cmd.h"
#include "relay/smtp/dot.h"
#include "relay/smtp/line.h"

/* RFC 5321 4.5.3.1.4 says 512 and leaves more to extensions. */
#define LINE_BYTES 2048
#define IN_BYTES ((size_t)4 << 20) /* waiting bytes; a flood beyond ends it */

enum server_state {
	ST_START,
	ST_COMMAND, /* reads commands */
	ST_SKIP, /* drops the rest of a bad line */
	ST_BEGIN, /* the sink is asked for a message */
	ST_BODY,
	ST_BODY_LAST, /* the last body bytes are out, the dot was read */
	ST_END, /* the sink has the whole message */
	ST_DRAIN, /* void message: reads to the final dot */
	ST_DRAIN_LAST, /* void message: the dot was read */
	ST_CLOSED
};

static const char too_big[] = "5.3.4 Message is too big";

#define TO(s) (1u << (s))
/* Legal transitions. ST_CLOSED may come from anywhere. */
static const unsigned legal[] = {
    [ST_START] = TO(ST_COMMAND),
    [ST_COMMAND] = TO(ST_SKIP) | TO(ST_BEGIN),
    [ST_SKIP] = TO(ST_COMMAND),
    [ST_BEGIN] = TO(ST_BODY) | TO(ST_COMMAND),
    [ST_BODY] = TO(ST_BODY_LAST) | TO(ST_DRAIN) | TO(ST_DRAIN_LAST),
    [ST_BODY_LAST] = TO(ST_END) | TO(ST_DRAIN_LAST),
    [ST_END] = TO(ST_COMMAND),
    [ST_DRAIN] = TO(ST_DRAIN_LAST),
    [ST_DRAIN_LAST] = TO(ST_COMMAND),
    [ST_CLOSED] = 0,
};

struct server_fsm {
	enum server_state state;
	struct server_opts o;
	char *hostname, *client;
	struct buf in, body;
	size_t taken; /* bytes of in that are done with */
	struct dot_in dot;
	char helo[DOMAIN_MAX + 8];
	bool greeted, esmtp;
	bool in_mail; /* MAIL was accepted */
	char sender[ADDR_MAX];
	uint32_t flags;
	struct rcpt_in *rcpts;
	size_t n_rcpts, cap_rcpts;
	uint64_t size; /* bytes of the body so far */
	int void_code; /* reply for a void message */
	const char *void_text;
	unsigned errors;
};

static void
server_set_state(struct server_fsm *f, enum server_state to)
{
	if (to != ST_CLOSED && !(legal[f->state] & TO(to)))
		BUG("server state %d to %d", (int)f->state, (int)to);
	f->state = to;
}

struct server_fsm *
server_fsm_new(const struct server_opts *o)
{
	struct server_fsm *f = xcalloc(1, sizeof(*f));

	f->o = *o;
	f->hostname = xstrdup(o->hostname);
	f->client = xstrdup(o->client);
	f->o.hostname = f->hostname;
	f->o.client = f->client;
	buf_init(&f->in, IN_BYTES);
	buf_init(&f->body, 2 * IN_BYTES);
	return f;
}

void
server_fsm_free(struct server_fsm *f)
{
	if (!f)
		return;
	free(f->hostname);
	free(f->client);
	free(f->rcpts);
	buf_clear(&f->in);
	buf_clear(&f->body);
	free(f);
}

static enum server_want
close_now(struct server_fsm *f)
{
	server_set_state(f, ST_CLOSED);
	buf_clear(&f->in);
	f->taken = 0;
	return SERVER_WANT_CLOSE;
}

/* text: "5.5.1 words", without the reply code. */
static void
put_reply(struct server_fsm *f, struct buf *out, int code, const char *text)
{
	f->errors += code >= 500;
	buf_addf(out, "%d %s\r\n", code, text);
}

static void
reset_transaction(struct server_fsm *f)
{
	f->in_mail = false;
	f->n_rcpts = 0;
	f->flags = 0;
	f->size = 0;
	f->sender[0] = '\0';
	f->void_code = 0;
}

enum server_want
server_fsm_start(struct server_fsm *f, struct buf *out)
{
	if (!f->o.may_relay) {
		/* RFC 5321 3.1: 554 in place of the greeting */
		buf_addf(out,
		    "554 5.7.1 %s: relaying not permitted for %s: add it to "
		    "networks\r\n",
		    f->hostname, f->client);
		return close_now(f);
	}
	buf_addf(out, "220 %s ESMTP waxseal\r\n", f->hostname);
	server_set_state(f, ST_COMMAND);
	return SERVER_WANT_INPUT;
}

static void
do_hello(struct server_fsm *f, const struct cmd *c, struct buf *out)
{
	if (c->problem != CMD_FINE) {
		put_reply(f, out, 501, "5.5.4 A host name is wanted here");
		return;
	}
	/* RFC 5321 4.1.4: a second EHLO acts as RSET. */
	reset_transaction(f);
	f->greeted = true;
	f->esmtp = c->verb == CMD_EHLO;
	memcpy(f->helo, c->helo, sizeof(f->helo));
	if (!f->esmtp) {
		buf_addf(out, "250 %s\r\n", f->hostname);
		return;
	}
	buf_addf(out,
	    "250-%s\r\n250-PIPELINING\r\n250-SIZE %llu\r\n250-8BITMIME\r\n"
	    "250 ENHANCEDSTATUSCODES\r\n",
	    f->hostname, (unsigned long long)f->o.max_size);
}

/* Replies when the arguments are wrong; false when they are fine. */
static bool
refuse_problem(struct server_fsm *f, const struct cmd *c, struct buf *out)
{
	const char *text;
	int code = cmd_refusal(c, f->esmtp, &text);

	if (code)
		put_reply(f, out, code, text);
	return code != 0;
}

static void
do_mail(struct server_fsm *f, const struct cmd *c, struct buf *out)
{
	if (f->in_mail) {
		put_reply(f, out, 503, "5.5.1 A message has begun already");
		return;
	}
	if (refuse_problem(f, c, out))
		return;
	if (c->size > f->o.max_size) {
		/* RFC 1870 6.1 */
		put_reply(f, out, 552, too_big);
		return;
	}
	reset_transaction(f);
	f->in_mail = true;
	memcpy(f->sender, c->addr, sizeof(f->sender));
	if (c->eightbit)
		f->flags |= MSG_8BIT;
	put_reply(f, out, 250, "2.1.0 Sender ok");
}

static bool
has_rcpt(const struct server_fsm *f, const char *addr)
{
	for (size_t i = 0; i < f->n_rcpts; i++) {
		if (strcmp(f->rcpts[i].addr, addr) == 0)
			return true;
	}
	return false;
}

static void
add_rcpt(struct server_fsm *f, const struct cmd *c)
{
	struct rcpt_in *r;

	if (f->n_rcpts == f->cap_rcpts) {
		f->cap_rcpts = f->cap_rcpts ? f->cap_rcpts * 2 : 4;
		f->rcpts = xrealloc(f->rcpts, f->cap_rcpts * sizeof(*f->rcpts));
	}
	r = &f->rcpts[f->n_rcpts++];
	memset(r, 0, sizeof(*r));
	memcpy(r->addr, c->addr, sizeof(r->addr));
	memcpy(r->next_hop, c->domain, sizeof(r->next_hop));
}

static void
do_rcpt(struct server_fsm *f, const struct cmd *c, struct buf *out)
{
	if (!f->in_mail) {
		put_reply(f, out, 503, "5.5.1 MAIL comes first");
		return;
	}
	if (refuse_problem(f, c, out))
		return;
	if (c->domain[0] == '\0') {
		/* <postmaster>: a relay has no mailboxes of its own. */
		put_reply(f, out, 550, "5.1.1 No mailboxes here, only relay");
		return;
	}
	if (has_rcpt(f, c->addr)) {
		put_reply(f, out, 250, "2.1.5 Recipient ok");
		return;
	}
	if (f->n_rcpts >= f->o.max_rcpts) {
		/* RFC 5321 4.5.3.1.10 */
		put_reply(f, out, 452, "4.5.3 Too many recipients");
		return;
	}
	add_rcpt(f, c);
	put_reply(f, out, 250, "2.1.5 Recipient ok");
}

static enum server_want
do_data(struct server_fsm *f, const struct cmd *c, struct buf *out)
{
	if (refuse_problem(f, c, out))
		return SERVER_WANT_INPUT;
	if (!f->in_mail) {
		put_reply(f, out, 503, "5.5.1 MAIL comes first");
		return SERVER_WANT_INPUT;
	}
	if (f->n_rcpts == 0) {
		/* RFC 5321 3.3 */
		put_reply(f, out, 554, "5.5.1 No valid recipients");
		return SERVER_WANT_INPUT;
	}
	server_set_state(f, ST_BEGIN);
	return SERVER_WANT_BEGIN;
}

/* Commands that have but one answer. */
static const struct {
	int code;
	const char *text;
	bool close;
} canned[] = {
    [CMD_NOOP] = {250, "2.0.0 OK", false},
    [CMD_VRFY] = {252, "2.0.0 Not known here, send it", false},
    [CMD_EXPN] = {502, "5.5.1 Command is not offered", false},
    [CMD_HELP] = {214, "2.0.0 waxseal relays mail: RFC 5321", false},
    [CMD_STARTTLS] = {502, "5.5.1 Command is not offered", false},
    [CMD_AUTH] = {502, "5.5.1 Command is not offered", false},
    /* Its chunk would be read as commands. */
    [CMD_BDAT] = {502, "5.5.1 BDAT is not offered", true},
    [CMD_HTTP] = {500, "5.5.1 This is no web server", true},
    [CMD_UNKNOWN] = {500, "5.5.1 Command not known", false},
};

/* Commands that need neither EHLO nor a transaction. WANT_INPUT: go on. */
static enum server_want
do_other(struct server_fsm *f, const struct cmd *c, struct buf *out)
{
	if (c->verb < CMD_BDAT && refuse_problem(f, c, out))
		return SERVER_WANT_INPUT;
	if (c->verb == CMD_QUIT) {
		buf_addf(out, "221 2.0.0 %s closes\r\n", f->hostname);
		return close_now(f);
	}
	if (c->verb == CMD_RSET) {
		reset_transaction(f);
		put_reply(f, out, 250, "2.0.0 OK");
		return SERVER_WANT_INPUT;
	}
	put_reply(f, out, canned[c->verb].code, canned[c->verb].text);
	return canned[c->verb].close ? close_now(f) : SERVER_WANT_INPUT;
}

static enum server_want
do_command(struct server_fsm *f, struct str line, struct buf *out)
{
	struct cmd c;

	cmd_parse(line, &c);
	if (c.verb == CMD_HELO || c.verb == CMD_EHLO) {
		do_hello(f, &c, out);
		return SERVER_WANT_INPUT;
	}
	if (c.verb != CMD_MAIL && c.verb != CMD_RCPT && c.verb != CMD_DATA)
		return do_other(f, &c, out);
	if (!f->greeted)
		put_reply(f, out, 503, "5.5.1 EHLO comes first");
	else if (c.verb == CMD_MAIL)
		do_mail(f, &c, out);
	else if (c.verb == CMD_RCPT)
		do_rcpt(f, &c, out);
	else
		return do_data(f, &c, out);
	return SERVER_WANT_INPUT;
}

static struct str
input(const struct server_fsm *f)
{
	return str_skip(buf_str(&f->in), f->taken);
}

/* One command off the buffer. *more: there may be another one. */
static enum server_want
step_command(struct server_fsm *f, struct buf *out, bool *more)
{
	enum server_want want = SERVER_WANT_INPUT;
	struct str line;
	size_t used = 0;
	int err = line_cut(input(f), LINE_BYTES, &line, &used);

	*more = false;
	if (err == ERR_MORE)
		return SERVER_WANT_INPUT;
	if (!err) {
		want = do_command(f, line, out);
	} else {
		/* RFC 5321 4.5.3.1.9, 2.3.8 */
		put_reply(f, out, 500,
		    err == ERR_TOOBIG ? "5.5.2 Line is too long"
				      : "5.5.2 Bare CR or LF in a command");
		server_set_state(f, ST_SKIP);
	}
	if (want == SERVER_WANT_CLOSE)
		return want;
	if (f->errors > f->o.max_errors) {
		put_reply(f, out, 421, "4.7.0 Too many errors");
		return close_now(f);
	}
	f->taken += used;
	*more = want == SERVER_WANT_INPUT;
	return want;
}

static enum server_want
step_skip(struct server_fsm *f, bool *more)
{
	size_t used;
	int err = line_skip(input(f), &used);

	f->taken += used;
	if (err)
		*more = false;
	else
		server_set_state(f, ST_COMMAND);
	return SERVER_WANT_INPUT;
}

static enum server_want
step_body(struct server_fsm *f, bool *more)
{
	enum dot_in_state got;
	size_t used;

	*more = false;
	buf_reset(&f->body);
	got = dot_in_feed(&f->dot, input(f), &f->body, &used);
	f->taken += used;
	f->size += f->body.n;
	if (f->dot.bare) {
		f->void_code = 550;
		f->void_text = "5.6.0 Message has a bare CR or LF";
	} else if (f->size > f->o.max_size) {
		f->void_code = 552;
		f->void_text = too_big;
	}
	if (f->void_code) {
		buf_reset(&f->body);
		server_set_state(f, got == DOT_END ? ST_DRAIN_LAST : ST_DRAIN);
		return SERVER_WANT_ABORT;
	}
	if (got == DOT_END)
		server_set_state(f, ST_BODY_LAST);
	if (f->body.n > 0)
		return SERVER_WANT_BODY;
	*more = got == DOT_END;
	return SERVER_WANT_INPUT;
}

static enum server_want
step_drain(struct server_fsm *f, bool *more)
{
	size_t used;

	buf_reset(&f->body);
	*more = dot_in_feed(&f->dot, input(f), &f->body, &used) == DOT_END;
	f->taken += used;
	buf_reset(&f->body);
	if (*more)
		server_set_state(f, ST_DRAIN_LAST);
	return SERVER_WANT_INPUT;
}

/* Goes on until something is wanted. Each turn takes bytes or moves on. */
static enum server_want
run(struct server_fsm *f, struct buf *out)
{
	enum server_want want = SERVER_WANT_INPUT;
	bool more = true;

	while (more) {
		switch (f->state) {
		case ST_COMMAND:
			want = step_command(f, out, &more);
			break;
		case ST_SKIP:
			want = step_skip(f, &more);
			break;
		case ST_BODY:
			want = step_body(f, &more);
			break;
		case ST_BODY_LAST:
			server_set_state(f, ST_END);
			return SERVER_WANT_END;
		case ST_DRAIN:
			want = step_drain(f, &more);
			break;
		case ST_DRAIN_LAST:
			put_reply(f, out, f->void_code, f->void_text);
			reset_transaction(f);
			server_set_state(f, ST_COMMAND);
			break;
		case ST_START:
		case ST_BEGIN:
		case ST_END:
			return SERVER_WANT_INPUT;
		case ST_CLOSED:
			return SERVER_WANT_CLOSE;
		}
		if (want != SERVER_WANT_INPUT)
			return want;
	}
	return want;
}

enum server_want
server_fsm_step(struct server_fsm *f, struct str data, struct buf *out)
{
	if (f->state == ST_CLOSED)
		return SERVER_WANT_CLOSE;
	/* Moved once, not for each of a thousand commands. */
	buf_shift(&f->in, f->taken);
	f->taken = 0;
	if (buf_add_str(&f->in, data))
		return server_fsm_goodbye(
		    f, "4.7.0", "Too much sent at once", out);
	return run(f, out);
}

/* What the sink's refusal means to the client. */
static int
sink_refusal(int err, const char **text)
{
	switch (err) {
	case ERR_TOOBIG:
		*text = too_big;
		return 552;
	case ERR_FULL:
		*text = "4.3.1 No space for mail now";
		return 452;
	default:
		*text = "4.3.0 Can't take mail now";
		return 451;
	}
}

enum server_want
server_fsm_begun(struct server_fsm *f, int err, struct buf *out)
{
	const char *text;
	int code;

	if (f->state != ST_BEGIN)
		return run(f, out);
	if (!err) {
		buf_add_cstr(out, "354 End data with <CR><LF>.<CR><LF>\r\n");
		dot_in_init(&f->dot);
		server_set_state(f, ST_BODY);
		return run(f, out);
	}
	code = sink_refusal(err, &text);
	put_reply(f, out, code, text);
	reset_transaction(f);
	server_set_state(f, ST_COMMAND);
	return run(f, out);
}

void
server_fsm_body_failed(struct server_fsm *f, int err)
{
	if (f->state != ST_BODY && f->state != ST_BODY_LAST)
		return;
	f->void_code = sink_refusal(err, &f->void_text);
	server_set_state(f, f->state == ST_BODY ? ST_DRAIN : ST_DRAIN_LAST);
}

enum server_want
server_fsm_replied(struct server_fsm *f, int code, const char *dsn,
    const char *text, struct buf *out)
{
	if (f->state != ST_END)
		return run(f, out);
	buf_addf(out, "%d %s %s\r\n", code, dsn, text);
	reset_transaction(f);
	server_set_state(f, ST_COMMAND);
	return run(f, out);
}

struct str
server_fsm_body(const struct server_fsm *f)
{
	return buf_str(&f->body);
}

void
server_fsm_envelope(const struct server_fsm *f, struct sink_envelope *out)
{
	*out = (struct sink_envelope){
	    .sender = f->sender,
	    .flags = f->flags,
	    .envid = "",
	    .rcpts = f->rcpts,
	    .n_rcpts = f->n_rcpts,
	};
}

const char *
server_fsm_helo(const struct server_fsm *f)
{
	return f->helo;
}

bool
server_fsm_esmtp(const struct server_fsm *f)
{
	return f->esmtp;
}

enum server_want
server_fsm_goodbye(
    struct server_fsm *f, const char *dsn, const char *text, struct buf *out)
{
	if (f->state == ST_CLOSED)
		return SERVER_WANT_CLOSE;
	/* RFC 5321 3.8: 421 may come at any time. */
	buf_addf(out, "421 %s %s %s\r\n", dsn, f->hostname, text);
	return close_now(f);
}

unsigned
server_fsm_errors(const struct server_fsm *f)
{
	return f->errors;
}
