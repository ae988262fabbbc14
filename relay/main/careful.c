/*
 * At the start poison_judge says who is held and who is a suspect. A shard that
 * is about to try a suspect asks for a turn; turns go round one at a time over
 * all shards, so that the next crash names one message. A turn that lasts
 * longer than TURN_MS ends for the others: hosts that hang are common, and one
 * must not keep all suspects waiting.
 *
 * The list that the shards look into does not change while they run, and a
 * suspect stays one until it has left the queue: a host that puts a message off
 * now and crashes the relay by it later must not make it look innocent.
 */
#include "config.h"

#include "relay/main/careful.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/net/loop.h"
#include "relay/net/mailbox.h"
#include "relay/queue/work_file.h"
#include "relay/sched/poison.h"
#include "relay/sched/turns.h"

#define TURN_MS 10000

struct careful_shard {
	struct careful *owner;
	unsigned index;
	struct work_file *file; /* work.N, of the shard's thread */
};

struct careful {
	struct careful_opts o;
	struct work_entry *v; /* by message; not changed while shards run */
	size_t n;
	struct work_file *file; /* entry i of v in place i */
	struct turns *turns;
	struct mailbox *mailbox;
	struct timer *over;
	bool told; /* that files can't be written */
	struct careful_shard *shards;
};

/* From a shard. */
struct careful_note {
	struct mail_node node;
	unsigned shard;
	uint64_t msg;
	bool ask; /* else: its turn ended */
};

static void
careful_tell(struct careful *c, const char *text)
{
	if (c->told)
		return;
	c->told = true;
	log_text(c->o.log, LOG_WARN, "work-file",
	    "%s; a message that crashes the relay will not be found", text);
}

static struct work_file *
careful_file(struct careful *c, const char *name, const struct work_entry *v,
    size_t n, size_t places)
{
	struct work_file *w = NULL;
	char text[256] = "";

	if (work_file_new(c->o.state_dir, name, v, n, places, &w, text))
		careful_tell(c, text);
	return w;
}

/* ---- before the shards ---- */

struct careful *
careful_new(const struct careful_opts *o)
{
	struct careful *c = xcalloc(1, sizeof(*c));
	char name[WORK_FILE_NAME_MAX];
	unsigned i;

	c->o = *o;
	work_file_read_all(o->state_dir, &c->v, &c->n);
	c->n = poison_judge(c->v, c->n, o->crashed);
	/* First the verdict, then what it was made of: whoever dies between
	 * the two leaves the accused a crash too many, not one too few. */
	c->file = careful_file(c, WORK_FILE_SUSPECTS, c->v, c->n, c->n);
	c->turns = turns_new(o->shards);
	c->shards = xcalloc(o->shards, sizeof(*c->shards));
	for (i = 0; i < o->shards; i++) {
		work_file_name(i, name);
		c->shards[i].owner = c;
		c->shards[i].index = i;
		c->shards[i].file = careful_file(c, name, NULL, 0, o->places);
	}
	work_file_sweep(o->state_dir, o->shards);
	return c;
}

struct work_entry *
careful_entries(struct careful *c, size_t *n)
{
	*n = c->n;
	return c->v;
}

void
careful_opened(struct careful *c)
{
	size_t i, left = 0;

	/* The held ones are so in the database, others have left the queue. */
	for (i = 0; i < c->n; i++) {
		if (c->v[i].msg != 0 && (c->v[i].flags & WORK_HOLD) == 0)
			c->v[left++] = c->v[i];
	}
	c->n = left;
	work_file_close(c->file);
	c->file = careful_file(c, WORK_FILE_SUSPECTS, c->v, c->n, c->n);
	if (c->n > 0)
		log_text(c->o.log, LOG_WARN, "suspects",
		    "%zu messages were in work at a crash; they are tried one "
		    "at a time",
		    c->n);
}

/* ---- turns ---- */

static void
careful_mark(struct careful *c, uint64_t msg, uint32_t flags)
{
	struct work_entry e;
	size_t i;

	for (i = 0; i < c->n && c->v[i].msg != msg;)
		i++;
	if (i == c->n)
		return;
	e = c->v[i];
	e.flags = flags;
	work_file_set(c->file, i, &e);
}

static void
careful_next(struct careful *c)
{
	unsigned shard;
	uint64_t msg;

	/* Shards post to the end; behind careful_stop nobody has a turn. */
	if (!c->over || !turns_next(c->turns, &shard, &msg))
		return;
	careful_mark(c, msg, WORK_TURN);
	timer_start(c->over, TURN_MS);
	c->o.give_turn(c->o.arg, shard);
}

static void
careful_on_over(void *arg)
{
	struct careful *c = arg;
	uint64_t msg;

	if (turns_expire(c->turns, &msg))
		careful_mark(c, msg, 0);
	careful_next(c);
}

static void
careful_on_note(void *arg, struct mail_node *node)
{
	struct careful *c = arg;
	struct careful_note *n = (struct careful_note *)node;

	if (n->ask) {
		turns_ask(c->turns, n->shard, n->msg);
	} else if (turns_end(c->turns, n->shard, n->msg)) {
		careful_mark(c, n->msg, 0);
	}
	free(n);
	careful_next(c);
}

int
careful_start(struct careful *c, struct loop *loop)
{
	c->over = timer_new(loop, careful_on_over, c);
	return mailbox_new(loop, 0, careful_on_note, c, &c->mailbox);
}

void
careful_stop(struct careful *c)
{
	mailbox_shut(c->mailbox);
	timer_free(c->over);
	c->over = NULL;
}

static void
careful_drop(struct mail_node *node)
{
	free(node);
}

void
careful_free(struct careful *c)
{
	unsigned i;

	if (!c)
		return;
	mailbox_free(c->mailbox, careful_drop);
	for (i = 0; i < c->o.shards; i++)
		work_file_close(c->shards[i].file);
	work_file_close(c->file);
	turns_free(c->turns);
	free(c->shards);
	free(c->v);
	free(c);
}

/* ---- on the threads of the shards ---- */

static size_t
watch_begin(void *arg, uint64_t msg)
{
	struct careful_shard *s = arg;
	const struct work_entry e = {.msg = msg};

	return work_file_add(s->file, &e);
}

static void
watch_end(void *arg, size_t place)
{
	struct careful_shard *s = arg;

	work_file_set(s->file, place, NULL);
}

static bool
watch_is_suspect(void *arg, uint64_t msg)
{
	const struct careful_shard *s = arg;

	return poison_is_suspect(s->owner->v, s->owner->n, msg);
}

static void
watch_post(struct careful_shard *s, uint64_t msg, bool ask)
{
	struct careful_note *n = xcalloc(1, sizeof(*n));

	n->shard = s->index;
	n->msg = msg;
	n->ask = ask;
	if (mailbox_post_always(s->owner->mailbox, &n->node))
		free(n);
}

static void
watch_ask_turn(void *arg, uint64_t msg)
{
	watch_post(arg, msg, true);
}

static void
watch_end_turn(void *arg, uint64_t msg)
{
	watch_post(arg, msg, false);
}

struct deliver_watch
careful_watch(struct careful *c, unsigned shard)
{
	return (struct deliver_watch){.begin = watch_begin,
	    .end = watch_end,
	    .is_suspect = watch_is_suspect,
	    .ask_turn = watch_ask_turn,
	    .end_turn = watch_end_turn,
	    .arg = &c->shards[shard]};
}
