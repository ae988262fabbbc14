/* relay/net/http.h on a table. */
#include "config.h"

#include "tests/fake/fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"
#include "relay/base/list.h"
#include "tests/fake/fake.h"

struct page {
	struct list node;
	char host[DOMAIN_MAX];
	int err, tls_failure, status;
	char type[64];
	char *body;
	unsigned gets;
};

struct http {
	struct list gets;
};

struct http_get {
	struct list node;
	struct fake_event *due;
	char host[DOMAIN_MAX];
	struct http_opts o;
	bool late;
	http_fn *fn;
	void *arg;
};

static struct list pages = {&pages, &pages};

static struct page *
page_find(const char *host)
{
	for (struct list *n = pages.next; n != &pages; n = n->next) {
		struct page *p = CONTAINER_OF(n, struct page, node);

		if (strcmp(p->host, host) == 0)
			return p;
	}
	return NULL;
}

void
fake_http_put(const char *host, int err, int tls_failure, int status,
    const char *type, const char *body)
{
	struct page *p = page_find(host);

	if (!p) {
		p = xcalloc(1, sizeof(*p));
		snprintf(p->host, sizeof(p->host), "%s", host);
		list_init(&p->node);
		list_push(&pages, &p->node);
	}
	p->err = err;
	p->tls_failure = tls_failure;
	p->status = status;
	snprintf(p->type, sizeof(p->type), "%s", type);
	free(p->body);
	p->body = xstrdup(body ? body : "");
}

unsigned
fake_http_gets(const char *host)
{
	unsigned sum = 0;

	for (struct list *n = pages.next; n != &pages; n = n->next) {
		const struct page *p = CONTAINER_OF(n, struct page, node);

		if (!host || strcmp(p->host, host) == 0)
			sum += p->gets;
	}
	return sum;
}

void
fake_http_end(void)
{
	struct list *n;

	while ((n = list_pop(&pages)) != NULL) {
		struct page *p = CONTAINER_OF(n, struct page, node);

		free(p->body);
		free(p);
	}
}

int
http_new(struct loop *loop, struct tls_ctx *ctx, struct http **out)
{
	(void)loop;
	(void)ctx;
	*out = xcalloc(1, sizeof(**out));
	list_init(&(*out)->gets);
	return 0;
}

void
http_free(struct http *h)
{
	if (h && !list_empty(&h->gets))
		fake_fail("http_free with a request under way");
	free(h);
}

static void
get_free(struct http_get *g)
{
	list_remove(&g->node);
	fake_drop(&g->due);
	fake_count(FAKE_GETS, -1);
	free(g);
}

static void
get_fill(const struct http_get *g, struct http_response *res)
{
	struct page *p = page_find(g->host);

	if (!p) {
		res->err = ERR_REFUSED;
		snprintf(res->text, sizeof(res->text), "connection refused");
		return;
	}
	p->gets++;
	res->err = p->err;
	res->tls_failure = p->tls_failure;
	res->status = p->status;
	res->type = str_of(p->type);
	res->body = str_of(p->body);
	if (!res->err && res->body.n > g->o.max_body)
		res->err = ERR_TOOBIG;
	if (res->err) {
		res->body = STR("");
		snprintf(res->text, sizeof(res->text), "%s", err_str(res->err));
	}
}

static void
get_answer(void *arg)
{
	struct http_get *g = arg;
	struct http_response res = {.type = STR(""), .body = STR("")};
	const struct page *p = page_find(g->host);
	enum fake_fault f = g->late ? FAKE_FINE : fake_step();
	http_fn *fn = g->fn;
	void *fn_arg = g->arg;

	g->due = NULL;
	if (fake_frozen())
		return;
	if (!g->late && (f == FAKE_SILENCE || (p && p->err == ERR_TIMEOUT))) {
		g->late = true;
		g->due = fake_at(g->o.timeout_ms, get_answer, g);
		return;
	}
	if (g->late || f == FAKE_LOSS) {
		res.err = g->late ? ERR_TIMEOUT : ERR_IO;
		snprintf(res.text, sizeof(res.text), "%s", err_str(res.err));
	} else {
		get_fill(g, &res);
	}
	get_free(g);
	fn(fn_arg, &res);
}

struct http_get *
http_get_start(struct http *h, const char *host, const char *path,
    const struct sockaddr_any *addrs, size_t n_addrs, const struct http_opts *o,
    http_fn *fn, void *arg)
{
	struct http_get *g = xcalloc(1, sizeof(*g));

	(void)addrs;
	if (n_addrs == 0 || strcmp(path, "/.well-known/mta-sts.txt") != 0)
		fake_fail("STS-08: GET of %s at %zu addresses", path, n_addrs);
	fake_count(FAKE_GETS, 1);
	snprintf(g->host, sizeof(g->host), "%s", host);
	g->o = *o;
	g->fn = fn;
	g->arg = arg;
	list_init(&g->node);
	list_push(&h->gets, &g->node);
	g->due = fake_at(fake_latency(), get_answer, g);
	return g;
}

void
http_get_cancel(struct http_get *g)
{
	if (g)
		get_free(g);
}
