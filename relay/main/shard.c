/*
 * Builds the actors of one shard, in the order in which they need each other,
 * and takes them down in the reverse order. Everything runs on the shard's
 * thread between shard_start and on_stopped; before and after, on the main
 * thread alone.
 *
 * Shutdown: listeners close; sessions and attempts end or are hurried; after
 * SHARD_GRACE_MS what is left is dropped. Jobs that are with the store are
 * carried out all the same.
 */
#include "config.h"

#include "relay/main/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/decide/decide.h"
#include "relay/deliver/dispatch.h"
#include "relay/deliver/smtp_out.h"
#include "relay/deliver/tidy.h"
#include "relay/dns/dns_cache.h"
#include "relay/dns/dns_getdns.h"
#include "relay/in/smtp_in.h"
#include "relay/main/errand.h"
#include "relay/main/had.h"
#include "relay/main/own_addr.h"
#include "relay/main/site_watch.h"
#include "relay/main/sts_far.h"
#include "relay/net/http.h"
#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "relay/net/mailbox.h"
#include "relay/queue/intake.h"
#include "relay/tls/tls_ctx.h"
#include "sts/sts_lookup.h"

#define SHARD_GRACE_MS 8000 /* for sessions in their body, at shutdown */
#define SHARD_CREDITS 8192 /* when the options don't say */
#define SHARD_ERRANDS 256 /* of others, under way here */
#define SHARD_STORE_JOBS 4096 /* jobs of a shard with the store */

enum note_kind { NOTE_RCPT, NOTE_CLIENT, NOTE_TURN, NOTE_STOP };

struct note {
	struct mail_node node;
	enum note_kind kind;
	struct rcpt *rcpt;
	const struct opt_listen *listen;
	int fd;
	struct sockaddr_any peer;
};

struct shard_listener {
	struct shard *shard;
	const struct opt_listen *listen;
	struct listener *listener;
};

struct shard {
	struct shard_opts o;
	struct loop *loop;
	struct net_thread *thread;
	struct mailbox *mailbox;
	struct mailbox *repage; /* one credit: asked once until it is done */
	struct errands *errands;
	struct sts_far *sts_far;
	struct metrics metrics;
	struct rng rng;
	struct store *store;
	struct tls_ctx *tls, *tls_sts;
	struct dns *dns_up, *dns;
	unsigned dns_turns; /* to untrusted and from it */
	struct http *http;
	struct sts *sts;
	struct own_addr *own;
	struct site_watch *sites; /* of the first shard: one voice */
	struct had *had;
	struct decide *decide;
	struct smtp_outs *outs;
	struct dispatch *dispatch;
	struct tidy *tidy; /* of the first shard alone */
	struct intake *intake;
	struct smtp_in *in;
	struct shard_listener *listeners;
	size_t n_listeners;
	struct timer *grace;
	bool in_done, dispatch_done, ended;
};

static void
shard_close_listeners(struct shard *s)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		listener_close(s->listeners[i].listener);
		s->listeners[i].listener = NULL;
	}
}

/* All has ended, or the time for it: take down what is left. */
static void
shard_end(void *arg)
{
	struct shard *s = arg;

	s->ended = true;
	errands_end(s->errands);
	smtp_in_free(s->in);
	s->in = NULL;
	dispatch_free(s->dispatch);
	s->dispatch = NULL;
	tidy_free(s->tidy);
	intake_free(s->intake);
	smtp_outs_free(s->outs);
	decide_free(s->decide);
	sts_free(s->sts);
	http_free(s->http);
	had_free(s->had);
	own_addr_free(s->own);
	site_watch_free(s->sites);
	dns_cache_free(s->dns);
	dns_getdns_close(s->dns_up);
	store_close(s->store);
	timer_free(s->grace);
	loop_stop(s->loop);
	s->o.on_stopped(s->o.arg, s->o.index);
}

static void
shard_in_done(void *arg)
{
	struct shard *s = arg;

	s->in_done = true;
	if (s->dispatch_done)
		timer_start(s->grace, 0);
}

static void
shard_dispatch_done(void *arg)
{
	struct shard *s = arg;

	s->dispatch_done = true;
	if (s->in_done)
		timer_start(s->grace, 0);
}

