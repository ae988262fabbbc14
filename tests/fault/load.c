/*
 * A message has a slot of the table, and its id tells the slot, so that a row
 * of a message that was finished is found out. Each recipient in a job carries
 * what it becomes when the job is done; the check settles, job by job, which
 * of the two it is.
 */
#include "config.h"

#include "tests/fault/load.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "relay/queue/body.h"
#include "tests/adapt/store_world.h"
#include "tests/fault/script.h"

#define SLOTS 128
#define LIVE 90 /* then more is finished than put */
#define FLIGHT 24
#define MAX_RCPTS 3
#define LARGE (BODY_INLINE_MAX + 1000u)

struct slot {
	uint64_t id; /* 0: free */
	size_t size;
	unsigned n;
	bool putting; /* no answer yet */
	struct {
		bool here; /* in the queue, as far as was answered */
		uint32_t tries;
		uint64_t row;
		unsigned copies; /* that an MX has */
		bool asked; /* a job is under way: then ... */
		bool stays; /* ... it stays, with these tries */
		uint32_t new_tries;
	} rcpts[MAX_RCPTS];
	int dsn; /* slot of the DSN of that job, or -1 */
};

struct load_table {
	struct slot slots[SLOTS];
	uint64_t next;
	/* Counters. */
	uint64_t rounds, puts, finishes, dsns, in_doubt, came_through;
	uint64_t delivered, second_copies;
};

/* One job under way. */
struct flight {
	struct worker *worker;
	int slot; /* put; or finished, and dsn the DSN's slot */
	bool put;
};

struct worker {
	struct world *w;
	struct load_table *t;
	struct rng rng;
	int fd; /* a byte for each answer */
};

struct load_table *
load_table_new(void)
{
	struct load_table *t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		BUG("no memory for a table");
	return t;
}

void
load_table_reset(struct load_table *t)
{
	memset(t->slots, 0, sizeof(t->slots));
}

void
load_print(const struct load_table *t)
{
	printf("%llu deaths: %llu messages put, %llu jobs finished with %llu "
	       "DSNs, %llu jobs without an answer, of which %llu were done\n",
	    (unsigned long long)t->rounds, (unsigned long long)t->puts,
	    (unsigned long long)t->finishes, (unsigned long long)t->dsns,
	    (unsigned long long)t->in_doubt,
	    (unsigned long long)t->came_through);
	printf("%llu recipients delivered to, %llu second copies, each after a "
	       "death between the MX's reply and the commit\n",
	    (unsigned long long)t->delivered,
	    (unsigned long long)t->second_copies);
}

/* ---- the work ---- */

static int
free_slot(const struct load_table *t, unsigned *live)
{
	int found = -1;

	*live = 0;
	for (int i = 0; i < SLOTS; i++) {
		if (t->slots[i].id != 0)
			(*live)++;
		else
			found = i;
	}
	return found;
}

/* What stands above is in the table before what stands below, whenever the
 * process is killed. */
