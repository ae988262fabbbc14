/*
 * The writer and the reader thread.
 *
 * Writer: group commit. A job that finds the writer idle is committed at once.
 * What arrives while a commit runs is load: it is gathered until there are
 * STORE_BATCH jobs or until about as much time has passed as the last commit
 * took, at most commit_delay. A lazy job never forces a commit; it rides with
 * the next one, after STORE_LAZY_MS at the latest. Completions go out after
 * the commit and never before. Each job has a savepoint, so that one bad job
 * fails alone; when the commit fails, every job of it fails.
 *
 * Reader: its own connection and so its own moment of the queue; large bodies
 * on their way to the writer, so that their fsync holds up nobody's commit;
 * checkpoints. The checkpoint token, one job, goes round between the two.
 */
#include "config.h"

#include "relay/queue/store_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/queue/body.h"
#include "relay/queue/fs_check.h"

#define COMMIT_DELAY_MAX 10 /* milliseconds */
#define CHECKPOINT_PAGES 1000
/* From here on the writer helps, so that the log can start over even when
 * the reader never quite catches up. */
#define CHECKPOINT_HARD 8000
#define DOUBTFUL_MAX 10000 /* spool files of failed commits */

struct store_threads {
	struct store_opts o;
	struct mailbox *writer_mb, *reader_mb;
	struct net_thread *writer, *reader;
	struct db writer_db, reader_db;
	struct job token;

	/* Writer's own. */
	struct mail_node *head, **tail; /* jobs that wait for a commit */
	size_t n, n_urgent;
	int64_t first_urgent, first_lazy; /* when they came, ms */
	int64_t last_commit; /* what it took, ms */
	bool token_away;
	struct buf doubtful; /* see struct job_env */
	int write_err;

	/* Reader's own. */
	int read_err;
	int spool_err; /* of large bodies on their way to the writer */
};

struct job *
job_of(struct mail_node *node)
{
	return CONTAINER_OF(node, struct job, node);
}

/* ---- state ---- */

void
store_state_text(
    const char *state_dir, const char *file, int err, char text[256])
{
	const char *what;

	switch (err) {
	case 0:
		text[0] = '\0';
		return;
	case ERR_FULL:
		what = "no space: free some on this disk";
		break;
	case ERR_CORRUPT:
		what = "damaged: stop, then recover it or move it away";
		break;
	case ERR_BUSY:
		what = "locked by another program: end that one";
		break;
	case ERR_PERM:
		what = "can't be written: check owner and mount options";
		break;
	case ERR_VERSION:
		what = "of a newer version: install that, or an older backup";
		break;
	case ERR_IO:
		what = "input/output error: check the disk";
		break;
	default:
		what = err_str(err);
		break;
	}
	(void)snprintf(text, 256, "%s/%s: %s", state_dir, file, what);
}

/* Errors of the store, unlike those of one job. */
static bool
is_store_error(int err)
{
	return err != 0 && err != ERR_NOTFOUND && err != ERR_EXISTS &&
	    err != ERR_TOOBIG;
}

/* *known is the calling thread's own; others read the gauge. db: NULL when
 * SQLite has no part in it. */
static void
note_state(struct store_threads *t, enum metric gauge, int *known, int err,
    const struct db *db)
{
	const char *what = "spool";
	struct log_line l;
	char text[256];

	if (*known == err)
		return;
	metrics_add(t->o.metrics, gauge, (int64_t)*known - err);
	*known = err;
	log_begin(&l, t->o.log, err ? LOG_ERROR : LOG_INFO,
	    err ? "store-error" : "store-ok");
	if (db)
		what = gauge == METRIC_STORE_READ_ERR ? "read" : "write";
	log_cstr(&l, "what", what);
	if (err) {
		store_state_text(
		    t->o.state_dir, db ? DB_FILE : BODY_DIR, err, text);
		log_cstr(&l, "err", err_str(err));
		log_cstr(&l, "text", text);
		if (db)
			log_cstr(&l, "sqlite", db_errmsg(db));
	}
	log_end(&l);
}

