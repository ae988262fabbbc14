/* A ring of those who wait, and the one who goes. */
#include "config.h"

#include "relay/sched/turns.h"

#include <stdlib.h>

#include "relay/base/buf.h"

struct turn {
	unsigned who;
	uint64_t msg;
};

struct turns {
	struct turn *ring;
	bool *waits; /* by who */
	unsigned count, head, n;
	bool taken;
	struct turn now; /* while taken */
};

struct turns *
turns_new(unsigned count)
{
	struct turns *t = xcalloc(1, sizeof(*t));

	t->count = count;
	t->ring = xcalloc(count, sizeof(*t->ring));
	t->waits = xcalloc(count, sizeof(*t->waits));
	return t;
}

void
turns_free(struct turns *t)
{
	if (!t)
		return;
	free(t->ring);
	free(t->waits);
	free(t);
}

void
turns_ask(struct turns *t, unsigned who, uint64_t msg)
{
	if (who >= t->count)
		BUG("%u of %u asks for a turn", who, t->count);
	if (t->waits[who])
		return;
	t->waits[who] = true;
	t->ring[(t->head + t->n++) % t->count] = (struct turn){who, msg};
}

bool
turns_next(struct turns *t, unsigned *who, uint64_t *msg)
{
	if (t->taken || t->n == 0)
		return false;
	t->now = t->ring[t->head];
	t->head = (t->head + 1) % t->count;
	t->n--;
	t->waits[t->now.who] = false;
	t->taken = true;
	*who = t->now.who;
	*msg = t->now.msg;
	return true;
}

bool
turns_end(struct turns *t, unsigned who, uint64_t msg)
{
	if (!t->taken || t->now.who != who || t->now.msg != msg)
		return false;
	t->taken = false;
	return true;
}

bool
turns_expire(struct turns *t, uint64_t *msg)
{
	if (!t->taken)
		return false;
	t->taken = false;
	*msg = t->now.msg;
	return true;
}
