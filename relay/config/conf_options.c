/*
 * Every section that has no file of its own, and the defaults. The defaults
 * are written here once; conf/waxseal.conf and the manual page repeat them.
 * Checks of one value against another that need the line of a key are here;
 * those that need none are in conf_check.
 */
#include "config.h"

#include "relay/config/conf_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/domain.h"
#include "relay/base/str.h"
#include "relay/config/conf_listen.h"
#include "relay/config/conf_resolver.h"
#include "relay/config/conf_site.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define WORKERS_MAX 1024 /* of 4,096 buckets; more cores sit idle */
#define RETRY_MAX 64
#define SOCKET_PATH_MAX 107 /* bytes, what sockaddr_un holds */

/* Stands in for the name of a machine that has none; conf_check warns. */
#define NO_NAME "localhost.localdomain"

static const struct opt_timeouts default_timeouts = {
    .connect = 30 * SECOND,
    /* RFC 5321 4.5.3.2 has the next ones, but for ehlo and starttls. */
    .greeting = 5 * MINUTE,
    .ehlo = 5 * MINUTE,
    .starttls = 2 * MINUTE,
    .mail = 5 * MINUTE,
    .rcpt = 5 * MINUTE,
    .data = 2 * MINUTE,
    .block = 3 * MINUTE,
    .final = 10 * MINUTE,
    .quit = 10 * SECOND,
    .session = HOUR,
};

static void
set_defaults(struct options *o)
{
	o->state_dir = xstrdup("/var/lib/waxseal");
	o->user = xstrdup("waxseal");
	o->dane.on = true;
	o->dane.insecure_mx = true;
	o->sts.on = true;
	o->tls.min = TLS_V1_2;
	o->tls.opportunistic_min = TLS_V1_0;
	o->deliver.port = 25;
	o->deliver.max_connections = 200;
	o->deliver.max_per_destination = 10;
	o->deliver.max_recipients = 50;
	o->timeouts = default_timeouts;
	o->queue.lifetime_s = 5 * DAY / SECOND;
	o->queue.commit_delay = 10;
	o->queue.max_message_size = 50 * MIB;
	o->queue.memory = 256 * MIB;
	o->queue.max_in_memory = 100000;
	o->queue.min_free = 64 * MIB;
	o->queue.receipts_s = 30 * DAY / SECOND;
	o->smtp.max_sessions = 500;
	o->smtp.max_recipients = 1000;
	o->smtp.max_errors = 20;
	o->smtp.max_hops = 100;
	o->log.format = LOG_LOGFMT;
	o->log.level = LOG_INFO;
}

static const struct conf_sec *
section(const struct conf_tree *t, const char *path)
{
	return conf_tree_next(t, path, NULL);
}

/* RFC 5321 4.1.1.1: a client names itself by a fully-qualified domain. */
static NODISCARD int
full_name(const char *text, char out[DOMAIN_MAX])
{
	struct str s = str_of(text);

	if (str_find(s, '.') + 1 >= s.n || domain_is_ip(s))
		return ERR_SYNTAX;
	return domain_canon_host(s, out);
}

static void
make_hostname(
    const struct conf_sec *top, const struct conf_machine *m, struct options *o)
{
	const char *text = conf_get_text(top, "hostname");

	if (text) {
		if (full_name(text, o->hostname))
			conf_problem(top, "hostname", 0,
			    "\"%.80s\" is not a full name; write one with a "
			    "dot, such as relay.example.net",
			    text);
		return;
	}
	if (conf_val_next(top, "hostname", NULL) ||
	    full_name(m->hostname, o->hostname) == 0)
		return;
	if (m->any_name)
		(void)snprintf(o->hostname, sizeof(o->hostname), NO_NAME);
	else
		conf_problem(top, "hostname", 0,
		    "is missing and this machine's name \"%.80s\" has no dot; "
		    "write the name that its address resolves to",
		    m->hostname);
}

static void
make_top(
    const struct conf_tree *t, const struct conf_machine *m, struct options *o)
{
	const struct conf_sec *top = section(t, "");

	make_hostname(top, m, o);
	conf_get_dup(top, "state_dir", &o->state_dir);
	conf_get_user(top, "user", &o->user, &o->user_line);
	conf_get_number(top, "workers", 0, WORKERS_MAX, &o->workers);
	if (o->workers == 0)
		o->workers = m->cores < WORKERS_MAX ? m->cores : WORKERS_MAX;
}

