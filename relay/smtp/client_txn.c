/*
 * One transaction, RFC 5321 3.3. With PIPELINING (RFC 2920) the whole envelope
 * goes out at once, without it one command. The body is asked for only after
 * a 354 (SMTP-06) and when a recipient was accepted; if none was, a lone dot
 * ends the data that the server now waits for (RFC 2920 3.1).
 *
 * A recipient's fate is its own refusal at RCPT, or the verdict that holds
 * for all the others: MAIL refused, DATA refused, the reply to the final dot.
 */
#include "config.h"

#include "relay/smtp/client_txn.h"

#include <stdlib.h>

static void
set_verdict(struct client_fsm *f, enum client_rcpt_state kind,
    const char *stage, const struct reply *reply)
{
	if (f->verdict.kind != CLIENT_RCPT_NONE)
		return;
	f->verdict.kind = kind;
	f->verdict.stage = stage;
	if (reply)
		reply_copy(&f->verdict.reply, reply);
}

static void
refuse_locally(struct client_fsm *f, const char *dsn, const char *text)
{
	set_verdict(f, CLIENT_RCPT_LOCAL, "MAIL", NULL);
	f->verdict.local_dsn = dsn;
	f->verdict.local_text = text;
}

void
client_txn_clear(struct client_fsm *f)
{
	for (size_t i = 0; i < f->n_slots; i++)
		reply_clear(&f->slots[i].refusal);
	free(f->slots);
	f->slots = NULL;
	f->n_slots = 0;
	reply_clear(&f->verdict.reply);
	f->verdict.kind = CLIENT_RCPT_NONE;
	f->n_accepted = 0;
	f->mail_ok = false;
}

/* What was not offered can't be asked for (SMTP-07). */
static void
check_offer(struct client_fsm *f)
{
	const struct client_txn *t = &f->txn;

	if (t->smtputf8 && !f->caps.smtputf8)
		/* RFC 6531 3.5 (SMTP-26) */
		refuse_locally(f, "5.6.7",
		    "the message needs SMTPUTF8, which the host does not "
		    "offer");
	else if (t->eightbit && !f->caps.eightbit)
		/* RFC 6152 3 (SMTP-25) */
		refuse_locally(f, "5.6.3",
		    "the message has 8-bit data and the host does not offer "
		    "8BITMIME");
	else if (f->caps.size && f->caps.size_max > 0 &&
	    t->size > f->caps.size_max)
		/* RFC 1870 6 (SMTP-27) */
		refuse_locally(
		    f, "5.3.4", "the message is bigger than the host accepts");
}

static void
put_mail(struct client_fsm *f, struct buf *out)
{
	buf_addf(out, "MAIL FROM:<%s>", f->txn.sender);
	if (f->caps.size)
		buf_addf(out, " SIZE=%zu", f->txn.size);
	if (f->txn.eightbit)
		buf_add_cstr(out, " BODY=8BITMIME");
	if (f->txn.smtputf8)
		buf_add_cstr(out, " SMTPUTF8");
	if (f->o.requiretls)
		/* RFC 8689 4.2.1 (RTLS-05) */
		buf_add_cstr(out, " REQUIRETLS");
	buf_add_cstr(out, "\r\n");
}

/* Sends f->next and moves it on. */
static void
send_next(struct client_fsm *f, struct buf *out)
{
	struct expect x = f->next;

	client_expect(f, x.kind, x.i);
	if (x.kind == X_RSET) {
		buf_add_cstr(out, "RSET\r\n");
		f->next = (struct expect){X_MAIL, 0};
	} else if (x.kind == X_MAIL) {
		put_mail(f, out);
		f->next = (struct expect){X_RCPT, 0};
	} else if (x.kind == X_RCPT) {
		buf_addf(out, "RCPT TO:<%s>\r\n", f->txn.rcpts[x.i]);
		f->next = x.i + 1 < f->txn.n_rcpts
		    ? (struct expect){X_RCPT, x.i + 1}
		    : (struct expect){X_DATA, 0};
	} else {
		buf_add_cstr(out, "DATA\r\n");
		f->next = (struct expect){X_NONE, 0};
	}
}

/* More of the envelope, or the end of a transaction without a body. */
static void
go_on(struct client_fsm *f, struct buf *out)
{
	bool hopeless = f->verdict.kind != CLIENT_RCPT_NONE ||
	    (f->next.kind == X_DATA && f->n_accepted == 0);

	if (client_expected(f).kind != X_NONE)
		return;
	if (f->next.kind != X_NONE && !hopeless) {
		send_next(f, out);
		return;
	}
	/* The server may still hold a sender and recipients. */
	f->stale = true;
	client_set_state(f, CS_DONE);
}

