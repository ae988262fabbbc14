/* One getdns context with its one upstream and its event loop. */
#ifndef RELAY_DNS_DNS_GDCTX_H
#define RELAY_DNS_DNS_GDCTX_H

#include <stdint.h>

#include "relay/base/err.h"
#include "relay/model/options.h"

struct getdns_context;
struct dns_gduv;

struct dns_gdctx {
	struct getdns_context *ctx;
	struct dns_gduv *gduv;
};

/* What a context speaks: one of them, for RESOLVER.md B10. */
enum dns_gdctx_by { DNS_GDCTX_UDP, DNS_GDCTX_TCP };

/*
 * uv_loop: a uv_loop_t. timeout_ms: of one request. appdata_dir may be NULL.
 * ERR_DNS, ERR_CONFIG (address); *out is written on success only.
 */
NODISCARD int dns_gdctx_open(void *uv_loop, const struct opt_addr_port *a,
    enum dns_gdctx_by by, int64_t timeout_ms, const char *appdata_dir,
    struct dns_gdctx *out);
/*
 * Calls back with CANCEL for each request under way. Never while a getdns
 * callback is on the stack: getdns aborts (RESOLVER.md B9). A zeroed or
 * closed one is fine. Handles close in later rounds of the loop.
 */
void dns_gdctx_close(struct dns_gdctx *c);

#endif
