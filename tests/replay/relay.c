/* Wiring of shards on fakes, as relay/main/app.c does it on the real thing. */
#include "config.h"

#include "tests/replay/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/config/conf_options.h"
#include "relay/config/conf_tree.h"
#include "relay/main/errand.h"
#include "relay/main/had.h"
#include "relay/main/shard.h"
#include "relay/model/msg.h"
#include "relay/net/loop.h"
#include "tests/fake/fake.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_net.h"
#include "tests/fake/fake_store.h"

#define SHARDS_MAX 16
#define STOP_MS 20000 /* longer than any grace */

struct relay {
	struct conf_tree tree;
	struct options *options;
	struct shard *shards[SHARDS_MAX];
	unsigned n, running;
	uint64_t seed;
	bool up, ending;
	struct loop *loop; /* of the main thread */
	struct errand_home *home;
	struct log log;
	struct buf lines;
	struct metrics sum; /* of the runs before this one */
};

/* ---- the log ---- */

bool
relay_log_field(struct str line, const char *key, char *out, size_t size)
{
	size_t len = strlen(key), n = 0;

	for (size_t i = 0; i + len + 1 < line.n; i++) {
		bool quoted;

		if ((i > 0 && line.p[i - 1] != ' ') || line.p[i + len] != '=' ||
		    memcmp(line.p + i, key, len) != 0)
			continue;
		i += len + 1;
		quoted = line.p[i] == '"';
		for (i += quoted; i < line.n; i++) {
			if (line.p[i] == (quoted ? '"' : ' '))
				break;
			if (line.p[i] == '\\' && i + 1 < line.n)
				i++;
			if (n + 1 < size)
				out[n++] = line.p[i];
		}
		out[n] = '\0';
		return true;
	}
	return false;
}

static void
relay_on_line(void *arg, enum log_level level, struct str line)
{
	struct relay *r = arg;
	char event[32] = "", qid[32] = "", to[ADDR_MAX] = "", status[16] = "";
	uint64_t id = 0;

	(void)level;
	buf_add_str(&r->lines, line);
	buf_add_char(&r->lines, '\n');
	(void)relay_log_field(line, "event", event, sizeof(event));
	if (strcmp(event, "delivery") != 0)
		return;
	(void)relay_log_field(line, "qid", qid, sizeof(qid));
	(void)relay_log_field(line, "to", to, sizeof(to));
	(void)relay_log_field(line, "status", status, sizeof(status));
	if (msg_qid_parse(str_of(qid), &id))
		fake_fail(
		    "delivery line without a queue id: %.*s", STR_FMT(line));
	book_logged(id, to, status);
}

struct str
relay_log(const struct relay *r)
{
	return buf_str(&r->lines);
}

/* ---- options ---- */

static const char *const defaults = "hostname relay.example\n"
				    "state_dir /var/lib/waxseal\n"
				    "queue.lifetime 4h\n"
				    "queue.retry 5m 15m 30m 1h\n";

/* "site:example.com.require dane" and the like. */
static void
relay_set(struct relay *r, struct str line)
{
	char key[300], path[300] = "", *title, *dot;
	struct str rest = str_trim(line), word;
	size_t sec = 0;
	bool more = false;

	if (rest.n == 0 || !str_cut(&rest, ' ', &word))
		return;
	snprintf(key, sizeof(key), "%.*s", STR_FMT(word));
	dot = strrchr(key, '.');
	if (dot) {
		*dot = '\0';
		title = strchr(key, ':');
		if (title)
			*title++ = '\0';
		snprintf(path, sizeof(path), "%s", key);
		for (sec = 1; sec < r->tree.n; sec++) {
			const struct conf_sec *s = &r->tree.secs[sec];

			if (strcmp(s->path, path) == 0 &&
			    (!title || strcmp(s->title, title) == 0))
				break;
		}
		if (sec == r->tree.n)
			sec = conf_tree_add_section(&r->tree, path, title, 1);
	}
	while (str_cut(&rest, ' ', &word)) {
		char text[300];

		snprintf(text, sizeof(text), "%.*s", STR_FMT(word));
		conf_tree_add_value(
		    &r->tree, sec, dot ? dot + 1 : key, text, 1, more);
		more = true;
	}
}

