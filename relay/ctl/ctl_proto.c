/*
 * The control protocol: what may be asked, and answers as JSON. The texts for
 * people are made from these answers in ctl_show.c, so that "--json" and the
 * plain form can't say different things.
 *
 * A question comes from whoever may open the socket; it is checked whole, and
 * a member that the command does not know is an error, not a guess.
 */
#include "config.h"

#include "relay/ctl/ctl_proto.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "relay/base/date.h"
#include "relay/base/domain.h"
#include "relay/ctl/ctl_json.h"
#include "relay/model/msg.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define UNKNOWN_S 60 /* after the start, that the resolver may be unknown */

static const char *const cmd_names[] = {
#define CTL_NAME_(id, text) text,
    CTL_CMD_LIST(CTL_NAME_)
#undef CTL_NAME_
};

const char *
ctl_cmd_str(enum ctl_cmd cmd)
{
	if ((size_t)cmd >= COUNT(cmd_names))
		BUG("ctl_cmd %d", (int)cmd);
	return cmd_names[cmd];
}

/* ---- questions ---- */

static NODISCARD int
parse_cmd(const json_t *v, enum ctl_cmd *out)
{
	const char *text = json_string_value(v);

	if (!text)
		return ERR_SYNTAX;
	for (size_t i = 0; i < COUNT(cmd_names); i++) {
		if (strcmp(text, cmd_names[i]) == 0) {
			*out = (enum ctl_cmd)i;
			return 0;
		}
	}
	return ERR_NOTFOUND;
}

static NODISCARD int
parse_number(const json_t *v, uint64_t min, uint64_t max, uint64_t *out)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v))
		return ERR_SYNTAX;
	if (n < 0 || (uint64_t)n < min || (uint64_t)n > max)
		return ERR_RANGE;
	*out = (uint64_t)n;
	return 0;
}

/* Its answers are pages. */
static bool
has_pages(enum ctl_cmd cmd)
{
	return cmd == CTL_QUEUE_LIST || cmd == CTL_RECEIPT;
}

static bool
has_domain(enum ctl_cmd cmd)
{
	return cmd == CTL_POLICY_LIST || cmd == CTL_POLICY_SHOW ||
	    cmd == CTL_POLICY_ASK || cmd == CTL_POLICY_REFRESH ||
	    cmd == CTL_POLICY_FORGET;
}

static NODISCARD int
parse_domain(const char *key, const json_t *v, struct ctl_question *q)
{
	struct str s = str_n(json_string_value(v), json_string_length(v));

	if (strcmp(key, "domain") != 0 || !json_is_string(v))
		return ERR_SYNTAX;
	/* "" stands for the first of a list. */
	if (s.n == 0 && q->cmd == CTL_POLICY_LIST)
		return 0;
	return domain_is_ip(s) || domain_canon_host(s, q->domain) ? ERR_SYNTAX
								  : 0;
}

/* The name must be one that a route may be asked for. */
static NODISCARD int
parse_explain(const char *key, const json_t *v, struct ctl_question *q)
{
	const char *text = json_string_value(v);
	struct rr_addr addr;
	uint64_t n = 0;
	size_t len;
	int err;

	if (strcmp(key, "port") == 0) {
		err = parse_number(v, 1, UINT16_MAX, &n);
		q->port = (uint16_t)n;
		return err;
	}
	if (strcmp(key, "domain") != 0 || !text)
		return ERR_SYNTAX;
	if (text[0] != '[')
		return domain_canon_host(str_of(text), q->domain);
	len = strlen(text);
	if (len < 3 || text[len - 1] != ']' ||
	    rr_addr_parse(str_n(text + 1, len - 2), &addr))
		return ERR_SYNTAX;
	memcpy(q->domain, text, len + 1);
	return 0;
}

