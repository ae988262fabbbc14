/*
 * MTA-STS for a domain on a clock that the test turns: what hangs is waited
 * for as long as the rules say, and no longer.
 */
#include "config.h"

#include "tests/adapt/sts_world.h"
#include "tests/adapt/vclock.h"

/* The loop of sts_world.h: one that jumps from timer to timer. */
int
loop_new(struct loop **out)
{
	*out = xcalloc(1, sizeof(**out));
	vclock_init(*out);
	return 0;
}

void
loop_run(struct loop *l)
{
	vclock_turn(l, 3600 * 1000);
}

void
loop_free(struct loop *l)
{
	t_bool("no timer is left", list_empty(&l->timers), true);
	free(l);
}

/* Asks, and wants the answer after so many milliseconds, not before. */
static void
ask_in(struct world *w, const char *name, int64_t ms, const char *want)
{
	w->calls = 0;
	sts_lookup_start(w->sts, "a.example", on_verdict, w);
	vclock_turn(w->loop, ms - 1);
	t_int(name, w->calls, 0);
	vclock_turn(w->loop, 1);
	t_int(name, w->calls, 1);
	t_cstr(name, w->got, want);
	loop_run(w->loop);
	t_int(name, w->calls, 1);
}

/* A world with the default limits, in which the record is there. */
static void
start(struct world *w)
{
	world_init(w);
	w->opts.txt_timeout_ms = 0;
	world_again(w);
}

static void
test_txt(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	tabledns_put(&w.dns, "_mta-sts.a.example", RR_TXT, NULL, false);
	ask_in(&w, "STS-40 nothing cached", 20000, "no-policy none ");
	t_cstr("STS-40", w.rule, "STS-40");
	t_cstr("STS-40", w.text, "TXT lookup failed: timeout");
	t_int("no fetch", w.http.gets, 0);
	world_clear(&w);

	start(&w);
	tabledns_put(&w.dns, "_mta-sts.a.example", RR_TXT, NULL, false);
	put_row(&w, "1", BODY("enforce"), NOW);
	ask_in(&w, "STS-24 cached", 20000, "cached enforce 1");
	t_cstr("STS-24", w.rule, "STS-24");
	world_clear(&w);
}

static void
test_store(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	publish(&w, "v=STSv1; id=1;");
	w.store.silent = true;
	ask_in(&w, "STS-41 reading hangs", 20000, "store-error none ");
	t_int("no fetch", w.http.gets, 0);
	world_clear(&w);

	start(&w);
	publish(&w, "v=STSv1; id=1;");
	w.store.silent_put = true;
	ask_in(&w, "STS-41 writing hangs", 5000, "fresh enforce 1");
	t_int("tried", w.store.puts, 1);
	world_clear(&w);
}

static void
test_address(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	tabledns_txt(&w.dns, "_mta-sts.a.example", "v=STSv1; id=1;");
	tabledns_put(&w.dns, "mta-sts.a.example", RR_A, NULL, false);
	ask_in(&w, "A hangs", 20000, "fetch-failed none ");
	t_cstr("A hangs", w.rule, "STS-23");
	t_cstr("A hangs", w.text, "address lookup of the policy host failed");
	world_clear(&w);

	start(&w);
	publish(&w, "v=STSv1; id=1;");
	tabledns_put(&w.dns, "mta-sts.a.example", RR_AAAA, NULL, false);
	ask_in(&w, "AAAA hangs, A is there", 20000, "fresh enforce 1");
	t_cstr("A", w.http.addrs, "192.7 ");
	world_clear(&w);
}

static void *
never(void *arg, const char *domain, sts_lookup_fn *fn, void *fn_arg)
{
	(void)domain;
	(void)fn;
	(void)fn_arg;
	return arg;
}

static void
count(void *question)
{
	(*(int *)question)++;
}

/* STS-41: a shard that does not answer is not "no policy". */
static void
test_away(void **state)
{
	int canceled = 0;
	struct world w;

	(void)state;
	start(&w);
	w.opts.shards = 2;
	w.opts.shard = (msg_bucket(STR("a.example")) + 1) % 2;
	w.opts.away = (struct sts_away){
	    .ask = never, .cancel = count, .arg = &canceled};
	world_again(&w);
	ask_in(&w, "STS-41 silence", 115000, "store-error none ");
	t_int("given up", canceled, 1);
	world_clear(&w);
}

/* STS-21: when a fetch is tried again. */
static void
test_again(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	publish(&w, "v=STSv1; id=1;");
	w.http.res.err = ERR_UNREACH;
	ask(&w, "host down", "fetch-failed none ");
	w.now += 299;
	ask(&w, "STS-21 too early", "fetch-failed none ");
	t_int("STS-21 too early", w.http.gets, 1);
	w.now += 1;
	ask(&w, "STS-21 five minutes", "fetch-failed none ");
	t_int("STS-21 five minutes", w.http.gets, 2);
	w.now += 599;
	ask(&w, "STS-21 ten minutes", "fetch-failed none ");
	t_int("STS-21 ten minutes", w.http.gets, 2);
	w.http.res.err = 0;
	w.now += 1;
	ask(&w, "host is back", "fresh enforce 1");
	t_int("STS-26 one warning", w.warnings, 1);
	world_clear(&w);
}

/* An entry is in force until the second it expires, and no longer. */
static void
test_expiry(void **state)
{
	struct world w;

	(void)state;
	start(&w);
	put_row(&w, "1", BODY("enforce"), NOW);
	w.now = w.store.row.expires - 1;
	ask(&w, "STS-24 last second", "cached enforce 1");
	w.now++;
	ask(&w, "STS-14 over", "no-policy none ");
	world_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_txt),
	    cmocka_unit_test(test_store),
	    cmocka_unit_test(test_address),
	    cmocka_unit_test(test_away),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
