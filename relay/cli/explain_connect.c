/*
 * waxseal explain --connect: the hosts of a report, address by address, by the
 * plans that stand in it, whoever made them. One connection at a time, each
 * bounded, and all of them together. No mail is sent: see deliver/probe.
 */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "relay/cli/explain.h"
#include "relay/ctl/explain_json.h"
#include "relay/ctl/explain_plan.h"
#include "relay/deliver/probe.h"
#include "relay/net/loop.h"
#include "relay/tls/tls_chain.h"
#include "relay/tls/tls_ctx.h"

#define CONNS_MAX 40
#define ONE_MS 30000 /* a session */
#define ALL_MS 120000

struct connects {
	const struct options *options;
	struct loop *loop;
	struct tls_ctx *tls;
	struct explain_try *tries;
	size_t n_tries;
	size_t at, addr; /* the next one */
	struct explain_conn conns[CONNS_MAX];
	size_t n;
	int64_t ends; /* loop time */
	struct timer *timer;
	bool all;
};

static void connects_next(void *arg);

static void
put_chain(struct explain_conn *c, const struct tls_plan *plan, struct str pem)
{
	c->certs = xcalloc(EXPLAIN_CERTS_MAX, sizeof(*c->certs));
	c->n_certs = tls_chain_read(pem, c->certs, EXPLAIN_CERTS_MAX);
	if (c->n_certs == 0)
		return;
	c->matches = xcalloc(plan->n_tlsa + 1, sizeof(*c->matches));
	for (size_t i = 0; i < plan->n_tlsa; i++)
		c->matches[c->n_matches++] = (struct explain_match){
		    i, tls_chain_match(pem, &plan->tlsa[i])};
}

static void
on_probe(void *arg, const struct explain_conn *res, struct str pem)
{
	struct connects *s = arg;
	struct explain_conn *c = &s->conns[s->n++];

	*c = *res;
	put_chain(c, &s->tries[s->at].plan, pem);
	s->addr++;
	timer_start(s->timer, 0);
}

/* The next address; false when there is none, or no time or room for it. */
static bool
find_next(struct connects *s)
{
	while (s->at < s->n_tries && s->addr == s->tries[s->at].n_addrs) {
		s->at++;
		s->addr = 0;
	}
	s->all = s->at == s->n_tries;
	return !s->all && s->n < CONNS_MAX && timer_now(s->loop) < s->ends;
}

static void
connects_next(void *arg)
{
	struct connects *s = arg;
	struct probe_req req = {.loop = s->loop,
	    .tls = s->tls,
	    .options = s->options,
	    .limit_ms = ONE_MS};

	if (!find_next(s)) {
		timer_free(s->timer);
		loop_stop(s->loop);
		return;
	}
	req.host = s->tries[s->at].host;
	req.addr = s->tries[s->at].addrs[s->addr];
	req.port = s->tries[s->at].port;
	req.plan = &s->tries[s->at].plan;
	if (!probe_start(&req, on_probe, s)) {
		s->conns[s->n].failure = "no socket";
		s->conns[s->n].addr = req.addr;
		s->conns[s->n].port = req.port;
		memcpy(s->conns[s->n].host, req.host, DOMAIN_MAX);
		s->n++;
		s->addr++;
		timer_start(s->timer, 0);
	}
}

static void
connects_run(const struct cli *c, struct connects *s)
{
	const struct options *o = s->options;
	const struct tls_ctx_opts to = {.ca_file = o->tls.ca_file,
	    .min = o->tls.min,
	    .opportunistic_min = o->tls.opportunistic_min};
	char why[160] = "";

	tls_ctx_init_library();
	(void)signal(SIGPIPE, SIG_IGN);
	if (tls_ctx_new(&to, &s->tls, why))
		cli_no_answer(c, *why ? why : "TLS can't be used");
	if (loop_new(&s->loop))
		cli_no_answer(c, "no descriptors left");
	s->ends = timer_now(s->loop) + ALL_MS;
	s->timer = timer_new(s->loop, connects_next, s);
	timer_start(s->timer, 0);
	loop_run(s->loop);
	loop_free(s->loop);
	tls_ctx_free(s->tls);
}

void
explain_connect(
    const struct cli *c, const struct options *options, struct buf *report)
{
	struct connects *s = xcalloc(1, sizeof(*s));
	struct buf out;

	s->options = options;
	buf_init(&out, CTL_ANSWER_MAX);
	if (explain_plan_read(buf_str(report), &s->tries, &s->n_tries))
		cli_no_answer(c,
		    "the plans are not understood; are waxseal and "
		    "waxseald of one version?");
	connects_run(c, s);
	if (explain_json_connect(
		buf_str(report), s->conns, s->n, s->all, &out) ||
	    out.full)
		cli_no_answer(c, "the answer can't be shown");
	buf_reset(report);
	(void)buf_add_str(report, buf_str(&out));
	buf_clear(&out);
	for (size_t i = 0; i < s->n; i++) {
		free(s->conns[i].certs);
		free(s->conns[i].matches);
	}
	explain_plan_free(s->tries, s->n_tries);
	free(s);
}