static NODISCARD int
parse_member(const char *key, const json_t *v, struct ctl_question *q)
{
	const char *text;

	if (strcmp(key, "cmd") == 0)
		return 0;
	if (q->cmd == CTL_POLICY_IMPORT)
		return 0;
	if (q->cmd == CTL_EXPLAIN)
		return parse_explain(key, v, q);
	if (has_domain(q->cmd))
		return parse_domain(key, v, q);
	if (q->cmd != CTL_QUEUE_LIST && q->cmd != CTL_QUEUE_RELEASE &&
	    q->cmd != CTL_RECEIPT)
		return ERR_SYNTAX;
	if (has_pages(q->cmd) && strcmp(key, "after") == 0)
		return parse_number(v, 0, INT64_MAX, &q->after);
	if (has_pages(q->cmd) && strcmp(key, "limit") == 0)
		return parse_number(v, 1, CTL_LIST_MAX, &q->limit);
	text = json_string_value(v);
	if (strcmp(key, "message") != 0 || !text)
		return ERR_SYNTAX;
	return msg_qid_parse(str_of(text), &q->msg);
}

int
ctl_question_parse(struct str line, struct ctl_question *out)
{
	struct ctl_question q = {.limit = CTL_LIST_MAX};
	json_t *root = NULL, *v;
	const char *key;
	int err;

	root = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		err = ERR_SYNTAX;
		goto out;
	}
	err = parse_cmd(json_object_get(root, "cmd"), &q.cmd);
	if (err)
		goto out;
	json_object_foreach(root, key, v)
	{
		err = parse_member(key, v, &q);
		if (err)
			goto out;
	}
	if ((q.cmd == CTL_QUEUE_RELEASE || q.cmd == CTL_RECEIPT) &&
	    q.msg == 0) {
		err = ERR_SYNTAX;
		goto out;
	}
	if ((q.cmd == CTL_EXPLAIN ||
		(has_domain(q.cmd) && q.cmd != CTL_POLICY_LIST)) &&
	    !q.domain[0]) {
		err = ERR_SYNTAX;
		goto out;
	}
	*out = q;
out:
	json_decref(root);
	return err;
}

/* ---- building ---- */

/* Of a row: 0 is a time too, long over. */
static void
set_when(json_t *o, const char *key, int64_t s)
{
	char text[DATE_MAX];

	date_rfc3339(s, text);
	ctl_json_text(o, key, text);
}

void
ctl_question_build(const struct ctl_question *q, struct buf *out)
{
	json_t *root = ctl_json_object();
	char qid[MSG_QID_MAX];

	ctl_json_text(root, "cmd", ctl_cmd_str(q->cmd));
	if (has_pages(q->cmd)) {
		ctl_json_count(root, "after", q->after);
		ctl_json_count(root, "limit", q->limit);
	}
	if (has_domain(q->cmd) || q->cmd == CTL_EXPLAIN)
		ctl_json_text(root, "domain", q->domain);
	if (q->port)
		ctl_json_count(root, "port", q->port);
	if (q->msg) {
		msg_qid(q->msg, qid);
		ctl_json_text(root, "message", qid);
	}
	ctl_json_write(root, out);
}

void
ctl_release_build(uint64_t n, struct buf *out)
{
	json_t *root = ctl_json_answer(true);

	ctl_json_count(root, "recipients", n);
	ctl_json_write(root, out);
}

void
ctl_error_build(const char *text, struct buf *out)
{
	json_t *root = ctl_json_answer(false);

	ctl_json_text(root, "error", text);
	ctl_json_write(root, out);
}

static json_t *
row_object(const struct store_row *r)
{
	json_t *o = ctl_json_object();
	char qid[MSG_QID_MAX];

	msg_qid(r->msg, qid);
	ctl_json_count(o, "id", r->rcpt);
	ctl_json_text(o, "message", qid);
	ctl_json_text(o, "state", r->state);
	ctl_json_text(o, "from", r->sender);
	ctl_json_text(o, "to", r->addr);
	ctl_json_text(o, "next_hop", r->next_hop);
	ctl_json_count(o, "size", r->size);
	set_when(o, "arrived", r->arrived);
	set_when(o, "next_try", r->next_try);
	ctl_json_count(o, "tries", r->tries);
	ctl_json_text(o, "dsn", r->dsn);
	ctl_json_text(o, "rule", r->rule);
	ctl_json_text(o, "mx", r->mx);
	ctl_json_text(o, "reply", r->reply);
	return o;
}

