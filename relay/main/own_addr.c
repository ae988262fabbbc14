/* Cached list of interface addresses; see the header. */
#include "config.h"

#include "relay/main/own_addr.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/net/sockaddr.h"

#define OWN_ADDR_MS 30000

struct own_addr {
	struct loop *loop;
	struct sockaddr_any *v;
	size_t n;
	int64_t read_at; /* loop time; -1: never */
};

struct own_addr *
own_addr_new(struct loop *loop)
{
	struct own_addr *o = xcalloc(1, sizeof(*o));

	o->loop = loop;
	o->read_at = -1;
	return o;
}

void
own_addr_free(struct own_addr *o)
{
	if (!o)
		return;
	free(o->v);
	free(o);
}

static void
own_addr_refresh(struct own_addr *o)
{
	int64_t now = timer_now(o->loop);
	struct sockaddr_any *v;
	size_t n;

	if (o->read_at >= 0 && now - o->read_at < OWN_ADDR_MS)
		return;
	o->read_at = now;
	if (sockaddr_own(&v, &n))
		return;
	free(o->v);
	o->v = v;
	o->n = n;
}

bool
own_addr_has(void *arg, const struct rr_addr *addr)
{
	struct own_addr *o = arg;
	struct sockaddr_any a = {.family = addr->family};
	size_t i;

	memcpy(a.ip, addr->ip, sizeof(a.ip));
	own_addr_refresh(o);
	for (i = 0; i < o->n; i++)
		if (sockaddr_eq_ip(&a, &o->v[i]))
			return true;
	return false;
}
