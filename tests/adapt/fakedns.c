/* See fakedns.h. Speaks just enough RFC 1035 to be believed. */
#include "config.h"

#include "tests/adapt/fakedns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/list.h"

#define QUERY_MAX 512

struct fakedns {
	uv_poll_t poll_udp, poll_tcp;
	int udp, tcp;
	unsigned open;
	unsigned family;
	bool no_ad;
	uint16_t port;
	unsigned asked;
	unsigned dropped; /* questions for droponce seen so far */
	struct list conns; /* struct conn.node */
};

union addr {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* A question, and the reply under construction. */
struct msg {
	const uint8_t *q;
	size_t qn; /* bytes of header and question */
	uint16_t qtype;
	bool cd, tcp;
	uint8_t p[65535];
	size_t n;
};

static void
put(struct msg *m, const void *p, size_t n)
{
	memcpy(m->p + m->n, p, n);
	m->n += n;
}

static void
put16(struct msg *m, unsigned v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(m, b, 2);
}

/* flags: second 16 bits of the header. */
static void
begin(struct msg *m, unsigned flags, unsigned an, unsigned ns)
{
	m->n = 0;
	put(m, m->q, 2);
	put16(m, flags | 0x8180u);
	put16(m, 1);
	put16(m, an);
	put16(m, ns);
	put16(m, 0);
	put(m, m->q + 12, m->qn - 12);
}

#define AD 0x20u
#define TC 0x200u

static void
rr(struct msg *m, const void *owner, size_t owner_n, unsigned type,
    unsigned ttl, const void *rdata, size_t n)
{
	put(m, owner, owner_n);
	put16(m, type);
	put16(m, 1);
	put16(m, 0);
	put16(m, ttl);
	put16(m, (unsigned)n);
	put(m, rdata, n);
}

static const uint8_t at_question[] = {0xc0, 12};
static const uint8_t target[] = "\6target\4test"; /* with its root label */

static void
soa(struct msg *m)
{
	static const uint8_t rdata[] = {
	    0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 33};

	rr(m, "\0", 1, 6, 900, rdata, sizeof(rdata));
}

/* Two records of the asked type, or one. */
static void
records(struct msg *m, const void *owner, size_t owner_n)
{
	static const uint8_t a[] = {192, 0, 2, 1}, aaaa[16] = {0x20, 1, 13};
	static const uint8_t mx0[] = "\0\12\3MX1\4test";
	static const uint8_t txt[] = {4, 'v', '=', 'S', 'T', 3, 'S', 'v', '1'};
	static const uint8_t tlsa[] = {3, 1, 1, 0xde, 0xad};

	switch (m->qtype) {
	case 1:
		rr(m, owner, owner_n, 1, 60, a, sizeof(a));
		break;
	case 2:
		rr(m, owner, owner_n, 2, 60, target, sizeof(target));
		break;
	case 28:
		rr(m, owner, owner_n, 28, 60, aaaa, sizeof(aaaa));
		break;
	case 15:
		rr(m, owner, owner_n, 15, 60, mx0, sizeof(mx0));
		break;
	case 16:
		rr(m, owner, owner_n, 16, 60, txt, sizeof(txt));
		break;
	default:
		rr(m, owner, owner_n, m->qtype, 60, tlsa, sizeof(tlsa));
		break;
	}
}

static void
cname(struct msg *m, bool loop)
{
	begin(m, AD, m->qtype == 5 ? 1 : 2, 0);
	rr(m, at_question, 2, 5, 20, target, sizeof(target));
	if (m->qtype == 5)
		return;
	if (loop)
		rr(m, target, sizeof(target), 5, 20, at_question, 2);
	else
		records(m, target, sizeof(target));
}

/* 100 TLSA records of 35 bytes. */
static void
big(struct msg *m)
{
	uint8_t rdata[35] = {3, 1, 1};
	unsigned i;

	begin(m, AD, 100, 0);
	for (i = 0; i < 100; i++) {
		rdata[3] = (uint8_t)i;
		rr(m, at_question, 2, 52, 60, rdata, sizeof(rdata));
	}
}

static bool
is(const struct msg *m, const char *label)
{
	size_t n = strlen(label);

	return m->q[12] == n && memcmp(m->q + 13, label, n) == 0;
}

static void
reply_error(struct msg *m, unsigned rcode)
{
	begin(m, rcode, 0, 0);
}

static void
reply_negative(struct msg *m, unsigned rcode, bool with_soa)
{
	begin(m, AD | rcode, 0, with_soa);
	if (with_soa)
		soa(m);
}

/* Negative and failing behaviours; false: none of these. */
static bool
reply_bad(struct msg *m)
{
	if (is(m, "nodata"))
		reply_negative(m, 0, true);
	else if (is(m, "nosoa"))
		reply_negative(m, 0, false);
	else if (is(m, "nx"))
		reply_negative(m, 3, true);
	else if (is(m, "servfail") || (is(m, "bogus") && !m->cd))
		reply_error(m, 2);
	else if (is(m, "refused"))
		reply_error(m, 5);
	else if (is(m, "notimp"))
		reply_error(m, 4);
	else if (is(m, "drop"))
		m->n = 0;
	else if (is(m, "tc") || is(m, "tcdrop") || (is(m, "big") && !m->tcp))
		begin(m, TC | AD, 0, 0);
	else
		return false;
	return true;
}

/* The reply into m; m->n 0: none. */
static void
reply(struct fakedns *f, struct msg *m)
{
	if (reply_bad(m))
		return;
	if (is(m, "droponce") && f->dropped++ == 0) {
		m->n = 0;
	} else if (is(m, "garbage")) {
		m->n = 0;
		put(m, m->q, 2);
		put(m, "\x81\x80zzz", 5);
	} else if (is(m, "cname") || is(m, "loop")) {
		cname(m, is(m, "loop"));
	} else if (is(m, "big")) {
		big(m);
	} else if (is(m, "short")) {
		begin(m, AD, 1, 0);
		rr(m, at_question, 2, 52, 60, "\3\1", 2);
	} else {
		begin(m, is(m, "insecure") || is(m, "forged") ? 0 : AD, 1, 0);
		records(m, at_question, 2);
	}
	if (is(m, "wrongq"))
		m->p[13] ^= 3;
	if (f->no_ad && m->n > 3)
		m->p[3] &= (uint8_t)~AD;
}

/* false: not a question. */
static bool
parse(struct msg *m, const uint8_t *p, size_t n)
{
	size_t at = 12;

	if (n < 17)
		return false;
	while (at < n && p[at] != 0)
		at += p[at] + 1u;
	if (at + 5 > n)
		return false;
	m->q = p;
	m->qn = at + 5;
	m->qtype = (uint16_t)(p[at + 1] << 8 | p[at + 2]);
	m->cd = (p[3] & 0x10) != 0;
	return true;
}

/* A secure answer with another record, from another port: RESOLVER.md B4. */
static void
forge(struct fakedns *f, struct msg *m, const union addr *to, socklen_t len)
{
	int fd = socket(f->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);

	begin(m, AD, 1, 0);
	rr(m, at_question, 2, 1, 60, "\x7f\0\0\1", 4);
	(void)sendto(fd, m->p, m->n, 0, &to->any, len);
	close(fd);
}

static void
on_udp(uv_poll_t *h, int status, int events)
{
	struct fakedns *f = h->data;
	struct msg *m = xcalloc(1, sizeof(*m));
	uint8_t q[QUERY_MAX];
	union addr from;
	socklen_t len = sizeof(from);
	ssize_t n;

	(void)status;
	(void)events;
	n = recvfrom(f->udp, q, sizeof(q), 0, &from.any, &len);
	if (n > 0 && parse(m, q, (size_t)n)) {
		f->asked++;
		if (is(m, "forged"))
			forge(f, m, &from, len);
		reply(f, m);
		if (m->n > 0)
			(void)sendto(f->udp, m->p, m->n, 0, &from.any, len);
	}
	free(m);
}

struct conn {
	uv_poll_t poll;
	struct fakedns *f;
	struct list node;
	int fd;
	uint8_t in[4096]; /* questions not yet complete */
	size_t n;
};

static void
on_conn_closed(uv_handle_t *h)
{
	free(h->data);
}

static void
conn_close(struct conn *c)
{
	list_remove(&c->node);
	uv_close((uv_handle_t *)&c->poll, on_conn_closed);
	close(c->fd);
}

/* Answers the question of q, which begins behind its length. false: no more
 * on this connection. */
static bool
conn_answer(struct conn *c, const uint8_t *q, size_t n)
{
	struct msg *m = xcalloc(1, sizeof(*m));
	uint8_t len[2];
	bool go_on = parse(m, q, n) && !is(m, "tc");

	if (go_on && !is(m, "tcdrop")) {
		m->tcp = true;
		reply(c->f, m);
		len[0] = (uint8_t)(m->n >> 8);
		len[1] = (uint8_t)m->n;
		(void)send(c->fd, len, 2, MSG_NOSIGNAL | MSG_MORE);
		(void)send(c->fd, m->p, m->n, MSG_NOSIGNAL);
	}
	free(m);
	return go_on;
}

static void
on_conn(uv_poll_t *h, int status, int events)
{
	struct conn *c = h->data;
	ssize_t n = recv(c->fd, c->in + c->n, sizeof(c->in) - c->n, 0);
	size_t at = 0, len;

	(void)status;
	(void)events;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	c->n += (size_t)n;
	while (c->n - at >= 2) {
		len = (size_t)(c->in[at] << 8 | c->in[at + 1]);
		if (len > QUERY_MAX) {
			conn_close(c);
			return;
		}
		if (c->n - at < 2 + len)
			break;
		if (!conn_answer(c, c->in + at + 2, len)) {
			conn_close(c);
			return;
		}
		at += 2 + len;
	}
	c->n -= at;
	memmove(c->in, c->in + at, c->n);
}

static void
on_tcp(uv_poll_t *h, int status, int events)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	(void)status;
	(void)events;
	c->f = h->data;
	c->fd = accept(c->f->tcp, NULL, NULL);
	if (c->fd < 0 || uv_poll_init(h->loop, &c->poll, c->fd) != 0) {
		free(c);
		return;
	}
	c->poll.data = c;
	list_push(&c->f->conns, &c->node);
	uv_poll_start(&c->poll, UV_READABLE, on_conn);
}

