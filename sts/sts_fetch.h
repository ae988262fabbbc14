/* Fetches the policy of one domain by HTTPS. RFC 8461 3.3. */
#ifndef STS_STS_FETCH_H
#define STS_STS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/log.h"
#include "relay/base/str.h"
#include "relay/model/rr.h"
#include "sts/sts_policy.h"

struct http;
struct sts_fetch;

struct sts_fetched {
	int err; /* 0; what http.h says; ERR_NOTFOUND: not 200 or not text;
		  * ERR_SYNTAX: no policy */
	int status; /* of HTTP, 0 when none came */
	int tls_failure; /* enum tls_failure, with ERR_TLS */
	struct str body; /* borrowed for the call */
	const struct sts_policy *policy; /* borrowed; when err is 0 */
	char text[160]; /* reason of a failure */
};

typedef void sts_fetch_fn(void *arg, const struct sts_fetched *f);

/* Host of the policy: "mta-sts." + domain. ERR_TOOBIG when it is no name. */
NODISCARD int sts_fetch_host(const char *domain, char out[DOMAIN_MAX]);
/*
 * addrs: of that host, tried in order. fn runs exactly once, later, unless
 * canceled.
 */
struct sts_fetch *sts_fetch_start(struct http *http, const char *domain,
    const struct rr_addr *addrs, size_t n_addrs, bool allow_private,
    int64_t timeout_ms, sts_fetch_fn *fn, void *arg);
struct sts_fetch_about {
	const char *domain, *id;
	enum log_level level;
	const char *cached; /* mode of the policy in force, or NULL */
	int64_t left; /* seconds until that one expires */
};

/* event=sts-fetch, with the policy or the reason. */
void sts_fetch_log(const struct sts_fetched *f, struct log *log,
    const struct sts_fetch_about *about);
void sts_fetch_cancel(struct sts_fetch *f); /* NULL is fine */

#endif
