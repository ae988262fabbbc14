/*
 * Setting up a getdns context: STUB, UDP or TCP, nothing read from the
 * system's files, one upstream. RESOLVER.md 1.2 says why each setting is as
 * it is.
 *
 * Never both transports in one context: getdns would go from UDP to TCP by
 * itself, and then close the connection of all once for each request on it
 * that times out, by a number which is somebody else's by then (B10).
 */
#include "config.h"

#include "relay/dns/dns_gdctx.h"

#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>
#include <stdlib.h>
#include <string.h>

#include "relay/dns/dns_gduv.h"

#define UDP_SIZE 1232 /* bytes: no fragments */

/* The list with the one upstream of a context. */
static int
set_upstream(getdns_context *ctx, const struct opt_addr_port *a)
{
	size_t n = a->addr.family == 4 ? 4 : 16;
	uint8_t ip[16];
	getdns_bindata addr = {n, ip};
	getdns_dict *d = getdns_dict_create();
	getdns_list *l = getdns_list_create();
	int err = ERR_DNS;

	memcpy(ip, a->addr.ip, n);
	if (!d || !l ||
	    getdns_dict_util_set_string(d, "address_type",
		n == 4 ? "IPv4" : "IPv6") != GETDNS_RETURN_GOOD ||
	    getdns_dict_set_bindata(d, "address_data", &addr) !=
		GETDNS_RETURN_GOOD ||
	    getdns_dict_set_int(d, "port", a->port) != GETDNS_RETURN_GOOD ||
	    getdns_list_set_dict(l, 0, d) != GETDNS_RETURN_GOOD ||
	    getdns_context_set_upstream_recursive_servers(ctx, l) !=
		GETDNS_RETURN_GOOD)
		goto out;
	err = 0;
out:
	getdns_list_destroy(l);
	getdns_dict_destroy(d);
	return err;
}

/* RESOLVER.md 1.2 says why each of these. */
static int
set_options(getdns_context *ctx, enum dns_gdctx_by by, int64_t timeout_ms,
    const char *appdata_dir)
{
	getdns_namespace_t ns[] = {GETDNS_NAMESPACE_DNS};
	getdns_transport_list_t tl[] = {
	    by == DNS_GDCTX_TCP ? GETDNS_TRANSPORT_TCP : GETDNS_TRANSPORT_UDP};
	const getdns_return_t rets[] = {
	    getdns_context_set_resolution_type(ctx, GETDNS_RESOLUTION_STUB),
	    getdns_context_set_namespaces(ctx, 1, ns),
	    getdns_context_set_dns_transport_list(ctx, 1, tl),
	    getdns_context_set_append_name(ctx, GETDNS_APPEND_NAME_NEVER),
	    getdns_context_set_timeout(ctx, (uint64_t)timeout_ms),
	    getdns_context_set_edns_maximum_udp_payload_size(ctx, UDP_SIZE),
	};
	size_t i;

	for (i = 0; i < sizeof(rets) / sizeof(rets[0]); i++)
		if (rets[i] != GETDNS_RETURN_GOOD)
			return ERR_DNS;
	if (appdata_dir &&
	    getdns_context_set_appdata_dir(ctx, appdata_dir) !=
		GETDNS_RETURN_GOOD)
		return ERR_DNS;
	return 0;
}

/* After a truncated reply getdns reads the transport behind the last one of
 * its list, which nobody has written: here it is none. */
static void *
zero_alloc(size_t n)
{
	return calloc(1, n);
}

int
dns_gdctx_open(void *uv_loop, const struct opt_addr_port *a,
    enum dns_gdctx_by by, int64_t timeout_ms, const char *appdata_dir,
    struct dns_gdctx *out)
{
	struct dns_gdctx c = {0};
	struct sockaddr_any peer = {0};
	int err = ERR_DNS;

	if ((a->addr.family != 4 && a->addr.family != 6) || a->port == 0)
		return ERR_CONFIG;
	/* 0: reads neither resolv.conf nor hosts. */
	if (getdns_context_create_with_memory_functions(
		&c.ctx, 0, zero_alloc, realloc, free) != GETDNS_RETURN_GOOD) {
		c.ctx = NULL;
		goto out;
	}
	err = set_options(c.ctx, by, timeout_ms, appdata_dir);
	if (err)
		goto out;
	err = set_upstream(c.ctx, a);
	if (err)
		goto out;
	peer.family = a->addr.family;
	memcpy(peer.ip, a->addr.ip, sizeof(peer.ip));
	peer.port = a->port;
	c.gduv = dns_gduv_new(uv_loop, &peer);
	err = dns_gduv_attach(c.gduv, c.ctx);
	if (err)
		goto out;
	*out = c;
	return 0;
out:
	dns_gdctx_close(&c);
	return err;
}

void
dns_gdctx_close(struct dns_gdctx *c)
{
	if (c->ctx)
		getdns_context_destroy(c->ctx);
	dns_gduv_free(c->gduv);
	c->ctx = NULL;
	c->gduv = NULL;
}