static void
shard_begin_stop(struct shard *s)
{
	if (s->ended || timer_active(s->grace))
		return;
	timer_start(s->grace, SHARD_GRACE_MS);
	shard_close_listeners(s);
	smtp_in_stop(s->in, shard_in_done, s);
	dispatch_stop(s->dispatch, shard_dispatch_done, s);
}

static void
shard_on_client(void *arg, int take_fd, const struct sockaddr_any *peer)
{
	struct shard_listener *l = arg;

	smtp_in_accept(l->shard->in, l->listen, take_fd, peer);
}

static void
note_drop(struct mail_node *node)
{
	struct note *n = (struct note *)node;

	rcpt_free(n->rcpt);
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

static void
shard_on_note(void *arg, struct mail_node *node)
{
	struct shard *s = arg;
	struct note *n = (struct note *)node;

	switch (n->kind) {
	case NOTE_RCPT:
		if (s->dispatch) {
			dispatch_add(s->dispatch, n->rcpt);
			n->rcpt = NULL;
		}
		mailbox_release(s->mailbox, 1);
		break;
	case NOTE_CLIENT:
		if (s->in) {
			smtp_in_accept(s->in, n->listen, n->fd, &n->peer);
			n->fd = -1;
		}
		mailbox_release(s->mailbox, 1);
		break;
	case NOTE_TURN:
		if (s->dispatch)
			dispatch_turn(s->dispatch);
		break;
	case NOTE_STOP:
		shard_begin_stop(s);
		break;
	}
	note_drop(node);
}

/* Rows of ours were left to the store. */
static void
shard_on_repage(void *arg, struct mail_node *node)
{
	struct shard *s = arg;

	mailbox_release(s->repage, 1);
	if (s->dispatch)
		dispatch_repage(s->dispatch);
	note_drop(node);
}

static struct note *
note_new(enum note_kind kind)
{
	struct note *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	n->fd = -1;
	return n;
}

void
shard_look(struct shard *s)
{
	struct note *n = note_new(NOTE_RCPT);

	if (mailbox_post(s->repage, &n->node))
		note_drop(&n->node);
}

void
shard_give_rcpt(struct shard *s, struct rcpt *take_r)
{
	struct note *n = note_new(NOTE_RCPT);
	int err;

	n->rcpt = take_r;
	err = mailbox_post(s->mailbox, &n->node);
	if (!err)
		return;
	/* Too many on their way, or shutting down: the row is in the store,
	 * so its shard pages for it. */
	note_drop(&n->node);
	if (err == ERR_FULL)
		shard_look(s);
}

void
shard_give_client(struct shard *s, const struct opt_listen *l, int take_fd,
    const struct sockaddr_any *peer)
{
	struct note *n = note_new(NOTE_CLIENT);

	n->listen = l;
	n->fd = take_fd;
	n->peer = *peer;
	if (mailbox_post(s->mailbox, &n->node))
		note_drop(&n->node);
}

void
shard_give_turn(struct shard *s)
{
	struct note *n = note_new(NOTE_TURN);

	if (mailbox_post_always(s->mailbox, &n->node))
		note_drop(&n->node);
}

int
shard_ask(struct shard *s, struct errand *e, struct errand_home *home)
{
	return errands_send(s->errands, e, home);
}

void
shard_stop(struct shard *s)
{
	struct note *n = note_new(NOTE_STOP);

	if (mailbox_post_always(s->mailbox, &n->node))
		note_drop(&n->node);
}

/* To the owner of the destination; our own without a detour. */
static void
shard_handoff(void *arg, struct rcpt *take_r)
{
	struct shard *s = arg;
	unsigned to = msg_bucket(str_of(take_r->next_hop)) % s->o.count;

	if (to == s->o.index && s->dispatch)
		dispatch_add(s->dispatch, take_r);
	else if (to == s->o.index)
		rcpt_free(take_r);
	else
		shard_give_rcpt(s->o.peers[to], take_r);
}

static enum dns_state
shard_resolver_state(void *arg)
{
	struct shard *s = arg;

	return dns_cache_state(s->dns);
}

static void
shard_on_dns_state(void *arg, enum dns_state from, enum dns_state to)
{
	struct shard *s = arg;
	struct log_line l;

	if (from == DNS_STATE_UNTRUSTED || to == DNS_STATE_UNTRUSTED)
		s->dns_turns++;
	s->o.on_dns_state(s->o.arg, s->o.index, to);
	if (s->o.index != 0) /* one voice is enough: all ask the same one */
		return;
	log_begin(
	    &l, s->o.log, to == DNS_STATE_OK ? LOG_INFO : LOG_WARN, "resolver");
	log_cstr(&l, "state", dns_state_str(to));
	log_cstr(&l, "was", dns_state_str(from));
	log_cstr(&l, "text", dns_state_text(to));
	log_end(&l);
}

static int
shard_new_dns(struct shard *s, char text[256])
{
	struct dns_getdns_opts go = {.upstreams = s->o.upstreams,
	    .n_upstreams = s->o.n_upstreams,
	    .appdata_dir = s->o.options->state_dir,
	    .metrics = &s->metrics};
	struct dns_cache_opts co = {.metrics = &s->metrics,
	    .rng = &s->rng,
	    .managed = s->o.options->resolver.managed,
	    .trust_ad = true,
	    .on_state = shard_on_dns_state,
	    .arg = s};
	int err = dns_getdns_open(s->loop, &go, &s->dns_up);

	if (!err) {
		co.upstream = s->dns_up;
		err = dns_cache_new(s->loop, &co, &s->dns);
	}
	if (err)
		snprintf(text, 256, "resolver: %s", err_str(err));
	return err;
}

static int
shard_new_tls(struct shard *s, char text[256])
{
	const struct options *o = s->o.options;
	struct tls_ctx_opts to = {.ca_file = o->tls.ca_file,
	    .min = o->tls.min,
	    .opportunistic_min = o->tls.opportunistic_min};
	const char *key = "tls.ca_file";
	char why[160] = "";
	int err = tls_ctx_new(&to, &s->tls, why);

	if (!err && o->sts.ca_file) {
		key = "sts.ca_file";
		to.ca_file = o->sts.ca_file;
		err = tls_ctx_new(&to, &s->tls_sts, why);
	}
	if (!err)
		err = http_new(
		    s->loop, s->tls_sts ? s->tls_sts : s->tls, &s->http);
	if (err)
		snprintf(text, 256, "%s: %s", err == ERR_CONFIG ? key : "tls",
		    *why ? why : err_str(err));
	return err;
}

/* What the shard knows of its machine, its rules and its destinations. */
static void
shard_new_memory(struct shard *s)
{
	s->own = own_addr_new(s->loop);
	if (s->o.index == 0)
		s->sites = site_watch_new(
		    s->loop, s->o.options, s->o.clock, s->o.log);
	s->had = had_new(&(struct had_opts){.store = s->store,
	    .rng = &s->rng,
	    .clock = s->o.clock,
	    .log = s->o.log,
	    .metrics = &s->metrics});
}

static void
shard_new_actors(struct shard *s)
{
	const struct options *o = s->o.options;
	struct sts_opts so = {.loop = s->loop,
	    .dns = s->dns,
	    .http = s->http,
	    .store = s->store,
	    .clock = s->o.clock,
	    .log = s->o.log,
	    .metrics = &s->metrics,
	    .rng = &s->rng,
	    .shard = s->o.index,
	    .shards = s->o.count,
	    .away = sts_far_away(s->sts_far),
	    .on = o->sts.on,
	    .allow_private = o->sts.allow_private};
	struct decide_opts dco = {.loop = s->loop,
	    .dns = s->dns,
	    .dns_state = shard_resolver_state,
	    .dns_state_arg = s,
	    .dns_turns = &s->dns_turns,
	    .own_addr = own_addr_has,
	    .own_addr_arg = s->own,
	    .options = o,
	    .clock = s->o.clock,
	    .rng = &s->rng};
	struct smtp_outs_opts oo = {.loop = s->loop,
	    .tls = s->tls,
	    .options = o,
	    .log = s->o.log,
	    .metrics = &s->metrics};
	struct dispatch_opts po = {.loop = s->loop,
	    .store = s->store,
	    .shard = s->o.index,
	    .shards = s->o.count,
	    .options = o,
	    .clock = s->o.clock,
	    .rng = &s->rng,
	    .log = s->o.log,
	    .metrics = &s->metrics,
	    .handoff = shard_handoff,
	    .handoff_arg = s,
	    .watch = s->o.watch};
	struct intake_opts io = {.store = s->store,
	    .options = o,
	    .clock = s->o.clock,
	    .rng = &s->rng,
	    .log = s->o.log,
	    .metrics = &s->metrics,
	    .handoff = shard_handoff,
	    .handoff_arg = s};
	struct smtp_in_opts no = {.loop = s->loop,
	    .options = o,
	    .log = s->o.log,
	    .metrics = &s->metrics};

	had_serve(s->had, &dco);
	s->sts = sts_new(&so);
	dco.sts = s->sts;
	s->decide = decide_new(&dco);
	s->outs = smtp_outs_new(&oo);
	po.decide = s->decide;
	po.outs = s->outs;
	s->dispatch = dispatch_new(&po);
	s->intake = intake_new(&io);
	no.sink = intake_sink(s->intake);
	s->in = smtp_in_new(&no);
	errands_open(s->errands,
	    &(struct errand_desk){.loop = s->loop,
		.store = s->store,
		.had = s->had,
		.decide = s->decide,
		.sts = s->sts,
		.tls = s->tls,
		.options = o});
}

int
shard_new(const struct shard_opts *o, struct shard **out, char text[256])
{
	struct shard *s = xcalloc(1, sizeof(*s));
	int err;

	s->o = *o;
	metrics_init(&s->metrics);
	s->rng = o->rng;
	err = loop_new(&s->loop);
	if (!err)
		err = mailbox_new(s->loop,
		    o->credits ? o->credits : SHARD_CREDITS, shard_on_note, s,
		    &s->mailbox);
	if (!err)
		err = mailbox_new(s->loop, 1, shard_on_repage, s, &s->repage);
	if (!err)
		err = errands_new(s->loop, SHARD_ERRANDS, &s->errands);
	if (!err)
		err = sts_far_new(s->loop, o->peers, o->count, &s->sts_far);
	if (!err)
		err = store_open(o->hub, s->loop, SHARD_STORE_JOBS, &s->store);
	if (err)
		snprintf(text, 256, "shard %u: %s", o->index, err_str(err));
	if (!err)
		err = shard_new_tls(s, text);
	if (!err)
		err = shard_new_dns(s, text);
	/* On an error too: the process ends and nothing is taken down. */
	*out = s;
	if (err)
		return err;
	shard_new_memory(s);
	shard_new_actors(s);
	if (o->index == 0)
		s->tidy = tidy_new(s->loop, s->store, o->clock, o->options);
	s->grace = timer_new(s->loop, shard_end, s);
	return 0;
}

int
shard_listen(struct shard *s, const struct opt_listen *l, int take_fd)
{
	struct shard_listener *v;

	if (!s->listeners)
		s->listeners = xcalloc(s->o.options->n_listens, sizeof(*v));
	v = &s->listeners[s->n_listeners];
	v->shard = s;
	v->listen = l;
	s->n_listeners++;
	return listener_open(
	    s->loop, take_fd, shard_on_client, v, &v->listener);
}

/* What was learnt of domains is in memory: mail may be judged now. */
static void
shard_on_memory(void *arg)
{
	struct shard *s = arg;

	if (s->dispatch)
		dispatch_start(s->dispatch);
}

static void
shard_run(void *arg)
{
	struct shard *s = arg;

	had_load(s->had, s->loop, s->o.index, s->o.count, shard_on_memory, s);
	sts_start(s->sts);
	loop_run(s->loop);
}

int
shard_start(struct shard *s)
{
	char name[16];

	snprintf(name, sizeof(name), "shard%u", s->o.index);
	return net_thread_start(shard_run, s, name, &s->thread);
}

void
shard_close(struct shard *s)
{
	/* All: one that still turns may send an errand home to another. */
	for (unsigned i = 0; i < s->o.count; i++) {
		net_thread_join(s->o.peers[i]->thread);
		s->o.peers[i]->thread = NULL;
	}
	mailbox_shut(s->mailbox);
	mailbox_free(s->mailbox, note_drop);
	mailbox_shut(s->repage);
	mailbox_free(s->repage, note_drop);
	errands_free(s->errands);
	sts_far_free(s->sts_far);
	loop_free(s->loop);
	tls_ctx_free(s->tls);
	tls_ctx_free(s->tls_sts);
	free(s->listeners);
}

void
shard_free(struct shard *s)
{
	free(s);
}

const struct metrics *
shard_metrics(const struct shard *s)
{
	return &s->metrics;
}
