/*
 * What a relay would do with mail for one domain, and why: all that a route
 * learnt on its way, as values. Made by relay/decide/explain_run, shown by
 * relay/ctl. Remote text stands in it as it came.
 */
#ifndef RELAY_MODEL_EXPLAIN_H
#define RELAY_MODEL_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/model/outcome.h"
#include "relay/model/rr.h"
#include "relay/model/sts_entry.h"
#include "relay/model/tls_plan.h"
#include "relay/model/verdicts.h"

#define EXPLAIN_HOSTS_MAX 100
#define EXPLAIN_ANSWERS_MAX 8 /* of one host */
#define EXPLAIN_ADDRS_MAX 16
/* Bytes of all records; what would go beyond is left out and counted. */
#define EXPLAIN_RECORDS_MAX (512u * 1024u)

/* An answer of DNS. status RR_FAIL and why RR_WHY_TIMEOUT: none came. */
struct explain_answer {
	char name[DOMAIN_MAX];
	char target[DOMAIN_MAX]; /* where CNAMEs led to, or "" */
	enum rr_type type;
	enum rr_status status;
	enum rr_why why;
	bool secure;
	uint32_t ttl;
	char **records; /* presentation form, owned */
	size_t n, total; /* kept, and how many there were */
};

/* A TLSA record and what becomes of it. */
struct explain_tlsa {
	char *text; /* "3 1 1 ab12...", owned */
	const char *rule, *why; /* static; NULL: it is used */
};

struct explain_host {
	char name[DOMAIN_MAX];
	uint16_t pref, port;
	struct explain_answer answers[EXPLAIN_ANSWERS_MAX];
	size_t n_answers;
	/* DANE's verdict; false when it did not come to one. */
	bool judged;
	enum dane_kind dane;
	enum rr_why dane_why;
	const char *dane_rule; /* static */
	char dane_base[DOMAIN_MAX];
	struct explain_tlsa *tlsa; /* owned */
	size_t n_tlsa;
	/* The relay would try it, by plan, at these addresses; or not, and the
	 * outcome says why. */
	bool tried;
	struct rr_addr addrs[EXPLAIN_ADDRS_MAX];
	size_t n_addrs;
	struct tls_plan plan;
	struct outcome skip;
};

struct explain_sts {
	bool known; /* MTA-STS was looked at */
	enum sts_source source;
	enum sts_mode mode;
	char id[STS_ID_MAX];
	const char *rule; /* static */
	char text[160]; /* why there is no live policy, or "" */
	int64_t max_age, fetched, expires; /* 0: no policy */
	char (*mx)[DOMAIN_MAX]; /* patterns, owned */
	size_t n_mx;
	bool no_store; /* there is no cache that could be read */
	int store_err;
	bool has_txt;
	size_t txt_records;
	struct explain_answer txt;
};

/* The site rule that matches, whether in force or not. */
struct explain_site {
	bool any, in_force;
	char domain[DOMAIN_MAX];
	const char *require, *continuity; /* static */
	bool holds; /* continuity = hold */
	char *nexthop, *reason, *author; /* owned, or NULL */
	int64_t expires; /* 0: never */
};

struct explain {
	char domain[DOMAIN_MAX]; /* as asked for */
	char policy[DOMAIN_MAX]; /* whose MTA-STS policy applies */
	uint16_t port;
	int64_t now; /* seconds since 1970 */
	const char *resolver; /* its state, static */
	bool dane_on, sts_on;
	bool no_memory; /* what domains had is not known here */
	struct explain_site site;
	bool has_mx; /* it came to an MX set, or to what stands for one */
	enum mx_security security;
	bool self_dropped; /* our own name cut the set */
	bool asked_mx;
	struct explain_answer mx;
	struct explain_sts sts;
	struct explain_host *hosts; /* best first, owned */
	size_t n_hosts, more_hosts;
	bool ended; /* false: time ran out, hosts may be missing */
	struct outcome end; /* what it comes to when no host is tried */
	size_t bytes; /* of records */
};

void explain_init(struct explain *e);
void explain_clear(struct explain *e);
/*
 * Puts an answer into a, which is empty; set NULL: none came. Records beyond
 * the bytes that e may hold are only counted.
 */
void explain_put(struct explain *e, struct explain_answer *a, const char *name,
    enum rr_type type, const struct rr_set *set);
/* Takes bytes of the room for records; false: there is no more. */
bool explain_take_room(struct explain *e, size_t bytes);
/* A new host at the end; NULL when there are too many. */
struct explain_host *explain_add_host(struct explain *e);

/* What would become of mail. */
#define EXPLAIN_FATE_LIST(X) \
	X(EXPLAIN_SENT, "sent") \
	X(EXPLAIN_HELD, "held") \
	X(EXPLAIN_BOUNCED, "bounced") \
	X(EXPLAIN_UNKNOWN, "unknown") /* could not be found out */

enum explain_fate {
#define EXPLAIN_ENUM_(id, text) id,
	EXPLAIN_FATE_LIST(EXPLAIN_ENUM_)
#undef EXPLAIN_ENUM_
};
const char *explain_fate_str(enum explain_fate f);
/* *first: the host that would be tried first, or NULL. UNKNOWN with a host:
 * explain_hangs_on_memory. */
enum explain_fate explain_fate(
    const struct explain *e, const struct explain_host **first);
/* Would mail by way of h wait if the domain had more once (continuity = hold)?
 * And is that not known here? */
bool explain_hangs_on_memory(
    const struct explain *e, const struct explain_host *h);

#endif
