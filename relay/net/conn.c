/*
 * A stream with TLS through the memory engine of relay/tls.
 *
 * Invariants:
 * - The owner is called from callbacks of the loop only. What a call of the
 *   owner brings about (an error, more plaintext) waits in `soon`.
 * - The memory lives until the stream is closed, which is never inside a call
 *   to the owner: code after such a call looks at c->closed.
 * - Once c->mode has left MODE_CLEAR it never comes back: bytes read go to the
 *   engine, and bytes written without TLS being up are dropped.
 */
#include "config.h"

#include "relay/net/conn.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/net/loop_int.h"
#include "relay/net/stream.h"
#include "relay/tls/tls_engine.h"

#define ANSWERS_MAX (64u * 1024u) /* bytes that reading may have us send */

enum conn_mode { MODE_CLEAR, MODE_HANDSHAKE, MODE_TLS, MODE_TLS_FAILED };

struct conn {
	struct loop *loop;
	struct stream *stream;
	conn_fn *fn;
	void *arg;
	enum conn_mode mode;
	struct timer *deadline;
	struct loop_soon soon;
	bool closed; /* by the owner or by an error */
	bool connected;
	bool owner_wrote; /* CONN_DRAINED is due when all has gone */
	size_t answers; /* bytes TLS answered by since all had gone */
	bool paused, eof;
	bool announce_tls; /* CONN_TLS_DONE is due */
	int error; /* CONN_ERROR with this is due */
	char error_text[128];
	struct tls_engine *tls;
	struct tls_result result;
};

static void pump_tls(struct conn *c);

#define CONN_CASE_(id, text) \
	case id: \
		s = text; \
		break;

const char *
conn_event_str(enum conn_event_kind k)
{
	const char *s = "?";

	switch (k) {
		CONN_EVENT_LIST(CONN_CASE_)
	}
	return s;
}

static void
emit(struct conn *c, enum conn_event_kind kind)
{
	struct conn_event ev = {.kind = kind};

	c->fn(c->arg, &ev);
}

/* No more events but CONN_CLOSED. */
static void
end(struct conn *c, bool flush)
{
	c->closed = true;
	loop_soon_cancel(&c->soon);
	timer_free(c->deadline);
	c->deadline = NULL;
	stream_close(c->stream, flush);
}

/* Ends the connection with an error; never inside a call of the owner. */
static void
fail(struct conn *c, int err, const char *text)
{
	struct conn_event ev = {.kind = CONN_ERROR, .err = err};

	if (c->closed)
		return;
	if (c->mode == MODE_HANDSHAKE) {
		c->result.failure = TLS_HANDSHAKE;
		snprintf(c->result.text, sizeof(c->result.text), "%s", text);
		if (err != ERR_TIMEOUT)
			ev.err = ERR_TLS;
	}
	snprintf(ev.text, sizeof(ev.text), "%s", text);
	end(c, false);
	c->fn(c->arg, &ev);
}

/* The same from inside a call of the owner: later. */
static void
fail_later(struct conn *c, int err, const char *text)
{
	if (c->error || c->closed)
		return;
	c->error = err;
	snprintf(c->error_text, sizeof(c->error_text), "%s", text);
	loop_soon_call(c->loop, &c->soon);
}

static void
on_deadline(void *arg)
{
	fail(arg, ERR_TIMEOUT, "deadline passed");
}

/* --- output --- */

/* Sends what TLS has to say; how many bytes. */
static size_t
take_tls_output(struct conn *c)
{
	size_t n = tls_engine_output(c->tls, stream_queue(c->stream));

	if (n > 0)
		stream_send(c->stream);
	return n;
}

void
conn_write(struct conn *c, const void *p, size_t n)
{
	if (c->closed || n == 0)
		return;
	switch (c->mode) {
	case MODE_CLEAR:
		buf_add(stream_queue(c->stream), p, n);
		stream_send(c->stream);
		break;
	case MODE_TLS:
		if (tls_engine_write(c->tls, p, n) != 0) {
			fail_later(c, ERR_TLS, tls_engine_result(c->tls)->text);
			return;
		}
		take_tls_output(c);
		break;
	case MODE_HANDSHAKE:
	case MODE_TLS_FAILED:
		return;
	}
	c->owner_wrote = true;
}

