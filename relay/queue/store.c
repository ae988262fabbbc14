/*
 * The store as its clients see it: opening and closing, and jobs on their way
 * to the threads and back. A client's jobs under way stand in a list that only
 * its loop's thread touches.
 */
#include "config.h"

#include "relay/queue/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/queue/body.h"
#include "relay/queue/fs_check.h"
#include "relay/queue/schema.h"
#include "relay/queue/store_job.h"
#include "relay/queue/store_thread.h"

#define CHECK_MS 5000 /* most that looking for damage takes at start */

struct store_hub {
	char *dir;
	struct clock clock;
	struct store_threads *threads;
};

struct store {
	struct store_hub *hub;
	struct mailbox *mb;
	struct list under_way; /* struct job.here */
	size_t credits;
};

/* ---- hub ---- */

/* Makes the file, so that its mode is ours; tells whether the last run ended
 * without closing it. */
static int
make_file(const char *dir, bool *unclean, char text[256])
{
	struct buf path;
	struct stat st;
	int fd;
	int rc = 0;

	buf_init(&path, 8192);
	(void)buf_addf(&path, "%s/" DB_FILE "-wal", dir);
	*unclean = stat(path.p, &st) == 0 && st.st_size > 0;
	buf_reset(&path);
	(void)buf_addf(&path, "%s/" DB_FILE, dir);
	fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		int e = errno;

		(void)snprintf(text, 256, "%s: %s", path.p, strerror(e));
		rc = ERR_IO;
		if (e == EACCES || e == EPERM || e == EROFS)
			rc = ERR_PERM;
		if (e == ENOSPC || e == EDQUOT)
			rc = ERR_FULL;
	} else {
		(void)close(fd);
	}
	buf_clear(&path);
	return rc;
}

static int
open_files(const struct store_opts *o, struct db *writer, struct db *reader,
    char text[256])
{
	unsigned removed = 0;
	bool unclean = false;
	int rc = fs_check(o->state_dir, text);

	if (rc == 0)
		rc = make_file(o->state_dir, &unclean, text);
	if (rc != 0)
		return rc == ERR_NOTFOUND ? ERR_IO : rc;
	rc = db_open(writer, o->state_dir, true);
	if (rc == 0)
		rc = schema_prepare(writer);
	if (rc == 0 && unclean)
		rc = schema_check(writer, CHECK_MS, &o->clock);
	if (rc == 0)
		rc = body_init(o->state_dir);
	if (rc == 0)
		rc = store_msg_sweep(writer, &removed);
	if (rc == 0)
		rc = store_hold_open(writer, o);
	if (rc == 0)
		rc = db_open(reader, o->state_dir, false);
	if (rc != 0) {
		store_state_text(o->state_dir, DB_FILE, rc, text);
		return rc;
	}
	if (removed > 0)
		log_text(o->log, LOG_INFO, "spool-swept",
		    "%u bodies without a message removed", removed);
	return 0;
}

int
store_hub_open(
    const struct store_opts *o, struct store_hub **out, char text[256])
{
	struct store_hub *hub = xcalloc(1, sizeof(*hub));
	struct store_opts mine = *o;
	struct db writer = {0};
	struct db reader = {0};
	int rc;

	hub->dir = xstrdup(o->state_dir);
	hub->clock = o->clock;
	mine.state_dir = hub->dir;
	writer.dir = reader.dir = hub->dir;
	rc = open_files(&mine, &writer, &reader, text);
	if (rc == 0) {
		rc = store_threads_start(
		    &mine, &writer, &reader, &hub->threads);
		if (rc != 0)
			store_state_text(hub->dir, DB_FILE, rc, text);
	}
	db_close(&reader);
	db_close(&writer);
	if (rc != 0) {
		store_hub_close(hub);
		return rc;
	}
	*out = hub;
	return 0;
}

void
store_hub_close(struct store_hub *hub)
{
	if (!hub)
		return;
	store_threads_stop(hub->threads);
	free(hub->dir);
	free(hub);
}

int
store_hub_state(struct store_hub *hub, char text[256])
{
	const char *file;
	int err = store_threads_state(hub->threads, &file);

	store_state_text(hub->dir, file, err, text);
	return err;
}

/* ---- client ---- */

static void
receive(void *arg, struct mail_node *node)
{
	struct store *s = arg;
	struct job *j = job_of(node);

	list_remove(&j->here);
	if (j->reply) /* not that of store_later */
		s->credits++;
	/* The callback may close the store: s is not touched after it. */
	if (!j->forgotten && j->ops->answer)
		j->ops->answer(j);
	j->ops->free(j);
}

int
store_open(struct store_hub *hub, struct loop *loop, size_t credits,
    struct store **out)
{
	struct store *s = xcalloc(1, sizeof(*s));
	int rc;

