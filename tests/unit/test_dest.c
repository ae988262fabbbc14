/* One destination: what is due, what comes first, what comes last. */
#include "config.h"

#include "relay/sched/dest.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "tests/unit/t.h"

#define LIFETIME 1000

static const uint8_t seed[16] = {2};

static struct item *
make_item(struct dest *d, struct msg *m, uint64_t row, int64_t next_try)
{
	struct item *it = xcalloc(1, sizeof(*it));

	it->r = xcalloc(1, sizeof(*it->r));
	it->r->id = row;
	it->r->next_try = next_try;
	it->r->msg = msg_ref(m);
	it->dest = d;
	dest_put(d, it, dest_key(dest_due(it->r, LIFETIME), row), LIFETIME);
	return it;
}

static void
drop_item(struct item *it)
{
	if (it->group)
		dest_take(it);
	rcpt_free(it->r);
	free(it);
}

static struct msg *
make_msg(uint64_t id, int64_t arrived)
{
	struct msg *m = msg_new();

	m->id = id;
	m->arrived = arrived;
	return m;
}

static void
test_keys(void **state)
{
	(void)state;
	t_int("time", dest_key_time(dest_key(1800000000, 77)), 1800000000);
	t_bool("order", dest_key(5, 1) < dest_key(5, 2), true);
	t_bool("time first", dest_key(5, 9) < dest_key(6, 1), true);
	t_int("never negative", dest_key(-4, 0), 0);
	t_bool("never too far", dest_key(INT64_MAX, 0) > 0, true);
}

static void
test_order(void **state)
{
	struct dest *d = dest_new(STR("example.com"), seed);
	struct msg *a = make_msg(1, 100);
	struct msg *b = make_msg(2, 100);
	struct item *late = make_item(d, a, 1, 300);
	struct item *soon = make_item(d, a, 2, 200);
	struct item *first = make_item(d, b, 3, 150);
	struct group *g;

	(void)state;
	t_int("ready", dest_ready_at(d), 150);
	t_bool("not yet", dest_pick(d, 149) == NULL, true);
	g = dest_pick(d, 1000);
	t_bool("message of the first", g && g->msg == 2, true);
	t_bool("last", dest_last(d) == late, true);
	dest_take(first);
	g = dest_pick(d, 250);
	t_bool("the other message", g && g->msg == 1, true);
	t_bool("its first", dest_group_due(g, 250) == soon, true);
	dest_take(soon);
	t_bool("the rest is not due", dest_pick(d, 250) == NULL, true);
	t_int("ready later", dest_ready_at(d), 300);
	drop_item(late);
	t_int("nobody waits", dest_ready_at(d), -1);
	drop_item(soon);
	drop_item(first);
	msg_unref(a);
	msg_unref(b);
	dest_free(d);
}

static void
test_window(void **state)
{
	struct dest *d = dest_new(STR("example.com"), seed);
	struct msg *m = make_msg(1, 0);
	struct item *it = make_item(d, m, 1, 10);

	(void)state;
	d->running = 1;
	t_int("full", dest_ready_at(d), -1);
	d->window = 2;
	t_int("room", dest_ready_at(d), 10);
	drop_item(it);
	msg_unref(m);
	dest_free(d);
}

/* An expired message gets its last attempt though the host is dead. */
static void
test_expiry_in_backoff(void **state)
{
	struct dest *d = dest_new(STR("example.com"), seed);
	struct msg *old = make_msg(1, 0);
	struct msg *young = make_msg(2, 900);
	struct item *a = make_item(d, old, 1, 5000);
	struct item *b = make_item(d, young, 2, 950);

	(void)state;
	t_int("due at the end of its lifetime", dest_due(a->r, LIFETIME), 1000);
	d->not_before = 1500;
	t_int("ready for the expired one", dest_ready_at(d), 1000);
	t_bool("nobody before", dest_pick(d, 999) == NULL, true);
	t_bool("the old one", dest_pick(d, 1000)->msg == 1, true);
	drop_item(a);
	t_int("the young one waits", dest_ready_at(d), 1500);
	t_bool("not yet", dest_pick(d, 1499) == NULL, true);
	t_bool("back-off over", dest_pick(d, 1500)->msg == 2, true);
	drop_item(b);
	msg_unref(old);
	msg_unref(young);
	dest_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_window),
	    cmocka_unit_test(test_expiry_in_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
