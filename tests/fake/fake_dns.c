/* relay/dns/dns_getdns.h on a table. */
#include "config.h"

#include "tests/fake/fake_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/dns/dns_getdns.h"
#include "relay/dns/rdata.h"
#include "tests/fake/fake.h"

#define CANARIES 4 /* of them are steps */
#define ASK_TIMEOUT_MS 6000 /* three tries of two seconds */

struct answer {
	struct list node;
	char name[DOMAIN_MAX];
	enum rr_type type;
	struct rr_set *set;
};

struct zone {
	struct list node;
	char name[DOMAIN_MAX];
	bool secure;
};

struct asked {
	struct list node;
	char name[DOMAIN_MAX];
	enum rr_type type;
	unsigned n;
};

struct query {
	struct list node;
	struct fake_event *due;
	char name[DOMAIN_MAX];
	enum rr_type type;
	bool late; /* it was silent before: a time-out, whatever comes */
	dns_fn *fn;
	void *arg;
};

struct fake_dns {
	struct dns base; /* first */
	struct list queries;
};

static struct list answers = {&answers, &answers};
static struct list zones = {&zones, &zones};
static struct list counts = {&counts, &counts};
static enum fake_resolver resolver;

/* ---- the zones ---- */

void
fake_dns_resolver(enum fake_resolver r)
{
	resolver = r;
}

