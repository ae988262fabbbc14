/*
 * The report as a value. What a stranger's DNS can make long is bounded here:
 * hosts, answers of a host, bytes of records.
 */
#include "config.h"

#include "relay/model/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"

void
explain_init(struct explain *e)
{
	memset(e, 0, sizeof(*e));
	e->resolver = "unknown";
	e->site.require = "";
	e->sts.rule = "";
	outcome_init(&e->end, OUT_DEFERRED);
}

static void
answer_clear(struct explain_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->records[i]);
	free(a->records);
}

static void
host_clear(struct explain_host *h)
{
	for (size_t i = 0; i < h->n_answers; i++)
		answer_clear(&h->answers[i]);
	for (size_t i = 0; i < h->n_tlsa; i++)
		free(h->tlsa[i].text);
	free(h->tlsa);
	tls_plan_clear(&h->plan);
}

void
explain_clear(struct explain *e)
{
	for (size_t i = 0; i < e->n_hosts; i++)
		host_clear(&e->hosts[i]);
	free(e->hosts);
	answer_clear(&e->mx);
	answer_clear(&e->sts.txt);
	free(e->sts.mx);
	free(e->site.nexthop);
	free(e->site.reason);
	free(e->site.author);
	explain_init(e);
}

static void
record_text(struct buf *b, const struct rr_set *set, size_t i)
{
	char addr[RR_ADDR_TEXT];

	switch (set->type) {
	case RR_A:
	case RR_AAAA:
		rr_addr_str(&set->u.addr[i], addr);
		buf_add_cstr(b, addr);
		break;
	case RR_MX:
		buf_addf(b, "%u %s.", (unsigned)set->u.mx[i].pref,
		    set->u.mx[i].host);
		break;
	case RR_TLSA:
		rr_tlsa_text(b, &set->u.tlsa[i]);
		break;
	case RR_TXT:
		buf_add_str(b, set->u.txt[i]);
		break;
	case RR_CNAME:
		buf_addf(b, "%s.", set->u.cname[i]);
		break;
	case RR_NS:
	case RR_SOA:
		break;
	}
}

bool
explain_take_room(struct explain *e, size_t bytes)
{
	if (bytes > EXPLAIN_RECORDS_MAX - e->bytes)
		return false;
	e->bytes += bytes;
	return true;
}

/* Keeps a record when there is room for it. */
static void
put_record(struct explain *e, struct explain_answer *a, struct buf *text)
{
	a->total++;
	if (text->full || !explain_take_room(e, text->n))
		return;
	a->records = xrealloc(a->records, (a->n + 1) * sizeof(*a->records));
	a->records[a->n++] = str_dup(buf_str(text));
}

void
explain_put(struct explain *e, struct explain_answer *a, const char *name,
    enum rr_type type, const struct rr_set *set)
{
	struct buf text;

	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	a->type = type;
	if (!set) {
		a->status = RR_FAIL;
		a->why = RR_WHY_TIMEOUT;
		return;
	}
	a->status = set->status;
	a->why = set->why;
	a->secure = set->secure;
	a->ttl = set->ttl;
	if (set->has_cname)
		memcpy(a->target, set->final_name, sizeof(a->target));
	buf_init(&text, 3 * RR_TLSA_MAX);
	for (size_t i = 0; set->status == RR_OK && i < set->n; i++) {
		buf_reset(&text);
		record_text(&text, set, i);
		put_record(e, a, &text);
	}
	buf_clear(&text);
}

struct explain_host *
explain_add_host(struct explain *e)
{
	struct explain_host *h;

	if (e->n_hosts == EXPLAIN_HOSTS_MAX) {
		e->more_hosts++;
		return NULL;
	}
	e->hosts = xrealloc(e->hosts, (e->n_hosts + 1) * sizeof(*e->hosts));
	h = &e->hosts[e->n_hosts++];
	memset(h, 0, sizeof(*h));
	tls_plan_init(&h->plan);
	outcome_init(&h->skip, OUT_DEFERRED);
	h->dane_rule = "";
	return h;
}

const char *
explain_fate_str(enum explain_fate f)
{
	static const char *const names[] = {
#define EXPLAIN_NAME_(id, text) text,
	    EXPLAIN_FATE_LIST(EXPLAIN_NAME_)
#undef EXPLAIN_NAME_
	};

	if ((size_t)f >= sizeof(names) / sizeof(names[0]))
		BUG("explain_fate %d", (int)f);
	return names[f];
}

bool
explain_hangs_on_memory(const struct explain *e, const struct explain_host *h)
{
	bool has_dane = e->security != MX_INSECURE &&
	    (h->dane == DANE_USABLE || h->dane == DANE_UNUSABLE);
	bool has_sts = (e->sts.source == STS_FRESH ||
			   e->sts.source == STS_CACHED) &&
	    e->sts.mode == STS_MODE_ENFORCE;

	return e->no_memory && e->site.in_force && e->site.holds && !has_dane &&
	    !(e->sts.known && has_sts);
}

enum explain_fate
explain_fate(const struct explain *e, const struct explain_host **first)
{
	*first = NULL;
	for (size_t i = 0; i < e->n_hosts && !*first; i++) {
		if (e->hosts[i].tried)
			*first = &e->hosts[i];
	}
	if (*first)
		return explain_hangs_on_memory(e, *first) ? EXPLAIN_UNKNOWN
							  : EXPLAIN_SENT;
	if (!e->ended)
		return EXPLAIN_UNKNOWN;
	return e->end.cls == OUT_BOUNCED ? EXPLAIN_BOUNCED : EXPLAIN_HELD;
}
