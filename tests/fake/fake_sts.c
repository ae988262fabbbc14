/* The MTA-STS cache of the fake store. */
#include "config.h"

#include "tests/fake/fake_table.h"

#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "tests/fake/fake_store.h"

struct sts_row {
	struct list node;
	struct sts_entry e;
};

static struct list policies = {&policies, &policies};

struct sts_entry *
table_sts(const char *domain)
{
	for (struct list *n = policies.next; n != &policies; n = n->next) {
		struct sts_row *r = CONTAINER_OF(n, struct sts_row, node);

		if (strcmp(r->e.domain, domain) == 0)
			return &r->e;
	}
	return NULL;
}

void
table_sts_put(const struct sts_entry *e)
{
	struct sts_entry *have = table_sts(e->domain);

	if (!have) {
		struct sts_row *r = xcalloc(1, sizeof(*r));

		list_init(&r->node);
		list_push(&policies, &r->node);
		have = &r->e;
	}
	sts_entry_clear(have);
	sts_entry_copy(have, e);
}

void
table_sts_drop(const char *domain, int64_t before)
{
	struct sts_entry *have = table_sts(domain);
	struct sts_row *r;

	if (!have || have->expires >= before)
		return;
	r = CONTAINER_OF(have, struct sts_row, e);
	list_remove(&r->node);
	sts_entry_clear(have);
	free(r);
}

/* The next one by name. */
static const struct sts_entry *
after(const char *domain)
{
	const struct sts_entry *best = NULL;

	for (struct list *n = policies.next; n != &policies; n = n->next) {
		const struct sts_entry *e =
		    &CONTAINER_OF(n, struct sts_row, node)->e;

		if (strcmp(e->domain, domain) > 0 &&
		    (!best || strcmp(e->domain, best->domain) < 0))
			best = e;
	}
	return best;
}

void
table_sts_scan(const struct store_sts_scan *q, struct sts_entry *rows,
    struct store_sts_page *page)
{
	const struct sts_entry *e;

	*page = (struct store_sts_page){.rows = rows, .next_due = INT64_MAX};
	memcpy(page->last, q->after, sizeof(page->last));
	while (page->n < q->limit && (e = after(page->last)) != NULL) {
		int64_t due = sts_entry_due(e);

		memcpy(page->last, e->domain, sizeof(page->last));
		if (msg_bucket(str_of(e->domain)) % q->shards != q->shard)
			continue;
		if (e->expires > q->now && due > q->now) {
			if (due < page->next_due)
				page->next_due = due;
		} else if (e->expires > q->now ||
		    e->expires + STS_KEEP_S <= q->now) {
			rows[page->n] = *e;
			rows[page->n++].body = NULL;
		}
	}
	page->more = page->n == q->limit;
}

const struct sts_entry *
fake_store_sts(const char *domain)
{
	return table_sts(domain);
}

void
table_sts_end(void)
{
	struct list *n;

	while ((n = list_pop(&policies)) != NULL) {
		struct sts_row *r = CONTAINER_OF(n, struct sts_row, node);

		sts_entry_clear(&r->e);
		free(r);
	}
}