static void
in_this_order(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* The slot as that of a new message that is being put. */
static void
take_slot(struct worker *k, int at, unsigned n)
{
	struct slot *s = &k->t->slots[at];
	static const size_t sizes[] = {60, 60, 60, 500, 500, 9000, LARGE};

	*s = (struct slot){.size = sizes[rng_below(&k->rng, T_COUNT(sizes))],
	    .n = n,
	    .putting = true,
	    .dsn = -1};
	for (unsigned i = 0; i < n; i++)
		s->rcpts[i].here = true;
	in_this_order();
	s->id = ++k->t->next * SLOTS + (uint64_t)at;
}

static struct msg *
slot_msg(const struct slot *s, struct rcpt_in *in)
{
	struct msg *m = msg_new();

	for (unsigned i = 0; i < s->n; i++) {
		in[i] = (struct rcpt_in){.notify = NOTIFY_FAILURE};
		(void)snprintf(in[i].addr, sizeof(in[i].addr),
		    "r%u@d%u.example", i, (unsigned)(s->id + i) % 9);
		(void)snprintf(in[i].next_hop, sizeof(in[i].next_hop),
		    "d%u.example", (unsigned)(s->id + i) % 9);
	}
	m->id = s->id;
	m->arrived = 1800000000;
	(void)snprintf(m->sender, sizeof(m->sender), "s@example.org");
	m->body = script_body(s->id, s->size);
	m->size = s->size;
	return m;
}

static void one_more(struct worker *k);

/* The job of a slot is done. */
static void
settle(struct load_table *t, struct slot *s)
{
	bool left = false;

	if (s->dsn >= 0)
		t->slots[s->dsn].putting = false;
	s->dsn = -1;
	for (unsigned i = 0; i < s->n; i++) {
		if (s->rcpts[i].asked) {
			s->rcpts[i].here = s->rcpts[i].stays;
			s->rcpts[i].tries = s->rcpts[i].new_tries;
		}
		in_this_order();
		s->rcpts[i].asked = false;
		left = left || s->rcpts[i].here;
	}
	if (!left)
		s->id = 0;
}

/* The job of a slot was not done. */
static void
forget(struct load_table *t, struct slot *s)
{
	if (s->dsn >= 0)
		t->slots[s->dsn].id = 0;
	s->dsn = -1;
	for (unsigned i = 0; i < s->n; i++)
		s->rcpts[i].asked = false;
}

static void
answered(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct flight *f = arg;
	struct worker *k = f->worker;
	struct slot *s = &k->t->slots[f->slot];

	if (err != 0)
		fail_msg("a job failed: %s", err_str(err));
	if (!f->put && s->dsn >= 0)
		k->t->slots[s->dsn].rcpts[0].row = rcpts[0]->id;
	for (size_t i = 0; i < n; i++) {
		if (f->put)
			s->rcpts[i].row = rcpts[i]->id;
		rcpt_free(rcpts[i]);
	}
	free(rcpts);
	if (f->put)
		s->putting = false;
	else
		settle(k->t, s);
	free(f);
	if (write(k->fd, "", 1) != 1)
		(void)kill(getpid(), SIGKILL); /* the parent wants no more */
	one_more(k);
}

static struct flight *
take_off(struct worker *k, int slot, bool put)
{
	struct flight *f = xcalloc(1, sizeof(*f));

	*f = (struct flight){k, slot, put};
	return f;
}

static void
put_slot(struct worker *k, int at)
{
	struct rcpt_in in[MAX_RCPTS];
	struct store_put p = {.rcpts = in};

	take_slot(k, at, 1 + rng_below(&k->rng, MAX_RCPTS));
	p.n_rcpts = k->t->slots[at].n;
	p.msg = slot_msg(&k->t->slots[at], in);
	k->t->puts++;
	t_err(
	    "put", store_put(k->w->s, &p, answered, take_off(k, at, true)), 0);
	msg_unref(p.msg);
}

/* What becomes of the recipients of a slot: of each that is there, by chance,
 * but of one at least. */
static size_t
decide(struct worker *k, struct slot *s, struct store_result *results,
    bool *bounced)
{
	size_t n = 0;

	for (unsigned i = 0; i < s->n; i++) {
		struct store_result *r = &results[n];

		if (!s->rcpts[i].here || (n > 0 && rng_below(&k->rng, 2) == 0))
			continue;
		s->rcpts[i].stays = rng_below(&k->rng, 3) == 0;
		s->rcpts[i].new_tries = s->rcpts[i].stays
		    ? s->rcpts[i].tries + 1
		    : 0;
		in_this_order();
		s->rcpts[i].asked = true;
		*r = (struct store_result){.rcpt = s->rcpts[i].row,
		    .msg = s->id,
		    .fate = s->rcpts[i].stays ? STORE_RETRY : STORE_DONE,
		    .tries = s->rcpts[i].new_tries,
		    .next_try = 77};
		n++;
		if (s->rcpts[i].stays)
			continue;
		if (rng_below(&k->rng, 4) == 0) {
			*bounced = true;
			continue;
		}
		/* Its MX says 250 here. */
		k->t->delivered += s->rcpts[i].copies == 0;
		k->t->second_copies += s->rcpts[i].copies > 0;
		s->rcpts[i].copies++;
	}
	return n;
}

static void
finish_slot(struct worker *k, int at, int dsn_at)
{
	struct slot *s = &k->t->slots[at];
	struct store_result results[MAX_RCPTS];
	struct rcpt_in in[MAX_RCPTS];
	struct store_put p = {.rcpts = in, .n_rcpts = 1};
	struct store_finish f = {.results = results};
	bool bounced = false;

	f.n = decide(k, s, results, &bounced);
	if (bounced && dsn_at >= 0) {
		take_slot(k, dsn_at, 1);
		s->dsn = dsn_at;
		p.msg = slot_msg(&k->t->slots[dsn_at], in);
		f.dsns = &p;
		f.n_dsns = 1;
		k->t->dsns++;
	}
	k->t->finishes++;
	t_err("finish",
	    store_finish(k->w->s, &f, answered, take_off(k, at, false)), 0);
	msg_unref(p.msg);
}

static bool
is_free(const struct slot *s)
{
	if (s->id == 0 || s->putting)
		return false;
	for (unsigned i = 0; i < s->n; i++) {
		if (s->rcpts[i].asked)
			return false;
	}
	return true;
}

static void
one_more(struct worker *k)
{
	unsigned live;
	int empty = free_slot(k->t, &live);
	unsigned start = rng_below(&k->rng, SLOTS);

	if (empty >= 0 && rng_below(&k->rng, LIVE) > live * 2 / 3) {
		put_slot(k, empty);
		return;
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		int at = (int)((start + i) % SLOTS);

		if (is_free(&k->t->slots[at])) {
			finish_slot(k, at, empty);
			return;
		}
	}
	if (empty >= 0)
		put_slot(k, empty);
}

void
load_run(void *arg, struct world *w, struct ledger *l)
{
	struct load *load = arg;
	struct fault_plan plan = {
	    FAULT_N_KINDS, FAULT_MODE_KILL, load->kill_op, false};
	struct worker k = {.w = w, .t = load->table, .fd = load->answers[1]};

	(void)l;
	(void)close(load->answers[0]);
	rng_init_seed(&k.rng, load->seed);
	/* With the machine's clock jobs are gathered, with the other not. */
	if (rng_below(&k.rng, 2) == 0)
		w->o.clock = clock_system();
	fault_arm(&plan, NULL, NULL);
	t_err(w->text, world_open(w), 0);
	for (int i = 0; i < FLIGHT; i++)
		one_more(&k);
	loop_run(w->loop);
}

/* ---- the check ---- */

/* What is in the queue, by slot. */
struct found {
	bool here[MAX_RCPTS];
	uint32_t tries[MAX_RCPTS];
	uint64_t row[MAX_RCPTS];
	unsigned n;
};

static void
find_row(struct load_table *t, struct found *found, const struct store_row *r)
{
	uint64_t at = r->msg % SLOTS;
	unsigned rcpt = (unsigned)(r->addr[1] - '0');
	const struct slot *s = &t->slots[at];

	if (s->id != r->msg || rcpt >= s->n)
		fail_msg("message %llu is finished, and there again",
		    (unsigned long long)r->msg);
	t_bool("a recipient twice", found[at].here[rcpt], false);
	found[at].here[rcpt] = true;
	found[at].tries[rcpt] = r->tries;
	found[at].row[rcpt] = r->rcpt;
	found[at].n++;
}

static void
find_all(struct world *w, struct load_table *t, struct found *found)
{
	uint64_t after = 0;

	do {
		world_started(w, store_list(w->s, 0, after, 64, on_rows, w));
		t_err("list", world_wait(w), 0);
		for (size_t i = 0; i < w->n_rows; i++)
			find_row(t, found, &w->rows[i]);
		if (w->n_rows > 0)
			after = w->rows[w->n_rows - 1].rcpt;
	} while (w->n_rows == 64);
}

/* Are the rows of a slot those before its job, or those after it? */
static bool
looks_like(const struct slot *s, const struct found *f, bool after)
{
	for (unsigned i = 0; i < s->n; i++) {
		bool changed = after && s->rcpts[i].asked;
		bool here = changed ? s->rcpts[i].stays : s->rcpts[i].here;
		uint32_t tries = changed ? s->rcpts[i].new_tries
					 : s->rcpts[i].tries;

		if (here != f->here[i] || (here && tries != f->tries[i]))
			return false;
	}
	return true;
}

static bool
is_asked(const struct slot *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->rcpts[i].asked)
			return true;
	}
	return false;
}

