/*
 * Both ways end in entries that ctl_policy_parse has checked. Without a daemon
 * the store is opened as the daemon would: locked, as its user, brought up to
 * the version of this program.
 */
#include "config.h"

#include "relay/cli/policy_src.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/base/clock.h"
#include "relay/base/log.h"
#include "relay/base/metrics.h"
#include "relay/cli/ask.h"
#include "relay/config/conf.h"
#include "relay/ctl/ctl_policy.h"
#include "relay/main/uid.h"
#include "relay/net/loop.h"
#include "relay/queue/state_dir.h"
#include "relay/queue/store.h"

#define CONF_BYTES (4u * 1024u * 1024u)
#define MESSAGE_BYTES (64u * 1024u)
#define STORE_JOBS 4

struct policy_src {
	const struct cli *cli;
	int fd; /* of the daemon, or -1 */
	size_t imported; /* lines, taken or not */
	struct clock clock;
	struct sts_entry *v; /* of the last page, owned */
	size_t n;
	/* Without a daemon. */
	int lock;
	struct options *options;
	struct metrics metrics;
	struct log log;
	struct store_hub *hub;
	struct loop *loop;
	struct store *store;
	int err; /* of the last job */
	uint64_t count;
	bool more;
};

static void
drop_page(struct policy_src *s)
{
	for (size_t i = 0; i < s->n; i++)
		sts_entry_clear(&s->v[i]);
	free(s->v);
	s->v = NULL;
	s->n = 0;
}

/* An import says how far it came. */
static void __attribute__((noreturn))
no_answer(const struct policy_src *s, const char *text)
{
	char more[ASK_TEXT + 128];

	if (s->imported == 0)
		cli_no_answer(s->cli, text);
	(void)snprintf(more, sizeof(more),
	    "%s; %zu lines were dealt with before that, the others not: import "
	    "all again, which does no harm",
	    text, s->imported);
	cli_no_answer(s->cli, more);
}

/* ---- without a daemon ---- */

static struct options *
read_options(const struct cli *c)
{
	struct options *o = NULL;
	struct buf text, errors;
	const char *name;

	buf_init(&text, CONF_BYTES);
	buf_init(&errors, MESSAGE_BYTES);
	name = cli_read_conf(c, &text);
	/* What unbound reads is no matter of ours. */
	if (conf_parse_relay(name, text.p ? text.p : "", &o, &errors)) {
		fprintf(stderr, "%s", errors.p ? errors.p : "");
		exit(EXIT_USAGE);
	}
	buf_clear(&text);
	buf_clear(&errors);
	return o;
}

/* Nothing is made only to say that nothing is there. */
static bool
has_queue(const struct options *o)
{
	struct buf path;
	bool there;

	buf_init(&path, 8192);
	(void)buf_addf(&path, "%s/queue.db", o->state_dir);
	there = access(path.p, F_OK) == 0;
	buf_clear(&path);
	return there;
}

static void
open_store(struct policy_src *s, bool make)
{
	const struct cli *c = s->cli;
	struct options *o = s->options = read_options(c);
	struct store_opts so = {.state_dir = o->state_dir,
	    .commit_delay_ms = o->queue.commit_delay,
	    .clock = s->clock,
	    .log = &s->log,
	    .metrics = &s->metrics};
	struct uid uid;
	char text[256];

	if (!make && !has_queue(o))
		cli_no_answer(c,
		    "waxseald does not run, and there is no queue in its "
		    "state_dir yet");
	(void)umask(077);
	log_init_stderr(&s->log, LOG_WARN, LOG_LOGFMT);
	metrics_init(&s->metrics);
	if (uid_resolve(o->user, &uid, text) ||
	    state_dir_lock(o->state_dir, uid.uid, uid.gid, &s->lock, text))
		cli_no_answer(c, text);
	/* What is made here is the daemon's. */
	if (uid_drop(&uid))
		cli_no_answer(c, "can't become the user of the relay");
	if (store_hub_open(&so, &s->hub, text))
		cli_no_answer(c, text);
	if (loop_new(&s->loop) ||
	    store_open(s->hub, s->loop, STORE_JOBS, &s->store))
		cli_no_answer(c, "no descriptors left");
}

static void
on_page(void *arg, int err, const struct sts_entry *v, size_t n, bool more)
{
	struct policy_src *s = arg;

	s->err = err;
	s->more = more;
	s->v = xcalloc(n, sizeof(*s->v));
	for (size_t i = 0; i < n; i++)
		sts_entry_copy(&s->v[i], &v[i]);
	s->n = n;
	loop_stop(s->loop);
}

static void
on_count(void *arg, int err, uint64_t n)
{
	struct policy_src *s = arg;

	s->err = err;
	s->count = n;
	loop_stop(s->loop);
}

/* Waits for the one job under way. */
static void
wait_job(struct policy_src *s, int rc)
{
	char text[256] = "";

	if (rc)
		BUG("no credit for one job");
	loop_run(s->loop);
	if (!s->err)
		return;
	(void)store_hub_state(s->hub, text);
	no_answer(s, text[0] ? text : err_str(s->err));
}

