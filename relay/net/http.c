/*
 * HTTPS GET by libcurl's multi interface on the event loop.
 *
 * libcurl does HTTP; everything that decides is ours: the addresses are given
 * and pinned (it never resolves a name, uses no proxy and follows nothing),
 * the guard looks at the address that is really dialled, the certificate is
 * demanded by relay/tls/tls_http, and the body is bounded while it arrives.
 * One transfer tries one address; a refused connection leads to the next.
 *
 * Callbacks of libcurl only note facts. Requests end in check_done(), outside
 * of libcurl, so a caller may start and cancel requests in its callback.
 *
 * RFC 8461 3.3, RFC 9110, RFC 9112.
 */
#include "config.h"

#include "relay/net/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/model/tls_result.h"
#include "relay/net/http_head.h"
#include "relay/net/loop.h"
#include "relay/tls/tls_http.h"

#define HTTPS_PORT 443
#define ADDRS_MAX 8 /* addresses of one request that are tried */
#define CONNECT_MS 10000 /* for one address */
#define SLOW_BYTES 16L /* a second, over SLOW_SECONDS: a drip */
#define SLOW_SECONDS 20L

struct http {
	CURLM *multi;
	uv_loop_t *uv;
	uv_timer_t timer; /* libcurl's */
	struct tls_ctx *ctx;
	struct timer *later; /* tells the requests in unstarted */
	struct list unstarted;
	bool closing;
};

/* One socket of libcurl that is watched. */
struct sock {
	uv_poll_t poll;
	struct http *http;
	curl_socket_t fd;
};

struct http_get {
	struct list node; /* in unstarted, or alone */
	struct http *http;
	CURL *easy; /* NULL between transfers */
	struct curl_slist *connect_to, *headers;
	char host[256], path[256];
	struct sockaddr_any addrs[ADDRS_MAX];
	size_t n_addrs, at;
	struct http_opts opts;
	int64_t deadline; /* milliseconds of the loop's clock */
	struct buf body;
	struct http_head head;
	bool guarded, too_big, garbled,
	    setup_failed; /* facts noted by callbacks */
	char error[CURL_ERROR_SIZE];
	http_fn *fn;
	void *arg;
};

/* ---- what libcurl asks for ---- */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_get *g = arg;

	/* STS-22: too much is a failure; a part is never used. */
	if (buf_add(&g->body, p, size * n) < 0) {
		g->too_big = true;
		return 0;
	}
	return size * n;
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_get *g = arg;
	int err = http_head_line(&g->head, p, size * n);

	g->too_big |= err == ERR_TOOBIG;
	g->garbled |= err == ERR_SYNTAX;
	return err ? 0 : size * n;
}

static CURLcode
on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
	struct http_get *g = arg;

	(void)easy;
	if (tls_http_setup(ssl_ctx, g->http->ctx, g->host) == 0)
		return CURLE_OK;
	g->setup_failed = true;
	return CURLE_ABORTED_BY_CALLBACK;
}

static bool
addr_of(const struct curl_sockaddr *sa, struct sockaddr_any *out)
{
	/* libcurl keeps the rest of a long address behind what it shows. */
	const char *from = (const char *)sa +
	    offsetof(struct curl_sockaddr, addr);
	struct sockaddr_in in = {0};
	struct sockaddr_in6 in6 = {0};

	memset(out, 0, sizeof(*out));
	if (sa->family == AF_INET && sa->addrlen >= sizeof(in)) {
		memcpy(&in, from, sizeof(in));
		out->family = 4;
		memcpy(out->ip, &in.sin_addr, 4);
		return true;
	}
	if (sa->family == AF_INET6 && sa->addrlen >= sizeof(in6)) {
		memcpy(&in6, from, sizeof(in6));
		out->family = 6;
		memcpy(out->ip, &in6.sin6_addr, 16);
		return true;
	}
	return false;
}

/* The last moment before connect(): STS-42 on what is really dialled. */
static curl_socket_t
on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct http_get *g = arg;
	struct sockaddr_any a;

	if (purpose != CURLSOCKTYPE_IPCXN || !addr_of(sa, &a) ||
	    (!g->opts.allow_private && sockaddr_is_special(&a))) {
		g->guarded = true;
		return CURL_SOCKET_BAD;
	}
	return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
}

/* ---- libcurl on the loop ---- */

static void check_done(struct http *h);

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct sock *s = poll->data;
	struct http *h = s->http;
	int flags = 0, running;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	/* s may be gone after this. */
	curl_multi_socket_action(h->multi, s->fd, flags, &running);
	check_done(h);
}

static void
on_sock_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static int
sock_new(struct http *h, curl_socket_t fd, struct sock **out)
{
	struct sock *s = xcalloc(1, sizeof(*s));

	if (uv_poll_init_socket(h->uv, &s->poll, fd) != 0) {
		free(s);
		return ERR_IO;
	}
	s->http = h;
	s->fd = fd;
	s->poll.data = s;
	curl_multi_assign(h->multi, fd, s);
	*out = s;
	return 0;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *sockp)
{
	struct http *h = arg;
	struct sock *s = sockp;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s) {
			uv_poll_stop(&s->poll);
			uv_close((uv_handle_t *)&s->poll, on_sock_closed);
			curl_multi_assign(h->multi, fd, NULL);
		}
		return 0;
	}
	if (!s && sock_new(h, fd, &s) < 0)
		return -1;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&s->poll, events, on_poll) == 0 ? 0 : -1;
}

