/*
 * The configuration as values: made by relay/config, immutable afterwards,
 * handed out by main. Times in milliseconds unless named _s.
 */
#ifndef RELAY_MODEL_OPTIONS_H
#define RELAY_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/base/log.h"
#include "relay/model/rr.h"
#include "relay/model/tls_plan.h"

enum listen_role { LISTEN_SMARTHOST, LISTEN_INTERCEPT, LISTEN_POLICY };

/* Network of clients: address and prefix length in bits. */
struct opt_net {
	struct rr_addr addr;
	unsigned bits;
};

struct opt_listen {
	char *text; /* as written: "127.0.0.1:2525" or "unix:/path" */
	enum listen_role role;
	char *unix_path; /* NULL for TCP */
	char host[RR_ADDR_TEXT];
	uint16_t port;
	unsigned mode; /* of a unix socket */
	struct opt_net *nets;
	size_t n_nets;
	char *where; /* "FILE:LINE", for messages */
};

struct opt_addr_port {
	struct rr_addr addr;
	uint16_t port;
};

struct opt_zone {
	char *name;
	char **forward;
	size_t n_forward;
	bool insecure;
};

struct opt_resolver {
	bool managed;
	struct opt_addr_port *addrs; /* external: at least one */
	size_t n_addrs;
	bool trust;
	char *trust_anchor; /* NULL: the built-in root anchor */
	char *root_hints; /* NULL: unbound's own */
	char **forward; /* "ip" or "ip@port" */
	size_t n_forward;
	bool query_localhost;
	char *unbound; /* program */
	char *user; /* uid of the child when started as root */
	int user_line;
	struct opt_zone *zones;
	size_t n_zones;
};

enum site_require {
	SITE_DEFAULT, /* no rule */
	SITE_OPPORTUNISTIC,
	SITE_AUDIT,
	SITE_ENCRYPTED,
	SITE_VERIFIED, /* DANE or PKIX by STS, else held */
	SITE_STS,
	SITE_DANE
};

/* What if a domain has lost the proofs that it had? */
enum site_continuity {
	CONTINUITY_DEFAULT, /* hold while nobody validates, else log */
	CONTINUITY_HOLD,
	CONTINUITY_LOG
};

struct opt_site {
	char domain[DOMAIN_MAX]; /* ".example.com" also matches what is below */
	enum site_require require;
	char *nexthop; /* "host", "host:port", "[ip]:port" or NULL */
	enum site_continuity continuity;
	char *reason, *author;
	int64_t expires_s; /* 0: never */
	char *where;
};

struct opt_timeouts {
	int64_t connect, greeting, ehlo, starttls, mail, rcpt, data, block,
	    final, quit, session;
};

struct options {
	char hostname[DOMAIN_MAX];
	char *state_dir;
	char *user; /* uid of the relay when started as root */
	int user_line; /* of the file; 0: the default stands */
	unsigned workers; /* 0 became the number of cores */
	struct opt_listen *listens;
	size_t n_listens;
	struct opt_resolver resolver;
	struct {
		bool on, insecure_mx;
	} dane;
	struct {
		bool on;
		char *ca_file; /* NULL: that of tls, then the system's */
		bool allow_private;
	} sts;
	struct {
		enum tls_version min, opportunistic_min;
		char *ca_file; /* NULL: the system's */
	} tls;
	struct {
		uint16_t port;
		bool allow_private;
		unsigned max_connections; /* of one shard */
		unsigned max_per_destination;
		unsigned max_recipients; /* of one transaction */
	} deliver;
	struct opt_timeouts timeouts;
	struct {
		int64_t lifetime_s;
		int64_t *retry_s; /* last one repeats */
		size_t n_retry;
		int64_t commit_delay; /* ms, at most 10 */
		uint64_t max_message_size; /* bytes */
		uint64_t memory; /* bytes of bodies held in memory */
		unsigned max_in_memory; /* recipients scheduled a shard */
		uint64_t min_free; /* bytes of disk below which mail is
					 * refused with 452 4.3.1 */
	} queue;
	struct {
		unsigned max_sessions, max_recipients, max_errors, max_hops;
	} smtp;
	struct opt_site *sites;
	size_t n_sites;
	char *control_socket; /* NULL: state_dir/control.sock */
	struct {
		enum log_format format;
		enum log_level level;
	} log;
};

/*
 * Site rule for a domain: the longest match of those that have not ended at
 * now (seconds since 1970); NULL when none. A rule that has ended is as if it
 * were not there: what it was an exception from counts again.
 */
const struct opt_site *options_site_at(
    const struct options *o, const char *domain, int64_t now);
/* The rule's day has come. */
bool options_site_ended(const struct opt_site *s, int64_t now);

#endif
