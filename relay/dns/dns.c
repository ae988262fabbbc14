/*
 * The door to whatever answers DNS questions: one vtable, so that the cache,
 * the resolver behind it and a table in a test look alike.
 */
#include "config.h"

#include "relay/dns/dns.h"

#include <stddef.h>

struct dns_query *
dns_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg)
{
	return d->ask(d, name, type, fn, arg);
}

void
dns_cancel(struct dns *d, struct dns_query *q)
{
	if (q)
		d->cancel(q);
}

const char *
dns_state_str(enum dns_state s)
{
	static const char *const names[] = {
#define DNS_NAME_(id, text) text,
	    DNS_STATE_LIST(DNS_NAME_)
#undef DNS_NAME_
	};

	if ((size_t)s >= sizeof(names) / sizeof(names[0]))
		BUG("dns_state %d", (int)s);
	return names[s];
}

const char *
dns_state_text(enum dns_state s)
{
	switch (s) {
	case DNS_STATE_OK:
		return "answers are validated";
	case DNS_STATE_UNTRUSTED:
		return "answers are not validated: what DANE protects is held, "
		       "see waxseal status";
	case DNS_STATE_DEAD:
		return "no usable answers: mail is accepted and held, "
		       "see waxseal status";
	case DNS_STATE_UNKNOWN:
		break;
	}
	return "not known yet";
}

static int
badness(enum dns_state s)
{
	switch (s) {
	case DNS_STATE_OK:
		return 0;
	case DNS_STATE_UNKNOWN:
		return 1;
	case DNS_STATE_UNTRUSTED:
		return 2;
	case DNS_STATE_DEAD:
		break;
	}
	return 3;
}

enum dns_state
dns_state_worse(enum dns_state a, enum dns_state b)
{
	return badness(b) > badness(a) ? b : a;
}
