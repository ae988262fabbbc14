/* relay/net/{sockaddr,listener}.h, what shards need of them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/net/listener.h"
#include "relay/net/sockaddr.h"

void
sockaddr_unmap(struct sockaddr_any *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	if (a->family != 6 || memcmp(a->ip, prefix, sizeof(prefix)) != 0)
		return;
	a->family = 4;
	memmove(a->ip, a->ip + 12, 4);
}

/* 11.0.0.250 is this machine. */
int
sockaddr_own(struct sockaddr_any **out, size_t *n)
{
	*out = xcalloc(1, sizeof(**out));
	(*out)[0] = (struct sockaddr_any){.family = 4, .ip = {11, 0, 0, 250}};
	*n = 1;
	return 0;
}

bool
sockaddr_eq_ip(const struct sockaddr_any *a, const struct sockaddr_any *b)
{
	return a->family == b->family && a->family != 0 &&
	    memcmp(a->ip, b->ip, a->family == 6 ? 16 : 4) == 0;
}

/* Clients come by shard_give_client. */
int
listener_open(struct loop *loop, int take_fd, listener_fn *fn, void *arg,
    struct listener **out)
{
	(void)loop;
	(void)fn;
	(void)arg;
	*out = NULL;
	(void)close(take_fd);
	return ERR_UNSUPPORTED;
}

void
listener_close(struct listener *l)
{
	(void)l;
}
