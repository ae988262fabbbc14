/* The queue of the world: store.h in memory. It outlives every relay. */
#ifndef TESTS_FAKE_FAKE_STORE_H
#define TESTS_FAKE_FAKE_STORE_H

#include <stdbool.h>

#include "relay/queue/store.h"
#include "tests/fake/fake.h"

/* The hub that shards are given. */
struct store_hub *fake_store_hub(void);
/* Every job fails with err until told otherwise; 0: works. */
void fake_store_error(int err);
/* Did the last commit that should have ended an attempt fail? Since this was
 * asked the last time. */
bool fake_store_left_work(void);
/* New mail is refused for want of disk. */
void fake_store_low_disk(bool low);
/*
 * At the next jobs that take new mail in (finish: that end attempts), times
 * of them: f is FAKE_LOSS (the commit fails), FAKE_STOP or FAKE_CRASH; after:
 * when it is committed and before the relay hears of it.
 */
void fake_store_trap(
    bool finish, bool after, enum fake_fault f, unsigned times);
size_t fake_store_rows(void);
/* The row of a recipient, or NULL; the first when there are several. */
const struct store_row *fake_store_row(const char *addr, struct store_row *out);
/* The cached policy of a domain, or NULL. */
const struct sts_entry *fake_store_sts(const char *domain);
/* Did the relay note that the domain uses DANE? */
bool fake_store_dane(const char *domain);
/* The last receipt of a recipient, or NULL. */
const struct receipt *fake_store_receipt(const char *addr);
/* The relay is told to keep none. */
void fake_store_no_receipts(void);
unsigned fake_store_commits(void);
void fake_store_begin(void);
void fake_store_end(void);

#endif
