/*
 * The event loop of a getdns context, on libuv. getdns's own extension can't
 * be linked and crashes on TCP (RESOLVER.md B1, B2). One thread.
 */
#ifndef RELAY_DNS_DNS_GDUV_H
#define RELAY_DNS_DNS_GDUV_H

#include "relay/base/err.h"
#include "relay/net/sockaddr.h"

struct dns_gduv;
struct getdns_context;

/*
 * uv_loop: a uv_loop_t. peer: the one upstream of the context; each UDP
 * socket is connected to it, so that the kernel drops datagrams of others
 * (getdns compares only the 16-bit id, B4) and a dead resolver shows at once.
 */
struct dns_gduv *dns_gduv_new(void *uv_loop, const struct sockaddr_any *peer);

/* Makes g the loop of ctx. ERR_DNS. */
NODISCARD int dns_gduv_attach(struct dns_gduv *g, struct getdns_context *ctx);

/* After getdns_context_destroy; handles close in later rounds of the loop,
 * and the memory goes with the last. NULL is fine. */
void dns_gduv_free(struct dns_gduv *g);

#endif
