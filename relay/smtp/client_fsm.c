/*
 * The sending side of one SMTP session, RFC 5321 3: greeting, EHLO, STARTTLS,
 * transactions (client_txn), QUIT. Each command puts one entry into a queue of
 * expected replies and each reply takes one off. What came before TLS is
 * forgotten, and bytes that came along with the 220 end the session (RFC 3207
 * 4.2, SMTP-22).
 */
#include "config.h"

#include "relay/smtp/client_fsm.h"

#include <stdlib.h>

#include "relay/smtp/client_state.h"
#include "relay/smtp/client_txn.h"

#define IN_BYTES (4u * REPLY_TEXT_MAX)
#define SLICE REPLY_TEXT_MAX /* bytes taken in at once; IN_BYTES hold them */

static const char *const fail_names[] = {
#define CLIENT_NAME_(id, text) text,
    CLIENT_FAIL_LIST(CLIENT_NAME_)
#undef CLIENT_NAME_
};

const char *
client_fail_str(enum client_fail f)
{
	return fail_names[f];
}

struct client_fsm *
client_fsm_new(const struct client_opts *o)
{
	struct client_fsm *f = xcalloc(1, sizeof(*f));

	f->o = *o;
	f->helo = xstrdup(o->helo);
	f->o.helo = f->helo;
	buf_init(&f->in, IN_BYTES);
	reply_init(&f->reply);
	reply_init(&f->verdict.reply);
	return f;
}

void
client_fsm_free(struct client_fsm *f)
{
	if (!f)
		return;
	client_txn_clear(f);
	free(f->helo);
	free(f->queue);
	buf_clear(&f->in);
	reply_clear(&f->reply);
	free(f);
}

static void
send_hello(struct client_fsm *f, bool esmtp, struct buf *out)
{
	/* RFC 3207 4.2: what was offered before is void. */
	caps_init(&f->caps);
	buf_addf(out, "%s %s\r\n", esmtp ? "EHLO" : "HELO", f->helo);
	client_expect(f, esmtp ? X_EHLO : X_HELO, 0);
	client_set_state(f, esmtp ? CS_EHLO : CS_HELO);
}

/* The server is known: STARTTLS, ready, or not what is needed. */
static void
after_hello(struct client_fsm *f, struct buf *out)
{
	if (!f->tls_up && f->o.tls != CLIENT_TLS_NONE && f->caps.starttls) {
		buf_add_cstr(out, "STARTTLS\r\n");
		client_expect(f, X_STARTTLS, 0);
		client_set_state(f, CS_STARTTLS);
		return;
	}
	if (!f->tls_up && f->o.tls == CLIENT_TLS_MUST) {
		client_give_up(f, CLIENT_FAIL_NO_STARTTLS, NULL, out);
		return;
	}
	/* RFC 8689 4.2.1: offered inside TLS (RTLS-05) */
	if (f->o.requiretls && (!f->tls_up || !f->caps.requiretls)) {
		client_give_up(f, CLIENT_FAIL_NO_REQUIRETLS, NULL, out);
		return;
	}
	client_set_state(f, CS_READY);
}

static void
on_greeting(struct client_fsm *f, const struct reply *r, struct buf *out)
{
	if (reply_class(r) == 2)
		send_hello(f, true, out);
	else if (reply_class(r) == 3)
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
	else
		client_give_up(f, CLIENT_FAIL_GREETING, r, out);
}

static void
on_ehlo(struct client_fsm *f, const struct reply *r, struct buf *out)
{
	if (reply_class(r) == 2) {
		caps_parse(r, &f->caps);
		after_hello(f, out);
	} else if (reply_class(r) == 3) {
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
	} else if (reply_class(r) == 4) {
		client_give_up(f, CLIENT_FAIL_EHLO, r, out);
	} else if (!f->tls_up && f->o.tls == CLIENT_TLS_MUST) {
		/* HELO has no STARTTLS. Anybody on the way could have said
		 * this, so it must not count as a refusal (SMTP-29). */
		client_give_up(f, CLIENT_FAIL_NO_STARTTLS, r, out);
	} else {
		/* RFC 5321 3.2: fall back (SMTP-04) */
		send_hello(f, false, out);
	}
}