int
store_threads_state(const struct store_threads *t, const char **file)
{
	static const enum metric of_db[] = {
	    METRIC_STORE_WRITE_ERR, METRIC_STORE_READ_ERR};

	*file = DB_FILE;
	for (size_t i = 0; i < sizeof(of_db) / sizeof(of_db[0]); i++) {
		int err = -(int)metrics_get(t->o.metrics, of_db[i]);

		if (err != 0)
			return err;
	}
	*file = BODY_DIR;
	return -(int)metrics_get(t->o.metrics, METRIC_STORE_SPOOL_ERR);
}

static bool
low_disk(const struct store_threads *t)
{
	return t->o.min_free > 0 && fs_free(t->o.state_dir) < t->o.min_free;
}

/* Job is over: back to where it came from. */
static void
give_back(struct store_threads *t, struct job *j)
{
	metrics_add(t->o.metrics, METRIC_STORE_JOBS, 1);
	if (j->err != 0 && j->err != ERR_NOTFOUND)
		metrics_add(t->o.metrics, METRIC_STORE_ERRORS, 1);
	if (mailbox_post_always(j->reply, &j->node) != 0)
		BUG("store client is gone before its jobs");
}

/* ---- writer ---- */

static void
append(struct store_threads *t, struct job *j, int64_t now)
{
	size_t n_lazy = t->n - t->n_urgent;

	if (j->lazy && n_lazy == 0)
		t->first_lazy = now;
	if (!j->lazy && t->n_urgent == 0)
		t->first_urgent = now;
	j->node.next = NULL;
	*t->tail = &j->node;
	t->tail = &j->node.next;
	t->n++;
	if (!j->lazy)
		t->n_urgent++;
}

static void
take_mail(struct store_threads *t, struct mail_node *list)
{
	int64_t now = clock_mono_ms(&t->o.clock);

	while (list) {
		struct job *j = job_of(list);

		list = list->next;
		if (j == &t->token)
			t->token_away = false;
		else
			append(t, j, now);
	}
}

static int64_t
until(int64_t at, int64_t now)
{
	return at > now ? at - now : 0;
}

/* How long to wait for more before the next commit, in ms; -1: for ever. */
static int64_t
gather_wait(const struct store_threads *t, bool load, int64_t now)
{
	int64_t delay = t->o.commit_delay_ms;

	if (t->n >= STORE_BATCH)
		return 0;
	if (t->n_urgent > 0) {
		if (!load)
			return 0;
		if (delay > COMMIT_DELAY_MAX)
			delay = COMMIT_DELAY_MAX;
		if (delay > t->last_commit)
			delay = t->last_commit;
		return until(t->first_urgent + delay, now);
	}
	if (t->n > 0)
		return until(t->first_lazy + STORE_LAZY_MS, now);
	return -1;
}

static void
gather(struct store_threads *t)
{
	bool load;

	take_mail(t, mailbox_wait(t->writer_mb, 0));
	load = t->n_urgent > 0;
	for (;;) {
		int64_t wait = gather_wait(t, load, clock_mono_ms(&t->o.clock));
		struct mail_node *list;

		if (wait == 0)
			return;
		list = mailbox_wait(t->writer_mb, wait);
		if (!list && mailbox_is_shut(t->writer_mb))
			return;
		take_mail(t, list);
	}
}

static size_t
take_batch(struct store_threads *t, struct job *batch[STORE_BATCH])
{
	size_t n = 0;

	while (t->head && n < STORE_BATCH) {
		struct job *j = job_of(t->head);

		t->head = j->node.next;
		j->node.next = NULL;
		t->n--;
		if (!j->lazy)
			t->n_urgent--;
		batch[n++] = j;
	}
	if (!t->head)
		t->tail = &t->head;
	return n;
}

static int
run_sql(struct db *db, const char *sql)
{
	struct sqlite3_stmt *st;
	int rc = db_stmt(db, sql, &st);

	return rc == 0 ? db_step(db, st) : rc;
}

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";
static const char sql_save[] = "SAVEPOINT job";
static const char sql_keep[] = "RELEASE job";
static const char sql_back[] = "ROLLBACK TO job";

/* One job in its savepoint; it fails alone unless SQLite gave up on the whole
 * transaction. */
static int
run_one(const struct job_env *env, struct job *j)
{
	int rc = run_sql(env->db, sql_save);
	int rc2 = 0;

	if (rc != 0)
		return rc;
	rc = j->ops->run(env, j);
	if (db_idle(env->db))
		return rc;
	if (rc != 0)
		rc2 = run_sql(env->db, sql_back);
	if (rc2 == 0)
		rc2 = run_sql(env->db, sql_keep);
	return rc != 0 ? rc : rc2;
}

