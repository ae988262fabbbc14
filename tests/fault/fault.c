/* One lock: the writer and the reader thread of a store both come here. */
#include "config.h"

#include "tests/fault/fault.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define DELAY_US 2000

struct fault {
	pthread_mutex_t lock;
	struct fault_plan plan;
	fault_hook *hook;
	void *arg;
	unsigned long counts[FAULT_N_KINDS + 1];
	bool armed, fired;
};

static struct fault fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

#define FAULT_TEXT(name, text) text,

const char *
fault_kind_str(enum fault_kind kind)
{
	static const char *const names[] = {FAULT_KINDS(FAULT_TEXT) "any"};

	return names[kind];
}

const char *
fault_mode_str(enum fault_mode mode)
{
	static const char *const names[] = {FAULT_MODES(FAULT_TEXT)};

	return names[mode];
}

bool
fault_applies(enum fault_kind kind, enum fault_mode mode)
{
	switch (mode) {
	case FAULT_MODE_FAIL:
	case FAULT_MODE_DELAY:
	case FAULT_MODE_KILL:
		return true;
	case FAULT_MODE_FULL:
		return kind == FAULT_WRITE || kind == FAULT_SYNC ||
		    kind == FAULT_LOCK || kind == FAULT_SHM_LOCK ||
		    kind == FAULT_SYS_OPEN || kind == FAULT_SYS_WRITE ||
		    kind == FAULT_SYS_SYNC || kind == FAULT_SYS_CLOSE;
	case FAULT_MODE_TEAR:
		return kind == FAULT_WRITE || kind == FAULT_SYS_WRITE ||
		    kind == FAULT_READ || kind == FAULT_SYS_READ;
	case FAULT_MODE_SHORT:
		/* Of SQLite's files a read is short at the end only. */
		return kind == FAULT_SYS_WRITE || kind == FAULT_SYS_READ;
	case FAULT_MODE_NONE:
	case FAULT_N_MODES:
		break;
	}
	return false;
}

void
fault_arm(const struct fault_plan *plan, fault_hook *hook, void *arg)
{
	pthread_mutex_lock(&fault.lock);
	fault.plan = *plan;
	fault.hook = hook;
	fault.arg = arg;
	memset(fault.counts, 0, sizeof(fault.counts));
	fault.fired = false;
	fault.armed = true;
	pthread_mutex_unlock(&fault.lock);
}

void
fault_disarm(void)
{
	pthread_mutex_lock(&fault.lock);
	fault.armed = false;
	pthread_mutex_unlock(&fault.lock);
}

unsigned long
fault_count(enum fault_kind kind)
{
	unsigned long n;

	pthread_mutex_lock(&fault.lock);
	n = fault.counts[kind];
	pthread_mutex_unlock(&fault.lock);
	return n;
}

bool
fault_fired(void)
{
	bool fired;

	pthread_mutex_lock(&fault.lock);
	fired = fault.fired;
	pthread_mutex_unlock(&fault.lock);
	return fired;
}

/* Under the lock. */
static enum fault_mode
judge(enum fault_kind kind)
{
	const struct fault_plan *p = &fault.plan;
	unsigned long n;

	fault.counts[kind]++;
	fault.counts[FAULT_N_KINDS]++;
	if (fault.hook)
		fault.hook(fault.arg, kind);
	if (p->n == 0 || (p->kind != kind && p->kind != FAULT_N_KINDS))
		return FAULT_MODE_NONE;
	n = fault.counts[p->kind];
	if (n != p->n && !(p->on && n > p->n))
		return FAULT_MODE_NONE;
	fault.fired = true;
	return p->mode;
}

enum fault_mode
fault_step(enum fault_kind kind)
{
	enum fault_mode mode = FAULT_MODE_NONE;

	pthread_mutex_lock(&fault.lock);
	if (fault.armed)
		mode = judge(kind);
	if (mode == FAULT_MODE_KILL) {
		(void)kill(getpid(), SIGKILL);
		for (;;)
			(void)pause();
	}
	pthread_mutex_unlock(&fault.lock);
	if (mode == FAULT_MODE_DELAY) {
		(void)usleep(DELAY_US);
		mode = FAULT_MODE_NONE;
	}
	return mode;
}