static void
on_helo(struct client_fsm *f, const struct reply *r, struct buf *out)
{
	if (reply_class(r) == 2)
		after_hello(f, out);
	else if (reply_class(r) == 3)
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
	else
		client_give_up(f, CLIENT_FAIL_EHLO, r, out);
}

static void
on_starttls(struct client_fsm *f, const struct reply *r, struct buf *out)
{
	if (r->code == 220)
		client_set_state(f, CS_TLS);
	else if (reply_class(r) >= 4)
		client_give_up(f, CLIENT_FAIL_NO_STARTTLS, r, out);
	else
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
}

static void
on_reply(struct client_fsm *f, const struct reply *r, struct buf *out)
{
	struct expect x = client_expect_pop(f);

	f->replies++;
	switch (x.kind) {
	case X_NONE:
		/* Nobody asked: the server closes, or somebody lost count. */
		client_end(f,
		    r->code == 421 ? CLIENT_FAIL_CLOSED : CLIENT_FAIL_PROTOCOL,
		    r);
		break;
	case X_GREETING:
		on_greeting(f, r, out);
		break;
	case X_EHLO:
		on_ehlo(f, r, out);
		break;
	case X_HELO:
		on_helo(f, r, out);
		break;
	case X_STARTTLS:
		on_starttls(f, r, out);
		break;
	case X_RSET:
	case X_MAIL:
	case X_RCPT:
	case X_DATA:
	case X_FINAL:
		client_txn_reply(f, r, x, out);
		break;
	case X_QUIT:
		client_end(f, CLIENT_OK, NULL);
		break;
	}
}

/* Takes all whole replies off the buffer. */
static void
drain(struct client_fsm *f, struct buf *out)
{
	struct reply r;

	reply_init(&r);
	while (f->in.n > 0 && f->state != CS_OVER) {
		size_t used;
		int err;

		if (f->state == CS_TLS || f->state == CS_START) {
			/* RFC 3207 4.2: bytes from before the handshake */
			client_end(f, CLIENT_FAIL_PROTOCOL, NULL);
			break;
		}
		err = reply_parse(buf_str(&f->in), &r, &used);
		if (err == ERR_MORE)
			break;
		if (err) {
			client_end(f, CLIENT_FAIL_PROTOCOL, NULL);
			break;
		}
		if (client_txn_early(f, &r))
			break;
		buf_shift(&f->in, used);
		on_reply(f, &r, out);
	}
	reply_clear(&r);
}

static void
on_data(struct client_fsm *f, struct str data, struct buf *out)
{
	while (data.n > 0 && f->state != CS_OVER) {
		size_t n = data.n < SLICE ? data.n : SLICE;

		/* Only replies that must wait can fill it. */
		if (buf_add(&f->in, data.p, n)) {
			client_end(f, CLIENT_FAIL_PROTOCOL, NULL);
			return;
		}
		data = str_skip(data, n);
		drain(f, out);
	}
}

static void
on_closed(struct client_fsm *f, int err)
{
	enum client_fail failure = err == ERR_TIMEOUT ? CLIENT_FAIL_TIMEOUT
						      : CLIENT_FAIL_CLOSED;

	client_txn_lost(f);
	/* A peer that hangs up instead of shaking hands does not do TLS. */
	if (f->state == CS_TLS ||
	    (f->state == CS_STARTTLS && err != ERR_TIMEOUT))
		failure = CLIENT_FAIL_TLS;
	client_end(f, failure, NULL);
}