/* Error of the transaction; then each job of it has an error too. */
static int
run_batch(struct job_env *env, struct job **batch, size_t n)
{
	size_t good = 0;
	int err = run_sql(env->db, sql_begin);

	for (size_t i = 0; err == 0 && i < n; i++) {
		batch[i]->err = run_one(env, batch[i]);
		if (batch[i]->err == 0)
			good++;
		else if (db_idle(env->db))
			err = batch[i]->err;
	}
	env->in_doubt = false;
	env->db->logged = false;
	if (err == 0 && good > 0) {
		err = run_sql(env->db, sql_commit);
		env->in_doubt = err != 0;
	}
	if (!db_idle(env->db) && run_sql(env->db, sql_rollback) != 0)
		BUG("rollback: %s", db_errmsg(env->db));
	for (size_t i = 0; err != 0 && i < n; i++) {
		if (batch[i]->err == 0)
			batch[i]->err = err;
	}
	return err;
}

/*
 * A commit that failed may stand in SQLite's log all the same, and a start
 * that finds it there carries it out. The next one that succeeds is written
 * over it; only then do the spool files of its jobs belong to nobody.
 */
static void
settle(struct store_threads *t)
{
	struct str ids = buf_str(&t->doubtful);
	uint64_t id;

	if (!t->writer_db.logged)
		return;
	for (; ids.n >= sizeof(id); ids = str_skip(ids, sizeof(id))) {
		memcpy(&id, ids.p, sizeof(id));
		body_remove(t->writer_db.dir, id);
	}
	buf_reset(&t->doubtful);
}

static void
end_batch(struct store_threads *t, const struct job_env *env,
    struct job **batch, size_t n, int err)
{
	bool good = false;

	for (size_t i = 0; i < n; i++) {
		if (batch[i]->err == 0)
			good = true;
		else if (err == 0 && is_store_error(batch[i]->err))
			err = batch[i]->err;
	}
	if (err == 0 && env->low_disk)
		err = ERR_FULL;
	if (err != 0 || good)
		note_state(
		    t, METRIC_STORE_WRITE_ERR, &t->write_err, err, env->db);
	if (good) {
		metrics_add(t->o.metrics, METRIC_STORE_COMMITS, 1);
		settle(t);
	}
	for (size_t i = 0; i < n; i++) {
		struct job *j = batch[i];

		if (j->err == 0 && j->ops->committed)
			j->ops->committed(env, j);
		if (j->err != 0 && j->ops->undo)
			j->ops->undo(env, j);
		give_back(t, j);
	}
}

static void
checkpoint(struct store_threads *t)
{
	struct db *db = &t->writer_db;

	if (db->wal_pages < CHECKPOINT_PAGES || t->token_away)
		return;
	if (db->wal_pages >= CHECKPOINT_HARD)
		db_checkpoint(db);
	/* When the reader has ended, closing the database does the rest. */
	t->token_away = mailbox_post_always(t->reader_mb, &t->token.node) == 0;
}

static void
writer_main(void *arg)
{
	struct store_threads *t = arg;
	struct job *batch[STORE_BATCH];
	struct job_env env = {.db = &t->writer_db, .doubtful = &t->doubtful};

	for (;;) {
		int64_t start;
		size_t n;
		int err;

		gather(t);
		n = take_batch(t, batch);
		if (n == 0)
			break; /* shut, and nothing left */
		env.low_disk = low_disk(t);
		start = clock_mono_ms(&t->o.clock);
		err = run_batch(&env, batch, n);
		t->last_commit = clock_mono_ms(&t->o.clock) - start;
		end_batch(t, &env, batch, n, err);
		checkpoint(t);
	}
}

/* ---- reader ---- */

static void
reader_forward(struct store_threads *t, struct job *j)
{
	if (mailbox_post_always(t->writer_mb, &j->node) != 0)
		BUG("writer ended before the reader");
}

static void
reader_prepare(struct store_threads *t, struct job *j)
{
	struct job_env env = {.db = &t->reader_db};

	if (j->ops->prepare) {
		env.low_disk = low_disk(t);
		j->err = j->ops->prepare(&env, j);
		note_state(t, METRIC_STORE_SPOOL_ERR, &t->spool_err,
		    is_store_error(j->err) && !env.low_disk ? j->err : 0, NULL);
	}
	if (j->err == 0) {
		reader_forward(t, j);
		return;
	}
	if (j->ops->undo)
		j->ops->undo(&env, j);
	give_back(t, j);
}