static void
on_expired(uv_timer_t *timer)
{
	struct http *h = timer->data;
	int running;

	curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	check_done(h);
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	(void)multi;
	if (h->closing)
		return 0;
	if (ms < 0)
		uv_timer_stop(&h->timer);
	else /* never at once: this may run inside of libcurl */
		uv_timer_start(
		    &h->timer, on_expired, ms == 0 ? 1 : (uint64_t)ms, 0);
	return 0;
}

/* ---- one transfer ---- */

static int64_t
now_ms(const struct http *h)
{
	return (int64_t)uv_now(h->uv);
}

#define SET(opt, v) ok &= curl_easy_setopt(e, opt, v) == CURLE_OK

/* Everything is set that libcurl or its environment could set for us. */
static bool
set_request(struct http_get *g, const char *url)
{
	CURL *e = g->easy;
	bool ok = true;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
	SET(CURLOPT_HTTPGET, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L); /* STS-19 */
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_USERAGENT, "waxseal");
	SET(CURLOPT_HTTPHEADER, g->headers);
	SET(CURLOPT_FRESH_CONNECT, 1L); /* nothing is kept: STS-20 */
	SET(CURLOPT_FORBID_REUSE, 1L); /* HTTP-02 */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECT_TO, g->connect_to);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, g);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, g);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, g);
	SET(CURLOPT_PRIVATE, g);
	SET(CURLOPT_ERRORBUFFER, g->error);
	return ok;
}

static bool
set_tls_and_time(struct http_get *g, int64_t left)
{
	CURL *e = g->easy;
	int64_t connect = left < CONNECT_MS ? left : CONNECT_MS;
	bool ok = true;

	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	/* No anchors but ours: whatever is named here is added to the store
	 * that all of the shard shares. */
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_CA_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NO_PARTIALCHAIN);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	SET(CURLOPT_SSL_CTX_DATA, g);
	SET(CURLOPT_TIMEOUT_MS, (long)left);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
	SET(CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES);
	SET(CURLOPT_LOW_SPEED_TIME, SLOW_SECONDS);
	return ok;
}

static void
transfer_drop(struct http_get *g)
{
	if (g->easy) {
		curl_multi_remove_handle(g->http->multi, g->easy);
		curl_easy_cleanup(g->easy);
		g->easy = NULL;
	}
	curl_slist_free_all(g->connect_to);
	g->connect_to = NULL;
}

/* Starts the transfer to g->addrs[g->at]. ERR_IO. */
static NODISCARD int
transfer_start(struct http_get *g)
{
	const struct sockaddr_any *a = &g->addrs[g->at];
	int64_t left = g->deadline - now_ms(g->http);
	char ip[INET6_ADDRSTRLEN], url[600], pin[400];

	if (!inet_ntop(
		a->family == 6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof(ip)))
		return ERR_IO;
	snprintf(url, sizeof(url), "https://%s%s", g->host, g->path);
	/* The address instead of the name: libcurl has nothing to resolve. */
	snprintf(pin, sizeof(pin),
	    a->family == 6 ? "%s:%d:[%s]:%u" : "%s:%d:%s:%u", g->host,
	    HTTPS_PORT, ip, a->port ? a->port : HTTPS_PORT);
	g->connect_to = curl_slist_append(NULL, pin);
	g->easy = curl_easy_init();
	g->error[0] = '\0';
	memset(&g->head, 0, sizeof(g->head));
	buf_reset(&g->body);
	if (!g->easy || !g->connect_to || !set_request(g, url) ||
	    !set_tls_and_time(g, left > 1 ? left : 1) ||
	    curl_multi_add_handle(g->http->multi, g->easy) != CURLM_OK) {
		transfer_drop(g);
		return ERR_IO;
	}
	return 0;
}

static void
get_free(struct http_get *g)
{
	list_remove(&g->node);
	transfer_drop(g);
	curl_slist_free_all(g->headers);
	buf_clear(&g->body);
	free(g);
}

/* ---- results ---- */

static int
error_of(const struct http_get *g, CURLcode code)
{
	if (g->guarded)
		return ERR_PERM;
	if (g->too_big)
		return ERR_TOOBIG;
	if (g->garbled)
		return ERR_IO;
	if (g->setup_failed)
		return ERR_TLS;
	switch ((int)code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_COULDNT_CONNECT:
		return ERR_UNREACH;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return ERR_TLS;
	default:
		return ERR_IO;
	}
}

