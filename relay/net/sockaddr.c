/*
 * Addresses: text, system form, and those of this machine.
 */
#include "config.h"

#include "relay/net/sockaddr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "relay/base/buf.h"
#include "relay/base/codec.h"
#include "relay/base/ipclass.h"

bool
sockaddr_is_special(const struct sockaddr_any *a)
{
	return ipclass_is_special(a->family, a->ip);
}

void
sockaddr_str(const struct sockaddr_any *a, char out[SOCKADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";

	switch (a->family) {
	case 4:
		inet_ntop(AF_INET, a->ip, ip, sizeof(ip));
		snprintf(out, SOCKADDR_TEXT, "%s:%u", ip, (unsigned)a->port);
		break;
	case 6:
		inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
		snprintf(out, SOCKADDR_TEXT, "[%s]:%u", ip, (unsigned)a->port);
		break;
	default:
		snprintf(out, SOCKADDR_TEXT, "unix");
		break;
	}
}

/* Divides s into address and port text; *has_port says whether there is one. */
static int
split_port(struct str s, struct str *ip, struct str *port, bool *has_port)
{
	size_t colon = str_find(s, ':');

	*has_port = false;
	if (s.n > 0 && s.p[0] == '[') {
		size_t end = str_find(s, ']');
		struct str rest;

		if (end == s.n)
			return ERR_SYNTAX;
		*ip = str_n(s.p + 1, end - 1);
		/* Brackets are for IPv6 alone. */
		if (str_find(*ip, ':') == ip->n)
			return ERR_SYNTAX;
		rest = str_skip(s, end + 1);
		if (rest.n == 0)
			return 0;
		if (rest.p[0] != ':')
			return ERR_SYNTAX;
		*port = str_skip(rest, 1);
		*has_port = true;
		return 0;
	}
	*ip = s;
	if (colon == s.n || str_find_last(s, ':') != colon)
		return 0; /* bare IPv4, or bare IPv6 with its many colons */
	*ip = str_n(s.p, colon);
	*port = str_skip(s, colon + 1);
	*has_port = true;
	return 0;
}

int
sockaddr_parse(struct str s, uint16_t def_port, struct sockaddr_any *out)
{
	struct sockaddr_any a = {.port = def_port};
	struct str ip = {0};
	struct str port = {0};
	char text[INET6_ADDRSTRLEN];
	uint64_t number = 0;
	bool has_port;

	if (split_port(s, &ip, &port, &has_port) != 0)
		return ERR_SYNTAX;
	if (ip.n == 0 || ip.n >= sizeof(text) || memchr(ip.p, '\0', ip.n))
		return ERR_SYNTAX;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = '\0';
	if (inet_pton(AF_INET, text, a.ip) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.ip) == 1)
		a.family = 6;
	else
		return ERR_SYNTAX;
	if (has_port) {
		if (codec_u64(port, 65535, &number) != 0)
			return ERR_SYNTAX;
		a.port = (uint16_t)number;
	}
	*out = a;
	return 0;
}

void
sockaddr_unmap(struct sockaddr_any *a)
{
	static const uint8_t mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (a->family != 6 || memcmp(a->ip, mapped, sizeof(mapped)) != 0)
		return;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, sizeof(a->ip) - 4);
	a->family = 4;
}

bool
sockaddr_eq_ip(const struct sockaddr_any *a, const struct sockaddr_any *b)
{
	struct sockaddr_any x = *a;
	struct sockaddr_any y = *b;

	sockaddr_unmap(&x);
	sockaddr_unmap(&y);
	if (x.family != y.family || x.family == 0)
		return false;
	return memcmp(x.ip, y.ip, x.family == 4 ? 4 : 16) == 0;
}

unsigned
sockaddr_to_sys(const struct sockaddr_any *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (a->family == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET};

		in.sin_port = htons(a->port);
		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(out, &in, sizeof(in));
		return sizeof(in);
	}
	if (a->family == 6) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

		in6.sin6_port = htons(a->port);
		memcpy(&in6.sin6_addr, a->ip, 16);
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	return 0;
}

void
sockaddr_from_sys(const struct sockaddr *sa, struct sockaddr_any *out)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		out->family = 4;
		out->port = ntohs(in.sin_port);
		memcpy(out->ip, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		out->family = 6;
		out->port = ntohs(in6.sin6_port);
		memcpy(out->ip, &in6.sin6_addr, 16);
	}
}

int
sockaddr_own(struct sockaddr_any **out, size_t *n)
{
	struct ifaddrs *all = NULL;
	struct sockaddr_any *v = NULL;
	size_t count = 0;

	if (getifaddrs(&all) != 0)
		return ERR_IO;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct sockaddr_any a;

		if (!i->ifa_addr)
			continue;
		sockaddr_from_sys(i->ifa_addr, &a);
		if (a.family == 0)
			continue;
		a.port = 0;
		v = xrealloc(v, (count + 1) * sizeof(*v));
		v[count++] = a;
	}
	freeifaddrs(all);
	*out = v;
	*n = count;
	return 0;
}
