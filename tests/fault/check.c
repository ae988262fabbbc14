/*
 * The queue against the ledger. The ledger is played through in memory, once
 * for each way in which the jobs in doubt may have gone; one of these must be
 * what is found. Then the database by itself: nothing in it points nowhere.
 */
#include "config.h"

#include <sqlite3.h>

#include "tests/adapt/store_world.h"
#include "tests/fault/script.h"

#define MAX_DOUBT 3 /* of jobs with an error: those of one commit */

/* What should be, or what is. */
struct model {
	struct {
		bool there;
		struct {
			bool there;
			uint32_t tries;
		} rcpts[LEDGER_RCPTS];
	} msgs[LEDGER_MSGS];
	int sts; /* 0: none */
	int had; /* the same */
};

static void
play_put(struct model *m, const struct ledger *l, int msg)
{
	m->msgs[msg].there = true;
	for (unsigned i = 0; i < l->msgs[msg].n; i++)
		m->msgs[msg].rcpts[i].there = true;
}

static void
play_effect(struct model *m, const struct ledger_effect *e)
{
	bool left = false;

	if (!m->msgs[e->msg].rcpts[e->rcpt].there)
		return;
	if (e->fate == STORE_RETRY)
		m->msgs[e->msg].rcpts[e->rcpt].tries = e->tries;
	if (e->fate != STORE_DONE)
		return;
	m->msgs[e->msg].rcpts[e->rcpt].there = false;
	m->msgs[e->msg].rcpts[e->rcpt].tries = 0;
	for (unsigned i = 0; i < LEDGER_RCPTS; i++)
		left = left || m->msgs[e->msg].rcpts[i].there;
	m->msgs[e->msg].there = left;
}

static void
play(struct model *m, const struct ledger *l, const struct ledger_job *j)
{
	if (j->kind == LEDGER_STS) {
		m->sts = j->version;
		return;
	}
	if (j->kind == LEDGER_HAD) {
		m->had = j->version;
		return;
	}
	for (unsigned i = 0; i < j->n; i++)
		play_effect(m, &j->effects[i]);
	if (j->msg >= 0)
		play_put(m, l, j->msg);
}

/* ways: a bit for each job in doubt, whether it was carried out. */
static void
play_all(
    struct model *m, const struct ledger *l, const bool *doubt, unsigned ways)
{
	unsigned bit = 0;

	memset(m, 0, sizeof(*m));
	for (int i = 0; i < l->n_jobs; i++) {
		const struct ledger_job *j = &l->jobs[i];
		bool done = j->state == LEDGER_GOOD;

		if (doubt[i])
			done = (ways >> bit++) & 1;
		if (done)
			play(m, l, j);
	}
}

/*
 * How many jobs may have gone either way. A commit that failed is overwritten
 * in SQLite's log by the next one; so of all that failed, only the last one
 * before the store was closed or the process died can come back.
 */
static unsigned
find_doubt(const struct ledger *l, bool in_doubt, bool *doubt)
{
	unsigned epoch = l->epoch + 1;
	unsigned left = 0;
	unsigned n = 0;

	for (int i = l->n_jobs - 1; i >= 0; i--) {
		const struct ledger_job *j = &l->jobs[i];

		if (j->epoch != epoch)
			left = in_doubt ? MAX_DOUBT : 0;
		epoch = j->epoch;
		if (j->state == LEDGER_GOOD)
			left = 0;
		doubt[i] = j->state == LEDGER_STARTED ||
		    (j->state == LEDGER_BAD && left > 0);
		if (j->state == LEDGER_BAD && left > 0)
			left--;
		n += doubt[i];
	}
	return n;
}

/* ---- what is there ---- */

static int
msg_of_row(const struct ledger *l, const struct store_row *r)
{
	if (r->msg == 0 || r->msg > (uint64_t)l->n_msgs)
		fail_msg("message %llu of nobody", (unsigned long long)r->msg);
	return (int)r->msg - 1;
}

static void
look_at_row(struct model *m, const struct ledger *l, const struct store_row *r)
{
	int msg = msg_of_row(l, r);
	unsigned at = (unsigned)(r->addr[1] - '0');
	char want[64];

	t_bool("recipient", at < l->msgs[msg].n, true);
	(void)snprintf(want, sizeof(want), "r%u@d%u.example", at, at);
	t_cstr("address", r->addr, want);
	t_cstr("next hop", r->next_hop, want + 3);
	t_cstr("sender", r->sender, "s@example.org");
	t_int("size", (int64_t)r->size, (int64_t)l->msgs[msg].size);
	t_bool("recipient twice", m->msgs[msg].rcpts[at].there, false);
	t_cstr("reply", r->reply, r->tries ? "450 not now" : "");
	t_cstr("dsn", r->dsn, r->tries ? "4.7.5" : "");
	t_int("next try", r->next_try, r->tries ? 77 : 0);
	m->msgs[msg].rcpts[at].there = true;
	m->msgs[msg].rcpts[at].tries = r->tries;
}