	s->hub = hub;
	s->credits = credits;
	list_init(&s->under_way);
	/* Credits are counted here: a client has one thread. */
	rc = mailbox_new(loop, 0, receive, s, &s->mb);
	if (rc != 0) {
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

static void
drop_job(struct mail_node *node)
{
	struct job *j = job_of(node);

	j->ops->free(j);
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	/* Behind this no thread knows the mailbox any more. */
	if (!list_empty(&s->under_way) &&
	    store_threads_flush(s->hub->threads) != 0)
		BUG("no mailbox to wait on");
	mailbox_shut(s->mb);
	mailbox_free(s->mb, drop_job);
	free(s);
}

void
store_forget(struct store *s, const void *arg)
{
	struct list *head = &s->under_way;

	for (struct list *l = head->next; l != head; l = l->next) {
		struct job *j = CONTAINER_OF(l, struct job, here);

		if (j->arg == arg)
			j->forgotten = true;
	}
}

/* On its way, unless the credits are used up. */
static int
submit(struct store *s, struct job *take_j, void *arg)
{
	take_j->arg = arg;
	take_j->reply = s->mb;
	list_init(&take_j->here);
	if (s->credits == 0) {
		take_j->ops->free(take_j);
		return ERR_FULL;
	}
	s->credits--;
	list_push(&s->under_way, &take_j->here);
	store_threads_post(s->hub->threads, take_j);
	return 0;
}

struct job_later {
	struct job job;
	store_done_fn *fn;
};

static void
later_answer(struct job *j)
{
	CONTAINER_OF(j, struct job_later, job)->fn(j->arg, 0);
}

static void
later_free(struct job *j)
{
	free(CONTAINER_OF(j, struct job_later, job));
}

void
store_later(struct store *s, store_done_fn *fn, void *arg)
{
	static const struct job_ops ops = {
	    .answer = later_answer,
	    .free = later_free,
	};
	struct job_later *l = xcalloc(1, sizeof(*l));

	l->job.ops = &ops;
	l->job.arg = arg;
	l->fn = fn;
	list_init(&l->job.here);
	list_push(&s->under_way, &l->job.here);
	if (mailbox_post_always(s->mb, &l->job.node) != 0)
		BUG("own mailbox is shut");
}

int
store_put(
    struct store *s, const struct store_put *p, store_put_fn *fn, void *arg)
{
	struct store_finish f = {.dsns = p, .n_dsns = 1};
	int64_t now = clock_real_s(&s->hub->clock);

	if (s->credits == 0)
		return ERR_FULL;
	return submit(s, store_change_new(&f, true, now, fn), arg);
}

int
store_finish(struct store *s, const struct store_finish *f, store_finish_fn *fn,
    void *arg)
{
	int64_t now = clock_real_s(&s->hub->clock);

	if (s->credits == 0)
		return ERR_FULL;
	return submit(s, store_change_new(f, false, now, fn), arg);
}

int
store_release(struct store *s, uint64_t msg, store_count_fn *fn, void *arg)
{
	int64_t now = clock_real_s(&s->hub->clock);

	return submit(s, store_release_new(msg, now, fn), arg);
}

int
store_page(struct store *s, unsigned shard, unsigned shards,
    int64_t after_next_try, uint64_t after_id, size_t limit, store_page_fn *fn,
    void *arg)
{
	return submit(s,
	    store_page_new(shard, shards, after_next_try, after_id, limit, fn),
	    arg);
}

int
store_body(struct store *s, uint64_t msg_id, store_body_fn *fn, void *arg)
{
	return submit(s, store_body_new(msg_id, fn), arg);
}

int
store_sts_get(struct store *s, const char *domain, store_sts_fn *fn, void *arg)
{
	return submit(s, store_sts_get_new(domain, fn), arg);
}

int
store_sts_put(
    struct store *s, const struct sts_entry *e, store_done_fn *fn, void *arg)
{
	return submit(s, store_sts_put_new(e, fn), arg);
}

int
store_sts_drop(struct store *s, const char *domain, int64_t before,
    store_done_fn *fn, void *arg)
{
	return submit(s, store_sts_drop_new(domain, before, fn), arg);
}

int
store_sts_scan(struct store *s, const struct store_sts_scan *q,
    store_sts_page_fn *fn, void *arg)
{
	return submit(s, store_sts_scan_new(q, fn), arg);
}

int
store_had_load(struct store *s, unsigned shard, unsigned shards,
    const char *after, size_t limit, store_had_fn *fn, void *arg)
{
	return submit(
	    s, store_had_load_new(shard, shards, after, limit, fn), arg);
}

int
store_had_put(
    struct store *s, const struct had_entry *e, store_done_fn *fn, void *arg)
{
	return submit(s, store_had_put_new(e, fn), arg);
}

int
store_had_drop(
    struct store *s, const char *domain, store_done_fn *fn, void *arg)
{
	return submit(s, store_had_drop_new(domain, fn), arg);
}

int
store_list(struct store *s, uint64_t msg, uint64_t after_rcpt, size_t limit,
    store_list_fn *fn, void *arg)
{
	return submit(s, store_list_new(msg, after_rcpt, limit, fn), arg);
}

int
store_stats(struct store *s, store_stats_fn *fn, void *arg)
{
	return submit(s, store_stats_new(fn), arg);
}