static void
make_on(const struct conf_sec *sec, bool *out)
{
	static const char *const modes[] = {"off", "on"};
	unsigned mode = 1;

	conf_get_word(sec, "mode", modes, 2, &mode);
	*out = mode == 1;
}

static void
make_tls(const struct conf_tree *t, struct options *o)
{
	static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
	const struct conf_sec *sec = section(t, "tls");
	unsigned v;

	/* RFC 7672 2.2: at least 1.2 is what a DANE peer can be asked for;
	 * RFC 8461 4.2 asks the same of MTA-STS. */
	v = 0;
	conf_get_word(sec, "min", versions + 2, 2, &v);
	o->tls.min = v == 0 ? TLS_V1_2 : TLS_V1_3;
	v = 0;
	conf_get_word(sec, "opportunistic_min", versions, 4, &v);
	o->tls.opportunistic_min = (enum tls_version)(TLS_V1_0 + v);
	conf_get_dup(sec, "ca_file", &o->tls.ca_file);
}

static void
make_policy(const struct conf_tree *t, struct options *o)
{
	const struct conf_sec *dane = section(t, "dane");
	const struct conf_sec *sts = section(t, "sts");

	make_on(dane, &o->dane.on);
	conf_get_bool(dane, "insecure_mx", &o->dane.insecure_mx);
	make_on(sts, &o->sts.on);
	conf_get_dup(sts, "ca_file", &o->sts.ca_file);
	conf_get_bool(sts, "allow_private", &o->sts.allow_private);
}

static void
make_deliver(const struct conf_tree *t, struct options *o)
{
	const struct conf_sec *sec = section(t, "deliver");
	unsigned port = o->deliver.port;

	conf_get_number(sec, "port", 1, 65535, &port);
	o->deliver.port = (uint16_t)port;
	conf_get_bool(sec, "allow_private", &o->deliver.allow_private);
	conf_get_number(
	    sec, "max_connections", 1, 100000, &o->deliver.max_connections);
	conf_get_number(sec, "max_per_destination", 1, 10000,
	    &o->deliver.max_per_destination);
	/* RFC 5321 4.5.3.1.8: 100 is what every server takes at once. */
	conf_get_number(
	    sec, "max_recipients", 1, 100, &o->deliver.max_recipients);
	if (o->deliver.max_per_destination > o->deliver.max_connections &&
	    conf_val_next(sec, "max_per_destination", NULL))
		conf_problem(sec, "max_per_destination", 0,
		    "%u is more than max_connections, %u; lower it",
		    o->deliver.max_per_destination, o->deliver.max_connections);
	else if (o->deliver.max_per_destination > o->deliver.max_connections)
		o->deliver.max_per_destination = o->deliver.max_connections;
}

static void
make_timeouts(const struct conf_tree *t, struct options *o)
{
	struct opt_timeouts *to = &o->timeouts;
	const struct conf_sec *sec = section(t, "timeouts");
	const struct {
		const char *key;
		int64_t *ms;
	} all[] = {{"connect", &to->connect}, {"greeting", &to->greeting},
	    {"ehlo", &to->ehlo}, {"starttls", &to->starttls},
	    {"mail", &to->mail}, {"rcpt", &to->rcpt}, {"data", &to->data},
	    {"block", &to->block}, {"final", &to->final}, {"quit", &to->quit},
	    {"session", &to->session}};

	for (size_t i = 0; i < COUNT(all); i++)
		conf_get_duration(sec, all[i].key, SECOND, DAY, all[i].ms);
}

static void
make_retry(const struct conf_sec *sec, struct options *o)
{
	static const int64_t defaults[] = {
	    5 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600};
	const struct conf_val *v = NULL;
	int64_t ms = SECOND;

	o->queue.retry_s = xcalloc(RETRY_MAX, sizeof(*o->queue.retry_s));
	while ((v = conf_val_next(sec, "retry", v))) {
		if (o->queue.n_retry == RETRY_MAX) {
			conf_problem(sec, "retry", v->line,
			    "has more than %d times; shorten it, the last one "
			    "repeats",
			    RETRY_MAX);
			return;
		}
		if (!conf_duration(sec, v, SECOND, 7 * DAY, &ms))
			continue;
		o->queue.retry_s[o->queue.n_retry++] = ms / SECOND;
	}
	if (o->queue.n_retry > 0)
		return;
	memcpy(o->queue.retry_s, defaults, sizeof(defaults));
	o->queue.n_retry = COUNT(defaults);
}

