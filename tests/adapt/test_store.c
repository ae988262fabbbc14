/* The store: what goes in comes out, also after it was closed. */
#include "config.h"

#include "relay/queue/store.h"

#include "tests/adapt/store_world.h"

static int
setup(void **state)
{
	struct world *w = world_new();

	*state = w;
	return world_open(w);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	world_close(w);
	world_free(w);
	return 0;
}

/* QUE-01: what was answered is there after closing and opening. */
static void
test_put(void **state)
{
	struct world *w = *state;
	const struct rcpt *r;

	t_err("put", put(w, 5, "example.com", 2, 100), 0);
	t_int("recipients", (int64_t)w->n, 2);
	r = w->rcpts[1];
	t_bool("row", r->id > 0 && r->dest > 0, true);
	t_cstr("address", r->addr, "r1@example.com");
	t_cstr("next hop", r->next_hop, "example.com");
	t_int("id", (int64_t)r->msg->id, 5);
	t_bool("one message", r->msg == w->rcpts[0]->msg, true);
	world_drop_rcpts(w);
	world_reopen(w);

	world_started(w, store_page(w->s, 0, 1, INT64_MIN, 0, 10, on_rcpts, w));
	t_err("page", world_wait(w), 0);
	t_int("both", (int64_t)w->n, 2);
	r = w->rcpts[0];
	t_cstr("address", r->addr, "r0@example.com");
	t_cstr("next hop", r->next_hop, "example.com");
	t_cstr("orcpt", r->orcpt, "rfc822;x");
	t_int("notify", r->notify, NOTIFY_FAILURE);
	t_int("tries", r->tries, 0);
	t_bool("one message", r->msg == w->rcpts[1]->msg, true);
	t_int("id", (int64_t)r->msg->id, 5);
	t_int("arrived", r->msg->arrived, 1800000000);
	t_int("flags", r->msg->flags, MSG_8BIT);
	t_int("size", (int64_t)r->msg->size, 100);
	t_cstr("sender", r->msg->sender, "s@example.org");
	t_cstr("envid", r->msg->envid, "env");
	t_cstr("client", r->msg->client, "192.0.2.1");
	t_bool("no body yet", r->msg->body == NULL, true);
}

static void
test_body(void **state)
{
	static const struct {
		const char *name;
		size_t size;
		unsigned files;
	} cases[] = {
	    {"small", 50, 0},
	    {"largest row", 128u * 1024u, 0},
	    {"smallest file", 128u * 1024u + 1, 1},
	    {"large", BIG_BODY, 2},
	};
	struct world *w = *state;

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct blob *want = make_body(i + 1, cases[i].size);

		t_err(cases[i].name,
		    put(w, i + 1, "example.com", 1, cases[i].size), 0);
		t_int(cases[i].name, spool_files(w), cases[i].files);
		world_reopen(w);
		t_err(cases[i].name, get_body(w, i + 1), 0);
		t_str(cases[i].name, blob_str(w->body), blob_str(want));
		blob_unref(want);
	}
	t_err("unknown", get_body(w, 99), ERR_NOTFOUND);
	for (size_t i = 0; i < w->n; i++)
		t_err("done", finish_one(w, w->rcpts[i], STORE_DONE), 0);
	t_int("files go", spool_files(w), 0);
	t_err("gone", get_body(w, 4), ERR_NOTFOUND);
	get_stats(w);
	t_int("nothing left", (int64_t)(w->stats.msgs + w->stats.rcpts), 0);
}

/* A file that is missing or cut is damage, not an empty message. */
static void
test_body_damaged(void **state)
{
	struct world *w = *state;
	char path[256];
	char qid[MSG_QID_MAX];

	t_err("put", put(w, 1, "example.com", 1, BIG_BODY), 0);
	msg_qid(1, qid);
	(void)snprintf(path, sizeof(path), "%s/spool/%s", w->dir, qid);
	t_int("cut", truncate(path, 100), 0);
	t_err("cut", get_body(w, 1), ERR_CORRUPT);
	t_int("removed", unlink(path), 0);
	t_err("removed", get_body(w, 1), ERR_CORRUPT);
}

