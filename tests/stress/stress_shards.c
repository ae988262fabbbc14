/*
 * Shards of the real relay on real threads, under load and stopped in the
 * middle: all at once, one by one, at random moments; with a few credits
 * each, so that most of what they hand to each other overflows and must be
 * paged from the store.
 *
 * After each stop the store is opened again and every recipient counted: one
 * whose message got 250 is in the queue, or was delivered, or was refused and
 * its sender told; never two of these, never twice, never none. At the end
 * all is delivered. When nothing moves for long, a watchdog aborts.
 *
 *	STRESS_SEED=N    what the clients and the MX do, and when it stops
 *	STRESS_SEEDS=N   how many seeds, one after the other
 *	STRESS_ROUNDS=N  stops of each seed
 *	STRESS_STALL=N   seconds without any movement that are too many
 *	STRESS_LOG=1     the relay's log on standard error
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/base/buf.h"
#include "relay/config/conf.h"
#include "relay/main/shard.h"
#include "relay/net/listener.h"
#include "relay/net/loop.h"
#include "relay/queue/store.h"
#include "tests/stress/stress.h"

#define MAX_SHARDS 4
#define CLIENTS 6
#define POLL_MS 20
#define LIST_PAGE 500

struct rig {
	struct tally tally;
	struct rng rng;
	uint64_t seed;
	char dir[64];
	struct options *o;
	struct log log;
	struct metrics metrics;
	struct stress_dns *dns;
	struct stress_mx *mx;

	/* While it runs. */
	struct opt_addr_port upstream;
	struct store_hub *hub;
	struct mailbox *mb; /* to the main thread: struct stress_fd */
	struct shard *shards[MAX_SHARDS];
	bool stopped[MAX_SHARDS];
	uint16_t ports[MAX_SHARDS];
	unsigned n, n_running;
	struct stress_clients *clients;
};

/* ---- what shards call, on their threads ---- */

static void
on_stopped(void *arg, unsigned index)
{
	struct rig *r = arg;
	struct stress_fd *note = xcalloc(1, sizeof(*note));

	note->stopped = true;
	note->shard = index;
	note->fd = -1;
	if (mailbox_post_always(r->mb, &note->node) != 0)
		BUG("main thread left before shard %u", index);
}

static void
on_dns_state(void *arg, unsigned index, enum dns_state st)
{
	(void)arg;
	(void)index;
	(void)st;
}

/* The value of " key=" in a line of the log. */
static struct str
log_value(struct str line, const char *key)
{
	char want[16];
	const char *at;

	(void)snprintf(want, sizeof(want), " %s=", key);
	at = memmem(line.p, line.n, want, strlen(want));
	if (!at)
		return STR("");
	at += strlen(want);
	line = str_n(at, line.n - (size_t)(at - line.p));
	line.n = str_find(line, ' ');
	return line;
}

static void
on_log(void *arg, enum log_level level, struct str line)
{
	struct rig *r = arg;
	struct fate *f;

	if (r->tally.show || level == LOG_ERROR)
		fprintf(stderr, "%.*s\n", STR_FMT(line));
	if (!str_eq(log_value(line, "status"), STR("sent")))
		return;
	f = tally_fate(&r->tally, log_value(line, "to"));
	if (f)
		atomic_fetch_add(&f->logged, 1);
	tally_moved(&r->tally);
}

/* ---- the relay ---- */

/* An authority that nobody has: loading those of the system takes longer than
 * all else here, and no connection has TLS. */
static const char ca_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBejCCAR+gAwIBAgIULMfnV9H68GOp8PGqEm1Vv0zckU0wCgYIKoZIzj0EAwIw\n"
    "ETEPMA0GA1UEAwwGc3RyZXNzMCAXDTI2MTEyNDE1NDY0OVoYDzIxMjYxMDMxMTU0\n"
    "NjQ5WjARMQ8wDQYDVQQDDAZzdHJlc3MwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
    "AAQfRTLiByWnD7sBpD3xe+T/MxIEYdXwy2aWaU/uzhAtTkwLnhXDKVwYMXgWMBbt\n"
    "LWYJmfnl/Pa5gnvRewUZ73n4o1MwUTAdBgNVHQ4EFgQUHY/T2qo8rzuJ1R+G8tZD\n"
    "r/eUyBkwHwYDVR0jBBgwFoAUHY/T2qo8rzuJ1R+G8tZDr/eUyBkwDwYDVR0TAQH/\n"
    "BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAi0RSJ4he6Mc89W4xj5Nrv+c9/ys+\n"
    "M/9gIc4PZWJ1AjYCIQCKXPCZbm+aPK7bSAJP7+mEL9FEUg68XtoeDrU5bpQqNA==\n"
    "-----END CERTIFICATE-----\n";

