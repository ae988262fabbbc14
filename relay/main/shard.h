/*
 * A complete relay on one loop and one thread: listeners, sessions, intake,
 * scheduler, resolver, policy, delivery. A value: nothing is global, and a
 * test may build one on fakes.
 */
#ifndef RELAY_MAIN_SHARD_H
#define RELAY_MAIN_SHARD_H

#include <stddef.h>

#include "relay/base/clock.h"
#include "relay/base/err.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/deliver/watch.h"
#include "relay/dns/dns.h"
#include "relay/model/options.h"
#include "relay/net/sockaddr.h"
#include "relay/queue/store.h"

struct errand;
struct errand_home;
struct shard;

struct shard_opts {
	const struct options *options;
	unsigned index, count;
	struct store_hub *hub;
	struct log *log;
	struct clock clock;
	struct rng rng; /* copied: each shard draws its own numbers */
	const struct opt_addr_port *upstreams; /* resolvers */
	size_t n_upstreams;
	/* Recipients and clients on their way to this shard from other
	 * threads, at most; 0: enough for a busy relay. */
	unsigned credits;
	/* All shards, index by index; filled before any of them starts. */
	struct shard *const *peers;
	/* On the shard's thread: it has stopped, its thread is ending. */
	void (*on_stopped)(void *arg, unsigned index);
	/* On the shard's thread: the state of its resolver changed. */
	void (*on_dns_state)(void *arg, unsigned index, enum dns_state st);
	void *arg;
	struct deliver_watch watch; /* of its dispatch; none is fine */
};

/* Main thread. ERR_*; text: one line. */
NODISCARD int shard_new(
    const struct shard_opts *o, struct shard **out, char text[256]);
/* Before shard_start: a listening socket, one for each TCP listener. */
NODISCARD int shard_listen(
    struct shard *s, const struct opt_listen *l, int take_fd);
NODISCARD int shard_start(struct shard *s);
/* Any thread: a client that came in elsewhere. */
void shard_give_client(struct shard *s, const struct opt_listen *l, int take_fd,
    const struct sockaddr_any *peer);
/* Any thread: a queued recipient of this shard's destinations. */
void shard_give_rcpt(struct shard *s, struct rcpt *take_r);
/* Any thread: the turn that the watch was asked for has come. */
void shard_give_turn(struct shard *s);
/* Any thread: rows of this shard were changed in the store: page. */
void shard_look(struct shard *s);
/* Any thread: work for this shard, which comes back to home (errand.h).
 * ERR_FULL, ERR_CLOSED: e stays the caller's. */
NODISCARD int shard_ask(
    struct shard *s, struct errand *e, struct errand_home *home);
/* Any thread: stop accepting, end sessions, flush; then on_stopped. */
void shard_stop(struct shard *s);
/* Main thread, after on_stopped of all shards. Joins the thread and closes. */
void shard_close(struct shard *s);
/* After shard_close of all: a message counts in the shard that took it in,
 * whoever holds it. NULL is fine. */
void shard_free(struct shard *s);
/* Any thread. */
const struct metrics *shard_metrics(const struct shard *s);

#endif
