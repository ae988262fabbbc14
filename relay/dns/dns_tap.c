/*
 * A struct dns in front of another one. Each question is one of upstream's
 * with a note of who asked; the answer goes to both, to the listener first.
 */
#include "config.h"

#include "relay/dns/dns_tap.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"

struct tap {
	struct dns dns; /* first */
	struct dns *upstream;
	dns_tap_fn *tap_fn;
	void *tap_arg;
	unsigned under_way;
};

struct tapped {
	struct tap *tap;
	struct dns_query *query; /* of upstream */
	char name[DOMAIN_MAX];
	enum rr_type type;
	dns_fn *fn;
	void *arg;
};

static void
on_answer(void *arg, struct rr_set *set)
{
	struct tapped t = *(struct tapped *)arg;

	free(arg);
	t.tap->under_way--;
	t.tap->tap_fn(t.tap->tap_arg, t.name, t.type, set);
	t.fn(t.arg, set);
}

static struct dns_query *
tap_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	struct tap *tap = (struct tap *)d;
	struct tapped *t = xcalloc(1, sizeof(*t));
	size_t n = strlen(name);

	/* A name that is too long gets its answer all the same. */
	memcpy(t->name, name, n < sizeof(t->name) ? n : sizeof(t->name) - 1);
	t->tap = tap;
	t->type = type;
	t->fn = fn;
	t->arg = arg;
	tap->under_way++;
	t->query = dns_ask(tap->upstream, name, type, on_answer, t);
	return (struct dns_query *)t;
}

static void
tap_cancel(struct dns_query *q)
{
	struct tapped *t = (struct tapped *)q;

	t->tap->under_way--;
	dns_cancel(t->tap->upstream, t->query);
	t->tap->tap_fn(t->tap->tap_arg, t->name, t->type, NULL);
	free(t);
}

struct dns *
dns_tap_new(struct dns *upstream, dns_tap_fn *fn, void *arg)
{
	struct tap *tap = xcalloc(1, sizeof(*tap));

	tap->dns.ask = tap_ask;
	tap->dns.cancel = tap_cancel;
	tap->upstream = upstream;
	tap->tap_fn = fn;
	tap->tap_arg = arg;
	return &tap->dns;
}

void
dns_tap_free(struct dns *d)
{
	struct tap *tap = (struct tap *)d;

	if (tap && tap->under_way > 0)
		BUG("a tap with %u questions under way", tap->under_way);
	free(tap);
}
