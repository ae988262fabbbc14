/*
 * "What does MTA-STS say for this domain?" One job a domain at a time reads
 * the stored entry and the TXT record side by side, asks sts_state what they
 * mean, fetches when told to, stores what was fetched, and answers all who
 * wait. Nobody hears "no policy" before the stored entry was read.
 *
 *	LOOK --> ADDR --> FETCH --> PUT --> OVER
 *	   \________\_________\____________/
 *
 * A policy that is in force and a day old is fetched again by a job of its own
 * that nobody waits for (STS-25).
 *
 * RFC 8461 3.3, 5.1.
 */
#include "config.h"

#include "sts/sts_lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"
#include "relay/base/ipclass.h"
#include "relay/base/list.h"
#include "relay/base/map.h"
#include "relay/base/rng.h"
#include "sts/sts_fetch.h"
#include "sts/sts_notes.h"
#include "sts/sts_record.h"

#define TXT_TIMEOUT_MS 20000 /* STS-40 */
#define FETCH_TIMEOUT_MS 60000 /* RFC 8461 3.3 */
#define PUT_TIMEOUT_MS 5000
#define ADDRS_MAX 16

enum job_state { JOB_LOOK, JOB_ADDR, JOB_FETCH, JOB_PUT, JOB_OVER };

struct sts {
	struct sts_opts o;
	struct map *jobs; /* domain -> job that may be joined */
	struct sts_notes *notes;
	struct list all_jobs; /* struct job.link */
};

struct job {
	struct list link;
	struct sts *sts;
	char domain[DOMAIN_MAX];
	enum job_state state;
	bool joinable; /* stands in sts->jobs */
	bool moot; /* MTA-STS does not apply: nothing is asked */
	struct list waiters; /* struct sts_lookup.link */
	struct timer *timer;
	unsigned store_owes; /* answers of the store that will come */

	bool store_read;
	int store_err;
	struct sts_entry entry;
	struct sts_policy cached; /* entry, parsed */

	struct dns_query *q_txt;
	enum rr_status txt_status;
	int record_err;
	char id[STS_ID_MAX];

	struct dns_query *q_addr[2];
	struct rr_addr addrs[ADDRS_MAX];
	size_t n_addrs;
	bool addr_failed;
	struct sts_fetch *fetch;
	bool is_fetched;
	struct sts_policy fetched;
	char text[160]; /* why there is no live policy */
	struct sts_seen seen;
};

struct sts_lookup {
	struct list link;
	sts_lookup_fn *fn;
	void *arg;
};

static void
job_set_state(struct job *j, enum job_state to)
{
	static const bool legal[][5] = {
	    [JOB_LOOK] = {[JOB_ADDR] = true, [JOB_OVER] = true},
	    [JOB_ADDR] = {[JOB_FETCH] = true, [JOB_OVER] = true},
	    [JOB_FETCH] = {[JOB_PUT] = true, [JOB_OVER] = true},
	    [JOB_PUT] = {[JOB_OVER] = true},
	    [JOB_OVER] = {false},
	};

	if (!legal[j->state][to])
		BUG("sts job %d -> %d", (int)j->state, (int)to);
	j->state = to;
}

static void on_timer(void *arg);

static int64_t
now_s(const struct sts *s)
{
	return clock_real_s(&s->o.clock);
}

/* ---- end of a job ---- */

static void
job_stop(struct job *j)
{
	struct dns *dns = j->sts->o.dns;

	dns_cancel(dns, j->q_txt);
	dns_cancel(dns, j->q_addr[0]);
	dns_cancel(dns, j->q_addr[1]);
	sts_fetch_cancel(j->fetch);
	if (j->store_owes > 0)
		store_forget(j->sts->o.store, j);
	timer_free(j->timer);
	j->q_txt = j->q_addr[0] = j->q_addr[1] = NULL;
	j->fetch = NULL;
	j->timer = NULL;
}

static void
job_free(struct job *j)
{
	struct list *node;

	job_stop(j);
	while ((node = list_pop(&j->waiters)) != NULL)
		free(CONTAINER_OF(node, struct sts_lookup, link));
	list_remove(&j->link);
	sts_entry_clear(&j->entry);
	sts_policy_clear(&j->cached);
	sts_policy_clear(&j->fetched);
	free(j);
}

static void
job_leave_map(struct job *j)
{
	if (j->joinable)
		map_del(j->sts->jobs, str_of(j->domain));
	j->joinable = false;
}