size_t
conn_pending(const struct conn *c)
{
	return stream_pending(c->stream);
}

/* --- input --- */

/* Reads, or not, as the state demands. */
static void
read_update(struct conn *c)
{
	/* The handshake's input is none of the owner's. */
	if (!c->closed)
		stream_read(c->stream,
		    !c->eof && (!c->paused || c->mode == MODE_HANDSHAKE));
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
	read_update(c);
}

void
conn_resume(struct conn *c)
{
	if (!c->paused)
		return;
	c->paused = false;
	read_update(c);
	/* Plaintext may wait inside the engine. */
	if (c->mode == MODE_TLS && !c->closed)
		loop_soon_call(c->loop, &c->soon);
}

/* The peer's side ended; text says how, when not cleanly. */
static void
on_eof(struct conn *c, const char *text)
{
	struct conn_event ev = {.kind = CONN_EOF};

	if (c->eof)
		return;
	if (c->mode == MODE_HANDSHAKE) {
		fail(c, ERR_TLS, "closed during the handshake");
		return;
	}
	c->eof = true;
	read_update(c);
	snprintf(ev.text, sizeof(ev.text), "%s", text);
	c->fn(c->arg, &ev);
}

static void
on_data(struct conn *c, struct str data)
{
	struct conn_event ev = {.kind = CONN_DATA, .data = data};

	switch (c->mode) {
	case MODE_CLEAR:
		c->fn(c->arg, &ev);
		break;
	case MODE_HANDSHAKE:
	case MODE_TLS:
		tls_engine_feed(c->tls, data.p, data.n);
		pump_tls(c);
		break;
	case MODE_TLS_FAILED:
		break;
	}
}

/* --- TLS --- */

/* One step of the handshake; true when it is done and input may follow. */
static bool
step_handshake(struct conn *c)
{
	int rc = tls_engine_handshake(c->tls);

	take_tls_output(c);
	if (rc == ERR_MORE)
		return false;
	c->result = *tls_engine_result(c->tls);
	c->mode = rc == 0 ? MODE_TLS : MODE_TLS_FAILED;
	read_update(c);
	emit(c, CONN_TLS_DONE);
	return c->mode == MODE_TLS;
}

/* Hands decrypted bytes to the owner for as long as it wants them. */
static void
pump_tls(struct conn *c)
{
	struct conn_event ev = {.kind = CONN_DATA};

	if (c->mode == MODE_HANDSHAKE && !step_handshake(c))
		return;
	while (!c->closed && !c->paused && !c->eof) {
		size_t room;
		size_t got = 0;
		char *p = loop_scratch(c->loop, &room);
		int rc = tls_engine_read(c->tls, p, room, &got);

		/* Reading may have to answer, for example a key update (RFC
		 * 8446 4.6.3); a peer that reads none of it wants our memory. */
		c->answers += take_tls_output(c);
		if (c->answers > ANSWERS_MAX) {
			fail(c, ERR_TLS, "too much to answer in TLS");
			return;
		}
		if (rc == ERR_MORE)
			return;
		if (rc == ERR_CLOSED) {
			on_eof(c, "");
			return;
		}
		if (rc != 0) {
			fail(c, ERR_TLS, tls_engine_result(c->tls)->text);
			return;
		}
		ev.data = str_n(p, got);
		c->fn(c->arg, &ev);
	}
}