static void
on_event(struct client_fsm *f, const struct client_event *ev, struct buf *out)
{
	switch (ev->kind) {
	case CLIENT_EV_CONNECTED:
		if (f->state != CS_START)
			break;
		client_expect(f, X_GREETING, 0);
		client_set_state(f, CS_GREETING);
		break;
	case CLIENT_EV_DATA:
		on_data(f, ev->data, out);
		break;
	case CLIENT_EV_TLS_OK:
		if (f->state != CS_TLS)
			break;
		f->tls_up = true;
		send_hello(f, true, out);
		break;
	case CLIENT_EV_TLS_FAILED:
		if (f->state == CS_TLS)
			client_end(f, CLIENT_FAIL_TLS, NULL);
		break;
	case CLIENT_EV_CLOSED:
		on_closed(f, ev->err);
		break;
	case CLIENT_EV_BODY_SENT:
		client_txn_body_sent(f);
		drain(f, out);
		break;
	}
}

/* What a new state asks of the caller; each is asked once. */
static enum client_want
want(const struct client_fsm *f, enum client_state before)
{
	if (f->state == CS_OVER)
		return CLIENT_OVER;
	if (f->state == before)
		return CLIENT_WANT_INPUT;
	if (f->state == CS_TLS)
		return CLIENT_WANT_STARTTLS;
	if (f->state == CS_READY)
		return CLIENT_WANT_TXN;
	if (f->state == CS_BODY)
		return CLIENT_WANT_BODY;
	if (f->state == CS_DONE)
		return CLIENT_TXN_DONE;
	return CLIENT_WANT_INPUT;
}

enum client_want
client_fsm_step(
    struct client_fsm *f, const struct client_event *ev, struct buf *out)
{
	enum client_state before = f->state;

	if (f->state != CS_OVER)
		on_event(f, ev, out);
	return want(f, before);
}

enum client_want
client_fsm_mail(
    struct client_fsm *f, const struct client_txn *txn, struct buf *out)
{
	if (f->state != CS_READY && f->state != CS_DONE)
		return want(f, f->state);
	client_txn_begin(f, txn, out);
	return want(f, CS_READY);
}

enum client_want
client_fsm_quit(struct client_fsm *f, struct buf *out)
{
	if (f->state == CS_READY || f->state == CS_DONE)
		client_send_quit(f, out);
	else if (f->state != CS_QUIT && f->state != CS_OVER)
		client_end(f, CLIENT_FAIL_CLOSED, NULL);
	return want(f, f->state);
}

enum client_timer
client_fsm_timer(const struct client_fsm *f)
{
	switch (f->state) {
	case CS_START:
	case CS_GREETING:
		return CLIENT_T_GREETING;
	case CS_EHLO:
	case CS_HELO:
		return CLIENT_T_EHLO;
	case CS_STARTTLS:
	case CS_TLS:
		return CLIENT_T_STARTTLS;
	case CS_BODY:
		return CLIENT_T_BLOCK;
	case CS_FINAL:
		return CLIENT_T_FINAL;
	case CS_ENVELOPE:
		break;
	case CS_READY:
	case CS_DONE:
		return CLIENT_T_MAIL;
	case CS_QUIT:
	case CS_OVER:
		return CLIENT_T_QUIT;
	}
	if (client_expected(f).kind == X_RCPT)
		return CLIENT_T_RCPT;
	return client_expected(f).kind == X_DATA ? CLIENT_T_DATA
						 : CLIENT_T_MAIL;
}

unsigned
client_fsm_replies(const struct client_fsm *f)
{
	return f->replies;
}

bool
client_fsm_over(const struct client_fsm *f)
{
	return f->state == CS_OVER;
}

enum client_fail
client_fsm_failure(const struct client_fsm *f)
{
	return f->failure;
}

const struct reply *
client_fsm_reply(const struct client_fsm *f)
{
	if (f->reply.code)
		return &f->reply;
	return f->verdict.reply.code ? &f->verdict.reply : NULL;
}

void
client_fsm_result(
    const struct client_fsm *f, size_t i, struct client_rcpt_result *out)
{
	client_txn_get(f, i, out);
}