static void
test_ids(void **state)
{
	struct world *w = *state;
	uint64_t id;

	t_err("made", put(w, 0, "example.com", 1, 50), 0);
	id = w->rcpts[0]->msg->id;
	t_bool("written", id != 0, true);
	t_err("in use", put(w, id, "example.com", 1, 50), ERR_EXISTS);
	t_err("in use, as a file", put(w, id, "example.com", 1, BIG_BODY),
	    ERR_EXISTS);
	t_int("and no file", spool_files(w), 0);
	t_int("nothing came", (int64_t)w->n, 1);
	t_err("the first is whole", get_body(w, id), 0);
}

/* Rows of recipients are never used twice. */
static void
test_rows_grow(void **state)
{
	struct world *w = *state;
	uint64_t last = 0;

	for (int i = 0; i < 3; i++) {
		t_err("put", put(w, 0, "example.com", 1, 50), 0);
		t_bool("grows", w->rcpts[0]->id > last, true);
		last = w->rcpts[0]->id;
		t_err("done", finish_one(w, w->rcpts[0], STORE_DONE), 0);
		world_drop_rcpts(w);
		world_reopen(w);
	}
}

static void
test_finish(void **state)
{
	struct world *w = *state;
	const struct store_row *row = &w->rows[0];

	t_err("put", put(w, 7, "example.com", 3, 50), 0);
	t_err("retry", finish_one(w, w->rcpts[0], STORE_RETRY), 0);
	t_err("released", finish_one(w, w->rcpts[1], STORE_RELEASED), 0);
	t_err("done", finish_one(w, w->rcpts[2], STORE_DONE), 0);
	t_err("done again: QUE-08", finish_one(w, w->rcpts[2], STORE_DONE), 0);
	t_err("retry of a row that is gone",
	    finish_one(w, w->rcpts[2], STORE_RETRY), 0);
	world_reopen(w);
	world_started(w, store_list(w->s, 7, 0, 10, on_rows, w));
	t_err("list", world_wait(w), 0);
	t_int("two left", (int64_t)w->n_rows, 2);
	t_int("tries", row[0].tries, 1);
	t_int("next", row[0].next_try, 77);
	t_cstr("dsn", row[0].dsn, "4.7.5");
	t_cstr("rule", row[0].rule, "DANE-07");
	t_cstr("mx", row[0].mx, "mx.example.com");
	t_cstr("reply", row[0].reply, "450 not now");
	t_int("as it was", row[1].tries, 0);
	t_int("as it was", row[1].next_try, 0);
	t_err("body is there", get_body(w, 7), 0);
	get_stats(w);
	t_int("deferred", (int64_t)w->stats.deferred, 1);
	t_err("done", finish_one(w, w->rcpts[0], STORE_DONE), 0);
	t_err("done", finish_one(w, w->rcpts[1], STORE_DONE), 0);
	t_err("the message went with the last", get_body(w, 7), ERR_NOTFOUND);
}

/* The bounce and the rows it is for: both or none. */
static void
test_finish_atomic(void **state)
{
	struct world *w = *state;
	struct rcpt_in in = {
	    .addr = "s@example.org", .next_hop = "example.org"};
	struct store_result res = {.fate = STORE_DONE};
	struct msg *dsn = msg_new();
	struct store_put p = {dsn, &in, 1, 0};
	struct store_finish f = {&res, 1, &p, 1};

	t_err("put", put(w, 1, "example.com", 1, 50), 0);
	res.rcpt = w->rcpts[0]->id;
	res.msg = 1;
	dsn->body = make_body(9, 100);
	dsn->flags = MSG_DSN;
	dsn->id = 1; /* in use: the job must fail as a whole */
	t_err("fails", finish(w, &f), ERR_EXISTS);
	t_int("no recipient came", (int64_t)w->n, 1);
	get_stats(w);
	t_int("the row stands", (int64_t)w->stats.rcpts, 1);
	t_err("so does the message", get_body(w, 1), 0);

	dsn->id = 0;
	t_err("again", finish(w, &f), 0);
	t_int("recipient of the bounce", (int64_t)w->n, 2);
	t_cstr("its address", w->rcpts[1]->addr, "s@example.org");
	t_bool("its message", w->rcpts[1]->msg == dsn && dsn->id != 0, true);
	t_err("its body", get_body(w, dsn->id), 0);
	t_err("the first is gone", get_body(w, 1), ERR_NOTFOUND);
	get_stats(w);
	t_int("one for one", (int64_t)w->stats.rcpts, 1);
	msg_unref(dsn);
}

