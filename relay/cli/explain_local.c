/*
 * A relay without listeners, queue and mail, for one question: loop,
 * resolver, cache, MTA-STS and decide as a shard has them. What a shard knows
 * from its store (policies fetched before, domains that once had DANE) is not
 * known here, and the report says so.
 *
 * The private resolver lives in a folder of its own, which is removed at the
 * end, also when somebody interrupts us.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/base/rng.h"
#include "relay/cli/explain.h"
#include "relay/cli/temp_dir.h"
#include "relay/config/conf_resolver.h"
#include "relay/ctl/explain_json.h"
#include "relay/decide/explain_run.h"
#include "relay/dns/dns_cache.h"
#include "relay/dns/dns_getdns.h"
#include "relay/dns/unbound_child.h"
#include "relay/main/own_addr.h"
#include "relay/main/uid.h"
#include "relay/net/http.h"
#include "relay/net/loop.h"
#include "relay/tls/tls_ctx.h"
#include "sts/sts_lookup.h"

struct local {
	const struct cli *cli;
	const struct explain_ask *ask;
	const struct options *options;
	struct buf *report;
	struct explain_source source;
	char address[RR_ADDR_TEXT + 8];
	struct log log;
	struct metrics metrics;
	struct rng rng;
	struct clock clock;
	struct loop *loop;
	struct loop_signal *sigs[2];
	char dir[TEMP_DIR_MAX]; /* "": none was made */
	struct unbound_child *unbound;
	struct opt_addr_port private;
	const struct opt_addr_port *upstreams;
	size_t n_upstreams;
	struct dns *dns_up, *dns;
	unsigned turns;
	struct tls_ctx *tls;
	struct http *http;
	struct sts *sts;
	struct own_addr *own;
	struct decide *decide;
	struct explain_run *run;
	bool stopping;
	bool interrupted;
};

/* ---- the end ---- */

/* Until here a signal is only noted: the folder must still go. */
static void
local_unbound_gone(void *arg)
{
	struct local *l = arg;

	l->unbound = NULL;
	loop_signal_free(l->sigs[0]);
	loop_signal_free(l->sigs[1]);
	loop_stop(l->loop);
}

static void
local_free_actors(struct local *l)
{
	explain_run_free(l->run);
	decide_free(l->decide);
	sts_free(l->sts);
	http_free(l->http);
	own_addr_free(l->own);
	dns_cache_free(l->dns);
	dns_getdns_close(l->dns_up);
}

/* Never from within a callback of the resolver. */
static void
local_stop(struct local *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	local_free_actors(l);
	if (l->unbound)
		unbound_child_stop(l->unbound, local_unbound_gone, l);
	else
		local_unbound_gone(l);
}

static void
local_close(struct local *l)
{
	loop_free(l->loop);
	tls_ctx_free(l->tls);
	if (l->dir[0])
		temp_dir_remove(l->dir);
}

/* Says why, with nothing left behind. */
static void
local_fail(struct local *l, const char *text)
{
	if (l->dir[0])
		temp_dir_remove(l->dir);
	cli_no_answer(l->cli, text);
}

static void
local_on_signal(void *arg, int signo)
{
	struct local *l = arg;

	(void)signo;
	l->interrupted = true;
	local_stop(l);
}

static void
local_on_report(void *arg, const struct explain *e)
{
	struct local *l = arg;
	enum dns_state st = dns_cache_state(l->dns);

	l->source.blind = st == DNS_STATE_DEAD || st == DNS_STATE_UNKNOWN;
	explain_json_build(e, &l->source, l->report);
	local_stop(l);
}

/* ---- the resolver ---- */

/* Whom a resolver of our own runs as: never root. */
static void
local_user(struct local *l, struct uid *out)
{
	char text[256], again[256];

	if (uid_resolve(l->options->resolver.user, out, text) == 0 ||
	    uid_resolve("nobody", out, again) == 0)
		return;
	local_fail(l, text);
}

static void
local_private(struct local *l)
{
	struct unbound_child_opts uo = {.loop = l->loop,
	    .resolver = &l->options->resolver,
	    .state_dir = l->dir,
	    .shards = 1,
	    .log = &l->log};
	char text[256] = "";
	struct uid uid;

	local_user(l, &uid);
	uo.uid = uid.uid;
	uo.gid = uid.gid;
	if (temp_dir_make(l->dir)) {
		(void)snprintf(
		    text, sizeof(text), "%.100s: %s", l->dir, strerror(errno));
		l->dir[0] = '\0';
		local_fail(l, text);
	}
	if (unbound_child_start(&uo, &l->unbound, text))
		local_fail(l, text);
	l->private = (struct opt_addr_port){
	    .addr = {.family = 4, .ip = {127, 0, 0, 1}},
	    .port = unbound_child_port(l->unbound)};
	l->upstreams = &l->private;
	l->n_upstreams = 1;
	l->source.mode = "private";
	l->source.trusted = true;
}

/* One that the configuration names is believed: it would not be there else. */
static bool
local_is_configured(const struct local *l, const struct opt_addr_port *a)
{
	const struct opt_resolver *r = &l->options->resolver;

	for (size_t i = 0; !r->managed && i < r->n_addrs; i++) {
		const struct opt_addr_port *b = &r->addrs[i];

		if (a->port == b->port && a->addr.family == b->addr.family &&
		    memcmp(a->addr.ip, b->addr.ip,
			a->addr.family == 4 ? 4 : 16) == 0)
			return true;
	}
	return false;
}

