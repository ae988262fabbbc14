/*
 * Work that one thread asks of a shard and that comes back to the asker: how
 * the control socket and other shards reach what a shard owns.
 *
 *	asker: errands_send --> shard: run ... errand_back --> asker: back
 */
#ifndef RELAY_MAIN_ERRAND_H
#define RELAY_MAIN_ERRAND_H

#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/list.h"
#include "relay/net/mailbox.h"

struct decide;
struct had;
struct loop;
struct options;
struct sts;
struct store;
struct tls_ctx;

/* What the errands of a shard may use there. */
struct errand_desk {
	struct loop *loop;
	struct store *store;
	struct had *had; /* downgrade memory: had_forget */
	struct decide *decide;
	struct sts *sts;
	struct tls_ctx *tls;
	const struct options *options;
};

struct errands; /* one a shard */
struct errand_home; /* one a loop that asks */

/* First member of the asker's own struct, which is the errand's owner while
 * it is under way. All four calls must be set. */
struct errand {
	struct mail_node node;
	struct list link;
	/* Shard's thread: begins the work. errand_back once, now or later. */
	void (*run)(struct errand *e, const struct errand_desk *desk);
	/* Shard's thread: the shard ends, stop the work. No errand_back: e goes
	 * back with ERR_CLOSED by itself. */
	void (*cancel)(struct errand *e);
	/* Asker's thread: e is the asker's again. err: that of errand_back, or
	 * ERR_CLOSED when the shard ended before. */
	void (*back)(struct errand *e, int err);
	/* Any thread: the asker's loop has ended. Frees e. */
	void (*drop)(struct errand *e);
	struct errand_home *home;
	struct errands *at;
	int err;
};

/* On the loop of the asker. */
NODISCARD int errand_home_new(struct loop *loop, struct errand_home **out);
/* When nobody can send any more; what is still on its way back is dropped.
 * NULL is fine. */
void errand_home_free(struct errand_home *h);

/* On the loop of the shard. credits: errands there at once. */
NODISCARD int errands_new(
    struct loop *loop, size_t credits, struct errands **out);
/* Before the first is run. Copied. */
void errands_open(struct errands *s, const struct errand_desk *desk);
/* Shard's thread: cancels all, and sends back what comes later. */
void errands_end(struct errands *s);
/* After the thread has ended. NULL is fine. */
void errands_free(struct errands *s);

/* Asker's thread. ERR_FULL: too many there, e stays the caller's. */
NODISCARD int errands_send(
    struct errands *s, struct errand *e, struct errand_home *home);
/* Shard's thread: e is done and leaves. */
void errand_back(struct errand *e, int err);

#endif