/* ---- by the daemon ---- */

/* A row as it came, checked like any line from outside. */
static int
read_row(struct policy_src *s, json_t *row, struct sts_entry *e)
{
	char *line = json_dumps(row, JSON_COMPACT);
	const char *text = "";
	int err;

	if (!line)
		BUG("out of memory");
	err = ctl_policy_parse(
	    str_of(line), false, clock_real_s(&s->clock), e, &text);
	free(line);
	if (err)
		fprintf(stderr, "waxseal: an entry of %s: %s\n",
		    json_string_value(json_object_get(row, "domain")), text);
	return err;
}

static void
ask_page(struct policy_src *s, const char *after, bool one,
    struct policy_page *out, size_t *bad)
{
	struct ctl_question q = {
	    .cmd = one ? CTL_POLICY_SHOW : CTL_POLICY_LIST};
	struct ctl_answer a;
	struct buf answer;
	json_t *root, *rows;

	snprintf(q.domain, sizeof(q.domain), "%s", after);
	buf_init(&answer, CTL_ANSWER_MAX);
	cli_must_ask(s->cli, s->fd, &q, &answer, &a);
	root = json_loadb(answer.p, answer.n, 0, NULL);
	rows = json_object_get(root, "rows");
	s->v = xcalloc(json_array_size(rows), sizeof(*s->v));
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *name = json_string_value(
		    json_object_get(row, "domain"));

		snprintf(out->last, sizeof(out->last), "%s", name ? name : "");
		if (read_row(s, row, &s->v[s->n]))
			(*bad)++;
		else
			s->n++;
	}
	out->more = json_is_true(json_object_get(root, "more"));
	json_decref(root);
	buf_clear(&answer);
}

static int
ask_import(struct policy_src *s, const struct sts_entry *e)
{
	struct ctl_answer a;
	struct buf line, answer;
	char text[ASK_TEXT];
	json_t *root;
	int rc;

	buf_init(&line, CTL_LINE_MAX);
	buf_init(&answer, CTL_ANSWER_MAX);
	ctl_policy_line(e, true, &line);
	if (line.full)
		no_answer(s, "the policy is too long");
	if (ask_line(s->fd, buf_str(&line), &answer, text))
		no_answer(s, text);
	if (ctl_answer_parse(buf_str(&answer), &a))
		no_answer(s, "the answer is not understood");
	if (!a.ok)
		no_answer(s, a.error);
	root = json_loadb(answer.p, answer.n, 0, NULL);
	rc = json_is_true(json_object_get(root, "taken")) ? 0 : 1;
	json_decref(root);
	buf_clear(&line);
	buf_clear(&answer);
	return rc;
}

/* ---- either ---- */

struct policy_src *
policy_src_open(const struct cli *c, bool make)
{
	struct policy_src *s = xcalloc(1, sizeof(*s));

	s->cli = c;
	s->lock = -1;
	s->clock = clock_system();
	s->fd = cli_try_connect(c);
	if (s->fd < 0)
		open_store(s, make);
	return s;
}

void
policy_src_close(struct policy_src *s)
{
	drop_page(s);
	store_close(s->store);
	store_hub_close(s->hub);
	loop_free(s->loop);
	conf_free(s->options);
	if (s->fd >= 0)
		close(s->fd);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
}

int
policy_src_fd(const struct policy_src *s)
{
	return s->fd;
}

/* One of the store without a daemon is checked too. */
static void
check_page(struct policy_src *s, size_t *bad)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const char *text = "";
		struct sts_entry e;
		struct buf b;

		buf_init(&b, CTL_ANSWER_MAX);
		ctl_policy_line(&s->v[i], false, &b);
		if (ctl_policy_parse(str_trim(buf_str(&b)), false,
			clock_real_s(&s->clock), &e, &text)) {
			fprintf(stderr, "waxseal: an entry of %s: %s\n",
			    s->v[i].domain, text);
			(*bad)++;
			sts_entry_clear(&s->v[i]);
		} else {
			sts_entry_clear(&s->v[i]);
			s->v[n++] = e;
		}
		buf_clear(&b);
	}
	s->n = n;
}

void
policy_src_page(struct policy_src *s, const char *after, bool one,
    struct policy_page *out, size_t *bad)
{
	drop_page(s);
	*out = (struct policy_page){.n = 0};
	if (s->fd >= 0) {
		ask_page(s, after, one, out, bad);
	} else {
		wait_job(s,
		    store_policies(
			s->store, after, one, CTL_LIST_MAX, on_page, s));
		if (s->n > 0)
			memcpy(out->last, s->v[s->n - 1].domain,
			    sizeof(out->last));
		check_page(s, bad);
		out->more = s->more;
	}
	out->v = s->v;
	out->n = s->n;
}

int
policy_src_import(struct policy_src *s, const struct sts_entry *e)
{
	int rc;

	if (s->fd >= 0) {
		rc = ask_import(s, e);
	} else {
		wait_job(s, store_policy_import(s->store, e, on_count, s));
		rc = s->count > 0 ? 0 : 1;
	}
	s->imported++;
	return rc;
}