void
conn_start_tls(struct conn *c, struct tls_ctx *ctx, const struct tls_plan *plan)
{
	if (c->closed)
		return;
	if (c->mode != MODE_CLEAR || !c->connected)
		BUG("TLS started twice or before the connection");
	c->mode = MODE_HANDSHAKE;
	c->owner_wrote = false;
	read_update(c);
	if (tls_engine_new(ctx, plan, &c->tls) != 0) {
		c->mode = MODE_TLS_FAILED;
		c->result.failure = TLS_TLSA_MISMATCH;
		snprintf(c->result.text, sizeof(c->result.text),
		    "nothing in the plan that could be verified");
		c->announce_tls = true;
		loop_soon_call(c->loop, &c->soon);
		return;
	}
	/* The first flight can't be the last. */
	if (tls_engine_handshake(c->tls) != ERR_MORE)
		fail_later(c, ERR_TLS, tls_engine_result(c->tls)->text);
	take_tls_output(c);
}

const struct tls_result *
conn_tls_result(const struct conn *c)
{
	return &c->result;
}

void
conn_tls_chain(const struct conn *c, struct buf *pem)
{
	if (c->tls)
		tls_engine_chain(c->tls, pem);
}

/* --- life --- */

/* What calls of the owner have put off. */
static void
on_soon(void *arg)
{
	struct conn *c = arg;

	if (c->error) {
		fail(c, c->error, c->error_text);
	} else if (c->announce_tls) {
		c->announce_tls = false;
		emit(c, CONN_TLS_DONE);
	} else if (c->mode == MODE_TLS) {
		pump_tls(c);
	}
}

static void
on_closed(struct conn *c)
{
	tls_engine_free(c->tls);
	c->tls = NULL;
	emit(c, CONN_CLOSED);
	free(c);
}

static void
on_stream(void *arg, const struct stream_event *ev)
{
	struct conn *c = arg;

	if (ev->kind == STREAM_CLOSED) {
		on_closed(c);
		return;
	}
	if (c->closed)
		return;
	switch (ev->kind) {
	case STREAM_CONNECTED:
		c->connected = true;
		emit(c, CONN_CONNECTED);
		break;
	case STREAM_DATA:
		on_data(c, ev->data);
		break;
	case STREAM_SENT:
		c->answers = 0;
		if (c->owner_wrote) {
			c->owner_wrote = false;
			emit(c, CONN_DRAINED);
		}
		break;
	case STREAM_EOF:
		on_eof(c, c->mode == MODE_TLS ? "no close_notify" : "");
		break;
	case STREAM_ERROR:
		fail(c, ev->err, ev->text);
		break;
	case STREAM_CLOSED:
		break;
	}
}

static struct conn *
make(struct loop *loop, conn_fn *fn, void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->fn = fn;
	c->arg = arg;
	c->result.depth = -1;
	loop_soon_init(&c->soon, on_soon, c);
	c->deadline = timer_new(loop, on_deadline, c);
	return c;
}

/* Goes on with the stream; without one there is no connection. */
static struct conn *
finish_make(struct conn *c)
{
	if (!c->stream) {
		timer_free(c->deadline);
		free(c);
		return NULL;
	}
	stream_read(c->stream, true);
	return c;
}

struct conn *
conn_connect(struct loop *loop, const struct sockaddr_any *to,
    int64_t timeout_ms, conn_fn *fn, void *arg)
{
	struct conn *c = make(loop, fn, arg);

	c->stream = stream_connect(loop, to, timeout_ms, on_stream, c);
	return finish_make(c);
}

struct conn *
conn_accepted(struct loop *loop, int take_fd, conn_fn *fn, void *arg)
{
	struct conn *c = make(loop, fn, arg);

	c->connected = true;
	c->stream = stream_adopt(loop, take_fd, on_stream, c);
	return finish_make(c);
}

void
conn_peer(const struct conn *c, struct sockaddr_any *out)
{
	stream_peer(c->stream, out);
}

void
conn_deadline(struct conn *c, int64_t ms)
{
	if (c->closed)
		return;
	if (ms > 0)
		timer_start(c->deadline, ms);
	else
		timer_stop(c->deadline);
}

void
conn_close(struct conn *c, int flush)
{
	if (c->closed) {
		stream_close(c->stream, flush != 0);
		return;
	}
	if (flush && c->mode == MODE_TLS) {
		tls_engine_shutdown(c->tls);
		(void)tls_engine_output(c->tls, stream_queue(c->stream));
	}
	end(c, flush != 0);
}
