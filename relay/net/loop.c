/*
 * The event loop: a uv_loop_t, the calls that were put off to its next round,
 * and signals.
 *
 * A call that is put off runs in the idle phase, before the loop waits for
 * I/O. The queue is taken whole, so a call that puts itself off again waits
 * for the round after and cannot starve the sockets.
 */
#include "config.h"

#include "relay/net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/net/loop_int.h"

#define SCRATCH_SIZE (64u * 1024u)

struct loop {
	uv_loop_t uv;
	uv_idle_t idle; /* active while soon has entries */
	struct list soon;
	int lingering;
	char scratch[SCRATCH_SIZE];
};

struct loop_signal {
	uv_signal_t uv;
	void (*fn)(void *arg, int signo);
	void *arg;
};

int
loop_new(struct loop **out)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	/* libuv writes with write(2): a peer that is gone must be an error and
	 * not the end of the process. */
	sigaction(SIGPIPE, &ignore, NULL);

	if (uv_loop_init(&l->uv) != 0) {
		free(l);
		return ERR_IO;
	}
	l->uv.data = l;
	list_init(&l->soon);
	uv_idle_init(&l->uv, &l->idle);
	l->idle.data = l;
	*out = l;
	return 0;
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

void
loop_run_once(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_NOWAIT);
}

static void
check_closed(uv_handle_t *h, void *arg)
{
	struct loop *l = arg;

	if (h != (uv_handle_t *)&l->idle && !uv_is_closing(h))
		BUG("loop freed with an open %s handle",
		    uv_handle_type_name(uv_handle_get_type(h)));
}

static void
note_closing(uv_handle_t *h, void *arg)
{
	bool *closing = arg;

	if (uv_is_closing(h))
		*closing = true;
}

/* Are there handles whose owners have not been told yet that they closed? */
static bool
is_closing(struct loop *l)
{
	bool closing = false;

	uv_walk(&l->uv, note_closing, &closing);
	return closing;
}

void
loop_free(struct loop *l)
{
	if (!l)
		return;
	/* Some close more in their last callback. A loop that was stopped has
	 * not always called it: libuv 1.45 and later run timers behind the
	 * closing of handles. */
	while (l->lingering > 0 || is_closing(l))
		uv_run(&l->uv, UV_RUN_ONCE);
	/* Calls put off by somebody who was freed since are canceled, so what
	 * is left belongs to closing handles. */
	uv_walk(&l->uv, check_closed, l);
	uv_close((uv_handle_t *)&l->idle, NULL);
	while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0)
		;
	if (uv_loop_close(&l->uv) != 0)
		BUG("loop freed while a request is under way");
	free(l);
}

void *
loop_uv(struct loop *l)
{
	return &l->uv;
}

static void
run_soon(uv_idle_t *idle)
{
	struct loop *l = idle->data;
	struct list batch;
	struct list *node;

	/* The batch is a list of its own: entries may cancel each other. */
	list_init(&batch);
	while ((node = list_pop(&l->soon)) != NULL)
		list_push(&batch, node);
	while ((node = list_pop(&batch)) != NULL) {
		struct loop_soon *s = CONTAINER_OF(
		    node, struct loop_soon, node);

		s->fn(s->arg);
	}
	if (list_empty(&l->soon))
		uv_idle_stop(&l->idle);
}

void
loop_soon_init(struct loop_soon *s, void (*fn)(void *arg), void *arg)
{
	list_init(&s->node);
	s->fn = fn;
	s->arg = arg;
}

void
loop_soon_call(struct loop *l, struct loop_soon *s)
{
	if (!list_empty(&s->node))
		return;
	list_push(&l->soon, &s->node);
	if (!uv_is_closing((uv_handle_t *)&l->idle))
		uv_idle_start(&l->idle, run_soon);
}

void
loop_soon_cancel(struct loop_soon *s)
{
	list_remove(&s->node);
}

bool
loop_soon_due(const struct loop_soon *s)
{
	return !list_empty(&s->node);
}

char *
loop_scratch(struct loop *l, size_t *n)
{
	*n = sizeof(l->scratch);
	return l->scratch;
}

void
loop_linger(struct loop *l, int delta)
{
	l->lingering += delta;
}

static void
signal_came(uv_signal_t *uv, int signo)
{
	struct loop_signal *s = uv->data;

	s->fn(s->arg, signo);
}

static void
signal_closed(uv_handle_t *h)
{
	free(h->data);
}

int
loop_signal_new(struct loop *l, int signo, void (*fn)(void *arg, int signo),
    void *arg, struct loop_signal **out)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	if (uv_signal_init(&l->uv, &s->uv) != 0) {
		free(s);
		return ERR_IO;
	}
	s->uv.data = s;
	if (uv_signal_start(&s->uv, signal_came, signo) != 0) {
		uv_close((uv_handle_t *)&s->uv, signal_closed);
		return ERR_IO;
	}
	*out = s;
	return 0;
}

void
loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	uv_signal_stop(&s->uv);
	uv_close((uv_handle_t *)&s->uv, signal_closed);
}
