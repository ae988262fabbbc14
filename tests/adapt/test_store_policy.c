/* The MTA-STS cache as a whole: pages of it, and entries from elsewhere. */
#include "config.h"

#include "tests/adapt/store_world.h"

struct seen {
	struct world *w;
	size_t n, pages;
	char first[DOMAIN_MAX], last[DOMAIN_MAX], id[STS_ID_MAX];
	int64_t fetched;
	size_t bytes;
	bool more;
	uint64_t taken;
};

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

static void
on_policies(void *arg, int err, const struct sts_entry *v, size_t n, bool more)
{
	struct seen *s = arg;

	s->n = n;
	s->more = more;
	s->bytes = 0;
	for (size_t i = 0; i < n; i++) {
		t_bool("in order",
		    strcmp(v[i].domain, i ? v[i - 1].domain : s->last) > 0,
		    true);
		s->bytes += v[i].body_len;
		t_int("text", v[i].body[v[i].body_len], 0);
	}
	if (n > 0) {
		memcpy(s->first, v[0].domain, sizeof(s->first));
		memcpy(s->last, v[n - 1].domain, sizeof(s->last));
		memcpy(s->id, v[0].id, sizeof(s->id));
		s->fetched = v[0].fetched;
	}
	s->pages++;
	world_answer(s->w, err);
}

static void
on_taken(void *arg, int err, uint64_t n)
{
	struct seen *s = arg;

	s->taken = n;
	world_answer(s->w, err);
}

static void
page(struct seen *s, const char *domain, bool one, size_t limit)
{
	if (one)
		s->last[0] = '\0';
	world_started(
	    s->w, store_policies(s->w->s, domain, one, limit, on_policies, s));
	t_err("page", world_wait(s->w), 0);
}

static void
entry(struct sts_entry *e, unsigned i, size_t size, char *body)
{
	*e = (struct sts_entry){.fetched = 100 + i,
	    .expires = 1000,
	    .body = body,
	    .body_len = size};
	snprintf(e->domain, sizeof(e->domain), "d%03u.example", i);
	snprintf(e->id, sizeof(e->id), "id%u", i);
	memset(body, 'x', size);
	body[size] = '\0';
}

static void
fill(struct world *w, unsigned n, size_t size)
{
	char *body = xcalloc(size + 1, 1);
	struct sts_entry e;

	for (unsigned i = 0; i < n; i++) {
		entry(&e, i, size, body);
		world_started(w, store_sts_put(w->s, &e, on_done, w));
	}
	t_err("put", world_wait(w), 0);
	free(body);
}

static void
test_pages(void **state)
{
	struct seen s = {.w = *state};
	size_t all = 0;

	page(&s, "", false, 10);
	t_int("nothing", (int64_t)s.n, 0);
	t_bool("that was all", s.more, false);
	fill(s.w, 25, 50);
	s.pages = 0;
	do {
		char after[DOMAIN_MAX];

		memcpy(after, s.last, sizeof(after));
		page(&s, after, false, 10);
		all += s.n;
	} while (s.more);
	t_int("all", (int64_t)all, 25);
	t_int("pages", (int64_t)s.pages, 3);
	t_cstr("the last", s.last, "d024.example");
	page(&s, "d007.example", true, 1);
	t_int("one", (int64_t)s.n, 1);
	t_cstr("that one", s.first, "d007.example");
	t_cstr("id", s.id, "id7");
	t_int("fetched", s.fetched, 107);
	t_bool("no more", s.more, false);
	page(&s, "x.example", true, 1);
	t_int("none", (int64_t)s.n, 0);
}

/* Policies of 64 KB: a page ends when its texts are long. */
static void
test_long(void **state)
{
	struct seen s = {.w = *state};
	size_t all = 0;

	fill(s.w, 9, STS_BODY_MAX);
	do {
		char after[DOMAIN_MAX];

		memcpy(after, s.last, sizeof(after));
		page(&s, after, false, 100);
		t_bool("not too much", s.bytes <= 6 * STS_BODY_MAX, true);
		all += s.n;
	} while (s.more);
	t_int("all", (int64_t)all, 9);
	t_bool("pages", s.pages > 1, true);
}

/* STS-44: with the time of its fetch, and never over a newer one. */
static void
test_import(void **state)
{
	static const struct {
		const char *name;
		int64_t fetched;
		uint64_t taken;
		int64_t then;
	} cases[] = {
	    {"new", 500, 1, 500},
	    {"the same", 500, 0, 500},
	    {"older", 499, 0, 500},
	    {"newer", 501, 1, 501},
	};
	struct seen s = {.w = *state};

	for (size_t i = 0; i < T_COUNT(cases); i++) {
		char body[] = "text";
		struct sts_entry e = {.domain = "a.example",
		    .fetched = cases[i].fetched,
		    .expires = 9000,
		    .body_len = 4};

		e.body = body;
		snprintf(e.id, sizeof(e.id), "i%u", (unsigned)i);
		world_started(
		    s.w, store_policy_import(s.w->s, &e, on_taken, &s));
		t_err(cases[i].name, world_wait(s.w), 0);
		t_int(cases[i].name, (int64_t)s.taken, (int64_t)cases[i].taken);
		page(&s, "a.example", true, 1);
		t_int(cases[i].name, s.fetched, cases[i].then);
	}
	world_reopen(s.w);
	page(&s, "a.example", true, 1);
	t_int("kept", s.fetched, 501);
	t_cstr("kept", s.id, "i3");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_pages),
	    CASE(test_long),
	    CASE(test_import),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
