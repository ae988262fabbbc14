/*
 * relay/queue/store.h in memory. A job is carried out in one event (the
 * commit) and answered in another; each is a step. A job that waits for its
 * commit when the relay crashes is lost, as it would be.
 */
#include "config.h"

#include "tests/fake/fake_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "tests/fake/fake.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_table.h"

#define COMMIT_MS 2
#define LATE_MS 60000 /* a store that hangs for a while */

struct store_hub {
	int err;
	bool low_disk, finish_failed;
	unsigned commits;
	struct {
		bool finish, after;
		enum fake_fault fault;
		unsigned left;
	} trap;
};

struct store {
	size_t credits;
	struct list jobs; /* struct job.node */
};

enum what {
	JOB_CHANGE,
	JOB_PAGE,
	JOB_BODY,
	JOB_STS_GET,
	JOB_STS_PUT,
	JOB_STS_DROP,
	JOB_STS_SCAN,
	JOB_HAD_LOAD,
	JOB_HAD_PUT,
	JOB_HAD_DROP,
	JOB_LATER
};

struct job {
	struct list node;
	struct store *store;
	enum what what;
	struct fake_event *due;
	bool forgotten, carried_out;
	int err;
	void *arg;
	/* What was asked; only some are set. */
	struct table_change change;
	unsigned shard, shards;
	int64_t after_try;
	uint64_t id;
	size_t limit;
	char domain[DOMAIN_MAX];
	struct sts_entry entry;
	int64_t before;
	struct store_sts_scan scan;
	struct store_sts_page page;
	struct sts_entry *rows;
	struct had_entry had;
	/* What came out. */
	struct rcpt **rcpts;
	size_t n;
	struct blob *body;
	struct had_entry *hads;
	union {
		store_put_fn *put; /* of changes and pages */
		store_body_fn *body;
		store_sts_fn *sts;
		store_done_fn *done;
		store_sts_page_fn *page;
		store_had_fn *had;
	} fn;
};

static struct store_hub hub;

struct store_hub *
fake_store_hub(void)
{
	return &hub;
}

void
fake_store_error(int err)
{
	hub.err = err;
}

bool
fake_store_left_work(void)
{
	bool failed = hub.finish_failed;

	hub.finish_failed = false;
	return failed;
}

void
fake_store_low_disk(bool low)
{
	hub.low_disk = low;
}

void
fake_store_trap(bool finish, bool after, enum fake_fault f, unsigned times)
{
	hub.trap.finish = finish;
	hub.trap.after = after;
	hub.trap.fault = f;
	hub.trap.left = times;
}

unsigned
fake_store_commits(void)
{
	return hub.commits;
}

void
fake_store_begin(void)
{
	memset(&hub, 0, sizeof(hub));
}

void
fake_store_end(void)
{
	table_end();
}

/* ---- jobs ---- */

static void
job_free(struct job *j)
{
	list_remove(&j->node);
	fake_drop(&j->due);
	table_change_clear(&j->change);
	for (size_t i = 0; j->rcpts && i < j->n; i++)
		rcpt_free(j->rcpts[i]);
	free(j->rcpts);
	free(j->hads);
	blob_unref(j->body);
	sts_entry_clear(&j->entry);
	free(j->rows);
	fake_count(FAKE_JOBS, -1);
	free(j);
}

static void
job_carry_out(struct job *j)
{
	struct sts_entry *e;

	j->carried_out = true;
	if (j->change.n_results > 0)
		hub.finish_failed = j->err != 0;
	if (j->err)
		return;
	switch (j->what) {
	case JOB_CHANGE:
		if (j->change.new_mail && hub.low_disk)
			j->err = ERR_FULL;
		else
			j->err = table_apply(&j->change, &j->rcpts, &j->n);
		break;
	case JOB_PAGE:
		j->rcpts = table_page(
		    j->shard, j->shards, j->after_try, j->id, j->limit, &j->n);
		break;
	case JOB_BODY:
		j->body = table_body(j->id);
		j->err = j->body ? 0 : ERR_NOTFOUND;
		break;
	case JOB_STS_GET:
		e = table_sts(j->domain);
		j->err = e ? 0 : ERR_NOTFOUND;
		if (e)
			sts_entry_copy(&j->entry, e);
		break;
	case JOB_STS_PUT:
		table_sts_put(&j->entry);
		break;
	case JOB_STS_DROP:
		table_sts_drop(j->domain, j->before);
		break;
	case JOB_STS_SCAN:
		j->rows = xcalloc(j->scan.limit, sizeof(*j->rows));
		table_sts_scan(&j->scan, j->rows, &j->page);
		break;
	case JOB_HAD_LOAD:
		j->hads = table_had(
		    j->shard, j->shards, j->domain, j->limit, &j->n);
		break;
	case JOB_HAD_PUT:
		table_had_put(&j->had);
		break;
	case JOB_HAD_DROP:
		table_had_drop(j->domain);
		break;
	case JOB_LATER:
		break;
	}
	hub.commits++;
}