static void
reader_job(struct store_threads *t, struct job *j)
{
	struct job_env env = {.db = &t->reader_db};

	if (j == &t->token) {
		db_checkpoint(&t->reader_db);
		reader_forward(t, j);
		return;
	}
	if (j->write) {
		reader_prepare(t, j);
		return;
	}
	j->err = j->ops->run(&env, j);
	if (j->err != 0 && j->ops->undo)
		j->ops->undo(&env, j);
	note_state(t, METRIC_STORE_READ_ERR, &t->read_err,
	    is_store_error(j->err) ? j->err : 0, &t->reader_db);
	give_back(t, j);
}

static void
reader_main(void *arg)
{
	struct store_threads *t = arg;

	for (;;) {
		struct mail_node *list = mailbox_wait(t->reader_mb, -1);

		if (!list)
			break; /* shut */
		while (list) {
			struct job *j = job_of(list);

			list = list->next;
			reader_job(t, j);
		}
	}
}

/* ---- both ---- */

int
store_threads_start(const struct store_opts *o, struct db *take_writer,
    struct db *take_reader, struct store_threads **out)
{
	struct store_threads *t = xcalloc(1, sizeof(*t));
	int rc;

	t->o = *o;
	t->tail = &t->head;
	buf_init(&t->doubtful, DOUBTFUL_MAX * sizeof(uint64_t));
	/* The clients' own credits bound these. */
	rc = mailbox_new_blocking(0, &t->writer_mb);
	if (rc == 0)
		rc = mailbox_new_blocking(0, &t->reader_mb);
	t->writer_db = *take_writer;
	t->reader_db = *take_reader;
	*take_writer = (struct db){0};
	*take_reader = (struct db){0};
	db_watch(&t->writer_db);
	if (rc == 0)
		rc = net_thread_start(
		    writer_main, t, "store-write", &t->writer);
	if (rc == 0)
		rc = net_thread_start(reader_main, t, "store-read", &t->reader);
	if (rc != 0) {
		store_threads_stop(t);
		return rc;
	}
	*out = t;
	return 0;
}

void
store_threads_stop(struct store_threads *t)
{
	if (!t)
		return;
	/* The reader passes jobs on to the writer, so it ends first. */
	if (t->reader_mb)
		mailbox_shut(t->reader_mb);
	net_thread_join(t->reader);
	if (t->writer_mb)
		mailbox_shut(t->writer_mb);
	net_thread_join(t->writer);
	/* What is over has no errors: the numbers may serve another store. */
	metrics_add(t->o.metrics, METRIC_STORE_WRITE_ERR, t->write_err);
	metrics_add(t->o.metrics, METRIC_STORE_READ_ERR, t->read_err);
	metrics_add(t->o.metrics, METRIC_STORE_SPOOL_ERR, t->spool_err);
	/* Nothing but the token can be in them. */
	mailbox_free(t->reader_mb, NULL);
	mailbox_free(t->writer_mb, NULL);
	/* The last connection to close copies the log into the database. */
	db_close(&t->reader_db);
	db_close(&t->writer_db);
	buf_clear(&t->doubtful);
	free(t);
}

void
store_threads_post(struct store_threads *t, struct job *j)
{
	bool to_writer = j->write && !j->spool;

	if (mailbox_post_always(
		to_writer ? t->writer_mb : t->reader_mb, &j->node) != 0)
		BUG("store job after the store was closed");
}

static int
flush_run(const struct job_env *env, struct job *j)
{
	(void)env;
	(void)j;
	return 0;
}

int
store_threads_flush(struct store_threads *t)
{
	static const struct job_ops ops = {.run = flush_run};
	struct mailbox *mb = NULL;
	/* Through the reader to the writer, behind all that went that way. */
	struct job j = {.ops = &ops, .write = true, .spool = true};
	int rc = mailbox_new_blocking(0, &mb);

	if (rc != 0)
		return rc;
	j.reply = mb;
	store_threads_post(t, &j);
	while (mailbox_wait(mb, -1) == NULL)
		;
	mailbox_free(mb, NULL);
	return 0;
}
