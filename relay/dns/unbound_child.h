/*
 * The managed resolver: an unbound child of the parent process, supervised,
 * on a port of 127.0.0.1 that stays reserved while the child is down. Whether
 * it answers and validates is for the canaries of the shards (dns_cache) to
 * say. Parent's thread, which must be the process's only one.
 */
#ifndef RELAY_DNS_UNBOUND_CHILD_H
#define RELAY_DNS_UNBOUND_CHILD_H

#include <stdint.h>

#include "relay/base/err.h"
#include "relay/base/log.h"
#include "relay/model/options.h"
#include "relay/net/timer.h"

struct unbound_child;

struct unbound_child_opts {
	struct loop *loop;
	const struct opt_resolver *resolver; /* not copied: must live on */
	const char *state_dir; /* copied; the child's folder is below it */
	long uid, gid; /* of the child; -1: stay what we are */
	unsigned shards; /* askers */
	struct log *log; /* lines of the child and its deaths; must
				* live on */
};

/*
 * Reserves a port, writes the child's files and starts it. A child that dies
 * is started again, after 1 s doubling to 30 s; a run of a minute resets
 * that. It dies with the parent, however that ends. A full disk is
 * logged and waited for. text: one line. ERR_CONFIG, ERR_PERM, ERR_IO.
 */
NODISCARD int unbound_child_start(const struct unbound_child_opts *o,
    struct unbound_child **out, char text[256]);
/* Where the child answers: 127.0.0.1, UDP and TCP. */
uint16_t unbound_child_port(const struct unbound_child *c);
/* Process id, -1 while it is down. */
long unbound_child_pid(const struct unbound_child *c);
/*
 * SIGTERM, after 5 s SIGKILL. done runs once, later, when the child is gone;
 * c is freed then. Only the first call counts.
 */
void unbound_child_stop(
    struct unbound_child *c, void (*done)(void *arg), void *arg);

#endif
