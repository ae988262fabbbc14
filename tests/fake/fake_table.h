/* Rows of the fake store; private to tests/fake/fake_store.c. */
#ifndef TESTS_FAKE_FAKE_TABLE_H
#define TESTS_FAKE_FAKE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/queue/store.h"

struct table_put {
	struct msg *msg; /* counted */
	struct rcpt_in *rcpts;
	size_t n;
	int64_t next_try;
};

/* What one job changes, as a whole or not at all. */
struct table_change {
	bool new_mail;
	struct store_result *results;
	size_t n_results;
	struct table_put *puts;
	size_t n_puts;
};

void table_change_put(struct table_change *c, const struct store_put *p);
void table_change_results(
    struct table_change *c, const struct store_result *v, size_t n);
void table_change_clear(struct table_change *c);

/* *out as store_put_fn has it. ERR_EXISTS. */
NODISCARD int table_apply(
    const struct table_change *c, struct rcpt ***out, size_t *n);
struct rcpt **table_page(unsigned shard, unsigned shards, int64_t after_try,
    uint64_t after_id, size_t limit, size_t *n);
struct blob *table_body(uint64_t msg); /* counted, or NULL */
struct sts_entry *table_sts(const char *domain);
void table_sts_put(const struct sts_entry *e);
void table_sts_drop(const char *domain, int64_t before);
/* rows: room for q->limit; page as store.h has it. */
void table_sts_scan(const struct store_sts_scan *q, struct sts_entry *rows,
    struct store_sts_page *page);
void table_sts_end(void);
/* As store_had_load; from malloc. */
struct had_entry *table_had(unsigned shard, unsigned shards, const char *after,
    size_t limit, size_t *n);
void table_had_put(const struct had_entry *e);
void table_had_drop(const char *domain);
void table_end(void);

#endif
