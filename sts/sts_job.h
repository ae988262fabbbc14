/* One question about MTA-STS under way: stored entry, TXT, fetch, store. */
#ifndef STS_STS_JOB_H
#define STS_STS_JOB_H

#include "relay/base/list.h"
#include "sts/sts_lookup.h"

struct sts_notes;
struct sts_job;

/* What the jobs of a shard share; a part of struct sts. */
struct sts_desk {
	struct sts_opts o;
	struct sts_notes *notes;
	struct list jobs; /* all under way */
	size_t risks; /* as the gauge has it */
	/* An entry was stored that will be due then. */
	void (*on_stored)(void *arg, int64_t due);
	void *arg;
};

/* notes, o and on_stored are set by the caller. */
void sts_desk_init(struct sts_desk *d);
/* Brings the gauge of policies at risk up to date. */
void sts_desk_gauge(struct sts_desk *d);

enum sts_job_kind {
	STS_JOB_LOOK, /* somebody wants to know */
	STS_JOB_REFRESH, /* STS-25: nobody does, but it is time */
	STS_JOB_FORCED /* the operator wants it fetched */
};

/*
 * The policy of a domain. fn runs exactly once, later, unless canceled; the
 * job is gone then. Of a forced job STS_FRESH means: fetched just now.
 */
struct sts_job *sts_job_start(struct sts_desk *d, enum sts_job_kind kind,
    const char *domain, sts_lookup_fn *fn, void *arg);
void sts_job_cancel(struct sts_job *j); /* NULL is fine */
/* Jobs of this domain that are under way answer, but store nothing. */
void sts_job_disown(struct sts_desk *d, const char *domain);

#endif
