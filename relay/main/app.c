/*
 * Main thread of the relay: opens the store, builds one shard a worker, then
 * serves unix sockets, control and signals. Shards live on their own threads;
 * what they report comes back through a mailbox.
 */
#include "config.h"

#include "relay/main/app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/rng.h"
#include "relay/ctl/ctl_server.h"
#include "relay/main/ask_explain.h"
#include "relay/main/careful.h"
#include "relay/main/errand.h"
#include "relay/main/fds.h"
#include "relay/main/policy_desk.h"
#include "relay/main/refuse.h"
#include "relay/main/shard.h"
#include "relay/model/msg.h"
#include "relay/net/conn.h"
#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "relay/net/mailbox.h"
#include "relay/queue/store.h"

#define APP_STORE_JOBS 64

struct app_unix {
	struct app *app;
	const struct opt_listen *listen;
	struct listener *listener;
};

struct app {
	const struct app_args *args;
	const struct options *o;
	struct log log;
	struct clock clock;
	struct metrics metrics; /* of main and store threads */
	struct store_hub *hub;
	struct store *store;
	struct loop *loop;
	struct mailbox *mailbox;
	struct errand_home *home; /* of what is asked of shards */
	struct shard **shards;
	enum dns_state *dns; /* of each shard, as it last said */
	unsigned n_running;
	struct app_unix *unixes;
	size_t n_unixes;
	unsigned next_shard; /* for clients of unix sockets */
	struct careful *careful;
	struct ctl_server *ctl;
	struct conn *parent;
	struct loop_signal *sigs[2];
	int64_t began; /* clock_mono_ms */
	char store_text[256]; /* of the status */
	bool stopping;
};

struct app_note {
	struct mail_node node;
	unsigned shard;
	bool stopped; /* else: its resolver is in this state now */
	enum dns_state dns;
};

/* Shard's thread. */
static void
app_on_stopped(void *arg, unsigned index)
{
	struct app *a = arg;
	struct app_note *n = xcalloc(1, sizeof(*n));

	n->shard = index;
	n->stopped = true;
	if (mailbox_post_always(a->mailbox, &n->node))
		BUG("the main thread left before shard %u", index);
}

/* Shard's thread. */
static void
app_on_dns_state(void *arg, unsigned index, enum dns_state st)
{
	struct app *a = arg;
	struct app_note *n = xcalloc(1, sizeof(*n));

	n->shard = index;
	n->dns = st;
	if (mailbox_post_always(a->mailbox, &n->node))
		free(n);
}

static void
app_stop(struct app *a, const char *why)
{
	unsigned i;
	size_t u;

	if (a->stopping)
		return;
	a->stopping = true;
	log_text(&a->log, LOG_INFO, "stopping", "%s", why);
	for (u = 0; u < a->n_unixes; u++)
		listener_close(a->unixes[u].listener);
	ctl_server_close(a->ctl);
	a->ctl = NULL;
	for (i = 0; i < a->o->workers; i++)
		shard_stop(a->shards[i]);
}

/* SIG_BLOCK, while nothing would handle a signal to stop; or SIG_UNBLOCK. */
static void
app_mask(int how, sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigprocmask(how, set, NULL);
}

/* Main thread: all shards are gone. */
static void
app_ended(struct app *a)
{
	sigset_t set;

	/* A second one must not take the queue away while it closes. */
	app_mask(SIG_BLOCK, &set);
	loop_signal_free(a->sigs[0]);
	loop_signal_free(a->sigs[1]);
	if (a->parent)
		conn_close(a->parent, 0);
	mailbox_shut(a->mailbox);
	careful_stop(a->careful);
	loop_stop(a->loop);
}

static void
app_on_note(void *arg, struct mail_node *node)
{
	struct app *a = arg;

	struct app_note *n = (struct app_note *)node;
	bool stopped = n->stopped;

	if (!stopped)
		a->dns[n->shard] = n->dns;
	free(n);
	if (stopped && --a->n_running == 0)
		app_ended(a);
}

