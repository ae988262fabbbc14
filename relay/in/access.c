/*
 * Who may relay. Only networks count: names and claims in SMTP prove nothing.
 * An IPv4 client on an IPv6 socket comes as ::ffff:a.b.c.d (RFC 4291 2.5.5.2)
 * and is compared as IPv4, on both sides.
 */
#include "config.h"

#include "relay/in/access.h"

#include <string.h>

#define MAPPED_BITS 96

static const struct opt_net loopback[] = {
    {.addr = {.family = 4, .ip = {127}}, .bits = 8},
    {.addr = {.family = 6, .ip = {[15] = 1}}, .bits = 128},
};

/* A mapped address, or a network of at least all of them, as IPv4. */
static struct opt_net
unmap(const struct rr_addr *addr, unsigned bits)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
	struct opt_net n = {.addr = *addr, .bits = bits};

	if (addr->family != 6 || bits < MAPPED_BITS ||
	    memcmp(addr->ip, prefix, sizeof(prefix)) != 0)
		return n;
	n.addr = (struct rr_addr){.family = 4};
	memcpy(n.addr.ip, addr->ip + sizeof(prefix), 4);
	n.bits = bits - MAPPED_BITS;
	return n;
}

static bool
contains(const struct opt_net *raw, const struct rr_addr *addr)
{
	struct opt_net net = unmap(&raw->addr, raw->bits);
	size_t bytes = net.bits / 8;
	unsigned rest = net.bits % 8;

	if (net.addr.family != addr->family ||
	    net.bits > (addr->family == 4 ? 32u : 128u))
		return false;
	if (memcmp(net.addr.ip, addr->ip, bytes) != 0)
		return false;
	return rest == 0 ||
	    ((net.addr.ip[bytes] ^ addr->ip[bytes]) >> (8 - rest)) == 0;
}

bool
access_may_relay(const struct opt_listen *l, const struct rr_addr *addr)
{
	const struct opt_net *nets = l->n_nets > 0 ? l->nets : loopback;
	size_t n = l->n_nets > 0 ? l->n_nets
				 : sizeof(loopback) / sizeof(loopback[0]);
	struct opt_net client;

	if (!addr)
		return true;
	client = unmap(addr, 128);
	for (size_t i = 0; i < n; i++) {
		if (contains(&nets[i], &client.addr))
			return true;
	}
	return false;
}
