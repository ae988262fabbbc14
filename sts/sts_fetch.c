/*
 * One policy fetch: the fixed URL, 200 and text/plain or nothing, a bounded
 * body, the grammar. Whatever goes wrong is one thing to the caller, a failed
 * fetch; what went wrong is kept as text for log and report (STS-38).
 *
 * RFC 8461 3.2, 3.3.
 */
#include "config.h"

#include "sts/sts_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/model/sts_entry.h"
#include "relay/model/tls_result.h"
#include "relay/net/http.h"

#define ADDRS_MAX 8

struct sts_fetch {
	struct http_get *get;
	sts_fetch_fn *fn;
	void *arg;
};

int
sts_fetch_host(const char *domain, char out[DOMAIN_MAX])
{
	char host[DOMAIN_MAX + 16];
	int n = snprintf(host, sizeof(host), "mta-sts.%s", domain);

	if (n < 0 || n >= DOMAIN_MAX)
		return ERR_TOOBIG;
	memcpy(out, host, (size_t)n + 1);
	return 0;
}

/* What is wrong with the response as such; f->text says it. */
static NODISCARD int
check_response(const struct http_response *res, struct sts_fetched *f)
{
	if (res->err) {
		snprintf(f->text, sizeof(f->text), "%s", res->text);
		return res->err;
	}
	/* RFC 8461 3.3: only 200, and no redirect is followed: STS-18 */
	if (res->status != 200) {
		snprintf(
		    f->text, sizeof(f->text), "HTTP status %d", res->status);
		return ERR_NOTFOUND;
	}
	/* RFC 8461 3.2: not what somebody may upload anywhere on the host:
	 * STS-09 */
	if (!str_eq(res->type, STR("text/plain"))) {
		snprintf(f->text, sizeof(f->text),
		    "media type is not "
		    "text/plain");
		return ERR_NOTFOUND;
	}
	return 0;
}

static void
on_response(void *arg, const struct http_response *res)
{
	struct sts_fetch *fetch = arg;
	sts_fetch_fn *fn = fetch->fn;
	void *fn_arg = fetch->arg;
	struct sts_fetched f = {
	    .status = res->status, .tls_failure = res->tls_failure};
	struct sts_policy policy = {0};
	const char *text = NULL;

	free(fetch);
	f.err = check_response(res, &f);
	if (!f.err) {
		f.err = sts_policy_parse(res->body, &policy, &text);
		if (f.err)
			snprintf(f.text, sizeof(f.text), "%s", text);
	}
	f.body = res->body;
	f.policy = &policy;
	fn(fn_arg, &f);
	sts_policy_clear(&policy);
}

struct sts_fetch *
sts_fetch_start(struct http *http, const char *domain,
    const struct rr_addr *addrs, size_t n_addrs, bool allow_private,
    int64_t timeout_ms, sts_fetch_fn *fn, void *arg)
{
	struct sts_fetch *f = xcalloc(1, sizeof(*f));
	struct http_opts opts = {.timeout_ms = timeout_ms,
	    .max_body = STS_BODY_MAX,
	    .allow_private = allow_private};
	struct sockaddr_any to[ADDRS_MAX] = {{0}};
	char host[DOMAIN_MAX];
	size_t n = n_addrs < ADDRS_MAX ? n_addrs : ADDRS_MAX;

	if (sts_fetch_host(domain, host) < 0)
		BUG("no policy host for %s", domain);
	for (size_t i = 0; i < n; i++) {
		to[i].family = addrs[i].family;
		memcpy(to[i].ip, addrs[i].ip, sizeof(to[i].ip));
	}
	f->fn = fn;
	f->arg = arg;
	/* STS-08 */
	f->get = http_get_start(http, host, "/.well-known/mta-sts.txt", to, n,
	    &opts, on_response, f);
	return f;
}

void
sts_fetch_log(const struct sts_fetched *f, struct log *log,
    const struct sts_fetch_about *about)
{
	struct log_line l;

	log_begin(&l, log, about->level, "sts-fetch");
	log_cstr(&l, "domain", about->domain);
	log_cstr(&l, "id", about->id);
	log_cstr(&l, "result", f->err ? "failed" : "ok");
	if (f->err) {
		log_cstr(&l, "error", err_str(f->err));
		if (f->err == ERR_TLS)
			log_cstr(&l, "tls",
			    tls_failure_str((enum tls_failure)f->tls_failure));
		log_cstr(&l, "reason", f->text);
		if (about->cached) {
			log_cstr(&l, "cached", about->cached);
			log_int(&l, "left", about->left);
		}
	} else {
		log_cstr(&l, "mode", sts_mode_str(f->policy->mode));
		log_int(&l, "max_age", f->policy->max_age);
	}
	log_end(&l);
}

void
sts_fetch_cancel(struct sts_fetch *f)
{
	if (!f)
		return;
	http_get_cancel(f->get);
	free(f);
}
