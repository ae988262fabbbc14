/*
 * A whole relay on the fake world: the shards of relay/main/shard.c with all
 * their actors, started, stopped, killed and started again on one queue.
 */
#ifndef TESTS_REPLAY_RELAY_H
#define TESTS_REPLAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/metrics.h"
#include "relay/model/options.h"
#include "relay/model/rr.h"

struct relay;

/* settings: lines "SECTION.KEY VALUE" or "KEY VALUE"; a section with a title
 * is "site:example.com.require dane". The default is a smarthost on loopback
 * with a queue that gives up after four hours. One line a problem in errors;
 * then NULL. */
struct relay *relay_new(
    const char *settings, uint64_t seed, struct buf *errors);
void relay_free(struct relay *r);

void relay_start(struct relay *r);
/* Tells all shards to stop and turns the world until they have; checks that
 * nothing of them is left. Does nothing when it is down, or about to be. */
void relay_stop(struct relay *r);
/* As kill -9: nothing that it does from now on counts, not even while it
 * stops. */
void relay_crash(struct relay *r);
bool relay_is_up(const struct relay *r);
/* Within relay_stop or relay_crash. */
bool relay_is_ending(const struct relay *r);
const struct options *relay_options(const struct relay *r);

/* A client comes in at shard i mod the number of shards. fd: fake_client_fd. */
void relay_client(struct relay *r, unsigned shard, int take_fd);
/* The same from another address than 127.0.0.1. */
void relay_client_from(
    struct relay *r, unsigned shard, int take_fd, const struct rr_addr *addr);
/* What waxseal policy forget does to the memory of what a domain had. */
void relay_forget(struct relay *r, const char *domain);
/* The lines of the log so far, each with its end. */
struct str relay_log(const struct relay *r);
/* Sum over all shards of this run. */
uint64_t relay_metric(const struct relay *r, enum metric m);

/* The value of key in a line of the log, quotes taken off; false: none. */
bool relay_log_field(struct str line, const char *key, char *out, size_t size);

#endif
