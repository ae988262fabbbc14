/*
 * One question about a domain: reads the stored entry and the TXT record side
 * by side, asks sts_state what they mean, fetches when told to, stores what
 * was fetched, and answers. Nobody hears "no policy" before the stored entry
 * was read.
 *
 *	LOOK --> ADDR --> FETCH --> PUT --> OVER
 *	   \________\_________\____________/
 *
 * A policy that is fetched without a record, because the record can't be had,
 * keeps the id that it had: the policy host has proven who it is, and whoever
 * can suppress DNS answers must not be able to let a policy run out.
 *
 * RFC 8461 3.3, 5.1.
 */
#include "config.h"

#include "sts/sts_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"
#include "relay/base/ipclass.h"
#include "sts/sts_fetch.h"
#include "sts/sts_notes.h"
#include "sts/sts_record.h"

#define PUT_TIMEOUT_MS 5000
#define ADDRS_MAX 16

enum job_state { JOB_LOOK, JOB_ADDR, JOB_FETCH, JOB_PUT, JOB_OVER };

struct sts_job {
	struct list link; /* of desk->jobs */
	struct sts_desk *desk;
	enum sts_job_kind kind;
	char domain[DOMAIN_MAX];
	enum job_state state;
	bool moot; /* MTA-STS does not apply: nothing is asked */
	bool disowned; /* stores nothing */
	sts_lookup_fn *fn;
	void *arg;
	struct timer *timer;
	unsigned store_owes; /* answers of the store that will come */

	bool store_read;
	int store_err;
	struct sts_entry entry;
	struct sts_policy cached; /* entry, parsed */

	struct dns_query *q_txt;
	enum rr_status txt_status;
	bool txt_secure;
	int record_err;
	char id[STS_ID_MAX];

	struct dns_query *q_addr[2];
	struct rr_addr addrs[ADDRS_MAX];
	size_t n_addrs;
	bool addr_failed;
	struct sts_fetch *fetch;
	bool is_fetched;
	struct sts_policy fetched;
	int64_t fetched_at;
	char text[160]; /* why there is no live policy */
	struct sts_seen seen;
};

static void
job_set_state(struct sts_job *j, enum job_state to)
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
now_s(const struct sts_job *j)
{
	return clock_real_s(&j->desk->o.clock);
}

/* ---- end of a job ---- */

static void
job_stop(struct sts_job *j)
{
	struct dns *dns = j->desk->o.dns;

	dns_cancel(dns, j->q_txt);
	dns_cancel(dns, j->q_addr[0]);
	dns_cancel(dns, j->q_addr[1]);
	sts_fetch_cancel(j->fetch);
	if (j->store_owes > 0)
		store_forget(j->desk->o.store, j);
	timer_free(j->timer);
	j->q_txt = j->q_addr[0] = j->q_addr[1] = NULL;
	j->fetch = NULL;
	j->timer = NULL;
}

static void
job_free(struct sts_job *j)
{
	job_stop(j);
	list_remove(&j->link);
	sts_entry_clear(&j->entry);
	sts_policy_clear(&j->cached);
	sts_policy_clear(&j->fetched);
	free(j);
}

/* ---- the answer ---- */

/* An unexpired policy is cached. */
static bool
in_force(const struct sts_job *j)
{
	return !j->store_err && j->entry.expires > now_s(j);
}

/* May a fetch for this job not begin now? */
static bool
is_held_back(const struct sts_job *j, int64_t now)
{
	bool look = j->kind == STS_JOB_LOOK;

	return sts_notes_when(j->desk->notes, j->domain, look ? j->id : NULL,
		   look && in_force(j), now) > now;
}

static void
inputs_of(const struct sts_job *j, struct sts_inputs *in)
{
	int64_t now = now_s(j);

	*in = (struct sts_inputs){.store_err = j->store_err,
	    .entry = j->store_err ? NULL : &j->entry,
	    .txt_status = j->txt_status,
	    .txt_secure = j->txt_secure,
	    .record_err = j->record_err,
	    .id = j->id,
	    .held_back = is_held_back(j, now),
	    .seen = &j->seen,
	    .now = now};
}