void
ctl_list_build(const struct store_row *rows, size_t n, struct buf *out)
{
	json_t *root = ctl_json_answer(true);
	json_t *list = ctl_json_array();

	for (size_t i = 0; i < n; i++) {
		if (json_array_append_new(list, row_object(&rows[i])))
			BUG("out of memory");
	}
	ctl_json_set(root, "rows", list);
	ctl_json_write(root, out);
}

static json_t *
stats_object(const struct store_stats *st)
{
	json_t *o = ctl_json_object();

	ctl_json_count(o, "messages", st->msgs);
	ctl_json_count(o, "recipients", st->rcpts);
	ctl_json_count(o, "deferred", st->deferred);
	ctl_json_count(o, "held", st->held);
	ctl_json_count(o, "destinations", st->dests);
	ctl_json_count(o, "bytes", st->bytes);
	ctl_json_time(o, "oldest", st->oldest);
	return o;
}

void
ctl_stats_build(const struct store_stats *st, struct buf *out)
{
	json_t *root = ctl_json_answer(true);

	ctl_json_set(root, "queue", stats_object(st));
	ctl_json_write(root, out);
}

/* ---- status ---- */

static void
add_problem(json_t *list, const char *what, const char *text, const char *todo)
{
	json_t *o = ctl_json_object();

	ctl_json_text(o, "what", what);
	ctl_json_text(o, "text", text);
	ctl_json_text(o, "todo", todo);
	if (json_array_append_new(list, o))
		BUG("out of memory");
}

/* What to do about an error of the store. */
static const char *
store_todo(int err)
{
	switch (err) {
	case ERR_FULL:
		return "make room on the disk of state_dir; mail is taken "
		       "again by itself";
	case ERR_BUSY:
		return "find the program that holds the database (fuser) and "
		       "end it";
	case ERR_CORRUPT:
		return "stop waxseald, keep a copy of state_dir, restore the "
		       "database from a backup";
	case ERR_VERSION:
		return "run the newer waxseald that wrote this database";
	case ERR_PERM:
		return "give state_dir and all in it to the user that the "
		       "relay runs as";
	default:
		return "check the disk and the file system of state_dir; mail "
		       "is taken again by itself";
	}
}

static void
resolver_problem(const struct ctl_status *s, json_t *list)
{
	const char *text = NULL, *external = "";
	static const char managed[] =
	    "look for event=resolver-says, resolver-died and resolver-denied "
	    "in the log; check that the clock is right and that DNS over UDP "
	    "and TCP may leave this machine";

	switch (s->resolver) {
	case DNS_STATE_OK:
		return;
	case DNS_STATE_UNKNOWN:
		/* Some seconds after the start it is normal. */
		if (s->uptime_s < UNKNOWN_S)
			return;
		text = "nothing is known about the resolver yet: no answer "
		       "since the start";
		external = "see whether the resolver that resolver { address } "
			   "names runs";
		break;
	case DNS_STATE_UNTRUSTED:
		text = "answers come without DNSSEC validation: DANE can't be "
		       "used, domains known to use it are held";
		external = "let the resolver validate, or set resolver { mode "
			   "= managed }";
		break;
	case DNS_STATE_DEAD:
		text = "the resolver does not answer: all mail is held";
		external = "start the resolver that resolver { address } "
			   "names, or set resolver { mode = managed }";
		break;
	}
	add_problem(list, "resolver", text, s->managed ? managed : external);
}

static void
held_problem(uint64_t n, json_t *list)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
	    "%llu recipients are held: the relay crashed at least twice while working "
	    "on their messages",
	    (unsigned long long)n);
	add_problem(list, "held", text,
	    "report the crash (the lines before event=relay-died in the log); "
	    "waxseal queue list shows the messages with state held; when the "
	    "cause is mended: waxseal queue release ID");
}

/* STS-26: whoever blocks the policy host waits for this. */
static void
policy_problem(uint64_t n, json_t *list)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
	    "%llu MTA-STS policies can't be fetched again and end soon",
	    (unsigned long long)n);
	add_problem(list, "sts", text,
	    "event=sts-fetch result=failed in the log names domains and "
	    "reasons; if others reach https://mta-sts.DOMAIN/, look at this "
	    "network; else tell the domain's postmaster");
}