static void
job_end(struct job *j)
{
	job_leave_map(j);
	job_set_state(j, JOB_OVER);
	job_free(j);
}

/* ---- the answer ---- */

static void
inputs_of(const struct job *j, struct sts_inputs *in)
{
	*in = (struct sts_inputs){.store_err = j->store_err,
	    .entry = j->store_err ? NULL : &j->entry,
	    .txt_status = j->txt_status,
	    .record_err = j->record_err,
	    .id = j->id,
	    .memory = sts_notes_find(j->sts->notes, j->domain),
	    .seen = &j->seen,
	    .now = now_s(j->sts)};
}

/* Ends the job, then answers all who waited: calling back comes last. */
static void
job_answer(struct job *j, enum sts_source source)
{
	struct sts_inputs in;
	struct sts_verdict v;
	struct list waiters, *node;

	inputs_of(j, &in);
	sts_verdict_make(&in, source, j->is_fetched ? &j->fetched : &j->cached,
	    j->is_fetched ? j->id : j->entry.id, j->text, &v);
	if (j->moot)
		v.rule = "STS-28";
	list_init(&waiters);
	while ((node = list_pop(&j->waiters)) != NULL)
		list_push(&waiters, node);
	job_end(j);
	/* A callback may cancel others of this list: each is taken singly. */
	while ((node = list_pop(&waiters)) != NULL) {
		struct sts_lookup *l = CONTAINER_OF(
		    node, struct sts_lookup, link);
		sts_lookup_fn *fn = l->fn;
		void *arg = l->arg;

		free(l);
		fn(arg, &v);
	}
	sts_verdict_clear(&v);
}

/* ---- storing ---- */

static void
on_stored(void *arg, int err)
{
	struct job *j = arg;

	j->store_owes--;
	if (err)
		log_text(j->sts->o.log, LOG_WARN, "sts-store",
		    "policy of %s is not stored: %s", j->domain, err_str(err));
	job_answer(j, STS_FRESH);
}

static void
job_store(struct job *j, struct str body)
{
	struct sts *s = j->sts;
	struct sts_entry e = {.fetched = now_s(s)};
	int err;

	memcpy(e.domain, j->domain, sizeof(e.domain));
	memcpy(e.id, j->id, sizeof(e.id));
	e.expires = e.fetched + j->fetched.max_age;
	e.body = str_dup(body);
	e.body_len = body.n;
	job_set_state(j, JOB_PUT);
	err = s->o.store ? store_sts_put(s->o.store, &e, on_stored, j)
			 : ERR_NOTFOUND;
	sts_entry_clear(&e);
	if (err) {
		if (s->o.store)
			log_text(s->o.log, LOG_WARN, "sts-store",
			    "policy of %s is not stored: %s", j->domain,
			    err_str(err));
		/* Not from within: the caller is a callback of http. */
		timer_start(j->timer, 0);
		return;
	}
	j->store_owes++;
	timer_start(j->timer, PUT_TIMEOUT_MS);
}

/* ---- fetching ---- */

static void
log_fetch(const struct job *j, const struct sts_fetched *f)
{
	/* STS-26: a failure is worth a look, unless the policy was none. */
	bool calm = !j->store_err && j->cached.mode == STS_MODE_NONE;

	sts_fetch_log(f, j->sts->o.log, j->domain, j->id, calm);
}

/* A fetch that came to nothing; f says why. */
static void
fetch_failed(struct job *j, const struct sts_fetched *f)
{
	struct sts_inputs in;

	metrics_add(j->sts->o.metrics, METRIC_STS_FETCH_FAILED, 1);
	log_fetch(j, f);
	memcpy(j->text, f->text, sizeof(j->text));
	sts_notes_failed(j->sts->notes, j->domain, j->id, now_s(j->sts));
	inputs_of(j, &in);
	job_answer(j, sts_state_after_failure(&in));
}

static void
fetch_failed_early(struct job *j, int err, const char *text)
{
	struct sts_fetched f = {.err = err};

	snprintf(f.text, sizeof(f.text), "%s", text);
	fetch_failed(j, &f);
}

static void
on_fetched(void *arg, const struct sts_fetched *f)
{
	struct job *j = arg;

	j->fetch = NULL;
	if (f->err) {
		fetch_failed(j, f);
		return;
	}
	log_fetch(j, f);
	sts_policy_copy(&j->fetched, f->policy);
	j->is_fetched = true;
	job_store(j, f->body);
}