/* Calls back; the job is gone then. */
static void
job_answer(struct job *j)
{
	size_t n = j->n;
	struct rcpt **rcpts = j->rcpts;

	list_remove(&j->node);
	if (j->what != JOB_LATER)
		j->store->credits++;
	if (!j->forgotten) {
		switch (j->what) {
		case JOB_CHANGE:
		case JOB_PAGE:
			j->rcpts = NULL;
			if (j->err) {
				free(rcpts);
				rcpts = NULL;
				n = 0;
			}
			if (j->fn.put)
				j->fn.put(j->arg, j->err, rcpts, n);
			break;
		case JOB_BODY:
			j->fn.body(j->arg, j->err, j->err ? NULL : j->body);
			if (!j->err)
				j->body = NULL;
			break;
		case JOB_STS_GET:
			j->fn.sts(j->arg, j->err, j->err ? NULL : &j->entry);
			break;
		case JOB_HAD_LOAD:
			j->fn.had(j->arg, j->err, j->hads, j->err ? 0 : n);
			break;
		case JOB_STS_SCAN:
			j->fn.page(j->arg, j->err, j->err ? NULL : &j->page);
			break;
		case JOB_STS_PUT:
		case JOB_STS_DROP:
		case JOB_HAD_PUT:
		case JOB_HAD_DROP:
		case JOB_LATER:
			if (j->fn.done)
				j->fn.done(j->arg, j->err);
			break;
		}
	}
	job_free(j);
}

/* What the trap does to j, or FAKE_FINE. */
static enum fake_fault
job_trapped(const struct job *j, bool after)
{
	bool finish = j->change.n_results > 0;

	if (hub.trap.left == 0 || j->what != JOB_CHANGE ||
	    finish != hub.trap.finish || after != hub.trap.after)
		return FAKE_FINE;
	if (hub.trap.fault != FAKE_LOSS && !fake_end_relay(hub.trap.fault))
		return FAKE_FINE;
	hub.trap.left--;
	return hub.trap.fault;
}

static void
job_due(void *arg)
{
	struct job *j = arg;
	enum fake_fault f = FAKE_FINE, trapped;

	j->due = NULL;
	if (j->what != JOB_LATER)
		f = fake_step();
	if (fake_frozen())
		return;
	if (f == FAKE_SILENCE) {
		j->due = fake_at(LATE_MS, job_due, j);
		return;
	}
	trapped = job_trapped(j, j->carried_out);
	if (trapped == FAKE_CRASH)
		return; /* nobody is left to tell; it goes with the relay */
	if (!j->carried_out) {
		j->err = f == FAKE_LOSS || trapped == FAKE_LOSS ? ERR_IO
								: hub.err;
		job_carry_out(j);
		if (j->what != JOB_LATER) {
			j->due = fake_at(0, job_due, j);
			return;
		}
	}
	job_answer(j);
}

static struct job *
job_new(struct store *s, enum what what, void *arg)
{
	struct job *j = xcalloc(1, sizeof(*j));

	fake_count(FAKE_JOBS, 1);
	j->store = s;
	j->what = what;
	j->arg = arg;
	list_init(&j->node);
	return j;
}

static int
job_submit(struct job *j)
{
	struct store *s = j->store;

	if (s->credits == 0) {
		job_free(j);
		return ERR_FULL;
	}
	s->credits--;
	list_push(&s->jobs, &j->node);
	j->due = fake_at(COMMIT_MS, job_due, j);
	return 0;
}

