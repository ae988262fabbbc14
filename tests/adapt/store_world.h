/*
 * A store on a folder of its own, and calls that wait for their answer.
 * Included by the tests of relay/queue only.
 */
#ifndef TESTS_ADAPT_STORE_WORLD_H
#define TESTS_ADAPT_STORE_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"
#include "relay/queue/store.h"
#include "tests/unit/t.h"

#define BIG_BODY (300u * 1024u) /* bytes: goes to a file */

struct world {
	char dir[128];
	char text[256]; /* of the last open or state */
	struct buf log;
	struct log sink;
	struct metrics metrics;
	struct store_opts o;
	struct store_hub *hub;
	struct loop *loop;
	struct store *s;
	/* Of the last answers. */
	int err;
	unsigned waiting;
	struct rcpt *rcpts[600];
	size_t n;
	struct blob *body;
	struct store_row rows[64];
	size_t n_rows;
	struct store_stats stats;
	struct sts_entry sts;
	struct store_sts_page sts_page; /* without rows */
	char sts_text[500]; /* their names */
};

static inline void
world_log(void *arg, enum log_level level, struct str line)
{
	struct world *w = arg;

	(void)level;
	(void)buf_add_str(&w->log, line);
	(void)buf_add_char(&w->log, '\n');
}

static inline int
world_open(struct world *w)
{
	int rc = store_hub_open(&w->o, &w->hub, w->text);

	if (rc != 0)
		return rc;
	t_err("loop", loop_new(&w->loop), 0);
	t_err("store", store_open(w->hub, w->loop, 1000, &w->s), 0);
	return 0;
}

static inline void
world_close(struct world *w)
{
	store_close(w->s);
	store_hub_close(w->hub);
	loop_free(w->loop);
	w->s = NULL;
	w->hub = NULL;
	w->loop = NULL;
}

static inline void
world_reopen(struct world *w)
{
	world_close(w);
	t_err(w->text, world_open(w), 0);
}

static inline void
world_drop_rcpts(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		rcpt_free(w->rcpts[i]);
	w->n = 0;
}

/* A folder, and the options for a store in it, which is not yet open. */
static inline struct world *
world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(w->dir, sizeof(w->dir), "%s/waxseal-store-XXXXXX",
	    tmp ? tmp : "/tmp");
	if (!mkdtemp(w->dir))
		fail_msg("%s", w->dir);
	buf_init(&w->log, 1u << 20);
	w->sink = (struct log){.level = LOG_INFO,
	    .format = LOG_LOGFMT,
	    .write_fn = world_log,
	    .arg = w};
	metrics_init(&w->metrics);
	w->o = (struct store_opts){
	    .state_dir = w->dir,
	    .commit_delay_ms = 10,
	    .clock = clock_system(),
	    .log = &w->sink,
	    .metrics = &w->metrics,
	};
	return w;
}

static inline int
world_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
world_free(struct world *w)
{
	world_drop_rcpts(w);
	blob_unref(w->body);
	free(w->sts.body);
	(void)nftw(w->dir, world_unlink, 8, FTW_DEPTH | FTW_PHYS);
	buf_clear(&w->log);
	free(w);
}

/* ---- answers ---- */

static inline void
world_answer(struct world *w, int err)
{
	if (err != 0)
		w->err = err;
	if (w->waiting == 0)
		fail_msg("an answer that nobody waits for");
	if (--w->waiting == 0)
		loop_stop(w->loop);
}

static inline void
on_rcpts(void *arg, int err, struct rcpt **rcpts, size_t n)
{
	struct world *w = arg;

	t_bool("nothing on error", err == 0 || n == 0, true);
	for (size_t i = 0; i < n; i++) {
		t_bool("room", w->n < T_COUNT(w->rcpts), true);
		w->rcpts[w->n++] = rcpts[i];
	}
	free(rcpts);
	world_answer(w, err);
}

static inline void
on_body(void *arg, int err, struct blob *body)
{
	struct world *w = arg;

	blob_unref(w->body);
	w->body = body;
	world_answer(w, err);
}

static inline void
on_rows(void *arg, int err, const struct store_row *rows, size_t n)
{
	struct world *w = arg;

	t_bool("room", n <= T_COUNT(w->rows), true);
	if (n > 0)
		memcpy(w->rows, rows, n * sizeof(*rows));
	w->n_rows = n;
	world_answer(w, err);
}

static inline void
on_stats(void *arg, int err, const struct store_stats *st)
{
	struct world *w = arg;

	w->stats = *st;
	world_answer(w, err);
}