static void
job_fetch(struct job *j)
{
	struct sts *s = j->sts;

	if (j->n_addrs == 0) {
		fetch_failed_early(j, ERR_DNS,
		    j->addr_failed ? "address lookup of the policy host failed"
				   : "policy host has no usable address");
		return;
	}
	job_set_state(j, JOB_FETCH);
	timer_stop(j->timer); /* the request has a deadline of its own */
	j->fetch = sts_fetch_start(s->o.http, j->domain, j->addrs, j->n_addrs,
	    s->o.allow_private, s->o.fetch_timeout_ms, on_fetched, j);
}

/* STS-42: addresses that a stranger must not make us connect to. */
static void
take_addrs(struct job *j, const struct rr_set *set)
{
	if (set->status == RR_FAIL)
		j->addr_failed = true;
	if (set->status != RR_OK)
		return;
	for (size_t i = 0; i < set->n && j->n_addrs < ADDRS_MAX; i++) {
		const struct rr_addr *a = &set->u.addr[i];

		if (j->sts->o.allow_private ||
		    !ipclass_is_special(a->family, a->ip))
			j->addrs[j->n_addrs++] = *a;
	}
}

static void
on_addr(void *arg, struct rr_set *set)
{
	struct job *j = arg;

	j->q_addr[set->type == RR_AAAA] = NULL;
	take_addrs(j, set);
	if (!j->q_addr[0] && !j->q_addr[1])
		job_fetch(j);
}

static void
job_resolve(struct job *j)
{
	struct sts *s = j->sts;
	char host[DOMAIN_MAX];

	metrics_add(s->o.metrics, METRIC_STS_FETCHES, 1);
	job_set_state(j, JOB_ADDR);
	if (sts_fetch_host(j->domain, host) < 0) {
		fetch_failed_early(j, ERR_TOOBIG, "policy host is no name");
		return;
	}
	timer_start(j->timer, s->o.txt_timeout_ms);
	j->q_addr[0] = dns_ask(s->o.dns, host, RR_A, on_addr, j);
	j->q_addr[1] = dns_ask(s->o.dns, host, RR_AAAA, on_addr, j);
}

/* ---- looking ---- */

static struct job *
job_blank(struct sts *s, const char *domain)
{
	struct job *j = xcalloc(1, sizeof(*j));

	snprintf(j->domain, sizeof(j->domain), "%s", domain);
	j->sts = s;
	j->txt_status = RR_NODATA;
	j->record_err = ERR_NOTFOUND;
	list_init(&j->waiters);
	list_push(&s->all_jobs, &j->link);
	j->timer = timer_new(s->o.loop, on_timer, j);
	return j;
}

/* STS-25: fetches again what j found to be in force. */
static void
job_refresh(const struct job *j)
{
	struct job *r = job_blank(j->sts, j->domain);

	r->store_read = true;
	sts_entry_copy(&r->entry, &j->entry);
	sts_policy_copy(&r->cached, &j->cached);
	r->txt_status = j->txt_status;
	r->record_err = j->record_err;
	memcpy(r->id, j->id, sizeof(r->id));
	job_resolve(r);
}

/* Both the stored entry and the record are known. */
static void
job_decide(struct job *j)
{
	enum sts_source source = STS_NO_POLICY;
	struct sts_inputs in;

	inputs_of(j, &in);
	if (sts_state_decide(&in, &source) == STS_ACT_FETCH) {
		job_resolve(j);
		return;
	}
	if (source == STS_FRESH &&
	    sts_notes_refresh(
		j->sts->notes, j->domain, j->entry.fetched, in.now))
		job_refresh(j);
	job_answer(j, source);
}

static void
job_look_done(struct job *j)
{
	if (j->store_read && !j->q_txt)
		job_decide(j);
}

static void
on_entry(void *arg, int err, const struct sts_entry *entry)
{
	struct job *j = arg;

	j->store_owes--;
	j->store_read = true;
	j->store_err = err;
	if (!err) {
		sts_entry_copy(&j->entry, entry);
		/* A row that does not parse is as good as none was read. */
		if (sts_policy_parse(
			str_n(entry->body, entry->body_len), &j->cached, NULL))
			j->store_err = ERR_CORRUPT;
	}
	job_look_done(j);
}

static void
on_txt(void *arg, struct rr_set *set)
{
	struct job *j = arg;

	j->q_txt = NULL;
	j->txt_status = set->status;
	sts_seen_record(&j->seen, set);
	j->record_err = sts_record_select(set, j->id);
	if (set->status == RR_FAIL)
		snprintf(j->text, sizeof(j->text), "TXT lookup failed: %s",
		    rr_why_str(set->why));
	else if (j->record_err == ERR_SYNTAX)
		snprintf(j->text, sizeof(j->text), "TXT record is invalid");
	job_look_done(j);
}

