/*
 * A connected socket, TCP or unix, without TLS: what conn stands on. For
 * relay/net only. All calls on the loop's thread; callbacks never run inside a
 * call of ours.
 */
#ifndef RELAY_NET_STREAM_H
#define RELAY_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"
#include "relay/net/sockaddr.h"

struct loop;
struct stream;

enum stream_event_kind {
	STREAM_CONNECTED,
	STREAM_DATA, /* borrowed for the call */
	STREAM_SENT, /* nothing is queued any more */
	STREAM_EOF, /* at the peer's side; once */
	STREAM_ERROR, /* it closes itself: only STREAM_CLOSED follows */
	STREAM_CLOSED /* last; the memory goes right after it */
};

struct stream_event {
	enum stream_event_kind kind;
	struct str data;
	int err; /* enum err */
	const char *text; /* borrowed for the call */
};

typedef void stream_fn(void *arg, const struct stream_event *ev);

/* As conn_connect; timeout_ms <= 0 is none. */
struct stream *stream_connect(struct loop *loop, const struct sockaddr_any *to,
    int64_t timeout_ms, stream_fn *fn, void *arg);
/* As conn_accepted, but it reads only when told. */
struct stream *stream_adopt(
    struct loop *loop, int take_fd, stream_fn *fn, void *arg);
void stream_peer(const struct stream *s, struct sockaddr_any *out);
/* Output: append to the queue, then call stream_send; it goes out in the next
 * round of the loop, at once what was queued till then. */
struct buf *stream_queue(struct stream *s);
void stream_send(struct stream *s);
/* Bytes not yet taken by the system. */
size_t stream_pending(const struct stream *s);
/* Starts or stops reading; also before it is connected. */
void stream_read(struct stream *s, bool on);
/* As conn_close. */
void stream_close(struct stream *s, bool flush);

#endif