static void
local_given(struct local *l)
{
	const struct opt_addr_port *a = &l->ask->resolver;
	char text[RR_ADDR_TEXT];

	rr_addr_str(&a->addr, text);
	(void)snprintf(l->address, sizeof(l->address),
	    a->addr.family == 6 ? "[%s]:%u" : "%s:%u", text, (unsigned)a->port);
	l->upstreams = a;
	l->n_upstreams = 1;
	l->source.mode = "given";
	l->source.address = l->address;
	l->source.doubt = conf_resolver_doubt(a);
	if (!l->source.doubt || local_is_configured(l, a))
		l->source.doubt = "";
	l->source.trusted = !*l->source.doubt;
}

static void
local_resolver(struct local *l)
{
	if (l->ask->has_resolver) {
		local_given(l);
	} else if (l->options->resolver.managed) {
		local_private(l);
	} else {
		l->upstreams = l->options->resolver.addrs;
		l->n_upstreams = l->options->resolver.n_addrs;
		l->source.mode = "external";
		l->source.trusted = true; /* the configuration says so */
	}
}

static enum dns_state
local_state(void *arg)
{
	struct local *l = arg;

	return dns_cache_state(l->dns);
}

static void
local_on_state(void *arg, enum dns_state from, enum dns_state to)
{
	struct local *l = arg;

	if (from == DNS_STATE_UNTRUSTED || to == DNS_STATE_UNTRUSTED)
		l->turns++;
}

static void
local_dns(struct local *l)
{
	struct dns_getdns_opts go = {.upstreams = l->upstreams,
	    .n_upstreams = l->n_upstreams,
	    .appdata_dir = l->dir[0] ? l->dir : "/nonexistent",
	    .metrics = &l->metrics};
	struct dns_cache_opts co = {.metrics = &l->metrics,
	    .rng = &l->rng,
	    .managed = l->unbound != NULL,
	    .trust_ad = l->source.trusted,
	    .on_state = local_on_state,
	    .arg = l};
	int err = dns_getdns_open(l->loop, &go, &l->dns_up);

	co.upstream = l->dns_up;
	if (!err)
		err = dns_cache_new(l->loop, &co, &l->dns);
	if (err)
		local_fail(l, "the resolver can't be used");
}

/* ---- the actors ---- */

static void
local_tls(struct local *l)
{
	const struct options *o = l->options;
	const struct tls_ctx_opts to = {
	    .ca_file = o->sts.ca_file ? o->sts.ca_file : o->tls.ca_file,
	    .min = o->tls.min,
	    .opportunistic_min = o->tls.opportunistic_min};
	char why[160] = "";

	/* Only for policies: what hosts prove is not asked here. */
	if (tls_ctx_new(&to, &l->tls, why))
		local_fail(l, *why ? why : "TLS can't be used");
	if (http_new(l->loop, l->tls, &l->http))
		local_fail(l, "HTTPS can't be used");
}

static void
local_actors(struct local *l)
{
	const struct options *o = l->options;
	struct sts_opts so = {.loop = l->loop,
	    .dns = l->dns,
	    .http = l->http,
	    .clock = l->clock,
	    .log = &l->log,
	    .metrics = &l->metrics,
	    .rng = &l->rng,
	    .on = o->sts.on,
	    .allow_private = o->sts.allow_private};
	struct decide_opts dco = {.loop = l->loop,
	    .dns = l->dns,
	    .dns_state = local_state,
	    .dns_state_arg = l,
	    .dns_turns = &l->turns,
	    .own_addr = own_addr_has,
	    .options = o,
	    .clock = l->clock,
	    .rng = &l->rng};

	l->own = own_addr_new(l->loop);
	dco.own_addr_arg = l->own;
	l->sts = sts_new(&so);
	dco.sts = l->sts;
	l->decide = decide_new(&dco);
}

static void
local_watch_signals(struct local *l)
{
	static const int signos[2] = {SIGINT, SIGTERM};

	for (size_t i = 0; i < 2; i++)
		if (loop_signal_new(
			l->loop, signos[i], local_on_signal, l, &l->sigs[i]))
			local_fail(l, "signals can't be watched");
}

void
explain_local(const struct cli *c, const struct explain_ask *ask,
    const struct options *options, struct buf *report)
{
	struct local l = {.cli = c,
	    .ask = ask,
	    .options = options,
	    .report = report,
	    .source = {.by = "waxseal", .address = "", .doubt = ""}};

	tls_ctx_init_library();
	log_init_stderr(&l.log, LOG_ERROR, LOG_LOGFMT);
	metrics_init(&l.metrics);
	rng_init_system(&l.rng);
	l.clock = clock_system();
	(void)signal(SIGPIPE, SIG_IGN);
	if (loop_new(&l.loop))
		local_fail(&l, "no descriptors left");
	local_watch_signals(&l);
	local_tls(&l);
	local_resolver(&l);
	local_dns(&l);
	local_actors(&l);
	l.run = explain_run_start(
	    l.decide, ask->domain, ask->port, local_on_report, &l);
	loop_run(l.loop);
	local_close(&l);
	if (l.interrupted)
		cli_no_answer(c, "interrupted");
}
