/*
 * A socket as uv_tcp_t or uv_pipe_t, with a queue for output.
 *
 * The memory lives until the uv close callback, so code after a call to the
 * owner may still look at s->phase. One uv_write is under way at a time; what
 * is queued meanwhile goes with the next one.
 */
#include "config.h"

#include "relay/net/stream.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "relay/net/loop.h"
#include "relay/net/loop_int.h"

#define LINGER_MS 2000
#define QUEUE_MAX ((size_t)1 << 40) /* bounded by callers: conn_pending */
#define WRITE_MAX ((size_t)1 << 30) /* bytes a write; uv counts in 32 bits */

enum stream_phase {
	PHASE_CONNECTING,
	PHASE_OPEN,
	PHASE_LINGER, /* closed by the owner, output still going out */
	PHASE_CLOSED /* handle is closing */
};

struct stream {
	struct loop *loop;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	uv_connect_t connect_req;
	uv_write_t write_req;
	uv_shutdown_t shutdown_req;
	stream_fn *fn;
	void *arg;
	struct sockaddr_any peer;
	enum stream_phase phase;
	struct timer *limit; /* connect timeout, then the linger */
	struct loop_soon soon;
	struct buf queue; /* waits for the write under way */
	struct buf sending; /* handed to uv_write */
	bool writing;
	bool reading; /* the owner wants input */
	bool eof;
	bool shut; /* uv_shutdown was called */
	bool shut_done;
	int uv_error; /* STREAM_ERROR with this is due */
};

static void close_now(struct stream *s);
static void flush(struct stream *s);

static void
emit(struct stream *s, enum stream_event_kind kind)
{
	struct stream_event ev = {.kind = kind, .text = ""};

	s->fn(s->arg, &ev);
}

static int
uv_to_err(int rc)
{
	switch (rc) {
	case UV_ECONNREFUSED:
		return ERR_REFUSED;
	case UV_ENETUNREACH:
	case UV_EHOSTUNREACH:
	case UV_EADDRNOTAVAIL:
	case UV_EAFNOSUPPORT:
	case UV_ENETDOWN:
	case UV_EHOSTDOWN:
		return ERR_UNREACH;
	case UV_ETIMEDOUT:
		return ERR_TIMEOUT;
	case UV_ECONNRESET:
	case UV_ECONNABORTED:
	case UV_EPIPE:
		return ERR_CLOSED;
	default:
		return ERR_IO;
	}
}

/* Ends the stream with an error; never inside a call of the owner. */
static void
fail(struct stream *s, int err, const char *text)
{
	struct stream_event ev = {.kind = STREAM_ERROR, .text = text};
	bool tell = s->phase == PHASE_CONNECTING || s->phase == PHASE_OPEN;

	/* A peer that resets the first packet refuses us. */
	if (s->phase == PHASE_CONNECTING && err == ERR_CLOSED)
		err = ERR_REFUSED;
	ev.err = err;
	close_now(s);
	if (tell)
		s->fn(s->arg, &ev);
}

static void
fail_uv(struct stream *s, int rc)
{
	fail(s, uv_to_err(rc), uv_strerror(rc));
}

static void
on_closed(uv_handle_t *h)
{
	struct stream *s = h->data;

	buf_clear(&s->queue);
	buf_clear(&s->sending);
	emit(s, STREAM_CLOSED);
	free(s);
}

static void
close_now(struct stream *s)
{
	if (s->phase == PHASE_CLOSED)
		return;
	if (s->phase == PHASE_LINGER)
		loop_linger(s->loop, -1);
	s->phase = PHASE_CLOSED;
	loop_soon_cancel(&s->soon);
	timer_free(s->limit);
	s->limit = NULL;
	uv_close(&s->uv.handle, on_closed);
}

static void
on_limit(void *arg)
{
	fail(arg, ERR_TIMEOUT, "connecting took too long");
}

/* --- output --- */

static void
on_shutdown(uv_shutdown_t *req, int status)
{
	struct stream *s = req->data;

	s->shut_done = true;
	if (s->phase == PHASE_LINGER && (status != 0 || s->eof))
		close_now(s);
}

/*
 * All output of a stream in PHASE_LINGER has gone: sends the end, then waits
 * for the peer's. Closing a socket with unread input would reset the
 * connection and could take our last words away from the peer.
 */
