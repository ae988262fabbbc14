/*
 * A resolver in a thread that blocks on one UDP socket. Every name has the MX
 * "mx." in front of itself and the address 127.0.0.2; of all other types there
 * is nothing, validated.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "tests/stress/stress.h"

#define QUERY_MAX 512
#define REPLY_MAX 1024

#define TYPE_A 1
#define TYPE_NS 2
#define TYPE_SOA 6
#define TYPE_MX 15

struct stress_dns {
	struct net_thread *thread;
	struct sockaddr_in addr;
	int fd;
};

struct reply {
	uint8_t p[REPLY_MAX];
	size_t n;
};

static void
put(struct reply *r, const void *p, size_t n)
{
	memcpy(r->p + r->n, p, n);
	r->n += n;
}

static void
put16(struct reply *r, unsigned v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(r, b, 2);
}

/* name, type, class IN, ttl, length of the data */
static void
put_rr(struct reply *r, const void *name, size_t n, unsigned type, size_t len)
{
	put(r, name, n);
	put16(r, type);
	put16(r, 1);
	put16(r, 0);
	put16(r, 300);
	put16(r, (unsigned)len);
}

static void
put_answer(struct reply *r, unsigned type, const uint8_t *name, size_t n)
{
	static const uint8_t at_question[] = {0xc0, 12};
	static const uint8_t addr[] = {127, 0, 0, 2};
	static const uint8_t soa[22] = {0};
	static const uint8_t ns[] = "\1a\4test"; /* with the root's label */

	switch (type) {
	case TYPE_A:
		put_rr(r, at_question, 2, type, sizeof(addr));
		put(r, addr, sizeof(addr));
		break;
	case TYPE_NS:
		put_rr(r, at_question, 2, type, sizeof(ns));
		put(r, ns, sizeof(ns));
		break;
	case TYPE_MX:
		put_rr(r, at_question, 2, type, n + 5);
		put16(r, 10);
		put(r, "\2mx", 3);
		put(r, name, n);
		break;
	default:
		put_rr(r, "", 1, TYPE_SOA, sizeof(soa));
		put(r, soa, sizeof(soa));
		break;
	}
}

/* 0 bytes when it is no question. */
static void
answer(const uint8_t *q, size_t n, struct reply *r)
{
	size_t at = 12;
	unsigned type;
	bool has;

	r->n = 0;
	while (at < n && q[at] != 0)
		at += q[at] + 1u;
	if (n < 17 || at + 5 > n)
		return;
	type = (unsigned)q[at + 1] << 8 | q[at + 2];
	has = type == TYPE_A || type == TYPE_NS || type == TYPE_MX;
	put(r, q, 2);
	put16(r, 0x81a0); /* response, RD, RA, AD */
	put16(r, 1);
	put16(r, has ? 1 : 0);
	put16(r, has ? 0 : 1);
	put16(r, 0);
	put(r, q + 12, at + 5 - 12);
	put_answer(r, type, q + 12, at + 1 - 12);
}

static void
dns_main(void *arg)
{
	struct stress_dns *d = arg;
	uint8_t q[QUERY_MAX];
	struct reply r;

	for (;;) {
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(
		    d->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &len);

		if (n == 1)
			return; /* from stress_dns_free */
		if (n <= 0)
			continue;
		answer(q, (size_t)n, &r);
		if (r.n > 0)
			(void)sendto(
			    d->fd, r.p, r.n, 0, (struct sockaddr *)&from, len);
	}
}

struct stress_dns *
stress_dns_new(void)
{
	struct stress_dns *d = xcalloc(1, sizeof(*d));
	socklen_t len = sizeof(d->addr);

	d->addr.sin_family = AF_INET;
	d->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(d->fd, (struct sockaddr *)&d->addr, len) != 0 ||
	    getsockname(d->fd, (struct sockaddr *)&d->addr, &len) != 0 ||
	    net_thread_start(dns_main, d, "dns", &d->thread) != 0)
		BUG("no resolver");
	return d;
}

uint16_t
stress_dns_port(const struct stress_dns *d)
{
	return ntohs(d->addr.sin_port);
}

void
stress_dns_free(struct stress_dns *d)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sendto(fd, "", 1, 0, (struct sockaddr *)&d->addr,
		sizeof(d->addr)) != 1)
		BUG("resolver can't be told to end");
	close(fd);
	net_thread_join(d->thread);
	close(d->fd);
	free(d);
}