/* Ends the job and calls back, which comes last. */
static void
job_answer(struct sts_job *j, enum sts_source source)
{
	struct sts_inputs in;
	struct sts_verdict v;
	sts_lookup_fn *fn = j->fn;
	void *arg = j->arg;

	inputs_of(j, &in);
	sts_verdict_make(&in, source, j->is_fetched ? &j->fetched : &j->cached,
	    j->is_fetched ? j->id : j->entry.id, j->text, &v);
	if (source == STS_FRESH || source == STS_CACHED) {
		v.fetched = j->is_fetched ? j->fetched_at : j->entry.fetched;
		v.expires = j->is_fetched ? j->fetched_at + j->fetched.max_age
					  : j->entry.expires;
	}
	if (j->moot)
		v.rule = "STS-28";
	job_set_state(j, JOB_OVER);
	job_free(j);
	fn(arg, &v);
	sts_verdict_clear(&v);
}

/* ---- storing ---- */

static void
on_stored(void *arg, int err)
{
	struct sts_job *j = arg;

	j->store_owes--;
	if (err)
		log_text(j->desk->o.log, LOG_WARN, "sts-store",
		    "policy of %s is not stored: %s", j->domain, err_str(err));
	job_answer(j, STS_FRESH);
}

static int
job_put(struct sts_job *j, struct str body)
{
	struct sts_desk *d = j->desk;
	struct sts_entry e = {.fetched = j->fetched_at};
	int err;

	memcpy(e.domain, j->domain, sizeof(e.domain));
	memcpy(e.id, j->id, sizeof(e.id));
	e.expires = e.fetched + j->fetched.max_age;
	e.body = str_dup(body);
	e.body_len = body.n;
	err = store_sts_put(d->o.store, &e, on_stored, j);
	if (!err)
		d->on_stored(d->arg, sts_entry_due(&e));
	sts_entry_clear(&e);
	return err;
}

static void
job_store(struct sts_job *j, struct str body)
{
	int err = 0;

	job_set_state(j, JOB_PUT);
	if (!j->disowned) {
		err = job_put(j, body);
		if (err)
			log_text(j->desk->o.log, LOG_WARN, "sts-store",
			    "policy of %s is not stored: %s", j->domain,
			    err_str(err));
		else
			j->store_owes++;
	}
	/* Not from within: the caller is a callback of http. */
	timer_start(j->timer, j->store_owes > 0 ? PUT_TIMEOUT_MS : 0);
}

/* ---- fetching ---- */

/* STS-26: only a failure that is news is worth a look, and none is when the
 * policy is none. */
static void
log_fetch(const struct sts_job *j, const struct sts_fetched *f, bool news)
{
	struct sts_fetch_about about = {
	    .domain = j->domain, .id = j->id, .level = LOG_INFO};
	bool is_none = !j->store_err && j->cached.mode == STS_MODE_NONE;

	if (f->err && !news)
		about.level = LOG_DEBUG;
	else if (f->err && !is_none)
		about.level = LOG_WARN;
	if (in_force(j)) {
		about.cached = sts_mode_str(j->cached.mode);
		about.left = j->entry.expires - now_s(j);
	}
	sts_fetch_log(f, j->desk->o.log, &about);
}

/* A fetch that came to nothing; f says why. */
static void
fetch_failed(struct sts_job *j, const struct sts_fetched *f)
{
	struct sts_desk *d = j->desk;
	bool matters = in_force(j) && j->cached.mode != STS_MODE_NONE;
	struct sts_failure failure = {.domain = j->domain,
	    .id = j->id,
	    .err = f->err,
	    .now = now_s(j),
	    .in_force = matters ? &j->entry : NULL};
	struct sts_inputs in;
	bool news = sts_notes_failed(d->notes, &failure);

	metrics_add(d->o.metrics, METRIC_STS_FETCH_FAILED, 1);
	if (matters)
		metrics_add(d->o.metrics, METRIC_STS_REFRESH_FAILED, 1);
	sts_desk_gauge(d);
	log_fetch(j, f, news);
	memcpy(j->text, f->text, sizeof(j->text));
	inputs_of(j, &in);
	job_answer(j, sts_state_after_failure(&in));
}