static struct answer *
find(const char *name, enum rr_type type)
{
	for (struct list *n = answers.next; n != &answers; n = n->next) {
		struct answer *a = CONTAINER_OF(n, struct answer, node);

		if (a->type == type && strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

void
fake_dns_put(const char *name, enum rr_type type, struct rr_set *take_set)
{
	struct answer *a = find(name, type);

	if (!a) {
		a = xcalloc(1, sizeof(*a));
		snprintf(a->name, sizeof(a->name), "%s", name);
		a->type = type;
		list_init(&a->node);
		list_push(&answers, &a->node);
	}
	rr_set_unref(a->set);
	a->set = take_set;
	if (take_set && !take_set->final_name[0])
		snprintf(take_set->final_name, DOMAIN_MAX, "%s", name);
}

struct rr_set *
fake_dns_get(const char *name, enum rr_type type)
{
	struct answer *a = find(name, type);

	return a ? a->set : NULL;
}

static void
answer_free(struct answer *a)
{
	list_remove(&a->node);
	rr_set_unref(a->set);
	free(a);
}

void
fake_dns_remove(const char *name, enum rr_type type)
{
	struct answer *a = find(name, type);

	if (a)
		answer_free(a);
}

void
fake_dns_zone(const char *name, bool secure)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	snprintf(z->name, sizeof(z->name), "%s", name);
	z->secure = secure;
	list_init(&z->node);
	list_push_front(&zones, &z->node);
}

bool
fake_dns_is_secure(const char *name)
{
	size_t best = 0, n = strlen(name);
	bool secure = false;

	for (struct list *l = zones.next; l != &zones; l = l->next) {
		const struct zone *z = CONTAINER_OF(l, struct zone, node);
		size_t len = strlen(z->name);

		if (len > n || len < best ||
		    strcmp(name + n - len, z->name) != 0 ||
		    (len < n && name[n - len - 1] != '.'))
			continue;
		if (len > best)
			secure = z->secure;
		best = len;
	}
	return secure;
}

void
fake_dns_end(void)
{
	struct list *n;

	while (!list_empty(&answers))
		answer_free(CONTAINER_OF(answers.next, struct answer, node));
	while ((n = list_pop(&zones)) != NULL)
		free(CONTAINER_OF(n, struct zone, node));
	while ((n = list_pop(&counts)) != NULL)
		free(CONTAINER_OF(n, struct asked, node));
	resolver = FAKE_RESOLVER_OK;
}

/* ---- counting ---- */

static void
count(const char *name, enum rr_type type)
{
	struct asked *a;

	for (struct list *n = counts.next; n != &counts; n = n->next) {
		a = CONTAINER_OF(n, struct asked, node);
		if (a->type == type && strcmp(a->name, name) == 0) {
			a->n++;
			return;
		}
	}
	a = xcalloc(1, sizeof(*a));
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->type = type;
	a->n = 1;
	list_init(&a->node);
	list_push(&counts, &a->node);
}

unsigned
fake_dns_asked(const char *name, enum rr_type type)
{
	unsigned sum = 0;

	for (struct list *n = counts.next; n != &counts; n = n->next) {
		const struct asked *a = CONTAINER_OF(n, struct asked, node);

		if (name ? a->type == type && strcmp(a->name, name) == 0
			 : a->type != RR_NS)
			sum += a->n;
	}
	return sum;
}

/* ---- the resolver ---- */

/* The set for q as it is now; NULL: no answer comes. */
static struct rr_set *
look_up(const struct query *q)
{
	const struct answer *a = find(q->name, q->type);
	struct rr_set *set;

	if (resolver == FAKE_RESOLVER_DEAD)
		return rdata_fail(q->name, q->type, RR_WHY_UNREACHABLE);
	if (resolver == FAKE_RESOLVER_MUTE || (a && !a->set))
		return NULL;
	if (q->type == RR_NS && strcmp(q->name, ".") == 0) {
		set = rr_set_new(RR_NS, 0);
		set->secure = true;
		set->ttl = 60;
	} else if (a) {
		set = rr_set_dup(a->set);
	} else {
		set = rr_set_empty(q->type, RR_NXDOMAIN, RR_WHY_NONE);
		snprintf(set->final_name, DOMAIN_MAX, "%s", q->name);
		set->secure = fake_dns_is_secure(q->name);
		set->ttl = 60;
	}
	if (resolver == FAKE_RESOLVER_UNTRUSTED)
		set->secure = false;
	if (resolver == FAKE_RESOLVER_BOASTING)
		set->secure = q->type != RR_NS;
	return set;
}

static void
query_free(struct query *q)
{
	list_remove(&q->node);
	fake_drop(&q->due);
	fake_count(FAKE_QUERIES, -1);
	free(q);
}

/* A canary more is no step: there would be little else in four hours. */
static bool
is_boring(const struct query *q)
{
	return q->type == RR_NS && fake_dns_asked(".", RR_NS) > CANARIES;
}

static void
query_answer(void *arg)
{
	struct query *q = arg;
	struct rr_set *set = NULL;
	enum fake_fault f = q->late || is_boring(q) ? FAKE_FINE : fake_step();
	dns_fn *fn = q->fn;
	void *fn_arg = q->arg;

	q->due = NULL;
	if (fake_frozen())
		return;
	if (q->late)
		set = rdata_fail(q->name, q->type, RR_WHY_TIMEOUT);
	else if (f == FAKE_LOSS)
		set = rdata_fail(q->name, q->type, RR_WHY_SERVFAIL);
	else if (f != FAKE_SILENCE)
		set = look_up(q);
	if (!set) {
		/* A lookup always ends. */
		q->late = true;
		q->due = fake_at(ASK_TIMEOUT_MS, query_answer, q);
		return;
	}
	query_free(q);
	fn(fn_arg, set);
	rr_set_unref(set);
}

static struct dns_query *
resolver_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct fake_dns *f = (struct fake_dns *)(void *)d;
	struct query *q = xcalloc(1, sizeof(*q));

	fake_count(FAKE_QUERIES, 1);
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	list_init(&q->node);
	list_push(&f->queries, &q->node);
	if (!fake_frozen())
		count(name, type);
	q->due = fake_at(fake_latency(), query_answer, q);
	return (struct dns_query *)(void *)q;
}

static void
resolver_cancel(struct dns_query *q)
{
	query_free((struct query *)(void *)q);
}

int
dns_getdns_open(
    struct loop *loop, const struct dns_getdns_opts *o, struct dns **out)
{
	struct fake_dns *f = xcalloc(1, sizeof(*f));

	(void)loop;
	(void)o;
	f->base.ask = resolver_ask;
	f->base.cancel = resolver_cancel;
	list_init(&f->queries);
	*out = &f->base;
	return 0;
}

void
dns_getdns_close(struct dns *d)
{
	struct fake_dns *f = (struct fake_dns *)(void *)d;

	while (f && !list_empty(&f->queries))
		query_free(CONTAINER_OF(f->queries.next, struct query, node));
	free(f);
}
