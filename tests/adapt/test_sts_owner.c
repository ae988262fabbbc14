/* What the operator may do with a domain, and what another shard may ask. */
#include "config.h"

#include "tests/adapt/sts_world.h"

/* Asks as the operator does. */
static void
force(struct world *w, const char *name, const char *want)
{
	w->calls = 0;
	sts_refresh_now(w->sts, "a.example", on_verdict, w);
	t_int(name, w->calls, 0);
	loop_run(w->loop);
	t_int(name, w->calls, 1);
	t_cstr(name, w->got, want);
}

/* What the operator wants fetched is fetched. */
static void
test_forced(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW - 5);
	publish(&w, "v=STSv1; id=1;");
	w.http.res.body = STR(BODY("testing"));
	force(&w, "young", "fresh testing 1");
	t_int("fetched", w.http.gets, 1);
	t_int("stored", w.store.row.fetched, NOW);
	w.http.res.err = ERR_UNREACH;
	snprintf(w.http.res.text, sizeof(w.http.res.text), "no route");
	force(&w, "fails", "cached testing 1");
	t_cstr("fails", w.text, "no route");
	force(&w, "does not wait", "cached testing 1");
	t_int("does not wait", w.http.gets, 3);
	world_clear(&w);

	world_init(&w);
	force(&w, "nothing there", "no-policy none ");
	world_clear(&w);

	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	force(&w, "not cached", "fresh enforce 1");
	w.store.err = ERR_IO;
	force(&w, "STS-41", "store-error none ");
	t_int("STS-41", w.http.gets, 1);
	world_clear(&w);
}

static void
on_done(void *arg, int err)
{
	struct world *w = arg;

	w->done++;
	w->done_err = err;
}

static void
forget(struct world *w, const char *name, int err)
{
	w->done = 0;
	sts_forget(w->sts, "a.example", on_done, w);
	t_int(name, w->done, 0);
	loop_run(w->loop);
	t_int(name, w->done, 1);
	t_err(name, w->done_err, err);
}

static void
test_forget(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	forget(&w, "forgotten", 0);
	ask(&w, "nothing is left", "no-policy none ");
	forget(&w, "nothing there", 0);
	put_row(&w, "1", BODY("enforce"), NOW);
	w.store.drop_err = ERR_IO;
	forget(&w, "store fails", ERR_IO);
	ask(&w, "as it was", "cached enforce 1");
	w.store.refuse = true;
	forget(&w, "no credit", ERR_FULL);
	world_clear(&w);

	/* A failure is forgotten with it. */
	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	w.http.res.err = ERR_UNREACH;
	ask(&w, "host down", "fetch-failed none ");
	w.http.res.err = 0;
	ask(&w, "STS-21", "fetch-failed none ");
	forget(&w, "forgotten", 0);
	ask(&w, "tried anew", "fresh enforce 1");
	world_clear(&w);
}

/* Whoever waits is answered, but brings nothing back. */
static void
test_forget_joined(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	publish(&w, "v=STSv1; id=1;");
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	sts_forget(w.sts, "a.example", on_done, &w);
	loop_run(w.loop);
	t_int("answered", w.calls, 1);
	t_cstr("answered", w.got, "fresh enforce 1");
	t_int("done", w.done, 1);
	t_int("not stored", w.store.puts, 0);
	/* The job before and the one after are two. */
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	sts_forget(w.sts, "a.example", on_done, &w);
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	loop_run(w.loop);
	t_int("answered", w.calls, 3);
	t_int("two reads", w.store.gets, 3);
	world_clear(&w);

	world_init(&w);
	sts_forget(w.sts, "a.example", on_done, &w);
	world_again(&w);
	loop_run(w.loop);
	t_int("freed", w.done, 0);
	world_clear(&w);
}

/* ---- a domain of another shard ---- */

/* The other shard, told by the test what to do. */
struct owner {
	sts_lookup_fn *fn;
	void *arg;
	int asked, canceled;
	bool refuse;
};

static void *
owner_ask(void *arg, const char *domain, sts_lookup_fn *fn, void *fn_arg)
{
	struct owner *o = arg;

	(void)domain;
	o->asked++;
	o->fn = fn;
	o->arg = fn_arg;
	return o->refuse ? NULL : o;
}

static void
owner_cancel(void *question)
{
	((struct owner *)question)->canceled++;
}

static void
away_init(struct world *w, struct owner *o, bool ours)
{
	unsigned bucket = msg_bucket(STR("a.example"));

	memset(o, 0, sizeof(*o));
	world_init(w);
	publish(w, "v=STSv1; id=1;");
	w->opts.shards = 2;
	w->opts.shard = (bucket + !ours) % 2;
	w->opts.away = (struct sts_away){
	    .ask = owner_ask, .cancel = owner_cancel, .arg = o};
	world_again(w);
}

/* STS-41: one shard keeps the policy, and nobody else reads or fetches it. */
static void
test_away(void **state)
{
	struct sts_verdict v;
	struct owner o;
	struct world w;

	(void)state;
	away_init(&w, &o, true);
	ask(&w, "ours", "fresh enforce 1");
	t_int("ours", o.asked, 0);
	world_clear(&w);

	away_init(&w, &o, false);
	for (int i = 0; i < 3; i++)
		sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	for (int i = 0; i < 5; i++)
		loop_run_once(w.loop);
	t_int("waits", w.calls, 0);
	t_int("asked once", o.asked, 1);
	sts_verdict_init(&v);
	v.source = STS_CACHED;
	o.fn(o.arg, &v);
	t_int("all are told", w.calls, 3);
	t_cstr("what the owner says", w.got, "cached none ");
	t_int("nothing is read", w.store.gets, 0);
	t_int("nothing is fetched", w.http.gets, 0);
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	t_int("asked anew", o.asked, 2);
	o.fn(o.arg, NULL);
	t_cstr("STS-41 the owner is gone", w.got, "store-error none ");
	t_cstr("STS-41", w.rule, "STS-41");
	t_int("no cancel", o.canceled, 0);
	sts_lookup_start(w.sts, "[192.0.2.1]", on_verdict, &w);
	loop_run(w.loop);
	t_cstr("STS-28 literal", w.got, "no-policy none ");
	sts_lookup_start(w.sts, "a.example", on_verdict, &w);
	world_again(&w);
	t_int("freed", o.canceled, 1);
	world_clear(&w);

	away_init(&w, &o, false);
	o.refuse = true;
	ask(&w, "STS-41 can't be asked", "store-error none ");
	t_int("not canceled", o.canceled, 0);
	world_clear(&w);

	away_init(&w, &o, false);
	w.opts.on = false;
	world_again(&w);
	ask(&w, "off", "no-policy none ");
	t_int("off", o.asked, 0);
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forced),
	    cmocka_unit_test(test_forget),
	    cmocka_unit_test(test_forget_joined),
	    cmocka_unit_test(test_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