static void
fetch_failed_early(struct sts_job *j, int err, const char *text)
{
	struct sts_fetched f = {.err = err};

	snprintf(f.text, sizeof(f.text), "%s", text);
	fetch_failed(j, &f);
}

static void
on_fetched(void *arg, const struct sts_fetched *f)
{
	struct sts_job *j = arg;

	j->fetch = NULL;
	if (f->err) {
		fetch_failed(j, f);
		return;
	}
	(void)sts_notes_fetched(j->desk->notes, j->domain);
	sts_desk_gauge(j->desk);
	log_fetch(j, f, true);
	sts_policy_copy(&j->fetched, f->policy);
	j->is_fetched = true;
	j->fetched_at = now_s(j);
	j->text[0] = '\0';
	job_store(j, f->body);
}

static void
job_fetch(struct sts_job *j)
{
	struct sts_desk *d = j->desk;

	if (j->n_addrs == 0) {
		fetch_failed_early(j, ERR_DNS,
		    j->addr_failed ? "address lookup of the policy host failed"
				   : "policy host has no usable address");
		return;
	}
	job_set_state(j, JOB_FETCH);
	timer_stop(j->timer); /* the request has a deadline of its own */
	j->fetch = sts_fetch_start(d->o.http, j->domain, j->addrs, j->n_addrs,
	    d->o.allow_private, d->o.fetch_timeout_ms, on_fetched, j);
}

/* STS-42: addresses that a stranger must not make us connect to. */
static void
take_addrs(struct sts_job *j, const struct rr_set *set)
{
	if (set->status == RR_FAIL)
		j->addr_failed = true;
	if (set->status != RR_OK)
		return;
	for (size_t i = 0; i < set->n && j->n_addrs < ADDRS_MAX; i++) {
		const struct rr_addr *a = &set->u.addr[i];

		if (j->desk->o.allow_private ||
		    !ipclass_is_special(a->family, a->ip))
			j->addrs[j->n_addrs++] = *a;
	}
}

static void
on_addr(void *arg, struct rr_set *set)
{
	struct sts_job *j = arg;

	j->q_addr[set->type == RR_AAAA] = NULL;
	take_addrs(j, set);
	if (!j->q_addr[0] && !j->q_addr[1])
		job_fetch(j);
}

static void
job_resolve(struct sts_job *j)
{
	struct sts_desk *d = j->desk;
	char host[DOMAIN_MAX];

	metrics_add(d->o.metrics, METRIC_STS_FETCHES, 1);
	if (j->kind == STS_JOB_LOOK && in_force(j))
		sts_notes_changed(d->notes, j->domain, now_s(j));
	job_set_state(j, JOB_ADDR);
	if (sts_fetch_host(j->domain, host) < 0) {
		fetch_failed_early(j, ERR_TOOBIG, "policy host is no name");
		return;
	}
	timer_start(j->timer, d->o.txt_timeout_ms);
	j->q_addr[0] = dns_ask(d->o.dns, host, RR_A, on_addr, j);
	j->q_addr[1] = dns_ask(d->o.dns, host, RR_AAAA, on_addr, j);
}

/* ---- looking ---- */

/* Both the stored entry and the record are known. */
static void
job_decide(struct sts_job *j)
{
	enum sts_source source = STS_NO_POLICY;
	enum sts_action act;
	struct sts_inputs in;

	/* The id that a policy keeps which is fetched without a record. */
	if (j->record_err && !j->store_err)
		memcpy(j->id, j->entry.id, sizeof(j->id));
	inputs_of(j, &in);
	if (j->kind == STS_JOB_LOOK)
		act = sts_state_decide(&in, &source);
	else
		act = sts_state_refresh(
		    &in, j->kind == STS_JOB_FORCED, &source);
	if (act == STS_ACT_FETCH)
		job_resolve(j);
	else
		job_answer(j, source);
}