/* A setting takes the place of the default for the same key. */
static bool
is_set(struct str settings, struct str line)
{
	struct str key, other;
	struct str rest = line;

	(void)str_cut(&rest, ' ', &key);
	while (str_cut(&settings, '\n', &other)) {
		struct str have;

		if (str_cut(&other, ' ', &have) && str_eq(have, key))
			return true;
	}
	return false;
}

static void
relay_make_options(struct relay *r, const char *settings)
{
	struct conf_machine m = {
	    .hostname = "relay.example", .cores = 1, .unbound = "unbound"};
	struct str rest = str_of(defaults), line;
	size_t sec;

	while (str_cut(&rest, '\n', &line)) {
		if (!is_set(str_of(settings), line))
			relay_set(r, line);
	}
	rest = str_of(settings);
	while (str_cut(&rest, '\n', &line))
		relay_set(r, line);
	sec = conf_tree_add_section(&r->tree, "listen", "127.0.0.1:2525", 1);
	conf_tree_add_value(&r->tree, sec, "role", "smarthost", 1, false);
	conf_tree_add_value(&r->tree, sec, "networks", "127.0.0.0/8", 1, false);
	r->options = conf_options_make(&r->tree, &m);
}

struct relay *
relay_new(const char *settings, uint64_t seed, struct buf *errors)
{
	struct relay *r = xcalloc(1, sizeof(*r));

	buf_init(&r->lines, SIZE_MAX / 2);
	conf_tree_init(&r->tree, "scenario", errors);
	metrics_init(&r->sum);
	r->seed = seed;
	relay_make_options(r, settings);
	r->log = (struct log){.level = LOG_INFO,
	    .format = LOG_LOGFMT,
	    .write_fn = relay_on_line,
	    .arg = r};
	r->n = r->options->workers;
	if (r->n < 1 || r->n > SHARDS_MAX)
		r->n = 1;
	r->options->workers = r->n;
	if (errors->n > 0) {
		relay_free(r);
		return NULL;
	}
	return r;
}

void
relay_free(struct relay *r)
{
	if (!r)
		return;
	relay_stop(r);
	conf_options_free(r->options);
	conf_tree_clear(&r->tree);
	buf_clear(&r->lines);
	free(r);
}

/* ---- up and down ---- */

static void
relay_on_stopped(void *arg, unsigned index)
{
	struct relay *r = arg;

	(void)index;
	r->running--;
}

static void
relay_on_dns_state(void *arg, unsigned index, enum dns_state st)
{
	(void)arg;
	(void)index;
	(void)st;
}

void
relay_start(struct relay *r)
{
	static const struct opt_addr_port resolver = {
	    .addr = {.family = 4, .ip = {127, 0, 0, 1}}, .port = 53};
	struct shard_opts so = {.options = r->options,
	    .count = r->n,
	    .hub = fake_store_hub(),
	    .log = &r->log,
	    .clock = fake_clock(),
	    .upstreams = &resolver,
	    .n_upstreams = 1,
	    .peers = r->shards,
	    .on_stopped = relay_on_stopped,
	    .on_dns_state = relay_on_dns_state,
	    .arg = r};
	char text[256];

	if (r->up)
		return;
	if (loop_new(&r->loop) || errand_home_new(r->loop, &r->home))
		fake_fail("no main thread");
	for (so.index = 0; so.index < r->n; so.index++) {
		rng_init_seed(&so.rng, ++r->seed);
		if (shard_new(&so, &r->shards[so.index], text))
			fake_fail("shard: %s", text);
	}
	for (unsigned i = 0; i < r->n; i++) {
		if (shard_start(r->shards[i]))
			fake_fail("shard %u does not start", i);
	}
	r->running = r->n;
	r->up = true;
}