static void
app_on_signal(void *arg, int signo)
{
	app_stop(arg, signo == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void
app_on_parent(void *arg, const struct conn_event *ev)
{
	struct app *a = arg;

	if (ev->kind == CONN_EOF || ev->kind == CONN_ERROR)
		app_stop(a, "the parent process is gone");
	else if (ev->kind == CONN_CLOSED)
		a->parent = NULL;
}

static void
app_on_unix(void *arg, int take_fd, const struct sockaddr_any *peer)
{
	struct app_unix *u = arg;
	struct app *a = u->app;

	shard_give_client(a->shards[a->next_shard], u->listen, take_fd, peer);
	a->next_shard = (a->next_shard + 1) % a->o->workers;
}

static void
app_sum(const struct app *a, struct metrics *sum)
{
	unsigned i, m;

	metrics_init(sum);
	for (m = 0; m < METRIC_COUNT; m++) {
		metrics_add(sum, (enum metric)m,
		    (int64_t)metrics_get(&a->metrics, (enum metric)m));
		for (i = 0; i < a->o->workers; i++)
			metrics_add(sum, (enum metric)m,
			    (int64_t)metrics_get(
				shard_metrics(a->shards[i]), (enum metric)m));
	}
}

static void
app_status(void *arg, struct ctl_status *out, struct metrics *sum)
{
	struct app *a = arg;
	unsigned i;

	app_sum(a, sum);
	out->version = PACKAGE_VERSION;
	out->uptime_s = (clock_mono_ms(&a->clock) - a->began) / 1000;
	out->workers = a->o->workers;
	out->managed = a->o->resolver.managed;
	out->resolver = DNS_STATE_OK;
	for (i = 0; i < a->o->workers; i++)
		out->resolver = dns_state_worse(out->resolver, a->dns[i]);
	out->store_err = store_hub_state(a->hub, a->store_text);
	out->store_text = a->store_text;
	out->listens = a->o->listens;
	out->n_listens = a->o->n_listens;
	out->sites = a->o->sites;
	out->n_sites = a->o->n_sites;
	out->now = clock_real_s(&a->clock);
	out->metrics = sum;
}

/* Rows of some shard were released. */
static void
app_on_released(void *arg)
{
	struct app *a = arg;
	unsigned i;

	for (i = 0; i < a->o->workers; i++)
		shard_look(a->shards[i]);
}

static int
app_ask_owner(void *arg, const struct ctl_question *q,
    void (*fn)(void *fn_arg, struct buf *answer), void *fn_arg)
{
	const struct app *a = arg;
	const struct policy_desk d = {a->shards, a->o->workers, a->home};

	return policy_desk_ask(&d, q, fn, fn_arg);
}

/* By the shard that owns the destination, as its mail is. */
static int
app_explain(void *arg, const char *domain, uint16_t port, ctl_explain_fn *done,
    void *job)
{
	struct app *a = arg;
	unsigned owner = msg_bucket(str_of(domain)) % a->o->workers;
	struct errand *e = ask_explain_new(domain, port, done, job);
	int err = shard_ask(a->shards[owner], e, a->home);

	if (err)
		ask_explain_free(e);
	return err;
}

static void
app_give_turn(void *arg, unsigned shard)
{
	struct app *a = arg;

	shard_give_turn(a->shards[shard]);
}

static size_t
app_fds(const struct app *a, int **out)
{
	size_t i, n = 0;

	for (i = 0; i < a->o->n_listens; i++)
		n += a->o->listens[i].unix_path ? 1 : a->o->workers;
	*out = xcalloc(n + 1, sizeof(**out));
	for (i = 0; i < n; i++)
		(*out)[i] = FD_LISTEN + (int)i;
	return n;
}

/* Waits for a usable store, saying 421 meanwhile. */
static int
app_open_store(struct app *a)
{
	struct store_opts so = {.state_dir = a->o->state_dir,
	    .commit_delay_ms = a->o->queue.commit_delay,
	    .min_free = a->o->queue.min_free,
	    .clock = a->clock,
	    .log = &a->log,
	    .metrics = &a->metrics};
	sigset_t set;
	int *fds = NULL;
	struct refuse_fds rf = {
	    .n = app_fds(a, &fds), .ctl = FD_CONTROL, .stop = FD_PARENT};
	int err;

	so.work = careful_entries(a->careful, &so.n_work);
	app_mask(SIG_BLOCK, &set);
	rf.listens = fds;
	rf.sig = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	err = refuse_until_open(&so, a->o->hostname, &rf, &a->log, &a->hub);
	close(rf.sig);
	free(fds);
	return err;
}

static void
app_new_shards(struct app *a)
{
	struct opt_addr_port local = {
	    .addr = {.family = 4, .ip = {127, 0, 0, 1}},
	    .port = a->args->resolver_port};
	bool managed = a->o->resolver.managed;
	struct shard_opts so = {.options = a->o,
	    .count = a->o->workers,
	    .hub = a->hub,
	    .log = &a->log,
	    .clock = a->clock,
	    .upstreams = managed ? &local : a->o->resolver.addrs,
	    .n_upstreams = managed ? 1 : a->o->resolver.n_addrs,
	    .on_stopped = app_on_stopped,
	    .on_dns_state = app_on_dns_state,
	    .arg = a};
	char text[256];
	unsigned i;
	int err;

	rng_init_system(&so.rng);
	a->shards = xcalloc(a->o->workers, sizeof(*a->shards));
	a->dns = xcalloc(a->o->workers, sizeof(*a->dns));
	so.peers = a->shards;
	for (i = 0; i < a->o->workers; i++) {
		so.index = i;
		so.watch = careful_watch(a->careful, i);
		err = shard_new(&so, &a->shards[i], text);
		/* 2: starting again would not help. */
		if (err)
			die(err == ERR_CONFIG ? 2 : 3, "%s", text);
	}
}

/* Hands each listener its descriptor, in the order of relay_fd. */
static void
app_listen(struct app *a)
{
	int fd = FD_LISTEN;
	unsigned w;
	size_t i;

	a->unixes = xcalloc(a->o->n_listens + 1, sizeof(*a->unixes));
	for (i = 0; i < a->o->n_listens; i++) {
		const struct opt_listen *l = &a->o->listens[i];
		struct app_unix *u;

		for (w = 0; !l->unix_path && w < a->o->workers; w++)
			if (shard_listen(a->shards[w], l, fd++))
				die(3, "%s: can't listen", l->where);
		if (!l->unix_path)
			continue;
		u = &a->unixes[a->n_unixes++];
		u->app = a;
		u->listen = l;
		if (listener_open(a->loop, fd++, app_on_unix, u, &u->listener))
			die(3, "%s: can't listen", l->where);
	}
}

static void
app_new_main(struct app *a)
{
	struct ctl_server_opts co = {.take_fd = FD_CONTROL,
	    .clock = a->clock,
	    .log = &a->log,
	    .status = app_status,
	    .released = app_on_released,
	    .ask_owner = app_ask_owner,
	    .explain = app_explain,
	    .arg = a};
	sigset_t set;

	if (loop_new(&a->loop) ||
	    mailbox_new(a->loop, 1, app_on_note, a, &a->mailbox) ||
	    errand_home_new(a->loop, &a->home) ||
	    store_open(a->hub, a->loop, APP_STORE_JOBS, &a->store) ||
	    careful_start(a->careful, a->loop))
		die(3, "no descriptors left for the main thread");
	co.loop = a->loop;
	co.store = a->store;
	if (ctl_server_open(&co, &a->ctl))
		die(3, "the control socket can't be used");
	a->parent = conn_accepted(a->loop, FD_PARENT, app_on_parent, a);
	if (!a->parent)
		die(3, "the pipe to the parent can't be used");
	if (loop_signal_new(a->loop, SIGTERM, app_on_signal, a, &a->sigs[0]) ||
	    loop_signal_new(a->loop, SIGINT, app_on_signal, a, &a->sigs[1]))
		die(3, "signals can't be watched");
	/* What came since app_open_store is delivered now. */
	app_mask(SIG_UNBLOCK, &set);
}

static void
app_log_ready(struct app *a)
{
	struct log_line l;
	size_t i;

	for (i = 0; i < a->o->n_listens; i++) {
		log_begin(&l, &a->log, LOG_INFO, "listening");
		log_cstr(&l, "on", a->o->listens[i].text);
		log_end(&l);
	}
	log_begin(&l, &a->log, LOG_INFO, "ready");
	log_cstr(&l, "version", PACKAGE_VERSION);
	log_cstr(&l, "hostname", a->o->hostname);
	log_int(&l, "workers", a->o->workers);
	log_end(&l);
}

static void
app_free(struct app *a)
{
	unsigned i;

	for (i = 0; i < a->o->workers; i++)
		shard_close(a->shards[i]);
	errand_home_free(a->home);
	for (i = 0; i < a->o->workers; i++)
		shard_free(a->shards[i]);
	free(a->shards);
	free(a->dns);
	store_close(a->store);
	careful_free(a->careful);
	mailbox_free(a->mailbox, NULL);
	loop_free(a->loop);
	store_hub_close(a->hub);
	free(a->unixes);
}

int
app_run(const struct app_args *args)
{
	struct app a = {.args = args, .o = args->options};
	struct careful_opts co = {.state_dir = a.o->state_dir,
	    .shards = a.o->workers,
	    .places = a.o->deliver.max_connections,
	    .crashed = args->crashed,
	    .log = &a.log,
	    .give_turn = app_give_turn,
	    .arg = &a};
	unsigned i;

	a.clock = clock_system();
	a.began = clock_mono_ms(&a.clock);
	metrics_init(&a.metrics);
	log_init_stderr(&a.log, a.o->log.level, a.o->log.format);
	a.careful = careful_new(&co);
	if (app_open_store(&a)) {
		careful_free(a.careful);
		return 0;
	}
	careful_opened(a.careful);
	app_new_main(&a);
	app_new_shards(&a);
	app_listen(&a);
	a.n_running = a.o->workers;
	for (i = 0; i < a.o->workers; i++)
		if (shard_start(a.shards[i]))
			die(3, "thread of shard %u can't be started", i);
	app_log_ready(&a);
	loop_run(a.loop);
	app_free(&a);
	log_text(&a.log, LOG_INFO, "stopped", "the queue is closed");
	return 0;
}