void
client_txn_begin(
    struct client_fsm *f, const struct client_txn *txn, struct buf *out)
{
	client_txn_clear(f);
	f->txn = *txn;
	check_offer(f);
	if (f->verdict.kind != CLIENT_RCPT_NONE || txn->n_rcpts == 0) {
		client_set_state(f, CS_DONE);
		return;
	}
	f->slots = xcalloc(txn->n_rcpts, sizeof(*f->slots));
	f->n_slots = txn->n_rcpts;
	for (size_t i = 0; i < f->n_slots; i++)
		reply_init(&f->slots[i].refusal);
	f->next = (struct expect){f->stale ? X_RSET : X_MAIL, 0};
	f->stale = false;
	client_set_state(f, CS_ENVELOPE);
	do
		send_next(f, out);
	while (f->caps.pipelining && f->next.kind != X_NONE);
}

static void
on_mail(struct client_fsm *f, const struct reply *r)
{
	if (reply_class(r) == 2)
		f->mail_ok = true;
	else
		set_verdict(f, CLIENT_RCPT_REPLY, "MAIL", r);
}

static void
on_rcpt(struct client_fsm *f, const struct reply *r, size_t i)
{
	/* Without MAIL the answer to RCPT says nothing about the recipient. */
	if (!f->mail_ok)
		return;
	if (reply_class(r) == 2) {
		f->slots[i].accepted = true;
		f->n_accepted++;
	} else {
		reply_copy(&f->slots[i].refusal, r);
	}
}

static void
on_data(struct client_fsm *f, const struct reply *r, struct buf *out)
{
	if (r->code == 354) {
		client_expect(f, X_FINAL, 0);
		if (f->n_accepted > 0) {
			client_set_state(f, CS_BODY);
			return;
		}
		buf_add_cstr(out, ".\r\n");
		client_set_state(f, CS_FINAL);
	} else if (reply_class(r) >= 4) {
		set_verdict(f, CLIENT_RCPT_REPLY, "DATA", r);
	} else {
		/* RFC 5321 3.3: nothing but 354 lets the data go (SMTP-06). */
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
	}
}

static void
on_final(struct client_fsm *f, const struct reply *r)
{
	bool sent = reply_class(r) == 2;

	if (f->n_accepted > 0)
		set_verdict(f, sent ? CLIENT_RCPT_ACCEPTED : CLIENT_RCPT_REPLY,
		    "end of data", r);
	client_set_state(f, CS_DONE);
}

static const char *
stage_of(enum expect_kind kind)
{
	if (kind == X_FINAL)
		return "end of data";
	if (kind == X_DATA)
		return "DATA";
	return kind == X_RCPT ? "RCPT" : "MAIL";
}

void
client_txn_reply(struct client_fsm *f, const struct reply *r, struct expect x,
    struct buf *out)
{
	if (r->code == 421) {
		/* RFC 5321 3.8: the server closes, at any time. */
		set_verdict(f, CLIENT_RCPT_REPLY, stage_of(x.kind), r);
		client_end(f, CLIENT_FAIL_CLOSED, r);
		return;
	}
	if ((reply_class(r) == 3 && x.kind != X_DATA) ||
	    (reply_class(r) != 2 && x.kind == X_RSET)) {
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
		return;
	}
	if (x.kind == X_MAIL)
		on_mail(f, r);
	else if (x.kind == X_RCPT)
		on_rcpt(f, r, x.i);
	else if (x.kind == X_DATA)
		on_data(f, r, out);
	else if (x.kind == X_FINAL)
		on_final(f, r);
	if (f->state == CS_ENVELOPE)
		go_on(f, out);
}

bool
client_txn_early(struct client_fsm *f, const struct reply *r)
{
	if (f->state != CS_BODY)
		return false;
	/* "250" may be the answer to a body that is out, while we were not
	 * yet told so. */
	if (reply_class(r) == 2)
		return true;
	/* A refusal in the middle of the data, where no QUIT can be said. */
	if (reply_class(r) >= 4) {
		set_verdict(f, CLIENT_RCPT_REPLY, "end of data", r);
		client_end(f, CLIENT_FAIL_CLOSED, r);
	} else {
		client_end(f, CLIENT_FAIL_PROTOCOL, r);
	}
	return true;
}

void
client_txn_body_sent(struct client_fsm *f)
{
	if (f->state == CS_BODY)
		client_set_state(f, CS_FINAL);
}

void
client_txn_lost(struct client_fsm *f)
{
	/* RFC 5321 4.5.3.2.6: the server may have it (QUE-09). */
	if (f->state == CS_FINAL && f->n_accepted > 0)
		set_verdict(f, CLIENT_RCPT_UNCERTAIN, "end of data", NULL);
}

void
client_txn_get(
    const struct client_fsm *f, size_t i, struct client_rcpt_result *out)
{
	const struct client_verdict *v = &f->verdict;

	*out = (struct client_rcpt_result){.stage = "MAIL"};
	if (i < f->n_slots && f->slots[i].refusal.code) {
		*out = (struct client_rcpt_result){
		    .state = CLIENT_RCPT_REPLY,
		    .reply = &f->slots[i].refusal,
		    .stage = "RCPT",
		};
		return;
	}
	if (v->kind == CLIENT_RCPT_NONE)
		return;
	*out = (struct client_rcpt_result){
	    .state = v->kind,
	    .reply = v->reply.code ? &v->reply : NULL,
	    .stage = v->stage,
	    .local_dsn = v->local_dsn,
	    .local_text = v->local_text,
	};
}
