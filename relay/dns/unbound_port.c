/*
 * The reservation lies beside the child's sockets all the time. Both have
 * SO_REUSEPORT and one owner, so the child can bind; nobody else can, since
 * ours lack SO_REUSEADDR. It must never get a packet that is for the child:
 *
 *  - UDP: connected to a peer that nobody is, so that no datagram matches;
 *    with the child down a question finds no socket and is refused at once;
 *  - TCP: bound but not listening.
 */
#include "config.h"

#include "relay/dns/unbound_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEAD_PORT 1 /* tcpmux: nobody sends from there */
#define TRIES 32 /* a port that is free for UDP may not be for TCP */

union addr {
	struct sockaddr any;
	struct sockaddr_in in;
};

static union addr
loopback(uint16_t port)
{
	union addr a;

	memset(&a, 0, sizeof(a));
	a.in.sin_family = AF_INET;
	a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.in.sin_port = htons(port);
	return a;
}

/*
 * A bound socket, or -1 with errno. *port is given or, 0, chosen. The option
 * comes after bind(): with it, the port chosen may be one that another
 * program of the same user shares.
 */
static int
bind_one(int type, uint16_t *port)
{
	union addr a = loopback(*port);
	socklen_t len = sizeof(a.in);
	int on = 1, saved;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, &a.any, sizeof(a.in)) == 0 &&
	    getsockname(fd, &a.any, &len) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) {
		*port = ntohs(a.in.sin_port);
		return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
reserve(struct unbound_port *out)
{
	struct unbound_port p = {-1, -1, 0};
	union addr dead = loopback(DEAD_PORT);
	int saved;

	p.udp = bind_one(SOCK_DGRAM, &p.port);
	if (p.udp >= 0 && connect(p.udp, &dead.any, sizeof(dead.in)) == 0)
		p.tcp = bind_one(SOCK_STREAM, &p.port);
	if (p.tcp >= 0) {
		*out = p;
		return 0;
	}
	saved = errno;
	if (p.udp >= 0)
		close(p.udp);
	errno = saved;
	return -1;
}

int
unbound_port_reserve(long uid, struct unbound_port *out, char text[160])
{
	uid_t own = geteuid();
	int ret = -1, saved = EADDRINUSE, i;

	if (uid >= 0 && seteuid((uid_t)uid) != 0) {
		(void)snprintf(text, 160, "can't become user %ld: %s", uid,
		    strerror(errno));
		return ERR_PERM;
	}
	for (i = 0; i < TRIES && ret != 0 && saved == EADDRINUSE; i++) {
		ret = reserve(out);
		saved = errno;
	}
	if (uid >= 0 && seteuid(own) != 0)
		BUG("can't go back to user %ld", (long)own);
	if (ret == 0)
		return 0;
	(void)snprintf(text, 160, "no port on 127.0.0.1 for the resolver: %s",
	    strerror(saved));
	return saved == EACCES || saved == EPERM ? ERR_PERM : ERR_IO;
}

void
unbound_port_release(struct unbound_port *p)
{
	if (p->udp >= 0)
		close(p->udp);
	if (p->tcp >= 0)
		close(p->tcp);
	p->udp = p->tcp = -1;
}