static unsigned long long
mib(uint64_t bytes)
{
	return (unsigned long long)(bytes / MIB);
}

static void
make_queue(const struct conf_tree *t, struct options *o)
{
	const struct conf_sec *sec = section(t, "queue");
	int64_t lifetime = o->queue.lifetime_s * SECOND;
	int64_t receipts = o->queue.receipts_s * SECOND;

	conf_get_duration(sec, "lifetime", SECOND, 365 * DAY, &lifetime);
	o->queue.lifetime_s = lifetime / SECOND;
	conf_get_duration(sec, "receipts", 0, 3660 * DAY, &receipts);
	o->queue.receipts_s = receipts / SECOND;
	make_retry(sec, o);
	/* An fsync takes about that long; more would only delay the 250. */
	conf_get_duration(sec, "commit_delay", 0, 10, &o->queue.commit_delay);
	/* RFC 5321 4.5.3.1.7: 64K octets at least. */
	conf_get_size(
	    sec, "max_message_size", 64 * KIB, GIB, &o->queue.max_message_size);
	conf_get_size(sec, "memory", MIB, 1024 * GIB, &o->queue.memory);
	conf_get_number(
	    sec, "max_in_memory", 100, 100000000, &o->queue.max_in_memory);
	conf_get_size(sec, "min_free", 0, 1024 * GIB, &o->queue.min_free);
	if (o->queue.memory >= o->queue.max_message_size)
		return;
	if (conf_val_next(sec, "memory", NULL))
		conf_problem(sec, "memory", 0,
		    "%lluM is less than max_message_size, %lluM; raise it, or "
		    "no such message could be delivered",
		    mib(o->queue.memory), mib(o->queue.max_message_size));
	else
		conf_problem(sec, "max_message_size", 0,
		    "%lluM is more than memory, %lluM; raise memory too, or "
		    "no such message could be delivered",
		    mib(o->queue.max_message_size), mib(o->queue.memory));
}

static void
make_limits(const struct conf_tree *t, struct options *o)
{
	const struct conf_sec *sec = section(t, "limits");

	conf_get_number(sec, "max_sessions", 1, 100000, &o->smtp.max_sessions);
	/* RFC 5321 4.5.3.1.8: 100 at least. */
	conf_get_number(
	    sec, "max_recipients", 100, 100000, &o->smtp.max_recipients);
	conf_get_number(sec, "max_errors", 1, 10000, &o->smtp.max_errors);
	/* RFC 5321 6.3: a limit of at least 100 Received fields. */
	conf_get_number(sec, "max_hops", 10, 1000, &o->smtp.max_hops);
}

static void
make_rest(const struct conf_tree *t, struct options *o)
{
	static const char *const formats[] = {"logfmt", "json"};
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const struct conf_sec *control = section(t, "control");
	const struct conf_sec *log = section(t, "log");
	unsigned v;

	conf_get_dup(control, "socket", &o->control_socket);
	if (o->control_socket && strlen(o->control_socket) > SOCKET_PATH_MAX)
		conf_problem(control, "socket", 0,
		    "is longer than the %d bytes that a socket may have; "
		    "choose a shorter path",
		    SOCKET_PATH_MAX);
	v = LOG_LOGFMT;
	conf_get_word(log, "format", formats, COUNT(formats), &v);
	o->log.format = (enum log_format)v;
	v = LOG_INFO;
	conf_get_word(log, "level", levels, COUNT(levels), &v);
	o->log.level = (enum log_level)v;
}

struct options *
conf_options_make(const struct conf_tree *t, const struct conf_machine *m)
{
	struct options *o = xcalloc(1, sizeof(*o));

	set_defaults(o);
	make_top(t, m, o);
	conf_listens_make(t, o);
	o->resolver.unbound = xstrdup(m->unbound);
	conf_resolver_make(t, &o->resolver);
	make_policy(t, o);
	make_tls(t, o);
	make_deliver(t, o);
	make_timeouts(t, o);
	make_queue(t, o);
	make_limits(t, o);
	conf_sites_make(t, o);
	make_rest(t, o);
	return o;
}

void
conf_options_free(struct options *o)
{
	if (!o)
		return;
	conf_listens_free(o);
	conf_resolver_free(&o->resolver);
	conf_sites_free(o);
	free(o->state_dir);
	free(o->user);
	free(o->sts.ca_file);
	free(o->tls.ca_file);
	free(o->queue.retry_s);
	free(o->control_socket);
	free(o);
}