static void
finish_linger(struct stream *s)
{
	if (s->shut)
		return;
	s->shut = true;
	s->shutdown_req.data = s;
	if (uv_shutdown(&s->shutdown_req, &s->uv.stream, on_shutdown) != 0)
		close_now(s);
}

/*
 * A failed write comes after what can still be read: libuv reports it in a
 * later step of the loop than the input. So the last words of a peer that
 * closes on us, often the reason, are not lost.
 */
static void
on_written(uv_write_t *req, int status)
{
	struct stream *s = req->data;

	s->writing = false;
	buf_reset(&s->sending);
	if (s->phase == PHASE_CLOSED)
		return;
	if (status != 0)
		fail_uv(s, status);
	else if (s->queue.n > 0)
		flush(s);
	else if (s->phase == PHASE_LINGER)
		finish_linger(s);
	else
		emit(s, STREAM_SENT);
}

/* Hands the queue to uv, unless a write is under way. On the loop's stack. */
static void
flush(struct stream *s)
{
	struct buf spare = s->sending;
	uv_buf_t b;
	int rc;

	if (s->writing || s->queue.n == 0 || s->shut)
		return;
	s->sending = s->queue;
	s->queue = spare;
	if (s->sending.n > WRITE_MAX) {
		buf_add(&s->queue, s->sending.p + WRITE_MAX,
		    s->sending.n - WRITE_MAX);
		buf_truncate(&s->sending, WRITE_MAX);
	}
	b = uv_buf_init(s->sending.p, (unsigned)s->sending.n);
	s->write_req.data = s;
	s->writing = true;
	rc = uv_write(&s->write_req, &s->uv.stream, &b, 1, on_written);
	if (rc != 0) {
		s->writing = false;
		fail_uv(s, rc);
	}
}

struct buf *
stream_queue(struct stream *s)
{
	return &s->queue;
}

void
stream_send(struct stream *s)
{
	if (s->phase == PHASE_OPEN)
		loop_soon_call(s->loop, &s->soon);
}

size_t
stream_pending(const struct stream *s)
{
	return s->queue.n + s->sending.n;
}

/* --- input --- */

static void
on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *b)
{
	struct stream *s = h->data;
	size_t n;

	(void)suggested;
	b->base = loop_scratch(s->loop, &n);
	b->len = n;
}

static void
on_eof(struct stream *s)
{
	s->eof = true;
	uv_read_stop(&s->uv.stream);
	if (s->phase == PHASE_LINGER) {
		if (s->shut_done)
			close_now(s); /* else on_shutdown does */
		return;
	}
	emit(s, STREAM_EOF);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = stream->data;
	struct stream_event ev = {.kind = STREAM_DATA, .text = ""};

	if (n == 0 || s->phase == PHASE_CLOSED)
		return;
	if (n == UV_EOF) {
		on_eof(s);
	} else if (n < 0) {
		fail_uv(s, (int)n);
	} else if (s->phase == PHASE_OPEN) {
		ev.data = str_n(b->base, (size_t)n);
		s->fn(s->arg, &ev);
	}
	/* In PHASE_LINGER input is read only to be out of the way. */
}

static void
read_update(struct stream *s)
{
	if (s->phase == PHASE_CONNECTING || s->phase == PHASE_CLOSED)
		return;
	if (!s->eof && (s->reading || s->phase == PHASE_LINGER))
		(void)uv_read_start(&s->uv.stream, on_alloc, on_read);
	else
		uv_read_stop(&s->uv.stream);
}

void
stream_read(struct stream *s, bool on)
{
	s->reading = on;
	read_update(s);
}

/* --- life --- */

/* What calls of the owner have put off. */
static void
on_soon(void *arg)
{
	struct stream *s = arg;

	if (s->uv_error) {
		fail_uv(s, s->uv_error);
		return;
	}
	if (s->phase == PHASE_LINGER && !s->writing && s->queue.n == 0)
		finish_linger(s);
	else
		flush(s);
}

