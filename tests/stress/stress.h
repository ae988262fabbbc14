/*
 * A relay of real shards, threads, sockets and a real store, between clients,
 * a resolver and an MX that live in threads of the same program. Each
 * recipient has a number, and what becomes of it is counted by everybody who
 * sees it: the client that got its 250, the MX that took it, the log.
 *
 * Threads share atomics and mailboxes, nothing else.
 */
#ifndef TESTS_STRESS_STRESS_H
#define TESTS_STRESS_STRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/log.h"
#include "relay/base/rng.h"
#include "relay/base/str.h"
#include "relay/model/options.h"
#include "relay/net/mailbox.h"

#define STRESS_DOMAINS 24 /* d0.stress.test, d1.stress.test, ... */
#define STRESS_SENDER "back@back.stress.test"
#define STRESS_RCPTS 60000 /* numbers of recipients, r0@... and up */

/* What was seen of one recipient. */
struct fate {
	atomic_uint tried; /* a client named it */
	atomic_uint accepted; /* and got 250 for the message */
	atomic_uint delivered; /* the MX said 250 to the message */
	atomic_uint refused; /* the MX said 550 to the recipient */
	atomic_uint deferred; /* the MX said 451 to the recipient */
	atomic_uint notified; /* named in a notification at the MX */
	atomic_uint logged; /* status=sent in the log */
	unsigned queued; /* rows in the queue, of the last look */
};

/* Counts that all threads add to. */
struct tally {
	struct fate *fates; /* STRESS_RCPTS */
	atomic_uint next; /* number of the next recipient */
	atomic_uint accepted, delivered; /* recipients */
	atomic_ulong progress; /* anything that moved */
	_Atomic(const char *) phase; /* what the main thread is at */
	bool show; /* phases on standard error */
};

/* The number in "r17@d3.stress.test", in angle brackets or not; NULL when it
 * is none. */
struct fate *tally_fate(struct tally *t, struct str addr);
/* What is wrong with it, NULL when nothing is. last: all was delivered that
 * can be. */
const char *fate_problem(const struct fate *f, bool last);
void tally_moved(struct tally *t);
void tally_phase(struct tally *t, const char *phase);

/* ---- resolver: one thread; says that all it answers is validated ---- */

struct stress_dns;
struct stress_dns *stress_dns_new(void);
uint16_t stress_dns_port(const struct stress_dns *d);
void stress_dns_free(struct stress_dns *d);

/* ---- the MX of all domains: one thread, on 127.0.0.2 ---- */

struct stress_mx;
struct stress_mx *stress_mx_new(struct tally *t, uint64_t seed);
uint16_t stress_mx_port(const struct stress_mx *m);
void stress_mx_free(struct stress_mx *m);

/* ---- clients ---- */

/* A socket pair's end that the main thread is to give to a shard. */
struct stress_fd {
	struct mail_node node;
	bool stopped; /* not a socket: shard has stopped */
	unsigned shard;
	int fd;
};

struct stress_clients_opts {
	struct tally *tally;
	uint64_t seed;
	unsigned n; /* threads */
	unsigned messages; /* of each; 0: until told to stop */
	unsigned shards;
	const uint16_t *ports; /* TCP listener of each shard */
	struct mailbox *to_main; /* gets struct stress_fd */
	bool tame; /* nobody leaves in the middle */
};

struct stress_clients;
struct stress_clients *stress_clients_start(
    const struct stress_clients_opts *o);
/* No new messages. Any thread. */
void stress_clients_stop(struct stress_clients *c);
/* Threads that still work. */
unsigned stress_clients_left(struct stress_clients *c);
void stress_clients_join(struct stress_clients *c); /* frees */

/* ---- watchdog: aborts with a dump when nothing moves any more ---- */

struct stress_watch;
/* dump_fn: on the watchdog's thread, before abort(). */
struct stress_watch *stress_watch_start(
    struct tally *t, int64_t stall_ms, void (*dump_fn)(void *arg), void *arg);
void stress_watch_stop(struct stress_watch *w);

/* A whole number from the environment, or the default. */
unsigned stress_env(const char *name, unsigned standard);

#endif
