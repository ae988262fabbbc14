/*
 * DANE for one host on real DNS. dane_policy says what to ask next; here are
 * the questions, their answers and one deadline over all of them, so that a
 * server which never answers TLSA costs one host and not the worker.
 *
 * The object is gone before its callback runs; what is handed out lives on
 * the stack of lookup_finish() for the length of the call.
 *
 * RFC 7672 2.1.2: what did not come in time is a lookup error.
 */
#include "config.h"

#include "dane/dane_lookup.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

/* More questions than any host can need: A, AAAA, CNAME, two of TLSA. */
#define STEPS_MAX 8

enum { Q_A, Q_AAAA, Q_CNAME, Q_TLSA_FINAL, Q_TLSA_HOST, Q_COUNT };

struct question {
	struct dane_lookup *lookup;
	struct dns_query *query; /* under way */
	struct rr_set *answer; /* counted */
};

struct dane_lookup {
	struct dns *dns;
	struct timer *deadline;
	char host[DOMAIN_MAX];
	unsigned port;
	bool on;
	unsigned steps;
	struct question q[Q_COUNT];
	dane_lookup_fn *fn;
	void *arg;
};

static void lookup_step(struct dane_lookup *l);

static void
lookup_free(struct dane_lookup *l)
{
	for (size_t i = 0; i < Q_COUNT; i++) {
		dns_cancel(l->dns, l->q[i].query);
		rr_set_unref(l->q[i].answer);
	}
	timer_free(l->deadline);
	free(l);
}

static void
facts_of(const struct dane_lookup *l, struct dane_facts *f)
{
	*f = (struct dane_facts){.host = l->host,
	    .port = l->port,
	    .a = l->q[Q_A].answer,
	    .aaaa = l->q[Q_AAAA].answer,
	    .cname = l->q[Q_CNAME].answer,
	    .tlsa_final = l->q[Q_TLSA_FINAL].answer,
	    .tlsa_host = l->q[Q_TLSA_HOST].answer};
}

static bool
has_addrs(const struct rr_set *s)
{
	return s && s->status == RR_OK && s->n > 0;
}

/* Copies the addresses behind those that are in v; clears *secure when they
 * were not validated. */
static size_t
add_addrs(struct rr_addr *v, size_t n, const struct rr_set *set, bool *secure)
{
	if (!has_addrs(set))
		return n;
	memcpy(v + n, set->u.addr, set->n * sizeof(*v));
	*secure = *secure && set->secure;
	return n + set->n;
}

static enum rr_why
why_of(const struct dane_facts *f)
{
	if (f->a && f->a->status == RR_FAIL)
		return f->a->why;
	return f->aaaa ? f->aaaa->why : RR_WHY_TIMEOUT;
}

/* Frees l, then calls back. verdict moves here. */
static void
lookup_finish(struct dane_lookup *l, struct dane_verdict *take_verdict)
{
	struct dane_verdict verdict = *take_verdict;
	dane_lookup_fn *fn = l->fn;
	void *arg = l->arg;
	struct dane_host host = {.addrs_secure = true, .verdict = &verdict};
	struct rr_addr *addrs = NULL;
	struct dane_facts f;

	facts_of(l, &f);
	host.addr_state = dane_addr_state(&f);
	if (host.addr_state == DANE_ADDR_OK) {
		size_t n = (has_addrs(f.a) ? f.a->n : 0) +
		    (has_addrs(f.aaaa) ? f.aaaa->n : 0);

		addrs = xcalloc(n, sizeof(*addrs));
		n = add_addrs(addrs, 0, f.aaaa, &host.addrs_secure);
		host.n_addrs = add_addrs(addrs, n, f.a, &host.addrs_secure);
		host.addrs = addrs;
	} else {
		host.addrs_secure = false;
		host.why = why_of(&f);
	}
	lookup_free(l);
	fn(arg, &host);
	dane_verdict_clear(&verdict);
	free(addrs);
}

static void
lookup_judge(struct dane_lookup *l)
{
	struct dane_verdict v;
	struct dane_facts f;

	facts_of(l, &f);
	dane_judge(&f, l->on, &v);
	lookup_finish(l, &v);
}

/* The deadline, or a step too many: what is missing has failed. */
static void
lookup_give_up(struct dane_lookup *l, const char *rule)
{
	struct dane_verdict v;

	for (size_t i = Q_A; i <= Q_AAAA; i++) {
		struct question *q = &l->q[i];

		if (!q->answer)
			q->answer = rr_set_empty(RR_A, RR_FAIL, RR_WHY_TIMEOUT);
	}
	dane_verdict_init(&v);
	if (l->on) {
		v.kind = DANE_FAILED;
		v.why = RR_WHY_TIMEOUT;
		v.rule = rule;
	}
	lookup_finish(l, &v);
}

static void
on_deadline(void *arg)
{
	lookup_give_up(arg, "DANE-59");
}

static void
on_answer(void *arg, struct rr_set *set)
{
	struct question *q = arg;
	struct dane_lookup *l = q->lookup;

	q->query = NULL;
	q->answer = rr_set_ref(set);
	for (size_t i = 0; i < Q_COUNT; i++) {
		if (l->q[i].query)
			return; /* the other family is still out */
	}
	lookup_step(l);
}

static void
lookup_ask(
    struct dane_lookup *l, size_t which, const char *name, enum rr_type type)
{
	struct question *q = &l->q[which];

	q->query = dns_ask(l->dns, name, type, on_answer, q);
}

static void
lookup_step(struct dane_lookup *l)
{
	struct dane_facts f;
	struct dane_step step;

	if (++l->steps > STEPS_MAX) {
#ifdef WAXSEAL_TEST_BUILD
		BUG("DANE lookup of %s does not end", l->host);
#endif
		lookup_give_up(l, "DANE-59");
		return;
	}
	facts_of(l, &f);
	dane_next(&f, l->on, &step);
	switch (step.kind) {
	case DANE_ASK_ADDR:
		lookup_ask(l, Q_A, l->host, RR_A);
		lookup_ask(l, Q_AAAA, l->host, RR_AAAA);
		break;
	case DANE_ASK_CNAME:
		lookup_ask(l, Q_CNAME, l->host, RR_CNAME);
		break;
	case DANE_ASK_TLSA_FINAL:
		lookup_ask(l, Q_TLSA_FINAL, step.name, RR_TLSA);
		break;
	case DANE_ASK_TLSA_HOST:
		lookup_ask(l, Q_TLSA_HOST, step.name, RR_TLSA);
		break;
	case DANE_DONE:
		lookup_judge(l);
		break;
	}
}

struct dane_lookup *
dane_lookup_start(struct loop *loop, struct dns *dns, const char *host,
    unsigned port, bool on, int64_t timeout_ms, dane_lookup_fn *fn, void *arg)
{
	struct dane_lookup *l = xcalloc(1, sizeof(*l));
	size_t n = strlen(host);

	if (n >= DOMAIN_MAX)
		BUG("host of %zu bytes", n);
	memcpy(l->host, host, n + 1);
	l->dns = dns;
	l->port = port;
	l->on = on;
	l->fn = fn;
	l->arg = arg;
	for (size_t i = 0; i < Q_COUNT; i++)
		l->q[i].lookup = l;
	l->deadline = timer_new(loop, on_deadline, l);
	timer_start(l->deadline, timeout_ms);
	lookup_step(l); /* asks; answers come later */
	return l;
}

void
dane_lookup_cancel(struct dane_lookup *l)
{
	if (l)
		lookup_free(l);
}
