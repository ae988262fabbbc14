/*
 * Counters and gauges of one shard. The owner adds, any thread may read:
 * relaxed atomics, no lock. The main thread sums the shards'.
 */
#ifndef RELAY_BASE_METRICS_H
#define RELAY_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* name, help. Shown as waxseal_<name>. */
#define METRICS_LIST(X) \
	X(SESSIONS_IN, "sessions_in_total", "SMTP sessions accepted") \
	X(SESSIONS_IN_NOW, "sessions_in", "SMTP sessions open now") \
	X(REJECTED_IN, "rejected_total", "commands refused to clients") \
	X(MSGS_IN, "messages_accepted_total", "messages accepted (250)") \
	X(BYTES_IN, "bytes_accepted_total", "bytes of accepted messages") \
	X(SENT, "recipients_sent_total", "recipients delivered") \
	X(DEFERRED, "recipients_deferred_total", "attempts deferred") \
	X(BOUNCED, "recipients_bounced_total", "recipients failed") \
	X(EXPIRED, "recipients_expired_total", "recipients expired") \
	X(DANE_SENT, "sent_dane_total", "recipients sent, by a DANE proof") \
	X(STS_SENT, "sent_sts_total", "recipients sent, by an STS proof") \
	X(CLEAR_SENT, "sent_clear_total", "recipients sent without TLS") \
	X(AUDIT_FAILED, "audit_failed_total", "sent, only by require = audit") \
	X(DOWNGRADES, "downgrades_total", "domains that lost DANE and STS") \
	X(HELD_POLICY, "held_policy_total", "attempts held by policy") \
	X(CONNS_OUT, "connections_out_total", "connections to MX hosts") \
	X(TLS_FAILED, "tls_failed_total", "TLS handshakes out that failed") \
	X(DNS_QUERIES, "dns_queries_total", "queries to the resolver") \
	X(DNS_CACHE_HITS, "dns_cache_hits_total", "answers from the cache") \
	X(DNS_FAILED, "dns_failed_total", "lookups that failed") \
	X(DNS_IN_FLIGHT, "dns_in_flight", "lookups under way") \
	X(STS_FETCHES, "sts_fetches_total", "MTA-STS policy fetches") \
	X(STS_FETCH_FAILED, "sts_fetch_failed_total", "fetches that failed") \
	X(STS_REFRESH_FAILED, "sts_refresh_failed_total", \
	    "fetches that failed while a policy was cached") \
	X(STS_AT_RISK, "sts_policies_at_risk", \
	    "policies that can't be refreshed and end soon") \
	X(STEP_BUDGET, "step_budget_exceeded_total", "actors ended by budget") \
	X(POISON_HELD, "poison_held_total", "messages held after crashes") \
	X(GATE_REFUSED, "gate_refused_total", "sessions not proven at MAIL") \
	X(DSN_MADE, "dsn_total", "delivery status notifications made") \
	X(RCPTS_IN_MEMORY, "recipients_in_memory", "recipients scheduled") \
	X(STORE_COMMITS, "store_commits_total", "database commits") \
	X(STORE_JOBS, "store_jobs_total", "store jobs done") \
	X(STORE_ERRORS, "store_errors_total", "store jobs that failed") \
	X(STORE_WRITE_ERR, "store_write_error", "error of writing, 0: none") \
	X(STORE_READ_ERR, "store_read_error", "error of reading, 0: none") \
	X(STORE_SPOOL_ERR, "store_spool_error", "error of spool/, 0: none") \
	X(BODY_BYTES, "body_bytes", "bytes of accepted bodies in memory")

enum metric {
#define METRIC_ENUM_(id, name, help) METRIC_##id,
	METRICS_LIST(METRIC_ENUM_) METRIC_COUNT
#undef METRIC_ENUM_
};

struct metrics {
	_Atomic uint64_t v[METRIC_COUNT];
};

void metrics_init(struct metrics *m);
void metrics_add(struct metrics *m, enum metric id, int64_t n);
uint64_t metrics_get(const struct metrics *m, enum metric id);
const char *metric_name(enum metric id); /* without the waxseal_ prefix */
const char *metric_help(enum metric id);

#endif
