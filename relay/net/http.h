/* HTTPS GET for MTA-STS policies: libcurl on the loop. RFC 8461 3.3. */
#ifndef RELAY_NET_HTTP_H
#define RELAY_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/net/sockaddr.h"
#include "relay/net/timer.h"

struct http; /* one a shard */
struct http_get; /* one request */
struct tls_ctx;

struct http_opts {
	int64_t timeout_ms; /* whole exchange */
	size_t max_body; /* bytes; more is a failure, never cut */
	bool allow_private; /* address guard off */
};

struct http_response {
	int err; /* 0, ERR_TIMEOUT, ERR_TLS, ERR_TOOBIG, ERR_PERM
			 * (guard), ERR_UNREACH, ERR_IO */
	int status; /* 0 when none came */
	struct str type; /* media type without parameters, lower case */
	struct str body;
	char text[160]; /* reason, for log and reports */
	int tls_failure; /* enum tls_failure of model/tls_result.h */
};

typedef void http_fn(void *arg, const struct http_response *res);

/* ctx: CA store of STS, kept by reference. */
NODISCARD int http_new(
    struct loop *loop, struct tls_ctx *ctx, struct http **out);
/* All requests must be over or canceled. Memory goes later. */
void http_free(struct http *h);
/*
 * GET https://host/path on port 443 of one of addrs (tried in order). No
 * redirect, proxy, netrc, cookies, cache, content coding. fn runs exactly
 * once, later, unless canceled.
 */
struct http_get *http_get_start(struct http *h, const char *host,
    const char *path, const struct sockaddr_any *addrs, size_t n_addrs,
    const struct http_opts *o, http_fn *fn, void *arg);
void http_get_cancel(struct http_get *g);

#endif