static void
rig_write_ca(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(ca_pem, f) < 0 || fclose(f) != 0)
		BUG("%s: can't be written", path);
}

static void
rig_configure(struct rig *r)
{
	struct buf text, errors;
	char ca[96];

	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", r->dir);
	rig_write_ca(ca);
	buf_init(&text, 8192);
	buf_init(&errors, 8192);
	(void)buf_addf(&text,
	    "hostname = \"relay.stress.test\"\n"
	    "state_dir = \"%s\"\n"
	    "tls { ca_file = \"%s\" }\n"
	    "resolver { mode = external address = {\"127.0.0.1:%u\"}\n"
	    "	trust = yes }\n"
	    "deliver { port = %u allow_private = yes max_connections = 8\n"
	    "	max_per_destination = 6 max_recipients = 10 }\n"
	    "queue { retry = {1s} commit_delay = 3ms memory = 2M\n"
	    "	max_message_size = 1M max_in_memory = 100 min_free = 0 }\n",
	    r->dir, ca, stress_dns_port(r->dns), stress_mx_port(r->mx));
	if (conf_parse("stress", text.p, &r->o, &errors) != 0)
		BUG("%.*s", STR_FMT(buf_str(&errors)));
	buf_clear(&text);
	buf_clear(&errors);
	r->upstream = r->o->resolver.addrs[0];
	r->log.level = LOG_INFO;
	r->log.format = LOG_LOGFMT;
	r->log.write_fn = on_log;
	r->log.arg = r;
}

static void
rig_open_store(struct rig *r)
{
	struct store_opts so = {.state_dir = r->dir,
	    .commit_delay_ms = r->o->queue.commit_delay,
	    .clock = clock_system(),
	    .log = &r->log,
	    .metrics = &r->metrics};
	char text[256];

	if (store_hub_open(&so, &r->hub, text) != 0)
		BUG("%s", text);
}

static void
rig_listen(struct rig *r, unsigned i)
{
	struct sockaddr_any at = {.family = 4, .ip = {127, 0, 0, 1}};
	struct sockaddr_in sys;
	socklen_t len = sizeof(sys);
	char text[160];
	int fd;

	if (listener_bind_tcp(&at, false, &fd, text) != 0)
		BUG("%s", text);
	if (getsockname(fd, (struct sockaddr *)&sys, &len) != 0)
		BUG("no port");
	r->ports[i] = ntohs(sys.sin_port);
	if (shard_listen(r->shards[i], &r->o->listens[0], fd) != 0)
		BUG("can't listen");
}

/* As app_run() does. */
static void
rig_start(struct rig *r, unsigned n, unsigned credits)
{
	struct shard_opts so = {.options = r->o,
	    .count = n,
	    .log = &r->log,
	    .clock = clock_system(),
	    .upstreams = &r->upstream,
	    .n_upstreams = 1,
	    .peers = r->shards,
	    .credits = credits,
	    .on_stopped = on_stopped,
	    .on_dns_state = on_dns_state,
	    .arg = r};
	char text[256];

	tally_phase(&r->tally, "starting");
	r->n = r->n_running = r->o->workers = n;
	memset(r->stopped, 0, sizeof(r->stopped));
	rig_open_store(r);
	so.hub = r->hub;
	if (mailbox_new_blocking(0, &r->mb) != 0)
		BUG("no mailbox");
	for (unsigned i = 0; i < n; i++) {
		so.index = i;
		if (shard_new(&so, &r->shards[i], text) != 0)
			BUG("%s", text);
		rig_listen(r, i);
	}
	for (unsigned i = 0; i < n; i++) {
		if (shard_start(r->shards[i]) != 0)
			BUG("no thread");
	}
}

static void
rig_load(struct rig *r, unsigned messages, bool tame)
{
	struct stress_clients_opts co = {.tally = &r->tally,
	    .seed = r->seed * 100 + rng_below(&r->rng, 100),
	    .n = CLIENTS,
	    .messages = messages,
	    .shards = r->n,
	    .ports = r->ports,
	    .to_main = r->mb,
	    .tame = tame};

	r->clients = stress_clients_start(&co);
}

/* Clients of "unix sockets" to shards, stopped ones too; and what stopped. */
static void
rig_serve(struct rig *r, int64_t wait_ms)
{
	struct sockaddr_any peer = {.family = 4, .ip = {127, 0, 0, 1}};
	struct mail_node *list = mailbox_wait(r->mb, wait_ms);

	while (list) {
		struct stress_fd *note = (struct stress_fd *)(void *)list;

		list = list->next;
		if (note->stopped) {
			r->stopped[note->shard] = true;
			r->n_running--;
			tally_moved(&r->tally);
		} else {
			shard_give_client(r->shards[rng_below(&r->rng, r->n)],
			    &r->o->listens[0], note->fd, &peer);
		}
		free(note);
	}
}

