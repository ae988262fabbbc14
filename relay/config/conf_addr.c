/*
 * Addresses, ports and networks as they stand in a configuration. Names are
 * not looked up: whom the relay listens to and trusts does not depend on DNS.
 */
#include "config.h"

#include "relay/config/conf_addr.h"

#include <string.h>

#include "relay/base/codec.h"

/* Splits off ":port"; *port is left alone when there is none. */
static NODISCARD int
cut_port(struct str *s, uint16_t *port)
{
	bool bracket = s->n > 0 && s->p[0] == '[';
	size_t colon = str_find_last(*s, ':');
	struct str text;
	uint64_t v;
	int err;

	if (bracket) {
		size_t end = str_find(*s, ']');

		if (end == s->n)
			return ERR_SYNTAX;
		text = str_skip(*s, end + 1);
		*s = str_n(s->p + 1, end - 1);
		/* Brackets are for IPv6 alone. */
		if (str_find(*s, ':') == s->n)
			return ERR_SYNTAX;
		if (text.n == 0)
			return 0;
		if (text.p[0] != ':')
			return ERR_SYNTAX;
		text = str_skip(text, 1);
	} else {
		/* More than one colon: IPv6 without a port. */
		if (colon == s->n || str_find(*s, ':') != colon)
			return 0;
		text = str_skip(*s, colon + 1);
		*s = str_n(s->p, colon);
	}
	err = codec_u64(text, 65535, &v);
	if (err)
		return err;
	if (v == 0)
		return ERR_RANGE;
	*port = (uint16_t)v;
	return 0;
}

int
conf_addr_port(struct str s, uint16_t def_port, struct opt_addr_port *out)
{
	struct opt_addr_port a = {.port = def_port};
	int err = cut_port(&s, &a.port);

	if (err)
		return err;
	if (a.port == 0 || rr_addr_parse(s, &a.addr))
		return ERR_SYNTAX;
	*out = a;
	return 0;
}

int
conf_net(struct str s, struct opt_net *out)
{
	size_t slash = str_find(s, '/');
	struct opt_net net = {0};
	unsigned max;
	uint64_t bits;
	int err;

	if (rr_addr_parse(str_n(s.p, slash), &net.addr))
		return ERR_SYNTAX;
	max = net.addr.family == 4 ? 32 : 128;
	bits = max;
	if (slash < s.n) {
		err = codec_u64(str_skip(s, slash + 1), max, &bits);
		if (err)
			return err;
	}
	net.bits = (unsigned)bits;
	*out = net;
	return 0;
}

bool
conf_net_mask(struct opt_net *net)
{
	unsigned bytes = net->addr.family == 4 ? 4 : 16;
	bool found = false;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned keep = net->bits > 8 * i ? net->bits - 8 * i : 0;
		uint8_t mask = (uint8_t)(keep >= 8 ? 0xffu
						   : 0xff00u >> keep & 0xffu);

		if (net->addr.ip[i] & (uint8_t)~mask)
			found = true;
		net->addr.ip[i] &= mask;
	}
	return found;
}

bool
conf_addr_is_loopback(const struct rr_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == 4)
		return a->ip[0] == 127;
	return memcmp(a->ip, one, sizeof(one)) == 0;
}
