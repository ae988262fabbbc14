/*
 * A question is an errand: the owner of the domain looks it up as if one of its
 * own routes had asked, and the verdict moves home with the errand. Who does
 * not want to know any more says so here; the errand comes back all the same.
 */
#include "config.h"

#include "relay/main/sts_far.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/buf.h"
#include "relay/main/errand.h"
#include "relay/main/shard.h"
#include "relay/model/msg.h"

struct sts_far {
	struct errand_home *home;
	struct shard *const *peers;
	unsigned count;
};

struct question {
	struct errand errand; /* first */
	char domain[DOMAIN_MAX];
	struct sts_lookup *lookup; /* at the owner */
	struct sts_verdict v;
	sts_lookup_fn *fn; /* NULL: nobody wants to know any more */
	void *arg;
};

static void
question_free(struct errand *e)
{
	struct question *q = (struct question *)e;

	sts_verdict_clear(&q->v);
	free(q);
}

/* ---- at the owner ---- */

static void
on_verdict(void *arg, const struct sts_verdict *v)
{
	struct question *q = arg;

	q->lookup = NULL;
	sts_verdict_copy(&q->v, v);
	errand_back(&q->errand, 0);
}

static void
question_run(struct errand *e, const struct errand_desk *desk)
{
	struct question *q = (struct question *)e;

	q->lookup = sts_lookup_start(desk->sts, q->domain, on_verdict, q);
}

static void
question_cancel(struct errand *e)
{
	sts_lookup_cancel(((struct question *)e)->lookup);
}

/* ---- at home ---- */

static void
question_back(struct errand *e, int err)
{
	struct question *q = (struct question *)e;

	if (q->fn)
		q->fn(q->arg, err ? NULL : &q->v);
	question_free(e);
}

static void *
far_ask(void *arg, const char *domain, sts_lookup_fn *fn, void *fn_arg)
{
	struct sts_far *f = arg;
	struct question *q = xcalloc(1, sizeof(*q));
	unsigned to = msg_bucket(str_of(domain)) % f->count;

	q->errand.run = question_run;
	q->errand.cancel = question_cancel;
	q->errand.back = question_back;
	q->errand.drop = question_free;
	snprintf(q->domain, sizeof(q->domain), "%s", domain);
	sts_verdict_init(&q->v);
	q->fn = fn;
	q->arg = fn_arg;
	if (!shard_ask(f->peers[to], &q->errand, f->home))
		return q;
	question_free(&q->errand);
	return NULL;
}

static void
far_cancel(void *question)
{
	((struct question *)question)->fn = NULL;
}

/* ---- the contract ---- */

int
sts_far_new(struct loop *loop, struct shard *const *peers, unsigned count,
    struct sts_far **out)
{
	struct sts_far *f = xcalloc(1, sizeof(*f));
	int err = errand_home_new(loop, &f->home);

	if (err) {
		free(f);
		return err;
	}
	f->peers = peers;
	f->count = count;
	*out = f;
	return 0;
}

void
sts_far_free(struct sts_far *f)
{
	if (!f)
		return;
	errand_home_free(f->home);
	free(f);
}

struct sts_away
sts_far_away(struct sts_far *f)
{
	return (struct sts_away){
	    .ask = far_ask, .cancel = far_cancel, .arg = f};
}