static socklen_t
loopback(unsigned family, uint16_t port, union addr *out)
{
	memset(out, 0, sizeof(*out));
	if (family == 4) {
		out->in.sin_family = AF_INET;
		out->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		out->in.sin_port = htons(port);
		return sizeof(out->in);
	}
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_addr = in6addr_loopback;
	out->in6.sin6_port = htons(port);
	return sizeof(out->in6);
}

/* Both sockets on one port. false: this one was taken, or none is there. */
static bool
bind_both(struct fakedns *f)
{
	int domain = f->family == 4 ? AF_INET : AF_INET6;
	union addr a;
	socklen_t len = loopback(f->family, 0, &a);

	f->udp = socket(domain, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	f->tcp = socket(domain, SOCK_STREAM, 0);
	if (bind(f->udp, &a.any, len) == 0 &&
	    getsockname(f->udp, &a.any, &len) == 0 &&
	    bind(f->tcp, &a.any, len) == 0 && listen(f->tcp, 16) == 0) {
		f->port = ntohs(
		    f->family == 4 ? a.in.sin_port : a.in6.sin6_port);
		return true;
	}
	close(f->udp);
	close(f->tcp);
	return false;
}

struct fakedns *
fakedns_new(void *uv_loop, unsigned family)
{
	struct fakedns *f = xcalloc(1, sizeof(*f));
	unsigned tries = 50;

	f->family = family;
	while (!bind_both(f)) {
		if (--tries == 0) {
			free(f);
			return NULL;
		}
	}
	if (uv_poll_init(uv_loop, &f->poll_udp, f->udp) != 0 ||
	    uv_poll_init(uv_loop, &f->poll_tcp, f->tcp) != 0)
		BUG("uv_poll_init");
	f->poll_udp.data = f->poll_tcp.data = f;
	f->open = 2;
	list_init(&f->conns);
	uv_poll_start(&f->poll_udp, UV_READABLE, on_udp);
	uv_poll_start(&f->poll_tcp, UV_READABLE, on_tcp);
	return f;
}

struct opt_addr_port
fakedns_addr(const struct fakedns *f)
{
	struct opt_addr_port a = {.port = f->port};

	a.addr.family = (uint8_t)f->family;
	if (f->family == 4) {
		a.addr.ip[0] = 127;
		a.addr.ip[3] = 1;
	} else {
		a.addr.ip[15] = 1;
	}
	return a;
}

void
fakedns_no_ad(struct fakedns *f)
{
	f->no_ad = true;
}

unsigned
fakedns_asked(const struct fakedns *f)
{
	return f->asked;
}

static void
on_closed(uv_handle_t *h)
{
	struct fakedns *f = h->data;

	if (--f->open == 0)
		free(f);
}

void
fakedns_free(struct fakedns *f)
{
	if (!f)
		return;
	while (!list_empty(&f->conns))
		conn_close(CONTAINER_OF(f->conns.next, struct conn, node));
	uv_close((uv_handle_t *)&f->poll_udp, on_closed);
	uv_close((uv_handle_t *)&f->poll_tcp, on_closed);
	close(f->udp);
	close(f->tcp);
}
