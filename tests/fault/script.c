/*
 * The run. Jobs go one by one, so that the n-th operation is the same one in
 * each run; those that are to share a commit are handed over while the writer
 * is held by its clock.
 */
#include "config.h"

#include "tests/fault/script.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "relay/queue/body.h"
#include "tests/adapt/store_world.h"

#define SPOOL_BODY (BODY_INLINE_MAX + 100u)
#define TICK_MS 1000 /* each look at the clock */
#define MANY 34 /* bodies that fill a log until it is copied back */

struct script {
	struct world *w;
	struct ledger *l;
};

/* A job under way. */
struct step {
	struct script *s;
	struct ledger_job *j;
};

/* ---- the clock ---- */

static atomic_llong clock_ms;
static atomic_bool clock_stands;
static atomic_bool clock_held; /* a thread waits for it */

static int64_t
fast_mono_ms(void *arg)
{
	(void)arg;
	while (atomic_load(&clock_stands)) {
		atomic_store(&clock_held, true);
		(void)usleep(20);
	}
	return atomic_fetch_add(&clock_ms, TICK_MS);
}

static int64_t
fixed_real_s(void *arg)
{
	(void)arg;
	return 1800000000;
}

struct clock
script_clock(void)
{
	return (struct clock){fast_mono_ms, fixed_real_s, NULL};
}

/* ---- the ledger ---- */

/* A store thread may want a copy while the loop's thread writes. */
static pthread_mutex_t ledger_lock = PTHREAD_MUTEX_INITIALIZER;

void
ledger_copy(struct ledger *to, const struct ledger *from)
{
	pthread_mutex_lock(&ledger_lock);
	*to = *from;
	pthread_mutex_unlock(&ledger_lock);
}

struct ledger *
ledger_new(void)
{
	struct ledger *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (l == MAP_FAILED)
		BUG("no memory for a ledger");
	return l;
}

/* ---- answers ---- */

/* Of any job: the store must show an error that is its own. */
static void
note_error(struct script *s, int err)
{
	char text[256] = "";

	/* These two are no faults. */
	if (err == 0 || err == ERR_NOTFOUND || err == ERR_EXISTS)
		return;
	s->l->bad++;
	if (s->l->die)
		(void)kill(getpid(), SIGKILL);
	if (store_hub_state(s->w->hub, text) == 0 || !text[0])
		fail_msg(
		    "%s, and the store says that all is well", err_str(err));
}

static void
answered(struct step *step, int err)
{
	pthread_mutex_lock(&ledger_lock);
	step->j->err = err;
	step->j->state = err ? LEDGER_BAD : LEDGER_GOOD;
	pthread_mutex_unlock(&ledger_lock);
	note_error(step->s, err);
}

static void
on_change(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct step *step = arg;

	pthread_mutex_lock(&ledger_lock);
	for (size_t i = 0; i < n; i++) {
		if (err == 0)
			step->s->l->msgs[step->j->msg].rows[i] = rcpts[i]->id;
		rcpt_free(rcpts[i]);
	}
	pthread_mutex_unlock(&ledger_lock);
	free(rcpts);
	answered(step, err);
	world_answer(step->s->w, 0);
}

static void
on_stored_row(void *arg, int err)
{
	struct step *step = arg;

	answered(step, err);
	world_answer(step->s->w, 0);
}

static struct ledger_job *
new_job(struct script *s, const struct ledger_job *want)
{
	struct ledger *l = s->l;
	struct ledger_job *j = &l->jobs[l->n_jobs];

	if (l->n_jobs == LEDGER_JOBS)
		BUG("script too long");
	pthread_mutex_lock(&ledger_lock);
	*j = *want;
	j->epoch = l->epoch;
	j->state = LEDGER_STARTED;
	l->n_jobs++;
	pthread_mutex_unlock(&ledger_lock);
	return j;
}

static int
new_msg(struct script *s, size_t size, unsigned n)
{
	struct ledger *l = s->l;

	if (l->n_msgs == LEDGER_MSGS)
		BUG("script too long");
	pthread_mutex_lock(&ledger_lock);
	l->msgs[l->n_msgs++] = (struct ledger_msg){.size = size, .n = n};
	pthread_mutex_unlock(&ledger_lock);
	return l->n_msgs - 1;
}

