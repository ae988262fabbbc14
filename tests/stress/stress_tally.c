/* What all threads count, and the watchdog over it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/base/codec.h"
#include "relay/base/err.h"
#include "tests/stress/stress.h"

struct fate *
tally_fate(struct tally *t, struct str addr)
{
	uint64_t number;

	if (str_starts(addr, STR("<")))
		addr = str_skip(addr, 1);
	if (!str_starts(addr, STR("r")))
		return NULL;
	addr = str_skip(addr, 1);
	addr.n = str_find(addr, '@');
	if (codec_u64(addr, STRESS_RCPTS - 1, &number) != 0)
		return NULL;
	return &t->fates[number];
}

static const char *
fate_more_than_once(const struct fate *f)
{
	unsigned ends = atomic_load(&f->delivered) + f->queued;
	unsigned notified = atomic_load(&f->notified);

	if (ends > 1)
		return f->queued ? "delivered or queued twice"
				 : "delivered twice";
	if (notified > 1)
		return "its sender was told twice";
	if (notified && (ends || !atomic_load(&f->refused)))
		return "its sender was told of a failure that was none";
	if (atomic_load(&f->logged) > atomic_load(&f->delivered))
		return "logged as sent, which it was not";
	return NULL;
}

const char *
fate_problem(const struct fate *f, bool last)
{
	unsigned ends = atomic_load(&f->delivered) + f->queued;
	const char *problem = fate_more_than_once(f);

	if (problem)
		return problem;
	if (last && f->queued)
		return "still queued";
	if (!atomic_load(&f->accepted) || ends)
		return NULL;
	if (!atomic_load(&f->refused))
		return "LOST";
	if (last && !atomic_load(&f->notified))
		return "refused, and its sender was not told";
	return NULL;
}

void
tally_moved(struct tally *t)
{
	atomic_fetch_add_explicit(&t->progress, 1, memory_order_relaxed);
}

void
tally_phase(struct tally *t, const char *phase)
{
	atomic_store(&t->phase, phase);
	if (t->show)
		fprintf(stderr, "stress: %s\n", phase);
	tally_moved(t);
}

struct stress_watch {
	struct tally *tally;
	int64_t stall_ms;
	void (*dump_fn)(void *arg);
	void *arg;
	struct mailbox *stop;
	struct net_thread *thread;
};

static void
watch_main(void *arg)
{
	struct stress_watch *w = arg;
	unsigned long seen;

	do {
		seen = atomic_load(&w->tally->progress);
		(void)mailbox_wait(w->stop, w->stall_ms);
		if (mailbox_is_shut(w->stop))
			return;
	} while (atomic_load(&w->tally->progress) != seen);
	fprintf(stderr,
	    "stress: nothing has moved for %lld s\n"
	    "stress: phase \"%s\", %u recipients named, %u accepted, "
	    "%u delivered\n",
	    (long long)w->stall_ms / 1000, atomic_load(&w->tally->phase),
	    atomic_load(&w->tally->next), atomic_load(&w->tally->accepted),
	    atomic_load(&w->tally->delivered));
	w->dump_fn(w->arg);
	abort();
}

struct stress_watch *
stress_watch_start(
    struct tally *t, int64_t stall_ms, void (*dump_fn)(void *arg), void *arg)
{
	struct stress_watch *w = xcalloc(1, sizeof(*w));

	w->tally = t;
	w->stall_ms = stall_ms;
	w->dump_fn = dump_fn;
	w->arg = arg;
	if (mailbox_new_blocking(1, &w->stop) != 0 ||
	    net_thread_start(watch_main, w, "watch", &w->thread) != 0)
		BUG("no watchdog");
	return w;
}

void
stress_watch_stop(struct stress_watch *w)
{
	mailbox_shut(w->stop);
	net_thread_join(w->thread);
	mailbox_free(w->stop, NULL);
	free(w);
}

unsigned
stress_env(const char *name, unsigned standard)
{
	const char *text = getenv(name);
	uint64_t n;

	if (!text || !*text)
		return standard;
	if (codec_u64(str_of(text), UINT32_MAX, &n) != 0) {
		fprintf(stderr, "%s: not a number: %s\n", name, text);
		exit(2);
	}
	return (unsigned)n;
}
