/*
 * State of a sending session: the table of legal transitions, the queue of
 * expected replies (each reply takes exactly one off) and the ways to end.
 */
#include "config.h"

#include "relay/smtp/client_state.h"

#include <stdlib.h>

#define TO(s) (1u << (s))
/* CS_OVER may come from anywhere. */
static const unsigned legal[] = {
    [CS_START] = TO(CS_GREETING),
    [CS_GREETING] = TO(CS_EHLO) | TO(CS_QUIT),
    [CS_EHLO] = TO(CS_HELO) | TO(CS_STARTTLS) | TO(CS_READY) | TO(CS_QUIT),
    [CS_HELO] = TO(CS_READY) | TO(CS_QUIT),
    [CS_STARTTLS] = TO(CS_TLS) | TO(CS_QUIT),
    [CS_TLS] = TO(CS_EHLO),
    [CS_READY] = TO(CS_ENVELOPE) | TO(CS_DONE) | TO(CS_QUIT),
    [CS_ENVELOPE] = TO(CS_BODY) | TO(CS_FINAL) | TO(CS_DONE),
    [CS_BODY] = TO(CS_FINAL),
    [CS_FINAL] = TO(CS_DONE),
    [CS_DONE] = TO(CS_ENVELOPE) | TO(CS_DONE) | TO(CS_QUIT),
    [CS_QUIT] = 0,
    [CS_OVER] = 0,
};

static const char *const state_names[] = {
#define CLIENT_NAME_(id, text) text,
    CLIENT_STATE_LIST(CLIENT_NAME_)
#undef CLIENT_NAME_
};

const char *
client_state_str(enum client_state s)
{
	return state_names[s];
}

bool
client_state_legal(enum client_state from, enum client_state to)
{
	return to == CS_OVER || (legal[from] & TO(to));
}

void
client_set_state(struct client_fsm *f, enum client_state to)
{
	if (!client_state_legal(f->state, to))
		BUG("client state %s to %s", client_state_str(f->state),
		    client_state_str(to));
	f->state = to;
}

void
client_expect(struct client_fsm *f, enum expect_kind kind, size_t i)
{
	if (f->q_head == f->q_n)
		f->q_head = f->q_n = 0;
	if (f->q_n == f->q_cap) {
		f->q_cap = f->q_cap ? f->q_cap * 2 : 8;
		f->queue = xrealloc(f->queue, f->q_cap * sizeof(*f->queue));
	}
	f->queue[f->q_n++] = (struct expect){kind, i};
}

struct expect
client_expected(const struct client_fsm *f)
{
	if (f->q_head == f->q_n)
		return (struct expect){X_NONE, 0};
	return f->queue[f->q_head];
}

struct expect
client_expect_pop(struct client_fsm *f)
{
	struct expect x = client_expected(f);

	if (x.kind != X_NONE)
		f->q_head++;
	return x;
}

void
client_end(
    struct client_fsm *f, enum client_fail failure, const struct reply *reply)
{
	/* After QUIT nothing can fail any more. */
	if (f->failure == CLIENT_OK && f->state != CS_QUIT)
		f->failure = failure;
	if (reply && f->reply.code == 0)
		reply_copy(&f->reply, reply);
	buf_clear(&f->in);
	f->q_head = f->q_n = 0;
	client_set_state(f, CS_OVER);
}

void
client_send_quit(struct client_fsm *f, struct buf *out)
{
	buf_add_cstr(out, "QUIT\r\n");
	client_expect(f, X_QUIT, 0);
	client_set_state(f, CS_QUIT);
}

void
client_give_up(struct client_fsm *f, enum client_fail failure,
    const struct reply *reply, struct buf *out)
{
	/* RFC 5321 3.8: after 421 the peer closes, QUIT has no answer. */
	if (reply && reply->code == 421) {
		client_end(f, failure, reply);
		return;
	}
	f->failure = failure;
	if (reply)
		reply_copy(&f->reply, reply);
	client_send_quit(f, out);
}
