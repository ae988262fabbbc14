/*
 * A question becomes an errand to the owner of the domain. There it is looked
 * up as a delivery would, fetched anew, or forgotten; the answer is written at
 * home.
 */
#include "config.h"

#include "relay/main/policy_desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/ctl/ctl_policy.h"
#include "relay/main/errand.h"
#include "relay/main/had.h"
#include "relay/main/shard.h"
#include "relay/model/msg.h"
#include "sts/sts_lookup.h"

struct asked {
	struct errand errand; /* first */
	enum ctl_cmd cmd;
	char domain[DOMAIN_MAX];
	struct sts_lookup *lookup; /* at the owner, as the next two */
	struct store *store; /* which has a job of ours, or NULL */
	struct had *had;
	struct sts_verdict v;
	void (*fn)(void *fn_arg, struct buf *answer);
	void *fn_arg;
};

static struct asked *
asked_of(struct errand *e)
{
	return CONTAINER_OF(e, struct asked, errand);
}

static void
asked_free(struct asked *a)
{
	sts_verdict_clear(&a->v);
	free(a);
}

/* ---- at the owner ---- */

static void
on_verdict(void *arg, const struct sts_verdict *v)
{
	struct asked *a = arg;

	a->lookup = NULL;
	sts_verdict_copy(&a->v, v);
	errand_back(&a->errand, 0);
}

static void
on_had_forgotten(void *arg, int err)
{
	struct asked *a = arg;

	a->store = NULL;
	errand_back(&a->errand, err);
}

/* The policy is forgotten; next, that the domain had one. */
static void
on_forgotten(void *arg, int err)
{
	struct asked *a = arg;

	if (!err)
		err = had_forget(a->had, a->domain, on_had_forgotten, a);
	if (err)
		on_had_forgotten(a, err);
}

static void
asked_run(struct errand *e, const struct errand_desk *desk)
{
	struct asked *a = asked_of(e);

	a->had = desk->had;
	a->store = desk->store;
	if (a->cmd == CTL_POLICY_FORGET)
		sts_forget(desk->sts, a->domain, on_forgotten, a);
	else if (a->cmd == CTL_POLICY_REFRESH)
		a->lookup = sts_refresh_now(
		    desk->sts, a->domain, on_verdict, a);
	else
		a->lookup = sts_lookup_start(
		    desk->sts, a->domain, on_verdict, a);
}

/* What is being forgotten ends with the shard's struct sts, which is freed
 * before the loop turns again. */
static void
asked_cancel(struct errand *e)
{
	struct asked *a = asked_of(e);

	sts_lookup_cancel(a->lookup);
	a->lookup = NULL;
	if (a->store)
		store_forget(a->store, a);
}

/* ---- at home ---- */

static void
asked_back(struct errand *e, int err)
{
	struct asked *a = asked_of(e);
	void (*fn)(void *fn_arg, struct buf *answer) = a->fn;
	void *fn_arg = a->fn_arg;
	struct buf b;

	buf_init(&b, CTL_ANSWER_MAX);
	if (err)
		ctl_error_build(err_str(err), &b);
	else if (a->cmd == CTL_POLICY_FORGET)
		ctl_forget_build(a->domain, &b);
	else
		ctl_verdict_build(a->domain, &a->v, &b);
	asked_free(a);
	fn(fn_arg, &b);
	buf_clear(&b);
}

static void
asked_drop(struct errand *e)
{
	struct asked *a = asked_of(e);

	a->fn(a->fn_arg, NULL);
	asked_free(a);
}

int
policy_desk_ask(const struct policy_desk *d, const struct ctl_question *q,
    void (*fn)(void *fn_arg, struct buf *answer), void *fn_arg)
{
	struct asked *a = xcalloc(1, sizeof(*a));
	unsigned to = msg_bucket(str_of(q->domain)) % d->count;
	int err;

	a->errand.run = asked_run;
	a->errand.cancel = asked_cancel;
	a->errand.back = asked_back;
	a->errand.drop = asked_drop;
	a->cmd = q->cmd;
	memcpy(a->domain, q->domain, sizeof(a->domain));
	sts_verdict_init(&a->v);
	a->fn = fn;
	a->fn_arg = fn_arg;
	err = shard_ask(d->shards[to], &a->errand, d->home);
	if (err)
		asked_free(a);
	return err;
}