/* A finish without an answer: the rows, and the DSN with them, or not. */
static void
check_finish(struct load_table *t, const struct found *found, int at)
{
	struct slot *s = &t->slots[at];
	bool after = looks_like(s, &found[at], true);

	if (!after && !looks_like(s, &found[at], false))
		fail_msg("message %llu: half a job", (unsigned long long)s->id);
	if (s->dsn >= 0 && after != (found[s->dsn].n == 1))
		fail_msg("message %llu: %s its DSN", (unsigned long long)s->id,
		    after ? "done without" : "not done, with");
	t->in_doubt++;
	t->came_through += after;
	if (after)
		settle(t, s);
	else
		forget(t, s);
}

/* A put without an answer. */
static void
check_put(struct load_table *t, const struct found *found, int at)
{
	struct slot *s = &t->slots[at];

	if (found[at].n != 0 && found[at].n != s->n)
		fail_msg("message %llu: %u of %u recipients",
		    (unsigned long long)s->id, found[at].n, s->n);
	t->in_doubt++;
	t->came_through += found[at].n > 0;
	s->putting = false;
	if (found[at].n == 0)
		s->id = 0;
}

static void
check_body(struct world *w, const struct slot *s, unsigned *files)
{
	struct blob *want = script_body(s->id, s->size);

	t_err("body", get_body(w, s->id), 0);
	if (!str_eq(blob_str(w->body), blob_str(want)))
		fail_msg("message %llu: not the body that was put",
		    (unsigned long long)s->id);
	blob_unref(want);
	*files += s->size > BODY_INLINE_MAX;
}

void
load_check(void *arg, struct world *w, struct ledger *l)
{
	struct load *load = arg;
	struct load_table *t = load->table;
	struct found *found = xcalloc(SLOTS, sizeof(*found));
	unsigned files = 0;

	(void)l;
	t_err(w->text, world_open(w), 0);
	find_all(w, t, found);
	/* Finishes first: they say what their DSNs are. */
	for (int i = 0; i < SLOTS; i++) {
		if (t->slots[i].id != 0 && is_asked(&t->slots[i]))
			check_finish(t, found, i);
	}
	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &t->slots[i];

		if (s->id != 0 && s->putting)
			check_put(t, found, i);
		if (s->id == 0)
			continue;
		if (!looks_like(s, &found[i], false))
			fail_msg("message %llu: not as it was answered",
			    (unsigned long long)s->id);
		for (unsigned r = 0; r < s->n; r++)
			s->rcpts[r].row = found[i].row[r];
		check_body(w, s, &files);
	}
	t_int("files in spool/", spool_files(w), files);
	world_close(w);
	script_check_database(w);
	free(found);
	t->rounds++;
}