static struct stream *
make(struct loop *loop, stream_fn *fn, void *arg)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->fn = fn;
	s->arg = arg;
	buf_init(&s->queue, QUEUE_MAX);
	buf_init(&s->sending, QUEUE_MAX);
	loop_soon_init(&s->soon, on_soon, s);
	s->limit = timer_new(loop, on_limit, s);
	return s;
}

static void
on_closed_unborn(uv_handle_t *h)
{
	free(h->data);
}

/* For a stream that its owner never gets to see. */
static void
unmake(struct stream *s)
{
	timer_free(s->limit);
	if (s->uv.handle.data)
		uv_close(&s->uv.handle, on_closed_unborn);
	else
		free(s); /* the handle was never made */
}

static void
on_connected(uv_connect_t *req, int status)
{
	struct stream *s = req->data;

	if (s->phase != PHASE_CONNECTING)
		return;
	if (status != 0) {
		fail_uv(s, status);
		return;
	}
	timer_stop(s->limit);
	s->phase = PHASE_OPEN;
	uv_tcp_nodelay(&s->uv.tcp, 1);
	read_update(s);
	stream_send(s);
	emit(s, STREAM_CONNECTED);
}

struct stream *
stream_connect(struct loop *loop, const struct sockaddr_any *to,
    int64_t timeout_ms, stream_fn *fn, void *arg)
{
	struct stream *s = make(loop, fn, arg);
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} addr;
	int rc;

	if (sockaddr_to_sys(to, &addr.storage) == 0)
		BUG("connecting to an address of no family");
	if (uv_tcp_init(loop_uv(loop), &s->uv.tcp) != 0) {
		unmake(s);
		return NULL;
	}
	s->uv.handle.data = s;
	s->peer = *to;
	s->phase = PHASE_CONNECTING;
	s->connect_req.data = s;
	rc = uv_tcp_connect(
	    &s->connect_req, &s->uv.tcp, &addr.sa, on_connected);
	if (rc != 0) {
		s->uv_error = rc;
		loop_soon_call(loop, &s->soon);
	} else if (timeout_ms > 0) {
		timer_start(s->limit, timeout_ms);
	}
	return s;
}

/* Makes the handle of the right kind around fd, which is closed on error. */
static int
adopt(struct stream *s, int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_storage storage;
	} from;
	socklen_t len = sizeof(from);
	bool tcp;
	int rc;

	memset(&from, 0, sizeof(from));
	/* Our own end says what kind of socket it is; the peer may be gone. */
	rc = getsockname(fd, &from.sa, &len);
	tcp = from.sa.sa_family == AF_INET || from.sa.sa_family == AF_INET6;
	if (rc == 0)
		rc = tcp ? uv_tcp_init(loop_uv(s->loop), &s->uv.tcp)
			 : uv_pipe_init(loop_uv(s->loop), &s->uv.pipe, 0);
	if (rc == 0) {
		s->uv.handle.data = s;
		rc = tcp ? uv_tcp_open(&s->uv.tcp, fd)
			 : uv_pipe_open(&s->uv.pipe, fd);
	}
	if (rc != 0) {
		close(fd);
		return ERR_IO;
	}
	if (tcp)
		uv_tcp_nodelay(&s->uv.tcp, 1);
	len = sizeof(from);
	if (getpeername(fd, &from.sa, &len) == 0) {
		sockaddr_from_sys(&from.sa, &s->peer);
		sockaddr_unmap(&s->peer);
	}
	return 0;
}

struct stream *
stream_adopt(struct loop *loop, int take_fd, stream_fn *fn, void *arg)
{
	struct stream *s = make(loop, fn, arg);

	if (adopt(s, take_fd) != 0) {
		unmake(s);
		return NULL;
	}
	s->phase = PHASE_OPEN;
	return s;
}

void
stream_peer(const struct stream *s, struct sockaddr_any *out)
{
	*out = s->peer;
}

void
stream_close(struct stream *s, bool flush_first)
{
	if (s->phase == PHASE_CLOSED ||
	    (s->phase == PHASE_LINGER && flush_first))
		return;
	if (s->phase != PHASE_OPEN || !flush_first) {
		close_now(s);
		return;
	}
	s->phase = PHASE_LINGER;
	loop_linger(s->loop, 1);
	timer_start(s->limit, LINGER_MS);
	read_update(s);
	loop_soon_call(s->loop, &s->soon);
}