static void
fd_drop(struct mail_node *node)
{
	struct stress_fd *note = (struct stress_fd *)(void *)node;

	close(note->fd);
	free(note);
}

static void
rig_stop(struct rig *r)
{
	unsigned first = rng_below(&r->rng, r->n);
	uint32_t how = rng_below(&r->rng, 3);

	tally_phase(&r->tally, "stopping");
	for (unsigned k = 0; k < r->n; k++) {
		unsigned i = (first + k) % r->n;
		unsigned long seen = atomic_load(&r->tally.progress);

		shard_stop(r->shards[i]);
		/* 0: all at once; 1: each when the one before is gone;
		 * 2: the others go on for a moment. */
		while (how == 1 && !r->stopped[i])
			rig_serve(r, POLL_MS);
		for (unsigned n = 0; how == 2 && n < 50 &&
		     atomic_load(&r->tally.progress) - seen < 20;
		     n++)
			rig_serve(r, 1);
	}
	while (r->n_running > 0)
		rig_serve(r, POLL_MS);
}

static void
rig_close(struct rig *r)
{
	tally_phase(&r->tally, "closing");
	stress_clients_stop(r->clients);
	mailbox_shut(r->mb);
	for (unsigned i = 0; i < r->n; i++)
		shard_close(r->shards[i]);
	/* What nobody took; then no client waits for a reply any more. */
	for (struct mail_node *l = mailbox_wait(r->mb, 0); l;) {
		struct mail_node *next = l->next;

		fd_drop(l);
		l = next;
	}
	tally_phase(&r->tally, "waiting for the clients");
	stress_clients_join(r->clients);
	r->clients = NULL;
	for (unsigned i = 0; i < r->n; i++)
		shard_free(r->shards[i]);
	mailbox_free(r->mb, fd_drop);
	tally_phase(&r->tally, "closing the store");
	store_hub_close(r->hub);
}

/* ---- looking at the queue ---- */

struct look {
	struct rig *r;
	struct loop *loop;
	struct store *store;
	uint64_t after;
	uint64_t msgs;
	bool again;
};

static void look_page(struct look *k);

static void
look_on_rows(void *arg, int err, const struct store_row *rows, size_t n)
{
	struct look *k = arg;

	if (err)
		BUG("queue can't be read: %s", err_str(err));
	for (size_t i = 0; i < n; i++) {
		struct fate *f = tally_fate(&k->r->tally, str_of(rows[i].addr));

		k->after = rows[i].rcpt;
		if (f)
			f->queued++;
	}
	if (n == LIST_PAGE)
		look_page(k);
	else
		loop_stop(k->loop);
}

static void
look_page(struct look *k)
{
	if (store_list(k->store, 0, k->after, LIST_PAGE, look_on_rows, k) != 0)
		BUG("queue can't be asked");
}

static void
look_on_stats(void *arg, int err, const struct store_stats *st)
{
	struct look *k = arg;

	if (err)
		BUG("queue can't be read: %s", err_str(err));
	k->msgs = st->msgs;
	loop_stop(k->loop);
}

/* Messages in the queue; rows: count those of each recipient too. */
static uint64_t
rig_look(struct rig *r, bool rows)
{
	struct look k = {.r = r};
	unsigned n = atomic_load(&r->tally.next);

	if (loop_new(&k.loop) != 0 ||
	    store_open(r->hub, k.loop, 4, &k.store) != 0 ||
	    store_stats(k.store, look_on_stats, &k) != 0)
		BUG("queue can't be asked");
	loop_run(k.loop);
	if (rows) {
		for (unsigned i = 0; i < n; i++)
			r->tally.fates[i].queued = 0;
		look_page(&k);
		loop_run(k.loop);
	}
	store_close(k.store);
	loop_free(k.loop);
	return k.msgs;
}

/* ---- judging ---- */

/* How many are wrong. */
static unsigned
rig_judge(struct rig *r, bool last)
{
	unsigned n = atomic_load(&r->tally.next);
	unsigned bad = 0;

	tally_phase(&r->tally, "judging");
	rig_open_store(r);
	(void)rig_look(r, true);
	store_hub_close(r->hub);
	for (unsigned i = 0; i < n; i++) {
		const struct fate *f = &r->tally.fates[i];
		const char *problem = fate_problem(f, last);

		if (problem && bad++ < 20)
			printf("r%u: %s (accepted %u delivered %u queued %u "
			       "refused %u notified %u logged %u)\n",
			    i, problem, atomic_load(&f->accepted),
			    atomic_load(&f->delivered), f->queued,
			    atomic_load(&f->refused), atomic_load(&f->notified),
			    atomic_load(&f->logged));
	}
	return bad;
}

