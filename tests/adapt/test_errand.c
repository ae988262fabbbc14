/* Errands: there and back between threads, and every way in which they end. */
#include "config.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/main/errand.h"
#include "relay/net/loop.h"
#include "tests/unit/t.h"

enum { DO_AT_ONCE, DO_LATER };

struct world {
	struct loop *loop; /* of the asker */
	struct loop *there; /* of the shard; here the same or another thread */
	struct errand_home *home;
	struct errands *shard;
	struct errand *waiting;
	int canceled, dropped, back, err;
};

struct job {
	struct errand errand;
	struct world *w;
	int what;
};

static void
on_run(struct errand *e, const struct errand_desk *desk)
{
	struct job *j = (struct job *)e;

	t_bool("the desk is there", desk->loop != NULL, true);
	if (j->what == DO_AT_ONCE)
		errand_back(e, ERR_EXISTS);
	else
		j->w->waiting = e;
}

static void
on_cancel(struct errand *e)
{
	((struct job *)e)->w->canceled++;
}

static void
on_back(struct errand *e, int err)
{
	struct world *w = ((struct job *)e)->w;

	w->back++;
	w->err = err;
	free(e);
	if (w->loop != w->there)
		loop_stop(w->loop);
}

static void
on_drop(struct errand *e)
{
	((struct job *)e)->w->dropped++;
	free(e);
}

static struct job *
job(struct world *w, int what)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->errand.run = on_run;
	j->errand.cancel = on_cancel;
	j->errand.back = on_back;
	j->errand.drop = on_drop;
	j->w = w;
	j->what = what;
	return j;
}

static void
begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	t_err("loop", loop_new(&w->loop), 0);
	w->there = w->loop;
	t_err("home", errand_home_new(w->loop, &w->home), 0);
	t_err("shard", errands_new(w->there, 2, &w->shard), 0);
	errands_open(w->shard, &(struct errand_desk){.loop = w->there});
}

static void
finish(struct world *w)
{
	errands_free(w->shard);
	errand_home_free(w->home);
	loop_free(w->loop);
}

static void
send(struct world *w, int what)
{
	t_err(
	    "sent", errands_send(w->shard, &job(w, what)->errand, w->home), 0);
}

static void
spin(struct world *w)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(w->loop);
}

static void
test_there_and_back(void **state)
{
	struct world w;
	struct job *third;

	(void)state;
	begin(&w);
	send(&w, DO_AT_ONCE);
	t_int("not inside the call", w.back, 0);
	spin(&w);
	t_int("back", w.back, 1);
	t_err("with its error", w.err, ERR_EXISTS);

	send(&w, DO_LATER);
	send(&w, DO_LATER);
	third = job(&w, DO_LATER);
	t_err("two places", errands_send(w.shard, &third->errand, w.home),
	    ERR_FULL);
	spin(&w);
	t_int("they wait", w.back, 1);
	errand_back(w.waiting, 0);
	t_err("a place is free", errands_send(w.shard, &third->errand, w.home),
	    0);
	spin(&w);
	t_int("the second is back", w.back, 2);
	t_err("and well", w.err, 0);
	errands_end(w.shard);
	spin(&w);
	t_int("two were stopped", w.canceled, 2);
	t_int("and all came back", w.back, 4);
	t_err("closed", w.err, ERR_CLOSED);
	send(&w, DO_AT_ONCE);
	spin(&w);
	t_int("what comes late comes back", w.back, 5);
	t_err("closed too", w.err, ERR_CLOSED);
	t_int("nothing was dropped", w.dropped, 0);
	finish(&w);
}

static void
test_dropped(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	send(&w, DO_AT_ONCE); /* never gets there */
	errands_free(w.shard);
	t_int("dropped at the shard", w.dropped, 1);
	w.shard = NULL;
	finish(&w);

	begin(&w);
	send(&w, DO_LATER);
	spin(&w);
	errand_back(w.waiting, 0);
	errand_home_free(w.home); /* before it got home */
	t_int("dropped at home", w.dropped, 1);
	w.home = NULL;
	finish(&w);
}

static void
run_there(void *arg)
{
	loop_run(((struct world *)arg)->there);
}

/* The shard's thread ends when its errand is done. */
static void
on_run_once(struct errand *e, const struct errand_desk *desk)
{
	errand_back(e, ERR_BUSY);
	loop_stop(desk->loop);
}

static void
test_threads(void **state)
{
	struct world w = {.loop = NULL};
	struct net_thread *thread;
	struct job *j;

	(void)state;
	t_err("loop", loop_new(&w.loop), 0);
	t_err("there", loop_new(&w.there), 0);
	t_err("home", errand_home_new(w.loop, &w.home), 0);
	t_err("shard", errands_new(w.there, 2, &w.shard), 0);
	errands_open(w.shard, &(struct errand_desk){.loop = w.there});
	t_err("thread", net_thread_start(run_there, &w, "there", &thread), 0);
	j = job(&w, DO_AT_ONCE);
	j->errand.run = on_run_once;
	t_err("sent", errands_send(w.shard, &j->errand, w.home), 0);
	loop_run(w.loop);
	net_thread_join(thread);
	t_int("back", w.back, 1);
	t_err("with its error", w.err, ERR_BUSY);
	errands_free(w.shard);
	errand_home_free(w.home);
	loop_free(w.there);
	loop_free(w.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_dropped),
	    cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