/* All shards were told to: turns the world until they have. */
static void
relay_end(struct relay *r)
{
	int64_t end = fake_now_ms() + STOP_MS;
	char left[160];

	r->ending = true;
	for (unsigned i = 0; i < r->n; i++)
		shard_stop(r->shards[i]);
	while (r->running > 0 && fake_now_ms() < end && !fake_failed()) {
		int64_t next = fake_next();

		if (next < 0 || !fake_run(next))
			break;
	}
	if (r->running > 0) {
		fake_fail("stuck: %u shards did not stop", r->running);
		return;
	}
	r->up = r->ending = false;
	fake_run(0); /* what is closed is gone in the next round */
	for (unsigned i = 0; i < r->n; i++)
		shard_close(r->shards[i]);
	for (unsigned i = 0; i < r->n; i++) {
		for (int m = 0; m < METRIC_COUNT; m++)
			metrics_add(&r->sum, (enum metric)m,
			    (int64_t)metrics_get(
				shard_metrics(r->shards[i]), (enum metric)m));
		shard_free(r->shards[i]);
		r->shards[i] = NULL;
	}
	errand_home_free(r->home);
	loop_free(r->loop);
	fake_net_clear();
	fake_live(left);
	if (left[0])
		fake_fail("leak: %s are left of the relay", left);
}

void
relay_stop(struct relay *r)
{
	if (!r->up || r->ending)
		return;
	relay_end(r);
	/* What it could not write is as lost as in a crash. */
	if (fake_store_left_work())
		book_crashed();
	fake_freeze(false);
}

void
relay_crash(struct relay *r)
{
	if (!r->up)
		return;
	book_crashed();
	fake_freeze(true);
	if (r->ending)
		return;
	relay_end(r);
	(void)fake_store_left_work();
	fake_freeze(false);
}

/* ---- what the control socket may ask ---- */

struct forget {
	struct errand e; /* first */
	char domain[DOMAIN_MAX];
};

static void
forget_run(struct errand *e, const struct errand_desk *desk)
{
	const struct forget *f = (const struct forget *)e;

	errand_back(e, had_forget(desk->had, f->domain, NULL, NULL));
}

static void
forget_cancel(struct errand *e)
{
	(void)e;
}

static void
forget_back(struct errand *e, int err)
{
	(void)err;
	free(e);
}

static void
forget_drop(struct errand *e)
{
	free(e);
}

void
relay_forget(struct relay *r, const char *domain)
{
	unsigned to = msg_bucket(str_of(domain)) % r->n;
	struct forget *f = xcalloc(1, sizeof(*f));

	f->e = (struct errand){.run = forget_run,
	    .cancel = forget_cancel,
	    .back = forget_back,
	    .drop = forget_drop};
	snprintf(f->domain, sizeof(f->domain), "%s", domain);
	if (!r->up || r->ending || shard_ask(r->shards[to], &f->e, r->home))
		free(f);
}

bool
relay_is_up(const struct relay *r)
{
	return r->up;
}

bool
relay_is_ending(const struct relay *r)
{
	return r->ending;
}

const struct options *
relay_options(const struct relay *r)
{
	return r->options;
}

void
relay_client(struct relay *r, unsigned shard, int take_fd)
{
	static const struct rr_addr local = {.family = 4, .ip = {127, 0, 0, 1}};

	relay_client_from(r, shard, take_fd, &local);
}

void
relay_client_from(
    struct relay *r, unsigned shard, int take_fd, const struct rr_addr *addr)
{
	struct sockaddr_any peer = {.family = addr->family, .port = 40000};

	memcpy(peer.ip, addr->ip, sizeof(peer.ip));
	shard_give_client(
	    r->shards[shard % r->n], &r->options->listens[0], take_fd, &peer);
}

uint64_t
relay_metric(const struct relay *r, enum metric m)
{
	uint64_t sum = metrics_get(&r->sum, m);

	for (unsigned i = 0; r->up && i < r->n; i++)
		sum += metrics_get(shard_metrics(r->shards[i]), m);
	return sum;
}