static void
job_look_done(struct sts_job *j)
{
	if (j->store_read && !j->q_txt)
		job_decide(j);
}

static void
on_entry(void *arg, int err, const struct sts_entry *entry)
{
	struct sts_job *j = arg;

	j->store_owes--;
	j->store_read = true;
	j->store_err = err;
	if (!err) {
		sts_entry_copy(&j->entry, entry);
		/* A row that does not parse is as good as none was read; what
		 * it promised does not count any more when it is over. */
		if (sts_policy_parse(
			str_n(entry->body, entry->body_len), &j->cached, NULL))
			j->store_err = entry->expires > now_s(j) ? ERR_CORRUPT
								 : ERR_NOTFOUND;
	}
	job_look_done(j);
}

static void
on_txt(void *arg, struct rr_set *set)
{
	struct sts_job *j = arg;

	j->q_txt = NULL;
	j->txt_status = set->status;
	j->txt_secure = set->secure;
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
	struct sts_job *j = arg;
	struct dns *dns = j->desk->o.dns;

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
job_look(struct sts_job *j)
{
	struct sts_desk *d = j->desk;
	char name[DOMAIN_MAX + 16];

	snprintf(name, sizeof(name), "_mta-sts.%s", j->domain);
	timer_start(j->timer, d->o.txt_timeout_ms);
	j->seen.asked = true;
	j->seen.no_store = j->disowned = !d->o.store;
	j->store_err = d->o.store
	    ? store_sts_get(d->o.store, j->domain, on_entry, j)
	    : ERR_NOTFOUND;
	if (j->store_err)
		j->store_read = true;
	else
		j->store_owes++;
	if (strlen(name) < DOMAIN_MAX) {
		j->q_txt = dns_ask(d->o.dns, name, RR_TXT, on_txt, j);
		return;
	}
	/* No such name can exist. */
	j->txt_status = RR_NXDOMAIN;
	j->record_err = ERR_NOTFOUND;
	if (j->store_read)
		timer_start(j->timer, 0);
}

/* ---- the contract ---- */

struct sts_job *
sts_job_start(struct sts_desk *d, enum sts_job_kind kind, const char *domain,
    sts_lookup_fn *fn, void *arg)
{
	struct sts_job *j = xcalloc(1, sizeof(*j));

	snprintf(j->domain, sizeof(j->domain), "%s", domain);
	j->desk = d;
	j->kind = kind;
	j->fn = fn;
	j->arg = arg;
	j->txt_status = RR_NODATA;
	j->record_err = ERR_NOTFOUND;
	list_push(&d->jobs, &j->link);
	j->timer = timer_new(d->o.loop, on_timer, j);
	/* RFC 8461 3.4: an address literal has no policy. */
	j->moot = !d->o.on || domain_is_ip(str_of(domain));
	if (j->moot)
		timer_start(j->timer, 0);
	else
		job_look(j);
	return j;
}

void
sts_job_cancel(struct sts_job *j)
{
	if (j)
		job_free(j);
}

void
sts_job_disown(struct sts_desk *d, const char *domain)
{
	for (struct list *n = d->jobs.next; n != &d->jobs; n = n->next) {
		struct sts_job *j = CONTAINER_OF(n, struct sts_job, link);

		if (strcmp(j->domain, domain) == 0)
			j->disowned = true;
	}
}

void
sts_desk_init(struct sts_desk *d)
{
	list_init(&d->jobs);
}

void
sts_desk_gauge(struct sts_desk *d)
{
	size_t risks = sts_notes_risks(d->notes, clock_real_s(&d->o.clock));

	metrics_add(d->o.metrics, METRIC_STS_AT_RISK,
	    (int64_t)risks - (int64_t)d->risks);
	d->risks = risks;
}