/* ---- jobs ---- */

#define PATTERN 2600 /* bytes; no part of a sector */

struct blob *
script_body(uint64_t mark, size_t size)
{
	struct buf b;
	char pattern[PATTERN];

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)('a' + (mark + i) % 26);
	buf_init(&b, size + 64);
	(void)buf_addf(&b, "Subject: %llu\r\n\r\n", (unsigned long long)mark);
	while (b.n < size) {
		size_t left = size - b.n;

		(void)buf_add(&b, pattern, left < PATTERN ? left : PATTERN);
	}
	return blob_take(&b);
}

/* The message as the store takes it; in: LEDGER_RCPTS recipients. */
static struct msg *
make_msg(const struct ledger *l, int which, struct rcpt_in *in)
{
	const struct ledger_msg *lm = &l->msgs[which];
	struct msg *m = msg_new();

	for (unsigned i = 0; i < lm->n; i++) {
		in[i] = (struct rcpt_in){.notify = NOTIFY_FAILURE};
		(void)snprintf(
		    in[i].addr, sizeof(in[i].addr), "r%u@d%u.example", i, i);
		(void)snprintf(
		    in[i].next_hop, sizeof(in[i].next_hop), "d%u.example", i);
	}
	m->id = (uint64_t)which + 1;
	m->arrived = 1800000000;
	(void)snprintf(m->sender, sizeof(m->sender), "s@example.org");
	m->body = script_body(m->id, lm->size);
	m->size = lm->size;
	return m;
}

static void
begin_put(struct step *step, struct script *s, size_t size, unsigned n)
{
	struct rcpt_in in[LEDGER_RCPTS];
	struct ledger_job j = {.kind = LEDGER_PUT, .msg = new_msg(s, size, n)};
	struct store_put p = {.rcpts = in, .n_rcpts = n};

	*step = (struct step){s, new_job(s, &j)};
	p.msg = make_msg(s->l, j.msg, in);
	world_started(s->w, store_put(s->w->s, &p, on_change, step));
	msg_unref(p.msg);
}

/* Its index. */
static int
put_one(struct script *s, size_t size, unsigned n)
{
	struct step step;

	begin_put(&step, s, size, n);
	(void)world_wait(s->w);
	return step.j->msg;
}

/* A job that fails when half of it is done: the second of its messages has the
 * id of one that is there. */
static void
begin_half(struct script *s, int which)
{
	struct rcpt_in in[2][LEDGER_RCPTS];
	struct store_put p[2] = {
	    {.rcpts = in[0], .n_rcpts = 1}, {.rcpts = in[1], .n_rcpts = 1}};
	struct store_finish f = {.dsns = p, .n_dsns = 2};

	if (s->l->msgs[which].rows[0] == 0)
		return;
	p[0].msg = make_msg(s->l, new_msg(s, 60, 1), in[0]);
	p[1].msg = make_msg(s->l, which, in[1]);
	world_started(s->w, store_finish(s->w->s, &f, on_rcpts, s->w));
	msg_unref(p[0].msg);
	msg_unref(p[1].msg);
}

/* Three that share a commit, one of them bad. */
static void
put_together(struct script *s, int there, int out[2])
{
	static const struct had_entry held = {
	    .domain = "held.example", .via = "held.example", .dane = 1};
	struct step step[2];

	atomic_store(&clock_held, false);
	atomic_store(&clock_stands, true);
	if (store_had_put(s->w->s, &held, NULL, NULL) != 0)
		BUG("no credit");
	while (!atomic_load(&clock_held))
		(void)usleep(20);
	begin_put(&step[0], s, 20000, 2);
	begin_half(s, there);
	begin_put(&step[1], s, 50, 1);
	atomic_store(&clock_stands, false);
	note_error(s, world_wait(s->w));
	out[0] = step[0].j->msg;
	out[1] = step[1].j->msg;
}

