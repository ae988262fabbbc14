/* The MTA-STS cache in the store: one entry, and what a shard sees of all. */
#include "config.h"

#include "relay/queue/store.h"

#include "tests/adapt/store_world.h"

static int
setup(void **state)
{
	struct world *w = world_new();

	*state = w;
	return world_open(w);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	world_close(w);
	world_free(w);
	return 0;
}

/* STS-41: the cache lives on disk. */
static void
test_cache(void **state)
{
	struct world *w = *state;
	char body[] = "version: STSv1\nmode: enforce\n";
	struct sts_entry e = {.domain = "example.com",
	    .id = "20260101",
	    .fetched = 5,
	    .expires = 9,
	    .body = body,
	    .body_len = sizeof(body) - 1};

	world_started(w, store_sts_get(w->s, "example.com", on_sts, w));
	t_err("none", world_wait(w), ERR_NOTFOUND);
	world_started(w, store_sts_put(w->s, &e, on_done, w));
	t_err("put", world_wait(w), 0);
	(void)snprintf(e.id, sizeof(e.id), "2");
	e.expires = 10;
	t_err("no callback", store_sts_put(w->s, &e, NULL, NULL), 0);
	world_reopen(w);
	world_started(w, store_sts_get(w->s, "example.com", on_sts, w));
	t_err("get", world_wait(w), 0);
	t_cstr("domain", w->sts.domain, "example.com");
	t_cstr("replaced", w->sts.id, "2");
	t_int("fetched", w->sts.fetched, 5);
	t_int("expires", w->sts.expires, 10);
	t_is("body", str_n(w->sts.body, w->sts.body_len), body);
	world_started(w, store_sts_get(w->s, "example.org", on_sts, w));
	t_err("other", world_wait(w), ERR_NOTFOUND);
}

static void
put_policy(struct world *w, const char *domain, int64_t fetched, int64_t age)
{
	char body[] = "x";
	struct sts_entry e = {.id = "1",
	    .fetched = fetched,
	    .expires = fetched + age,
	    .body = body,
	    .body_len = 1};

	(void)snprintf(e.domain, sizeof(e.domain), "%s", domain);
	world_started(w, store_sts_put(w->s, &e, on_done, w));
	t_err("put", world_wait(w), 0);
}

static void
scan(struct world *w, const struct store_sts_scan *q)
{
	world_started(w, store_sts_scan(w->s, q, on_sts_page, w));
	t_err("scan", world_wait(w), 0);
}

/* STS-25: those that are due, and those that are of no use any more. */
static void
test_scan(void **state)
{
	const int64_t day = 86400, now = 1800000000;
	struct world *w = *state;
	struct store_sts_scan q = {.shards = 1, .now = now, .limit = 10};
	struct sts_entry young = {.domain = "c.example",
	    .fetched = now - 3600,
	    .expires = now + 7 * day - 3600};

	scan(w, &q);
	t_cstr("nothing", w->sts_text, "");
	t_bool("no more", w->sts_page.more, false);
	put_policy(w, "a.example", now - 30 * day, 29 * day); /* just over */
	put_policy(w, "b.example", now - day, 7 * day); /* due */
	put_policy(w, "c.example", now - 3600, 7 * day); /* young */
	put_policy(w, "d.example", now - STS_KEEP_S - 1, 1); /* long over */
	put_policy(w, "e.example", now - STS_KEEP_S, 1);
	put_policy(w, "f.example", now - 2 * day, 7 * day);
	scan(w, &q);
	t_cstr("STS-25", w->sts_text, "b.example d.example f.example ");
	t_int("STS-25 next", w->sts_page.next_due, sts_entry_due(&young));
	t_bool("no more", w->sts_page.more, false);
	/* In pages. */
	q.limit = 2;
	scan(w, &q);
	t_cstr("first page", w->sts_text, "b.example d.example ");
	t_bool("first page", w->sts_page.more, true);
	memcpy(q.after, w->sts_page.last, sizeof(q.after));
	scan(w, &q);
	t_cstr("second page", w->sts_text, "f.example ");
	t_bool("second page", w->sts_page.more, false);
}

/* Each shard gets its own, and all together get all. */
static void
test_scan_shards(void **state)
{
	struct world *w = *state;
	int sum = 0;

	for (int i = 0; i < 20; i++) {
		char domain[32];

		(void)snprintf(domain, sizeof(domain), "d%d.example", i);
		put_policy(w, domain, 1000, 7 * 86400);
	}
	for (unsigned s = 0; s < 3; s++) {
		struct store_sts_scan q = {.shard = s,
		    .shards = 3,
		    .now = 1000 + 2 * 86400,
		    .limit = 30};
		struct str all, one;

		scan(w, &q);
		all = str_of(w->sts_text);
		while (all.n > 0 && str_cut(&all, ' ', &one)) {
			t_int("its own", (int64_t)(msg_bucket(one) % 3), s);
			sum++;
		}
	}
	t_int("all", sum, 20);
}

/* An entry is dropped, unless it was renewed meanwhile. */
static void
test_drop(void **state)
{
	struct world *w = *state;

	put_policy(w, "a.example", 100, 50);
	world_started(w, store_sts_drop(w->s, "a.example", 150, on_done, w));
	t_err("not before 150", world_wait(w), 0);
	world_started(w, store_sts_get(w->s, "a.example", on_sts, w));
	t_err("is there", world_wait(w), 0);
	world_started(w, store_sts_drop(w->s, "a.example", 151, on_done, w));
	t_err("before 151", world_wait(w), 0);
	world_started(w, store_sts_get(w->s, "a.example", on_sts, w));
	t_err("is gone", world_wait(w), ERR_NOTFOUND);
	put_policy(w, "a.example", 100, 50);
	put_policy(w, "b.example", 100, 50);
	t_err("no callback",
	    store_sts_drop(w->s, "a.example", INT64_MAX, NULL, NULL), 0);
	world_reopen(w);
	world_started(w, store_sts_get(w->s, "a.example", on_sts, w));
	t_err("is gone", world_wait(w), ERR_NOTFOUND);
	world_started(w, store_sts_get(w->s, "b.example", on_sts, w));
	t_err("another one", world_wait(w), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_cache),
	    CASE(test_scan),
	    CASE(test_scan_shards),
	    CASE(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