/* Pages: by time, then row; each shard its own destinations. */
static void
test_page(void **state)
{
	struct world *w = *state;
	char name[32];
	bool seen[64] = {false};

	for (unsigned i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "d%u.example", i);
		start_put(w, i + 1, name, 1, 50, 100 - i / 2);
	}
	t_err("put", world_wait(w), 0);
	world_drop_rcpts(w);
	for (unsigned shard = 0; shard < 3; shard++) {
		int64_t at = INT64_MIN;
		uint64_t id = 0;
		size_t n = 4;

		while (n == 4) {
			world_started(w,
			    store_page(w->s, shard, 3, at, id, 4, on_rcpts, w));
			t_err("page", world_wait(w), 0);
			n = w->n;
			for (size_t i = 0; i < n; i++) {
				const struct rcpt *r = w->rcpts[i];

				t_bool("order",
				    r->next_try > at ||
					(r->next_try == at && r->id > id),
				    true);
				at = r->next_try;
				id = r->id;
				t_int("shard",
				    msg_bucket(str_of(r->next_hop)) % 3, shard);
				t_bool("once", seen[id], false);
				seen[id] = true;
			}
			world_drop_rcpts(w);
		}
	}
	for (unsigned i = 1; i <= 30; i++)
		t_bool("all", seen[i], true);
}

static void
test_list(void **state)
{
	struct world *w = *state;

	t_err("put", put(w, 1, "a.example", 2, 50), 0);
	t_err("put", put(w, 2, "b.example", 2, 70), 0);
	world_started(w, store_list(w->s, 0, 0, 3, on_rows, w));
	t_err("list", world_wait(w), 0);
	t_int("limit", (int64_t)w->n_rows, 3);
	t_cstr("state", w->rows[2].state, "queued");
	t_cstr("sender", w->rows[2].sender, "s@example.org");
	t_cstr("address", w->rows[2].addr, "r0@b.example");
	t_cstr("next hop", w->rows[2].next_hop, "b.example");
	t_int("size", (int64_t)w->rows[2].size, 70);
	world_started(w, store_list(w->s, 0, w->rows[2].rcpt, 3, on_rows, w));
	t_err("list", world_wait(w), 0);
	t_int("the rest", (int64_t)w->n_rows, 1);
	world_started(w, store_list(w->s, 1, 0, 9, on_rows, w));
	t_err("list", world_wait(w), 0);
	t_int("of one message", (int64_t)w->n_rows, 2);
	get_stats(w);
	t_int("msgs", (int64_t)w->stats.msgs, 2);
	t_int("rcpts", (int64_t)w->stats.rcpts, 4);
	t_int("deferred", (int64_t)w->stats.deferred, 0);
	t_int("dests", (int64_t)w->stats.dests, 2);
	t_int("bytes", (int64_t)w->stats.bytes, 120);
	t_int("oldest", w->stats.oldest, 1800000000);
}