static void
look_at_body(struct world *w, struct model *m, const struct ledger *l, int msg)
{
	int rc = get_body(w, (uint64_t)msg + 1);
	struct blob *want;

	if (rc == ERR_NOTFOUND)
		return;
	t_err("body", rc, 0);
	want = script_body((uint64_t)msg + 1, l->msgs[msg].size);
	if (!str_eq(blob_str(w->body), blob_str(want)))
		fail_msg("message %d: not the body that was put", msg);
	blob_unref(want);
	m->msgs[msg].there = true;
}

struct look {
	struct world *w;
	struct model *m;
};

static void
on_had(void *arg, int err, const struct had_entry *v, size_t n)
{
	struct look *k = arg;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].domain, "had.example") != 0)
			continue;
		k->m->had = (int)v[i].gone;
		t_int("what was had", v[i].sts, v[i].gone);
	}
	world_answer(k->w, err);
}

/* All pages of the list. */
static void
look(struct world *w, struct model *m, const struct ledger *l)
{
	uint64_t after = 0;
	uint64_t n = 0;

	memset(m, 0, sizeof(*m));
	do {
		world_started(w, store_list(w->s, 0, after, 60, on_rows, w));
		t_err("list", world_wait(w), 0);
		for (size_t i = 0; i < w->n_rows; i++)
			look_at_row(m, l, &w->rows[i]);
		n += w->n_rows;
		if (w->n_rows > 0)
			after = w->rows[w->n_rows - 1].rcpt;
	} while (w->n_rows == 60);
	for (int i = 0; i < l->n_msgs; i++)
		look_at_body(w, m, l, i);
	get_stats(w);
	t_int("recipients", (int64_t)w->stats.rcpts, (int64_t)n);
	world_started(w, store_sts_get(w->s, "sts.example", on_sts, w));
	if (world_wait(w) == 0) {
		m->sts = (int)w->sts.fetched;
		t_int("policy", w->sts.id[1] - '0', m->sts);
	}
	world_started(w,
	    store_had_load(w->s, 0, 1, "", 50, on_had, &(struct look){w, m}));
	t_err("memory", world_wait(w), 0);
}

/* ---- the database by itself ---- */

static int64_t
ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	else
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	(void)sqlite3_finalize(st);
	return n;
}

void
script_check_database(const struct world *w)
{
	/* Each must be 0. */
	static const char *const none[] = {
	    "SELECT count(*) FROM pragma_integrity_check"
	    " WHERE integrity_check <> 'ok'",
	    "SELECT count(*) FROM pragma_foreign_key_check",
	    "SELECT count(*) FROM msg WHERE id NOT IN (SELECT msg FROM rcpt)",
	    "SELECT count(*) FROM rcpt WHERE dest NOT IN (SELECT id FROM dest)",
	    "SELECT count(*) FROM msg WHERE spool = 0"
	    " AND id NOT IN (SELECT msg FROM body)",
	    "SELECT count(*) FROM body JOIN msg ON msg = id WHERE spool <> 0",
	};
	char path[256];
	sqlite3 *db = NULL;

	(void)snprintf(path, sizeof(path), "%s/queue.db", w->dir);
	t_int("open", sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < T_COUNT(none); i++)
		t_int(none[i], ask(db, none[i]), 0);
	t_int("files in spool/", spool_files(w),
	    ask(db, "SELECT count(*) FROM msg WHERE spool <> 0"));
	t_int("close", sqlite3_close(db), SQLITE_OK);
}

/* ---- together ---- */

static void
show(const struct ledger *l, const struct model *want, const struct model *got)
{
	for (int i = 0; i < l->n_jobs; i++)
		print_error("job %d: kind %d, state %d, err %d, message %d\n",
		    i, (int)l->jobs[i].kind, (int)l->jobs[i].state,
		    l->jobs[i].err, l->jobs[i].msg);
	for (int i = 0; i < l->n_msgs; i++) {
		print_error("message %d: want %d got %d;", i,
		    want->msgs[i].there, got->msgs[i].there);
		for (unsigned r = 0; r < l->msgs[i].n; r++)
			print_error(" r%u want %d/%u got %d/%u", r,
			    want->msgs[i].rcpts[r].there,
			    want->msgs[i].rcpts[r].tries,
			    got->msgs[i].rcpts[r].there,
			    got->msgs[i].rcpts[r].tries);
		print_error("\n");
	}
	print_error("policy: want %d got %d\n", want->sts, got->sts);
	print_error("had: want %d got %d\n", want->had, got->had);
}

void
script_check(const char *dir, const struct ledger *l, bool in_doubt)
{
	struct world *w = world_new();
	bool doubt[LEDGER_JOBS];
	unsigned n = find_doubt(l, in_doubt, doubt);
	struct model want;
	struct model got;
	unsigned ways;

	(void)rmdir(w->dir);
	(void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
	w->o.clock = script_clock();
	t_err(w->text, world_open(w), 0);
	look(w, &got, l);
	for (ways = 0; ways < 1u << n; ways++) {
		play_all(&want, l, doubt, ways);
		if (memcmp(&want, &got, sizeof(want)) == 0)
			break;
	}
	if (ways == 1u << n) {
		play_all(&want, l, doubt, 0);
		show(l, &want, &got);
		fail_msg("the queue is not what was answered");
	}
	world_close(w);
	script_check_database(w);
	world_free(w);
}