/* ---- store.h ---- */

int
store_open(
    struct store_hub *h, struct loop *loop, size_t credits, struct store **out)
{
	(void)h;
	(void)loop;
	*out = xcalloc(1, sizeof(**out));
	(*out)->credits = credits;
	list_init(&(*out)->jobs);
	return 0;
}

/* Jobs that were handed over are carried out, unless the relay crashed. */
void
store_close(struct store *s)
{
	while (s && !list_empty(&s->jobs)) {
		struct job *j = CONTAINER_OF(s->jobs.next, struct job, node);

		if (!j->carried_out && !fake_frozen()) {
			j->err = hub.err;
			job_carry_out(j);
		}
		job_free(j);
	}
	free(s);
}

void
store_forget(struct store *s, const void *arg)
{
	for (struct list *n = s->jobs.next; n != &s->jobs; n = n->next) {
		struct job *j = CONTAINER_OF(n, struct job, node);

		if (j->arg == arg)
			j->forgotten = true;
	}
}

void
store_later(struct store *s, store_done_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_LATER, arg);

	j->fn.done = fn;
	list_push(&s->jobs, &j->node);
	j->due = fake_at(0, job_due, j);
}

int
store_put(
    struct store *s, const struct store_put *p, store_put_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_CHANGE, arg);

	table_change_put(&j->change, p);
	j->change.new_mail = true;
	j->fn.put = fn;
	return job_submit(j);
}

int
store_finish(struct store *s, const struct store_finish *f, store_finish_fn *fn,
    void *arg)
{
	struct job *j = job_new(s, JOB_CHANGE, arg);

	table_change_results(&j->change, f->results, f->n);
	for (size_t i = 0; i < f->n_dsns; i++)
		table_change_put(&j->change, &f->dsns[i]);
	j->fn.put = fn;
	return job_submit(j);
}

int
store_page(struct store *s, unsigned shard, unsigned shards,
    int64_t after_next_try, uint64_t after_id, size_t limit, store_page_fn *fn,
    void *arg)
{
	struct job *j = job_new(s, JOB_PAGE, arg);

	j->shard = shard;
	j->shards = shards;
	j->after_try = after_next_try;
	j->id = after_id;
	j->limit = limit;
	j->fn.put = fn;
	return job_submit(j);
}

int
store_body(struct store *s, uint64_t msg_id, store_body_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_BODY, arg);

	j->id = msg_id;
	j->fn.body = fn;
	return job_submit(j);
}

int
store_sts_get(struct store *s, const char *domain, store_sts_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_STS_GET, arg);

	snprintf(j->domain, sizeof(j->domain), "%s", domain);
	j->fn.sts = fn;
	return job_submit(j);
}

int
store_sts_put(
    struct store *s, const struct sts_entry *e, store_done_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_STS_PUT, arg);

	sts_entry_copy(&j->entry, e);
	j->fn.done = fn;
	return job_submit(j);
}

int
store_sts_drop(struct store *s, const char *domain, int64_t before,
    store_done_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_STS_DROP, arg);

	snprintf(j->domain, sizeof(j->domain), "%s", domain);
	j->before = before;
	j->fn.done = fn;
	return job_submit(j);
}

int
store_sts_scan(struct store *s, const struct store_sts_scan *q,
    store_sts_page_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_STS_SCAN, arg);

	j->scan = *q;
	j->fn.page = fn;
	return job_submit(j);
}

int
store_had_load(struct store *s, unsigned shard, unsigned shards,
    const char *after, size_t limit, store_had_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_HAD_LOAD, arg);

	j->shard = shard;
	j->shards = shards;
	j->limit = limit;
	j->fn.had = fn;
	snprintf(j->domain, sizeof(j->domain), "%s", after);
	return job_submit(j);
}

int
store_had_put(
    struct store *s, const struct had_entry *e, store_done_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_HAD_PUT, arg);

	j->fn.done = fn;
	j->had = *e;
	return job_submit(j);
}

int
store_had_drop(
    struct store *s, const char *domain, store_done_fn *fn, void *arg)
{
	struct job *j = job_new(s, JOB_HAD_DROP, arg);

	j->fn.done = fn;
	snprintf(j->domain, sizeof(j->domain), "%s", domain);
	return job_submit(j);
}
