/*
 * Next hops as text. Brackets always hold an address, so a name is never
 * mistaken for one.
 */
#include "config.h"

#include "relay/policy/nexthop.h"

#include <stdio.h>
#include <string.h>

#include "relay/base/codec.h"

static NODISCARD int
take_port(struct str s, uint16_t *port)
{
	uint64_t v;

	if (codec_u64(s, 65535, &v) < 0 || v == 0)
		return ERR_SYNTAX;
	*port = (uint16_t)v;
	return 0;
}

static NODISCARD int
take_literal(struct str s, struct nexthop *n)
{
	char text[RR_ADDR_TEXT];

	/* RFC 5321 4.1.3: IPv6-address-literal has a tag */
	if (str_starts_ci(s, STR("IPv6:")))
		s = str_skip(s, 5);
	if (rr_addr_parse(s, &n->addr) < 0)
		return ERR_SYNTAX;
	n->literal = true;
	rr_addr_str(&n->addr, text);
	snprintf(n->host, sizeof(n->host), "[%s]", text);
	return 0;
}

int
nexthop_parse(struct str s, uint16_t def_port, struct nexthop *out)
{
	struct nexthop n;
	struct str host = s, rest;
	int err;

	memset(&n, 0, sizeof(n));
	n.port = def_port;
	if (s.n > 0 && s.p[0] == '[') {
		size_t end = str_find(s, ']');

		if (end == s.n)
			return ERR_SYNTAX;
		host = str_n(s.p + 1, end - 1);
		rest = str_skip(s, end + 1);
		err = take_literal(host, &n);
	} else {
		size_t colon = str_find(s, ':');

		host = str_n(s.p, colon);
		rest = str_skip(s, colon);
		err = domain_is_ip(host) ? ERR_SYNTAX
					 : domain_canon_host(host, n.host);
	}
	if (err)
		return ERR_SYNTAX;
	if (rest.n > 0) {
		if (rest.p[0] != ':')
			return ERR_SYNTAX;
		err = take_port(str_skip(rest, 1), &n.port);
		if (err)
			return err;
	}
	*out = n;
	return 0;
}