static inline void
on_done(void *arg, int err)
{
	world_answer(arg, err);
}

static inline void
on_sts(void *arg, int err, const struct sts_entry *e)
{
	struct world *w = arg;

	free(w->sts.body);
	w->sts = (struct sts_entry){0};
	if (e) {
		w->sts = *e;
		w->sts.body = xstrndup(e->body, e->body_len);
	}
	world_answer(w, err);
}

static inline void
on_sts_page(void *arg, int err, const struct store_sts_page *page)
{
	struct world *w = arg;

	w->sts_text[0] = '\0';
	for (size_t i = 0; page && i < page->n; i++)
		(void)snprintf(w->sts_text + strlen(w->sts_text),
		    sizeof(w->sts_text) - strlen(w->sts_text), "%s ",
		    page->rows[i].domain);
	if (page) {
		w->sts_page = *page;
		w->sts_page.rows = NULL;
	}
	world_answer(w, err);
}

/* Waits for the jobs under way; the last error of them. */
static inline int
world_wait(struct world *w)
{
	int err;

	if (w->waiting > 0)
		loop_run(w->loop);
	err = w->err;
	w->err = 0;
	return err;
}

static inline void
world_started(struct world *w, int rc)
{
	t_err("started", rc, 0);
	w->waiting++;
}

/* ---- jobs ---- */

/* Body of n bytes that tell the message. */
static inline struct blob *
make_body(uint64_t mark, size_t n)
{
	struct buf b;

	buf_init(&b, n + 64);
	(void)buf_addf(&b, "Subject: %llu\r\n\r\n", (unsigned long long)mark);
	while (b.n < n)
		(void)buf_add_char(&b, (char)('a' + (mark + b.n) % 26));
	return blob_take(&b);
}

/* id 0: the store makes one. Recipients r0@next_hop, r1@next_hop, ... */
static inline void
start_put(struct world *w, uint64_t id, const char *next_hop, unsigned n,
    size_t size, int64_t next_try)
{
	struct rcpt_in *in = xcalloc(n, sizeof(*in));
	struct msg *m = msg_new();
	struct store_put p = {m, in, n, next_try};

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(
		    in[i].addr, sizeof(in[i].addr), "r%u@%s", i, next_hop);
		(void)snprintf(
		    in[i].next_hop, sizeof(in[i].next_hop), "%s", next_hop);
		in[i].notify = NOTIFY_FAILURE;
		(void)snprintf(in[i].orcpt, sizeof(in[i].orcpt), "rfc822;x");
	}
	m->id = id;
	m->arrived = 1800000000;
	m->flags = MSG_8BIT;
	(void)snprintf(m->sender, sizeof(m->sender), "s@example.org");
	(void)snprintf(m->envid, sizeof(m->envid), "env");
	(void)snprintf(m->client, sizeof(m->client), "192.0.2.1");
	m->body = make_body(id, size);
	m->size = blob_str(m->body).n;
	world_started(w, store_put(w->s, &p, on_rcpts, w));
	msg_unref(m);
	free(in);
}

static inline int
put(struct world *w, uint64_t id, const char *next_hop, unsigned n, size_t size)
{
	start_put(w, id, next_hop, n, size, 0);
	return world_wait(w);
}

static inline int
get_body(struct world *w, uint64_t id)
{
	world_started(w, store_body(w->s, id, on_body, w));
	return world_wait(w);
}

static inline void
get_stats(struct world *w)
{
	world_started(w, store_stats(w->s, on_stats, w));
	t_err("stats", world_wait(w), 0);
}

static inline int
finish(struct world *w, const struct store_finish *f)
{
	world_started(w, store_finish(w->s, f, on_rcpts, w));
	return world_wait(w);
}

/* One result for a recipient. */
static inline int
finish_one(struct world *w, const struct rcpt *r, enum store_fate fate)
{
	struct store_result res = {.rcpt = r->id,
	    .msg = r->msg->id,
	    .fate = fate,
	    .tries = 1,
	    .next_try = 77,
	    .dsn = "4.7.5",
	    .rule = "DANE-07",
	    .mx = "mx.example.com",
	    .reply = "450 not now"};
	struct store_finish f = {.results = &res, .n = 1};

	return finish(w, &f);
}

/* Files in spool/. */
static inline unsigned
spool_files(const struct world *w)
{
	char path[160];
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/spool", w->dir);
	d = opendir(path);
	while (d) {
		const struct dirent *e = readdir(d);

		if (!e)
			break;
		if (e->d_name[0] != '.')
			n++;
	}
	if (d)
		(void)closedir(d);
	return n;
}

#endif
