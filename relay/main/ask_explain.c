/*
 * The errand of "waxseal explain": the route is walked on the shard's thread,
 * with its caches, and comes home as a line of JSON.
 */
#include "config.h"

#include "relay/main/ask_explain.h"

#include <stdio.h>
#include <stdlib.h>

#include "relay/base/domain.h"
#include "relay/ctl/explain_json.h"
#include "relay/decide/explain_run.h"

struct ask_explain {
	struct errand errand; /* first */
	char domain[DOMAIN_MAX];
	uint16_t port;
	const struct options *options;
	struct explain_run *run; /* while it is at the shard */
	struct buf answer;
	ctl_explain_fn *done;
	void *job;
};

static void
on_report(void *arg, const struct explain *e)
{
	struct ask_explain *a = arg;
	const struct explain_source source = {.by = "daemon",
	    .mode = a->options->resolver.managed ? "managed" : "external",
	    .address = "",
	    .doubt = "",
	    .trusted = true};

	explain_json_build(e, &source, &a->answer);
	explain_run_free(a->run);
	a->run = NULL;
	errand_back(&a->errand, 0);
}

static void
on_run(struct errand *e, const struct errand_desk *desk)
{
	struct ask_explain *a = (struct ask_explain *)e;

	a->options = desk->options;
	a->run = explain_run_start(
	    desk->decide, a->domain, a->port, on_report, a);
}

static void
on_cancel(struct errand *e)
{
	struct ask_explain *a = (struct ask_explain *)e;

	explain_run_free(a->run);
	a->run = NULL;
}

void
ask_explain_free(struct errand *e)
{
	struct ask_explain *a = (struct ask_explain *)e;

	buf_clear(&a->answer);
	free(a);
}

static void
on_back(struct errand *e, int err)
{
	struct ask_explain *a = (struct ask_explain *)e;

	a->done(a->job, err, &a->answer);
	ask_explain_free(e);
}

static void
on_drop(struct errand *e)
{
	on_back(e, ERR_CLOSED);
}

struct errand *
ask_explain_new(
    const char *domain, uint16_t port, ctl_explain_fn *done, void *job)
{
	struct ask_explain *a = xcalloc(1, sizeof(*a));

	a->errand.run = on_run;
	a->errand.cancel = on_cancel;
	a->errand.back = on_back;
	a->errand.drop = on_drop;
	(void)snprintf(a->domain, sizeof(a->domain), "%s", domain);
	a->port = port;
	buf_init(&a->answer, CTL_ANSWER_MAX);
	a->done = done;
	a->job = job;
	return &a->errand;
}
