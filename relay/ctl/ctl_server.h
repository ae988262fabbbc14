/* The control socket on the main thread of the relay. */
#ifndef RELAY_CTL_CTL_SERVER_H
#define RELAY_CTL_CTL_SERVER_H

#include "relay/base/clock.h"
#include "relay/base/err.h"
#include "relay/ctl/ctl_proto.h"
#include "relay/net/timer.h"
#include "relay/queue/store.h"

struct ctl_server;

/* err 0: answer, which stays the caller's, is a line of JSON with its end. */
typedef void ctl_explain_fn(void *job, int err, struct buf *answer);

struct ctl_server_opts {
	struct loop *loop;
	int take_fd; /* bound and listening unix socket */
	struct store *store; /* of the main loop */
	struct clock clock;
	struct log *log;
	/* Fills all of out but stats; sum is memory for its metrics. out is
	 * zeroed, sum has no counts. */
	void (*status)(void *arg, struct ctl_status *out, struct metrics *sum);
	/* Held recipients were released: their shards must page. May be called
	 * until store is closed. NULL is fine. */
	void (*released)(void *arg);
	/* Asks the owner of q->domain: CTL_POLICY_ASK, _REFRESH, _FORGET. fn
	 * once, later, with a line, or with NULL when it will never come, also
	 * after the server has closed. ERR_FULL; fn is not called then. NULL:
	 * there is no owner. */
	int (*ask_owner)(void *arg, const struct ctl_question *q,
	    void (*fn)(void *fn_arg, struct buf *answer), void *fn_arg);
	/*
	 * How would mail for domain be sent? done once, later, on this loop;
	 * it may also come when the server has been closed. Not 0: it can't be
	 * asked now, done is not called. NULL: there is nobody to ask.
	 */
	int (*explain)(void *arg, const char *domain, uint16_t port,
	    ctl_explain_fn *done, void *job);
	void *arg;
};

/* Takes the descriptor. ERR_IO. */
NODISCARD int ctl_server_open(
    const struct ctl_server_opts *o, struct ctl_server **out);
/*
 * Ends all connections. o->status is not called any more; what is left goes
 * in later rounds of the loop. A job that the store still has is dropped when
 * its answer comes, so let the loop run before store_close. NULL is fine.
 */
void ctl_server_close(struct ctl_server *s);

#endif
