/*
 * Addresses as text, in all of the ways they are read: bare, with a port, as a
 * network. What was read, written, is read the same; and the ways agree where
 * they overlap.
 */
#include "config.h"

#include "relay/net/sockaddr.h"

#include "relay/base/ipclass.h"
#include "relay/config/conf_addr.h"
#include "tests/fuzz/fuzz.h"

static size_t
bytes_of(unsigned family)
{
	return family == 4 ? 4 : 16;
}

static void
check_addr(struct str s)
{
	struct rr_addr a, again;
	char text[RR_ADDR_TEXT];
	struct opt_addr_port with_port;
	struct sockaddr_any any;

	if (rr_addr_parse(s, &a))
		return;
	FUZZ_CHECK(a.family == 4 || a.family == 6);
	rr_addr_str(&a, text);
	FUZZ_CHECK(rr_addr_parse(str_of(text), &again) == 0);
	FUZZ_CHECK(memcmp(&a, &again, sizeof(a)) == 0);
	FUZZ_CHECK(conf_addr_port(s, 25, &with_port) == 0);
	FUZZ_CHECK(with_port.port == 25);
	FUZZ_CHECK(memcmp(&a, &with_port.addr, sizeof(a)) == 0);
	FUZZ_CHECK(sockaddr_parse(s, 25, &any) == 0 && any.port == 25);
	FUZZ_CHECK(any.family == a.family);
	FUZZ_CHECK(memcmp(any.ip, a.ip, bytes_of(a.family)) == 0);
	FUZZ_CHECK(
	    ipclass_is_special(a.family, a.ip) == sockaddr_is_special(&any));
	/* An IPv4 address in IPv6 clothes is never the better one. */
	if (a.family == 6) {
		sockaddr_unmap(&any);
		FUZZ_CHECK(
		    any.family == 6 || ipclass_is_special(a.family, a.ip));
		FUZZ_CHECK(any.family == 6 || !memcmp(any.ip, a.ip + 12, 4));
	}
}

static void
check_port(struct str s)
{
	struct sockaddr_any a, again;
	struct opt_addr_port b;
	char text[SOCKADDR_TEXT];

	if (sockaddr_parse(s, 2525, &a) == 0) {
		sockaddr_str(&a, text);
		FUZZ_CHECK(sockaddr_parse(str_of(text), 1, &again) == 0);
		FUZZ_CHECK(sockaddr_eq_ip(&a, &again) && a.port == again.port);
	}
	if (conf_addr_port(s, 0, &b) == 0) {
		FUZZ_CHECK(b.port > 0);
		FUZZ_CHECK(sockaddr_parse(s, 0, &a) == 0);
		FUZZ_CHECK(a.port == b.port && a.family == b.addr.family);
		FUZZ_CHECK(memcmp(a.ip, b.addr.ip, bytes_of(a.family)) == 0);
	}
}

static void
check_net(struct str s)
{
	struct opt_net net, before;
	struct buf b;
	char text[RR_ADDR_TEXT];

	if (conf_net(s, &net))
		return;
	FUZZ_CHECK(net.bits <= 8 * bytes_of(net.addr.family));
	before = net;
	FUZZ_CHECK(conf_net_mask(&net) ==
	    (memcmp(&before.addr, &net.addr, sizeof(net.addr)) != 0));
	FUZZ_CHECK(!conf_net_mask(&net));
	rr_addr_str(&net.addr, text);
	buf_init(&b, 100);
	buf_addf(&b, "%s/%u", text, net.bits);
	FUZZ_CHECK(conf_net(buf_str(&b), &before) == 0);
	FUZZ_CHECK(before.bits == net.bits);
	FUZZ_CHECK(memcmp(&before.addr, &net.addr, sizeof(net.addr)) == 0);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = fuzz_exact(str_n((const char *)data, size));
	struct str s = str_n(exact, size);

	check_addr(s);
	check_port(s);
	check_net(s);
	free(exact);
	return 0;
}