static void
add_effect(struct ledger_job *j, int msg, unsigned rcpt, enum store_fate fate,
    uint32_t tries)
{
	j->effects[j->n++] = (struct ledger_effect){msg, rcpt, fate, tries};
}

static void
fill_result(
    struct store_result *r, const struct ledger *l, struct ledger_effect e)
{
	*r = (struct store_result){.rcpt = l->msgs[e.msg].rows[e.rcpt],
	    .msg = (uint64_t)e.msg + 1,
	    .fate = e.fate,
	    .tries = e.tries,
	    .next_try = 77,
	    .dsn = "4.7.5",
	    .rule = "DANE-07",
	    .mx = "mx.example.com",
	    .reply = "450 not now"};
}

/* The effects of want in one job, with a DSN of so many bytes; 0: without.
 * Nobody would ask for them when the messages did not come. */
static void
run_finish(struct script *s, struct ledger_job *want, size_t dsn)
{
	struct store_result results[LEDGER_EFFECTS];
	struct rcpt_in in[LEDGER_RCPTS];
	struct store_put p = {.rcpts = in, .n_rcpts = 1};
	struct store_finish f = {.results = results, .n = want->n};
	struct step step;

	for (unsigned i = 0; i < want->n; i++) {
		const struct ledger_effect *e = &want->effects[i];

		if (s->l->msgs[e->msg].rows[e->rcpt] == 0)
			return;
		fill_result(&results[i], s->l, *e);
	}
	want->kind = LEDGER_FINISH;
	want->msg = -1;
	if (dsn > 0) {
		want->msg = new_msg(s, dsn, 1);
		p.msg = make_msg(s->l, want->msg, in);
		p.msg->flags = MSG_DSN;
		f.dsns = &p;
		f.n_dsns = 1;
	}
	step = (struct step){s, new_job(s, want)};
	world_started(s->w, store_finish(s->w->s, &f, on_change, &step));
	if (dsn > 0)
		msg_unref(p.msg);
	(void)world_wait(s->w);
}

static void
finish_it(
    struct script *s, int msg, unsigned rcpt, enum store_fate fate, size_t dsn)
{
	struct ledger_job j = {0};

	add_effect(&j, msg, rcpt, fate, 1);
	run_finish(s, &j, dsn);
}

static void
put_sts(struct script *s, int version)
{
	struct ledger_job j = {
	    .kind = LEDGER_STS, .msg = -1, .version = version};
	struct step step = {s, new_job(s, &j)};
	char body[] = "version: STSv1\n";
	struct sts_entry e = {.domain = "sts.example",
	    .fetched = version,
	    .expires = 9,
	    .body = body,
	    .body_len = sizeof(body) - 1};

	(void)snprintf(e.id, sizeof(e.id), "v%d", version);
	world_started(s->w, store_sts_put(s->w->s, &e, on_stored_row, &step));
	(void)world_wait(s->w);
}

/* version 0: drops it. */
static void
put_had(struct script *s, int version)
{
	struct ledger_job j = {
	    .kind = LEDGER_HAD, .msg = -1, .version = version};
	struct step step = {s, new_job(s, &j)};
	struct had_entry e = {.domain = "had.example",
	    .via = "had.example",
	    .sts = version,
	    .seen = version,
	    .gone = version};

	if (version > 0)
		world_started(
		    s->w, store_had_put(s->w->s, &e, on_stored_row, &step));
	else
		world_started(s->w,
		    store_had_drop(s->w->s, e.domain, on_stored_row, &step));
	(void)world_wait(s->w);
}

/* Only what is there: to drop nothing writes nothing, and so does not overwrite
 * a commit in doubt. */
static void
drop_sts(struct script *s)
{
	bool there = s->l->jobs[s->l->n_jobs - 1].state == LEDGER_GOOD;
	struct ledger_job j = {.kind = LEDGER_STS, .msg = -1};
	struct step step = {.s = s};

	if (!there)
		return;
	step.j = new_job(s, &j);
	world_started(s->w,
	    store_sts_drop(
		s->w->s, "sts.example", INT64_MAX, on_stored_sts, &step));
	(void)world_wait(s->w);
}

