/*
 * A struct dns that answers from a table, in the next round of the loop. What
 * is not in the table is NXDOMAIN, insecure. Every question is noted.
 */
#ifndef TESTS_ADAPT_TABLEDNS_H
#define TESTS_ADAPT_TABLEDNS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/dns/dns.h"
#include "relay/net/timer.h"

struct tabledns_entry {
	const char *name;
	enum rr_type type;
	struct rr_set *set; /* NULL: never answers */
};

#define TABLEDNS_MAX 64

struct tabledns {
	struct dns dns; /* first */
	struct loop *loop;
	struct tabledns_entry v[TABLEDNS_MAX];
	size_t n;
	struct buf asked; /* "name/type " each */
	size_t open; /* questions under way */
};

struct tabledns_query {
	struct tabledns *t;
	struct timer *timer;
	struct rr_set *set;
	dns_fn *fn;
	void *arg;
};

static inline void
tabledns_drop(struct tabledns_query *q)
{
	q->t->open--;
	timer_free(q->timer);
	rr_set_unref(q->set);
	free(q);
}

static inline void
tabledns_fire(void *arg)
{
	struct tabledns_query *q = arg;
	struct rr_set *set = rr_set_ref(q->set);
	dns_fn *fn = q->fn;
	void *fn_arg = q->arg;

	tabledns_drop(q);
	fn(fn_arg, set);
	rr_set_unref(set);
}

static inline struct dns_query *
tabledns_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct tabledns *t = (struct tabledns *)d;
	struct tabledns_query *q = xcalloc(1, sizeof(*q));
	bool found = false;

	buf_addf(&t->asked, "%s/%d ", name, (int)type);
	t->open++;
	q->t = t;
	q->fn = fn;
	q->arg = arg;
	q->timer = timer_new(t->loop, tabledns_fire, q);
	for (size_t i = 0; i < t->n && !found; i++) {
		if (t->v[i].type != type || strcmp(t->v[i].name, name) != 0)
			continue;
		found = true;
		if (t->v[i].set)
			q->set = rr_set_ref(t->v[i].set);
	}
	if (!found) {
		q->set = rr_set_empty(type, RR_NXDOMAIN, RR_WHY_NONE);
		snprintf(q->set->final_name, DOMAIN_MAX, "%s", name);
	}
	if (q->set)
		timer_start(q->timer, 0);
	return (struct dns_query *)q;
}

static inline void
tabledns_cancel(struct dns_query *q)
{
	tabledns_drop((struct tabledns_query *)q);
}

static inline void
tabledns_init(struct tabledns *t, struct loop *loop)
{
	memset(t, 0, sizeof(*t));
	t->dns.ask = tabledns_ask;
	t->dns.cancel = tabledns_cancel;
	t->loop = loop;
	buf_init(&t->asked, 65536);
}

static inline void
tabledns_clear(struct tabledns *t)
{
	for (size_t i = 0; i < t->n; i++)
		rr_set_unref(t->v[i].set);
	buf_clear(&t->asked);
}

/* Takes set over. */
static inline struct rr_set *
tabledns_put(struct tabledns *t, const char *name, enum rr_type type,
    struct rr_set *set, bool secure)
{
	if (t->n == TABLEDNS_MAX)
		abort();
	if (set) {
		set->secure = secure;
		if (!set->final_name[0])
			snprintf(set->final_name, DOMAIN_MAX, "%s", name);
	}
	t->v[t->n++] = (struct tabledns_entry){name, type, set};
	return set;
}

static inline void
tabledns_addr(struct tabledns *t, const char *name, const char *ip, bool secure)
{
	struct rr_addr a;
	struct rr_set *s;

	if (rr_addr_parse(str_of(ip), &a) < 0)
		abort();
	s = rr_set_new(a.family == 6 ? RR_AAAA : RR_A, 1);
	s->u.addr[0] = a;
	tabledns_put(t, name, s->type, s, secure);
}

static inline void
tabledns_status(struct tabledns *t, const char *name, enum rr_type type,
    enum rr_status status, bool secure)
{
	tabledns_put(t, name, type,
	    rr_set_empty(type, status,
		status == RR_FAIL ? RR_WHY_SERVFAIL : RR_WHY_NONE),
	    secure);
}

/* hosts: "10 a.example, 20 b.example"; "0 ." as host "". */
static inline void
tabledns_mx(struct tabledns *t, const char *name, const char *const *hosts,
    size_t n, bool secure)
{
	struct rr_set *s = rr_set_new(RR_MX, n);

	for (size_t i = 0; i < n; i++) {
		s->u.mx[i].pref = (uint16_t)(10 * (i + 1));
		snprintf(s->u.mx[i].host, DOMAIN_MAX, "%s", hosts[i]);
	}
	tabledns_put(t, name, RR_MX, s, secure);
}

static inline void
tabledns_txt(struct tabledns *t, const char *name, const char *text)
{
	struct rr_set *s = rr_set_new(RR_TXT, 1);

	rr_set_txt(s, 0, str_of(text));
	tabledns_put(t, name, RR_TXT, s, false);
}

static inline void
tabledns_tlsa(struct tabledns *t, const char *name, unsigned usage, bool secure)
{
	struct rr_set *s = rr_set_new(RR_TLSA, 1);
	char sha[32] = {1};

	rr_set_tlsa(s, 0, (uint8_t)usage, 1, 1, str_n(sha, sizeof(sha)));
	tabledns_put(t, name, RR_TLSA, s, secure);
}

#endif