/* ---- one seed ---- */

static void
rig_dump(void *arg)
{
	struct rig *r = arg;

	for (unsigned i = 0; i < r->n; i++) {
		fprintf(stderr, "stress: shard %u%s:", i,
		    r->stopped[i] ? " (stopped)" : "");
		for (unsigned m = 0; m < METRIC_COUNT; m++) {
			uint64_t v = metrics_get(
			    shard_metrics(r->shards[i]), (enum metric)m);

			if (v)
				fprintf(stderr, " %s=%llu",
				    metric_name((enum metric)m),
				    (unsigned long long)v);
		}
		fprintf(stderr, "\n");
	}
}

/* Runs under load until a random moment, then stops. */
static unsigned
rig_round(struct rig *r)
{
	unsigned want = atomic_load(&r->tally.accepted) +
	    rng_below(&r->rng, 3) * rng_below(&r->rng, 150);
	unsigned n = 1 + rng_below(&r->rng, MAX_SHARDS);

	rig_start(r, n, 1 + rng_below(&r->rng, 8));
	rig_load(r, 0, false);
	tally_phase(&r->tally, "under load");
	while (atomic_load(&r->tally.accepted) < want)
		rig_serve(r, POLL_MS);
	rig_stop(r);
	rig_close(r);
	return rig_judge(r, false);
}

/* Takes a last load and delivers all there is. */
static unsigned
rig_drain(struct rig *r)
{
	/* One: most of what shards hand over must be paged, and nothing
	 * starts again to make up for what is not. */
	rig_start(r, MAX_SHARDS, 1);
	rig_load(r, 6, true);
	tally_phase(&r->tally, "under the last load");
	while (stress_clients_left(r->clients) > 0)
		rig_serve(r, POLL_MS);
	tally_phase(&r->tally, "draining");
	while (rig_look(r, false) > 0)
		rig_serve(r, POLL_MS);
	rig_stop(r);
	rig_close(r);
	return rig_judge(r, true);
}

/* How many are wrong: files in the spool of an empty queue. */
static unsigned
rig_remove(struct rig *r)
{
	static const char *const names[] = {
	    "queue.db", "queue.db-wal", "queue.db-shm", "ca.pem", "spool"};
	char path[128];

	/* An empty queue has no files in spool/. */
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
		(void)remove(path);
	}
	if (rmdir(r->dir) != 0) {
		printf("something is left in %s\n", r->dir);
		return 1;
	}
	return 0;
}

static int
one_seed(uint64_t seed, unsigned rounds)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct stress_watch *w;
	unsigned bad = 0;

	r->seed = seed;
	r->tally.show = stress_env("STRESS_LOG", 0) != 0;
	rng_init_seed(&r->rng, seed);
	metrics_init(&r->metrics);
	r->tally.fates = xcalloc(STRESS_RCPTS, sizeof(*r->tally.fates));
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/wax-stress.XXXXXX");
	if (!mkdtemp(r->dir))
		BUG("no folder");
	tally_phase(&r->tally, "building");
	w = stress_watch_start(&r->tally,
	    (int64_t)stress_env("STRESS_STALL", 60) * 1000, rig_dump, r);
	r->dns = stress_dns_new();
	r->mx = stress_mx_new(&r->tally, seed);
	rig_configure(r);
	for (unsigned i = 0; i < rounds && !bad; i++)
		bad = rig_round(r);
	if (!bad)
		bad = rig_drain(r);
	if (!bad)
		bad = rig_remove(r);
	printf("seed %llu: %u recipients named, %u accepted, %u delivered, "
	       "%u wrong\n",
	    (unsigned long long)seed, atomic_load(&r->tally.next),
	    atomic_load(&r->tally.accepted), atomic_load(&r->tally.delivered),
	    bad);
	fflush(stdout);
	stress_mx_free(r->mx);
	stress_dns_free(r->dns);
	stress_watch_stop(w);
	conf_free(r->o);
	if (bad)
		printf("the queue is in %s\n", r->dir);
	free(r->tally.fates);
	free(r);
	return bad ? 1 : 0;
}

int
main(void)
{
	unsigned first = stress_env("STRESS_SEED", 1);
	unsigned seeds = stress_env("STRESS_SEEDS", 1);
	unsigned rounds = stress_env("STRESS_ROUNDS", 4);
	int status = 0;

	for (unsigned i = 0; i < seeds && status == 0; i++)
		status = one_seed(first + i, rounds);
	return status;
}