static void
scan_sts(struct script *s)
{
	struct store_sts_scan q = {.shards = 1, .now = 5, .limit = 10};

	world_started(s->w, store_sts_scan(s->w->s, &q, on_sts_page, s->w));
	note_error(s, world_wait(s->w));
}

/* All kinds of reading; what is read is looked at by script_check. */
static void
read_all(struct script *s)
{
	struct world *w = s->w;

	world_started(w, store_page(w->s, 0, 1, 0, 0, 50, on_rcpts, w));
	note_error(s, world_wait(w));
	world_drop_rcpts(w);
	world_started(w, store_list(w->s, 0, 0, 60, on_rows, w));
	note_error(s, world_wait(w));
	world_started(w, store_stats(w->s, on_stats, w));
	note_error(s, world_wait(w));
	world_started(w, store_sts_get(w->s, "sts.example", on_sts, w));
	note_error(s, world_wait(w));
	scan_sts(s);
	for (uint64_t id = 1; id <= 2; id++)
		note_error(s, get_body(w, id));
}

/* ---- the run ---- */

/* The relay tries again when its store does not open; here once. */
static bool
open_store(struct script *s)
{
	for (int i = 0; i < 2; i++) {
		s->w->text[0] = '\0';
		s->l->epoch++;
		if (world_open(s->w) == 0)
			return true;
		s->l->failed_opens++;
		if (!s->w->text[0] || strchr(s->w->text, '\n'))
			fail_msg("text of open: \"%s\"", s->w->text);
		if (s->l->die)
			(void)kill(getpid(), SIGKILL);
	}
	return false;
}

static void
first_half(struct script *s, int msgs[4])
{
	struct ledger_job j = {0};

	msgs[0] = put_one(s, 50, 1);
	msgs[1] = put_one(s, SPOOL_BODY, 3);
	put_together(s, msgs[0], &msgs[2]);
	read_all(s);
	put_sts(s, 1);
	drop_sts(s);
	put_had(s, 1);
	finish_it(s, msgs[0], 0, STORE_DONE, 0);
	/* One job that does everything at once. */
	add_effect(&j, msgs[1], 0, STORE_RETRY, 1);
	add_effect(&j, msgs[1], 1, STORE_DONE, 0);
	add_effect(&j, msgs[2], 0, STORE_RELEASED, 0);
	run_finish(s, &j, 300);
}

static void
second_half(struct script *s, const int msgs[4])
{
	put_sts(s, 2);
	put_had(s, 0);
	finish_it(s, msgs[1], 2, STORE_DONE, SPOOL_BODY);
	finish_it(s, msgs[1], 0, STORE_DONE, 0); /* its file goes */
	finish_it(s, msgs[2], 1, STORE_RETRY, 0);
	finish_it(s, msgs[3], 0, STORE_DONE, 400);
	(void)put_one(s, SPOOL_BODY, 2);
	put_had(s, 2);
	read_all(s);
}

void
script_run(struct world *w, struct ledger *l, bool many)
{
	struct script s = {w, l};
	int msgs[4];

	if (!open_store(&s))
		return;
	first_half(&s, msgs);
	for (int i = 0; many && i < MANY; i++)
		(void)put_one(&s, BODY_INLINE_MAX, 1);
	if (!many) {
		world_close(w);
		if (!open_store(&s))
			return;
	}
	second_half(&s, msgs);
	l->whole = true;
}

void
script_heal(struct world *w, struct ledger *l)
{
	struct script s = {w, l};
	char text[256];
	unsigned bad;

	l->epoch += !w->hub;
	if (!w->hub)
		t_err(w->text, world_open(w), 0);
	bad = l->bad;
	(void)put_one(&s, 50, 1);
	(void)put_one(&s, SPOOL_BODY, 1);
	get_stats(w);
	t_int("no more errors", l->bad, bad);
	t_err("the store is well", store_hub_state(w->hub, text), 0);
	t_cstr("and says so", text, "");
	world_close(w);
}