/* Rules that have ended: the first by name, the others by number. */
static void
sites_problem(const struct ctl_status *s, json_t *list)
{
	const struct opt_site *first = NULL;
	char text[2 * DOMAIN_MAX], day[DATE_MAX], more[40] = "";
	size_t n = 0;

	for (size_t i = 0; i < s->n_sites; i++) {
		if (!options_site_ended(&s->sites[i], s->now))
			continue;
		if (n++ == 0)
			first = &s->sites[i];
	}
	if (!first)
		return;
	if (n > 1)
		(void)snprintf(more, sizeof(more), ", and %zu other%s", n - 1,
		    n > 2 ? "s" : "");
	date_rfc3339(first->expires_s, day);
	(void)snprintf(text, sizeof(text),
	    "the site rule for \"%s\" ended on %.10s and has no effect%s",
	    first->domain, day, more);
	add_problem(list, "site", text,
	    "waxseald -t names file and line of each: remove the rule, or give "
	    "it a new expires; then restart waxseald");
}

static json_t *
problems(const struct ctl_status *s)
{
	json_t *list = ctl_json_array();

	/* The worst first: without a store no mail is taken at all. */
	if (s->store_err)
		add_problem(list, "store",
		    s->store_text && *s->store_text ? s->store_text
						    : err_str(s->store_err),
		    store_todo(s->store_err));
	else if (!s->stats)
		add_problem(list, "store", "the queue could not be read",
		    "look for event=store-error in the log");
	resolver_problem(s, list);
	if (s->stats && s->stats->held)
		held_problem(s->stats->held, list);
	if (s->metrics && metrics_get(s->metrics, METRIC_STS_AT_RISK) > 0)
		policy_problem(
		    metrics_get(s->metrics, METRIC_STS_AT_RISK), list);
	sites_problem(s, list);
	return list;
}

static const char *
role_str(enum listen_role role)
{
	switch (role) {
	case LISTEN_SMARTHOST:
		return "smarthost";
	case LISTEN_INTERCEPT:
		return "intercept";
	case LISTEN_POLICY:
		return "policy";
	}
	BUG("listen_role %d", (int)role);
}

static json_t *
listens_array(const struct ctl_status *s)
{
	json_t *list = ctl_json_array();

	for (size_t i = 0; i < s->n_listens; i++) {
		json_t *o = ctl_json_object();

		ctl_json_text(o, "address", s->listens[i].text);
		ctl_json_text(o, "role", role_str(s->listens[i].role));
		if (json_array_append_new(list, o))
			BUG("out of memory");
	}
	return list;
}

static json_t *
counters_object(const struct metrics *m)
{
	json_t *o = ctl_json_object();

	for (unsigned i = 0; m && i < METRIC_COUNT; i++)
		ctl_json_count(o, metric_name((enum metric)i),
		    metrics_get(m, (enum metric)i));
	return o;
}

void
ctl_status_build(const struct ctl_status *s, struct buf *out)
{
	json_t *root = ctl_json_answer(true);
	json_t *resolver = ctl_json_object();
	json_t *store = ctl_json_object();

	ctl_json_text(root, "version", s->version);
	ctl_json_count(
	    root, "uptime", s->uptime_s > 0 ? (uint64_t)s->uptime_s : 0);
	ctl_json_count(root, "workers", s->workers);
	ctl_json_text(resolver, "mode", s->managed ? "managed" : "external");
	ctl_json_text(resolver, "state", dns_state_str(s->resolver));
	ctl_json_set(root, "resolver", resolver);
	ctl_json_text(store, "state", s->store_err ? "error" : "ok");
	if (s->store_err)
		ctl_json_text(store, "error", err_str(s->store_err));
	ctl_json_set(root, "store", store);
	ctl_json_set(root, "listens", listens_array(s));
	ctl_json_set(
	    root, "queue", s->stats ? stats_object(s->stats) : json_null());
	ctl_json_set(root, "counters", counters_object(s->metrics));
	ctl_json_set(root, "problems", problems(s));
	ctl_json_write(root, out);
}