/* Under load one commit serves many jobs. */
static void
test_group_commit(void **state)
{
	struct world *w = *state;
	uint64_t before = metrics_get(&w->metrics, METRIC_STORE_COMMITS);
	uint64_t commits;

	for (unsigned i = 0; i < 500; i++)
		start_put(w, i + 1, "example.com", 1, 50, 0);
	t_err("put", world_wait(w), 0);
	commits = metrics_get(&w->metrics, METRIC_STORE_COMMITS) - before;
	t_int(
	    "jobs", (int64_t)metrics_get(&w->metrics, METRIC_STORE_JOBS), 500);
	t_bool("batches of up to 64", commits >= 500 / 64, true);
	t_bool("far less commits than jobs", commits <= 100, true);
	get_stats(w);
	t_int("all", (int64_t)w->stats.msgs, 500);
}

/* A job that fails takes nobody with it. */
static void
test_bad_job_alone(void **state)
{
	struct world *w = *state;

	t_err("put", put(w, 3, "example.com", 1, 50), 0);
	for (unsigned i = 1; i <= 6; i++)
		start_put(w, i, "example.com", 2, 50, 0);
	t_err("one of them is in use", world_wait(w), ERR_EXISTS);
	t_int("the others came", (int64_t)w->n, 1 + 5 * 2);
	get_stats(w);
	t_int("msgs", (int64_t)w->stats.msgs, 6);
	t_int("rcpts", (int64_t)w->stats.rcpts, 11);
	t_err("no error of the store", store_hub_state(w->hub, w->text), 0);
}

static void
test_credits(void **state)
{
	struct world *w = *state;
	struct store *small = NULL;

	t_err("open", store_open(w->hub, w->loop, 2, &small), 0);
	world_started(w, store_stats(small, on_stats, w));
	world_started(w, store_stats(small, on_stats, w));
	t_err("used up", store_stats(small, on_stats, w), ERR_FULL);
	t_err("wait", world_wait(w), 0);
	world_started(w, store_stats(small, on_stats, w));
	t_err("given back", world_wait(w), 0);
	store_close(small);
}

static void
test_later(void **state)
{
	struct world *w = *state;

	store_later(w->s, on_done, w);
	w->waiting++; /* not called inside: else it had failed */
	t_err("later", world_wait(w), 0);
}

static void
never(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	(void)arg;
	(void)err;
	(void)rcpts;
	(void)n;
	fail_msg("called after it was given up");
}

static void
test_forget(void **state)
{
	struct world *w = *state;
	struct rcpt_in in = {.addr = "a@b.example", .next_hop = "b.example"};
	struct msg *m = msg_new();
	struct store_put p = {m, &in, 1, 0};

	m->body = make_body(1, 50);
	t_err("put", store_put(w->s, &p, never, &in), 0);
	store_forget(w->s, &in);
	t_err("another", put(w, 0, "b.example", 1, 50), 0);
	get_stats(w);
	t_int("carried out", (int64_t)w->stats.msgs, 2);
	msg_unref(m);
}

/* Closing: no callback, and what was handed over is in the queue. */
static void
test_close_under_way(void **state)
{
	struct world *w = *state;
	struct rcpt_in in = {.addr = "a@b.example", .next_hop = "b.example"};

	for (int i = 0; i < 100; i++) {
		struct msg *m = msg_new();
		struct store_put p = {m, &in, 1, 0};

		m->body = make_body(1, i % 10 == 0 ? BIG_BODY : 50);
		t_err("put", store_put(w->s, &p, never, w), 0);
		msg_unref(m);
	}
	world_reopen(w);
	get_stats(w);
	t_int("all", (int64_t)w->stats.msgs, 100);
	t_int("files", spool_files(w), 10);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_put),
	    CASE(test_body),
	    CASE(test_body_damaged),
	    CASE(test_ids),
	    CASE(test_rows_grow),
	    CASE(test_finish),
	    CASE(test_finish_atomic),
	    CASE(test_page),
	    CASE(test_list),
	    CASE(test_group_commit),
	    CASE(test_bad_job_alone),
	    CASE(test_credits),
	    CASE(test_later),
	    CASE(test_forget),
	    CASE(test_close_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