static const char *
text_of(const struct http_get *g, int err, CURLcode code)
{
	if (!err)
		return "";
	if (err == ERR_PERM)
		return "address is not public";
	if (err == ERR_TOOBIG)
		return "response is too big";
	if (g->garbled)
		return "length of the body is not said once";
	return g->error[0] ? g->error : curl_easy_strerror(code);
}

/* Frees g, then calls back. */
static void
get_finish(struct http_get *g, CURLcode code)
{
	http_fn *fn = g->fn;
	void *arg = g->arg;
	struct http_response res = {.err = error_of(g, code)};
	char type[128], *content_type = NULL;
	struct buf body;
	long status = 0, verify = 0;

	if (g->easy) {
		curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(
		    g->easy, CURLINFO_CONTENT_TYPE, &content_type);
		curl_easy_getinfo(g->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	}
	http_head_type(content_type, type, sizeof(type));
	snprintf(res.text, sizeof(res.text), "%.*s", (int)sizeof(res.text) - 1,
	    text_of(g, res.err, code));
	/* The code means something only if the handshake got to verifying. */
	if (res.err == ERR_TLS)
		res.tls_failure = (int)tls_http_failure(
		    code == CURLE_PEER_FAILED_VERIFICATION ? verify : 0);
	body = g->body;
	buf_init(&g->body, 0);
	res.status = (int)status;
	res.type = str_of(type);
	res.body = res.err ? (struct str){"", 0} : buf_str(&body);
	get_free(g);
	fn(arg, &res);
	buf_clear(&body);
}

/* A host that was not reached at one address may be at the next. */
static bool
try_next(struct http_get *g, CURLcode code)
{
	curl_off_t connected = 0;

	if (g->guarded || g->at + 1 >= g->n_addrs)
		return false;
	curl_easy_getinfo(g->easy, CURLINFO_CONNECT_TIME_T, &connected);
	if (code != CURLE_COULDNT_CONNECT &&
	    (code != CURLE_OPERATION_TIMEDOUT || connected > 0))
		return false;
	if (g->deadline <= now_ms(g->http))
		return false;
	transfer_drop(g);
	g->at++;
	return transfer_start(g) == 0;
}

static void
check_done(struct http *h)
{
	struct CURLMsg *msg;
	int left;

	while (!h->closing && (msg = curl_multi_info_read(h->multi, &left))) {
		CURLcode code = msg->data.result;
		struct http_get *g = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &g);
		if (!g)
			BUG("a transfer of nobody");
		if (!try_next(g, code))
			get_finish(g, code);
	}
}

/* Requests that could not even be started end like all others, later. */
static void
on_later(void *arg)
{
	struct http *h = arg;
	struct list *node;

	while (!h->closing && (node = list_pop(&h->unstarted)) != NULL)
		get_finish(CONTAINER_OF(node, struct http_get, node),
		    CURLE_FAILED_INIT);
}

/* ---- the rest of the contract ---- */

int
http_new(struct loop *loop, struct tls_ctx *ctx, struct http **out)
{
	struct http *h = xcalloc(1, sizeof(*h));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		goto fail;
	h->multi = curl_multi_init();
	if (!h->multi) {
		curl_global_cleanup();
		goto fail;
	}
	h->uv = loop_uv(loop);
	h->ctx = ctx;
	list_init(&h->unstarted);
	h->later = timer_new(loop, on_later, h);
	uv_timer_init(h->uv, &h->timer);
	h->timer.data = h;
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(
	    h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	*out = h;
	return 0;
fail:
	free(h);
	return ERR_IO;
}

static void
on_http_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
http_free(struct http *h)
{
	if (!h)
		return;
	h->closing = true;
	timer_free(h->later);
	curl_multi_cleanup(h->multi);
	curl_global_cleanup();
	uv_close((uv_handle_t *)&h->timer, on_http_closed);
}

struct http_get *
http_get_start(struct http *h, const char *host, const char *path,
    const struct sockaddr_any *addrs, size_t n_addrs, const struct http_opts *o,
    http_fn *fn, void *arg)
{
	struct http_get *g = xcalloc(1, sizeof(*g));

	if (n_addrs == 0 || strlen(host) >= sizeof(g->host) ||
	    strlen(path) >= sizeof(g->path))
		BUG("request without address, or too long");
	g->http = h;
	memcpy(g->host, host, strlen(host) + 1);
	memcpy(g->path, path, strlen(path) + 1);
	g->n_addrs = n_addrs < ADDRS_MAX ? n_addrs : ADDRS_MAX;
	memcpy(g->addrs, addrs, g->n_addrs * sizeof(*addrs));
	g->opts = *o;
	g->fn = fn;
	g->arg = arg;
	buf_init(&g->body, o->max_body);
	uv_update_time(h->uv);
	g->deadline = now_ms(h) + o->timeout_ms;
	g->headers = curl_slist_append(NULL, "Accept: text/plain");
	list_init(&g->node);
	if (transfer_start(g) < 0) {
		list_push(&h->unstarted, &g->node);
		timer_start(h->later, 0);
	}
	return g;
}

void
http_get_cancel(struct http_get *g)
{
	if (g)
		get_free(g);
}
