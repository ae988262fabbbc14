/*
 * Questions to the resolver: the contract. dns_getdns asks, dns_cache
 * absorbs; everybody else sees this. One struct dns a shard, its thread only.
 */
#ifndef RELAY_DNS_DNS_H
#define RELAY_DNS_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/err.h"
#include "relay/model/rr.h"

struct dns; /* something that answers: a vtable, see below */
struct dns_query; /* one question under way */

/*
 * The answer. set is borrowed for the call (rr_set_ref to keep it). Runs
 * exactly once, never inside dns_ask, and never after dns_cancel.
 */
typedef void dns_fn(void *arg, struct rr_set *set);

/* How an implementation is plugged in: the first member of its struct. */
struct dns {
	struct dns_query *(*ask)(struct dns *d, const char *name,
	    enum rr_type type, dns_fn *fn, void *arg);
	void (*cancel)(struct dns_query *q);
};

/*
 * Asks. name: canonical, without last dot (copied). Names that are not
 * LDH+underscore get RR_FAIL / RR_WHY_MALFORMED. Errors are answers with
 * status RR_FAIL; a lookup always ends.
 */
struct dns_query *dns_ask(
    struct dns *d, const char *name, enum rr_type type, dns_fn *fn, void *arg);
void dns_cancel(struct dns *d, struct dns_query *q); /* NULL is fine */

/* What is known about the resolver: DANE-58. */
#define DNS_STATE_LIST(X) \
	X(DNS_STATE_UNKNOWN, "unknown") /* no canary answered yet */ \
	X(DNS_STATE_OK, "validating") /* canary secure */ \
	X(DNS_STATE_UNTRUSTED, "untrusted") /* answers without AD */ \
	X(DNS_STATE_DEAD, "dead") /* no answers */

enum dns_state {
#define DNS_ENUM_(id, text) id,
	DNS_STATE_LIST(DNS_ENUM_)
#undef DNS_ENUM_
};
const char *dns_state_str(enum dns_state s);
/* What that means for mail, for people. */
const char *dns_state_text(enum dns_state s);
/* Of two states the one that an operator must know of first. */
enum dns_state dns_state_worse(enum dns_state a, enum dns_state b);

#endif