/* The deadline of the state that the job is in. */
static void
on_timer(void *arg)
{
	struct job *j = arg;
	struct dns *dns = j->sts->o.dns;

	switch (j->state) {
	case JOB_LOOK:
		if (j->moot) {
			job_answer(j, STS_NO_POLICY);
			return;
		}
		if (j->q_txt) {
			dns_cancel(dns, j->q_txt);
			j->q_txt = NULL;
			j->txt_status = j->seen.txt = RR_FAIL;
			j->seen.why = RR_WHY_TIMEOUT;
			j->record_err = ERR_NOTFOUND;
			snprintf(j->text, sizeof(j->text),
			    "TXT lookup failed: timeout");
		}
		if (!j->store_read) {
			j->store_read = true;
			j->store_err = ERR_TIMEOUT;
		}
		job_decide(j);
		break;
	case JOB_ADDR:
		dns_cancel(dns, j->q_addr[0]);
		dns_cancel(dns, j->q_addr[1]);
		j->q_addr[0] = j->q_addr[1] = NULL;
		j->addr_failed = true;
		job_fetch(j);
		break;
	case JOB_PUT:
		job_answer(j, STS_FRESH);
		break;
	case JOB_FETCH:
	case JOB_OVER:
		BUG("sts job has no deadline in state %d", (int)j->state);
	}
}

static void
job_look(struct job *j)
{
	struct sts *s = j->sts;
	char name[DOMAIN_MAX + 16];

	snprintf(name, sizeof(name), "_mta-sts.%s", j->domain);
	timer_start(j->timer, s->o.txt_timeout_ms);
	j->seen.asked = true;
	j->seen.no_store = !s->o.store;
	j->store_err = s->o.store
	    ? store_sts_get(s->o.store, j->domain, on_entry, j)
	    : ERR_NOTFOUND;
	if (j->store_err)
		j->store_read = true;
	else
		j->store_owes++;
	if (strlen(name) < DOMAIN_MAX) {
		j->q_txt = dns_ask(s->o.dns, name, RR_TXT, on_txt, j);
		return;
	}
	/* No such name can exist. */
	j->txt_status = RR_NXDOMAIN;
	j->record_err = ERR_NOTFOUND;
	if (j->store_read)
		timer_start(j->timer, 0);
}

static struct job *
job_new(struct sts *s, const char *domain)
{
	struct job *j = job_blank(s, domain);

	/* RFC 8461 3.4: an address literal has no policy. */
	j->moot = !s->o.on || domain_is_ip(str_of(domain));
	if (j->moot) {
		timer_start(j->timer, 0);
		return j;
	}
	map_put(s->jobs, str_of(domain), j);
	j->joinable = true;
	job_look(j);
	return j;
}

/* ---- the contract ---- */

struct sts *
sts_new(const struct sts_opts *o)
{
	struct sts *s = xcalloc(1, sizeof(*s));
	uint8_t seed[16];

	s->o = *o;
	if (s->o.txt_timeout_ms == 0)
		s->o.txt_timeout_ms = TXT_TIMEOUT_MS;
	if (s->o.fetch_timeout_ms == 0)
		s->o.fetch_timeout_ms = FETCH_TIMEOUT_MS;
	rng_fill(o->rng, seed, sizeof(seed));
	s->jobs = map_new(seed);
	s->notes = sts_notes_new(o->rng, 0);
	list_init(&s->all_jobs);
	return s;
}

void
sts_free(struct sts *s)
{
	if (!s)
		return;
	while (!list_empty(&s->all_jobs))
		job_free(CONTAINER_OF(s->all_jobs.next, struct job, link));
	map_free(s->jobs, NULL);
	sts_notes_free(s->notes);
	free(s);
}

struct sts_lookup *
sts_lookup_start(
    struct sts *s, const char *domain, sts_lookup_fn *fn, void *arg)
{
	struct job *j = s->o.on ? map_get(s->jobs, str_of(domain)) : NULL;
	struct sts_lookup *l = xcalloc(1, sizeof(*l));

	l->fn = fn;
	l->arg = arg;
	if (!j)
		j = job_new(s, domain);
	list_push(&j->waiters, &l->link);
	return l;
}

void
sts_lookup_cancel(struct sts_lookup *l)
{
	if (!l)
		return;
	list_remove(&l->link);
	free(l);
}
