/*
 * Control protocol: one JSON object a line, question and answer, over a unix
 * socket. {"cmd":"status"} -> {"ok":true,...} or {"ok":false,"error":"..."}.
 */
#ifndef RELAY_CTL_CTL_PROTO_H
#define RELAY_CTL_CTL_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/metrics.h"
#include "relay/base/str.h"
#include "relay/dns/dns.h"
#include "relay/model/options.h"
#include "relay/model/store_row.h"

/* Bytes of a question: one may hold a policy of 64 KB, escaped. */
#define CTL_LINE_MAX (192u * 1024u)
#define CTL_ANSWER_MAX (4u * 1024u * 1024u) /* bytes of an answer */
#define CTL_LIST_MAX 100 /* rows of one answer */

/* cmd of a question. */
#define CTL_CMD_LIST(X) \
	X(CTL_STATUS, "status") \
	X(CTL_QUEUE_LIST, "queue-list") \
	X(CTL_QUEUE_STATS, "queue-stats") \
	X(CTL_QUEUE_RELEASE, "queue-release") \
	X(CTL_RECEIPT, "receipt") \
	X(CTL_POLICY_LIST, "policy-list") \
	X(CTL_POLICY_SHOW, "policy-show") \
	X(CTL_POLICY_ASK, "policy-ask") \
	X(CTL_POLICY_REFRESH, "policy-refresh") \
	X(CTL_POLICY_FORGET, "policy-forget") \
	X(CTL_POLICY_IMPORT, "policy-import") \
	X(CTL_EXPLAIN, "explain")

enum ctl_cmd {
#define CTL_ENUM_(id, text) id,
	CTL_CMD_LIST(CTL_ENUM_)
#undef CTL_ENUM_
};
const char *ctl_cmd_str(enum ctl_cmd cmd);

struct ctl_question {
	enum ctl_cmd cmd;
	uint64_t
	    after; /* CTL_QUEUE_LIST, CTL_RECEIPT: row behind which to begin */
	uint64_t limit; /* 1 to CTL_LIST_MAX; not given: CTL_LIST_MAX */
	/* 0: all; a queue id as text on the wire. CTL_QUEUE_RELEASE and
	 * CTL_RECEIPT must have one. */
	uint64_t msg;
	/* Canonical; CTL_EXPLAIN takes an "[ip]" too. CTL_POLICY_LIST: behind
	 * which to begin, "" is the first; the others must have one. Of
	 * CTL_POLICY_IMPORT the line itself tells all: see ctl_policy_parse. */
	char domain[DOMAIN_MAX];
	uint16_t port; /* CTL_EXPLAIN: 0: as configured */
};
/* A line without its end. ERR_SYNTAX: no JSON object, a member that the
 * command does not have, a wrong type; ERR_NOTFOUND: unknown command;
 * ERR_RANGE. */
NODISCARD int ctl_question_parse(struct str line, struct ctl_question *out);
/* Appends the line with its end; so do all of the _build functions. */
void ctl_question_build(const struct ctl_question *q, struct buf *out);

/* What status shows: facts first, then a problem list with what to do. */
struct ctl_status {
	const char *version;
	int64_t uptime_s;
	unsigned workers;
	enum dns_state resolver; /* the worst of the shards */
	bool managed;
	int store_err; /* 0, or the error the store is in */
	const char *store_text;
	const struct store_stats *stats; /* NULL: not known */
	const struct opt_listen *listens;
	size_t n_listens;
	const struct opt_site *sites;
	size_t n_sites;
	int64_t now; /* seconds since 1970 */
	const struct metrics *metrics; /* sum of all shards */
};
/*
 * {"ok":true,"version":,"uptime":,"workers":,"resolver":{"mode":,"state":},
 * "store":{"state":"ok|error","error":},"listens":[{"address":,"role":}],
 * "queue":{...} or null,"counters":{...},"problems":[{"what":,"text":,
 * "todo":}]}: an empty problem list is "fine", the worst one stands first.
 */
void ctl_status_build(const struct ctl_status *s, struct buf *out);
/* {"ok":true,"rows":[{"id":,"message":,...}]}: as many as were asked for,
 * less when that was the end. */
void ctl_list_build(const struct store_row *rows, size_t n, struct buf *out);
/* {"ok":true,"queue":{...}}. */
void ctl_stats_build(const struct store_stats *st, struct buf *out);
/* {"ok":true,"recipients":}: how many were released. */
void ctl_release_build(uint64_t n, struct buf *out);
void ctl_error_build(const char *text, struct buf *out);

#endif
