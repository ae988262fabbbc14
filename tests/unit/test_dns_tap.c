/* The tap: the asker gets what upstream says, and the listener hears of it. */
#include "relay/dns/dns_tap.h"

#include <stdlib.h>

#include "relay/base/buf.h"
#include "tests/unit/t.h"

/* Upstream: holds one question until it is told to answer. */
struct held {
	struct dns dns; /* first */
	char name[DOMAIN_MAX];
	enum rr_type type;
	dns_fn *fn;
	void *arg;
	int canceled;
};

static struct dns_query *
held_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct held *h = (struct held *)d;

	snprintf(h->name, sizeof(h->name), "%s", name);
	h->type = type;
	h->fn = fn;
	h->arg = arg;
	return (struct dns_query *)h;
}

static void
held_cancel(struct dns_query *q)
{
	((struct held *)q)->canceled++;
}

static void
note(void *arg, const char *what, const struct rr_set *set)
{
	buf_addf(
	    arg, "%s:%s ", what, set ? rr_status_str(set->status) : "given up");
}

static void
on_tap(void *arg, const char *name, enum rr_type type, const struct rr_set *set)
{
	t_cstr("name", name, "a.example");
	t_int("type", type, RR_TLSA);
	note(arg, "tap", set);
}

static void
on_answer(void *arg, struct rr_set *set)
{
	note(arg, "asker", set);
}

static void
test_tap(void **state)
{
	struct held up = {.dns = {.ask = held_ask, .cancel = held_cancel}};
	struct rr_set *set = rr_set_empty(RR_TLSA, RR_NODATA, RR_WHY_NONE);
	struct dns_query *q;
	struct dns *d;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	d = dns_tap_new(&up.dns, on_tap, &b);
	(void)dns_ask(d, "a.example", RR_TLSA, on_answer, &b);
	t_cstr("passed on", up.name, "a.example");
	t_int("type", up.type, RR_TLSA);
	up.fn(up.arg, set);
	t_cstr("the listener first", b.p, "tap:nodata asker:nodata ");
	buf_reset(&b);
	q = dns_ask(d, "a.example", RR_TLSA, on_answer, &b);
	dns_cancel(d, q);
	t_int("canceled upstream", up.canceled, 1);
	t_cstr("given up", b.p, "tap:given up ");
	dns_tap_free(d);
	dns_tap_free(NULL);
	rr_set_unref(set);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_tap)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
