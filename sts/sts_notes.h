/* What a shard remembers of policy fetches between questions. Pure. */
#ifndef STS_STS_NOTES_H
#define STS_STS_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/rng.h"
#include "relay/model/sts_entry.h"

#define STS_RETRY_FIRST_S 300 /* after a failed GET, per id: STS-21 */
#define STS_RETRY_MOST_S 14400 /* doubled up to this */
#define STS_OTHER_ID_FIRST_S 60 /* the same, when the id is a new one */
#define STS_OTHER_ID_MOST_S 3600
#define STS_CHANGES_S 600 /* a change of the id each, ... */
#define STS_CHANGES_BURST 4 /* ... and so many at once */

struct sts_notes;

/* Holds at most max domains (0: 4096); the one that was touched the longest
 * ago makes room, and a fetch for it may then come earlier than need be. rng:
 * hash seed. */
struct sts_notes *sts_notes_new(struct rng *rng, size_t max);
void sts_notes_free(struct sts_notes *n); /* NULL is fine */

/*
 * When this id may be fetched: a time that is not after now (seconds since
 * 1970) means at once. in_force: an unexpired policy is cached, so nothing is
 * lost by waiting, and a record that changes all the time is not followed at
 * once each time. id NULL: any, for a refresh, which waits as long as if all
 * that failed had failed with its own id.
 */
int64_t sts_notes_when(const struct sts_notes *n, const char *domain,
    const char *id, bool in_force, int64_t now);
/* A fetch begins because the id changed under a policy in force. */
void sts_notes_changed(struct sts_notes *n, const char *domain, int64_t now);

struct sts_failure {
	const char *domain, *id;
	int err; /* what the fetch came to */
	int64_t now;
	/* The policy in force of which this was a refresh, and which matters;
	 * NULL: none, or its mode is none. */
	const struct sts_entry *in_force;
};

/* Whether that is news: the first failure, another error than the last time,
 * or the policy in force has come near its end. */
bool sts_notes_failed(struct sts_notes *n, const struct sts_failure *f);
/* The fetch was good. How many had failed before. */
unsigned sts_notes_fetched(struct sts_notes *n, const char *domain);
/* Nothing is known of the domain any more. */
void sts_notes_forget(struct sts_notes *n, const char *domain);
/* Policies in force near their end whose fetch failed the last time. */
size_t sts_notes_risks(struct sts_notes *n, int64_t now);

#endif
