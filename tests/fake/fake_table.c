/*
 * Messages and recipients as lists, and what the book is told of them. Rows
 * copy everything: a relay that goes leaves nothing of itself behind.
 */
#include "config.h"

#include "tests/fake/fake_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "tests/fake/fake.h"
#include "tests/fake/fake_book.h"
#include "tests/fake/fake_store.h"

struct msg_row {
	struct list node;
	struct msg *msg; /* our own copy, body too */
	char token[128];
	size_t rcpts;
};

struct rcpt_row {
	struct list node;
	struct msg_row *msg;
	struct rcpt r; /* its msg is not set */
	char dsn[12], rule[16], mx[DOMAIN_MAX], reply[512];
};

struct had_row {
	struct list node;
	struct had_entry e;
};

static struct list msgs = {&msgs, &msgs};
static struct list rcpts = {&rcpts, &rcpts};
static struct list hads = {&hads, &hads};
static uint64_t last_id;

/* ---- what a job asks for ---- */

void
table_change_put(struct table_change *c, const struct store_put *p)
{
	struct table_put *t;

	c->puts = xrealloc(c->puts, (c->n_puts + 1) * sizeof(*c->puts));
	t = &c->puts[c->n_puts++];
	if (!p->msg->body)
		fake_fail("a message without a body is stored");
	t->msg = msg_ref(p->msg);
	t->n = p->n_rcpts;
	t->next_try = p->next_try;
	t->rcpts = xcalloc(p->n_rcpts, sizeof(*t->rcpts));
	memcpy(t->rcpts, p->rcpts, p->n_rcpts * sizeof(*t->rcpts));
}

void
table_change_results(
    struct table_change *c, const struct store_result *v, size_t n)
{
	c->results = xcalloc(n, sizeof(*v));
	memcpy(c->results, v, n * sizeof(*v));
	c->n_results = n;
}

void
table_change_clear(struct table_change *c)
{
	for (size_t i = 0; i < c->n_puts; i++) {
		msg_unref(c->puts[i].msg);
		free(c->puts[i].rcpts);
	}
	free(c->puts);
	free(c->results);
	memset(c, 0, sizeof(*c));
}

/* ---- changes ---- */

static struct msg_row *
msg_find(uint64_t id)
{
	for (struct list *n = msgs.next; n != &msgs; n = n->next) {
		struct msg_row *m = CONTAINER_OF(n, struct msg_row, node);

		if (m->msg->id == id)
			return m;
	}
	return NULL;
}

static struct msg_row *
msg_add(const struct msg *in)
{
	struct msg_row *m = xcalloc(1, sizeof(*m));

	list_init(&m->node);
	m->msg = msg_new();
	m->msg->id = in->id;
	m->msg->arrived = in->arrived;
	m->msg->flags = in->flags;
	m->msg->size = blob_str(in->body).n;
	memcpy(m->msg->sender, in->sender, sizeof(in->sender));
	memcpy(m->msg->envid, in->envid, sizeof(in->envid));
	memcpy(m->msg->client, in->client, sizeof(in->client));
	m->msg->body = blob_new(blob_str(in->body));
	book_token(blob_str(in->body), m->token);
	list_push(&msgs, &m->node);
	return m;
}

static void
msg_drop(struct msg_row *m)
{
	list_remove(&m->node);
	msg_unref(m->msg);
	free(m);
}

/* A message as a page brings it: without the body. */
static struct msg *
msg_bare(const struct msg_row *m)
{
	struct msg *out = msg_new();
	const struct msg *in = m->msg;

	out->id = in->id;
	out->arrived = in->arrived;
	out->flags = in->flags;
	out->size = in->size;
	memcpy(out->sender, in->sender, sizeof(out->sender));
	memcpy(out->envid, in->envid, sizeof(out->envid));
	memcpy(out->client, in->client, sizeof(out->client));
	return out;
}

static struct rcpt *
rcpt_out(const struct rcpt_row *row, struct msg *take_msg)
{
	struct rcpt *r = xcalloc(1, sizeof(*r));

	*r = row->r;
	r->msg = take_msg;
	return r;
}

static struct rcpt *
rcpt_add(struct msg_row *m, const struct table_put *p, const struct rcpt_in *in)
{
	struct rcpt_row *row = xcalloc(1, sizeof(*row));

	list_init(&row->node);
	row->msg = m;
	row->r.id = ++last_id;
	row->r.dest = 1;
	row->r.notify = in->notify;
	row->r.next_try = p->next_try;
	memcpy(row->r.next_hop, in->next_hop, sizeof(in->next_hop));
	memcpy(row->r.addr, in->addr, sizeof(in->addr));
	memcpy(row->r.orcpt, in->orcpt, sizeof(in->orcpt));
	list_push(&rcpts, &row->node);
	m->rcpts++;
	book_stored(m->token, in->addr, m->msg->id);
	return rcpt_out(row, msg_ref(p->msg));
}

static void
rcpt_drop(struct rcpt_row *row, char fate)
{
	struct msg_row *m = row->msg;

	book_left(m->token, row->r.addr, fate);
	list_remove(&row->node);
	free(row);
	if (--m->rcpts == 0)
		msg_drop(m);
}

static struct rcpt_row *
rcpt_find(uint64_t id)
{
	for (struct list *n = rcpts.next; n != &rcpts; n = n->next) {
		struct rcpt_row *r = CONTAINER_OF(n, struct rcpt_row, node);

		if (r->r.id == id)
			return r;
	}
	return NULL;
}

static bool
has_line(struct str text, const char *head, const char *tail)
{
	struct str line;

	while (str_cut(&text, '\n', &line)) {
		line = str_trim(line);
		if (str_starts_ci(line, str_of(head)) &&
		    str_eq(
			str_trim(str_skip(line, strlen(head))), str_of(tail)))
			return true;
	}
	return false;
}

/* A notice for the recipient in the change: to whom, or NULL. */
static const char *
notice_of(const struct table_change *c, const struct rcpt_row *row)
{
	for (size_t i = 0; i < c->n_puts; i++) {
		const struct table_put *p = &c->puts[i];

		if (!has_line(blob_str(p->msg->body),
			"Final-Recipient: rfc822;", row->r.addr))
			continue;
		if (p->msg->sender[0] || !(p->msg->flags & MSG_DSN) ||
		    p->n != 1)
			fake_fail("QUE-07: a notice could come back");
		return p->rcpts[0].addr;
	}
	return NULL;
}

/* A recipient that failed leaves together with the notice of it, if there is
 * somebody who wants one: RFC 5321 6.1, RFC 3461 4.1. */
static void
check_notice(
    const struct table_change *c, const struct rcpt_row *row, char fate)
{
	const struct msg *m = row->msg->msg;
	const char *to = notice_of(c, row);
	bool want = fate != '2' && m->sender[0] && !(m->flags & MSG_DSN) &&
	    !(row->r.notify & NOTIFY_NEVER) &&
	    (row->r.notify == 0 || (row->r.notify & NOTIFY_FAILURE));

	if (want && !to)
		fake_fail("QUE-06: %s failed and %s is not told", row->r.addr,
		    m->sender);
	else if (want && strcmp(to, m->sender) != 0)
		fake_fail("QUE-06: %s is told, not %s", to, m->sender);
	else if (!want && to)
		fake_fail("QUE-07: nobody wants a notice of %s", row->r.addr);
}

static void
apply_result(const struct table_change *c, const struct store_result *v)
{
	struct rcpt_row *row = rcpt_find(v->rcpt);

	if (!row || row->msg->msg->id != v->msg) {
		fake_fail("QUE-08: a result for row %llu, which is not there",
		    (unsigned long long)v->rcpt);
		return;
	}
	if (v->fate == STORE_DONE) {
		check_notice(c, row, v->dsn[0]);
		rcpt_drop(row, v->dsn[0]);
	} else if (v->fate == STORE_RETRY) {
		row->r.tries = v->tries;
		row->r.next_try = v->next_try;
		memcpy(row->dsn, v->dsn, sizeof(row->dsn));
		memcpy(row->rule, v->rule, sizeof(row->rule));
		memcpy(row->mx, v->mx, sizeof(row->mx));
		memcpy(row->reply, v->reply, sizeof(row->reply));
	}
}

int
table_apply(const struct table_change *c, struct rcpt ***out, size_t *n)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; i < c->n_puts; i++) {
		struct msg *m = c->puts[i].msg;

		if (m->id == 0)
			m->id = msg_pick_id(fake_real_s(), fake_rng());
		if (msg_find(m->id))
			return ERR_EXISTS;
		total += c->puts[i].n;
	}
	*out = xcalloc(total, sizeof(struct rcpt *));
	for (size_t i = 0; i < c->n_puts; i++) {
		const struct table_put *p = &c->puts[i];
		struct msg_row *m = msg_add(p->msg);

		for (size_t k = 0; k < p->n; k++)
			(*out)[at++] = rcpt_add(m, p, &p->rcpts[k]);
	}
	*n = total;
	for (size_t i = 0; i < c->n_results; i++)
		apply_result(c, &c->results[i]);
	return 0;
}

/* ---- reading ---- */

static bool
is_behind(const struct rcpt_row *r, int64_t next_try, uint64_t id)
{
	return r->r.next_try > next_try ||
	    (r->r.next_try == next_try && r->r.id > id);
}

static int
row_cmp(const void *a, const void *b)
{
	const struct rcpt_row *const *x = a, *const *y = b;

	return is_behind(*x, (*y)->r.next_try, (*y)->r.id) ? 1 : -1;
}

/* The rows of the shard behind (next_try, id), in order. */
static const struct rcpt_row **
rows_behind(
    unsigned shard, unsigned shards, int64_t next_try, uint64_t id, size_t *n)
{
	const struct rcpt_row **v = xcalloc(
	    fake_store_rows() + 1, sizeof(struct rcpt_row *));

	*n = 0;
	for (struct list *l = rcpts.next; l != &rcpts; l = l->next) {
		const struct rcpt_row *r = CONTAINER_OF(
		    l, struct rcpt_row, node);

		if (is_behind(r, next_try, id) &&
		    msg_bucket(str_of(r->r.next_hop)) % shards == shard)
			v[(*n)++] = r;
	}
	qsort(v, *n, sizeof(struct rcpt_row *), row_cmp);
	return v;
}

struct rcpt **
table_page(unsigned shard, unsigned shards, int64_t after_try,
    uint64_t after_id, size_t limit, size_t *n)
{
	struct rcpt **out = xcalloc(limit, sizeof(*out));
	const struct rcpt_row **rows = rows_behind(
	    shard, shards, after_try, after_id, n);

	if (*n > limit)
		*n = limit;
	for (size_t k = 0; k < *n; k++) {
		struct msg *m = NULL;

		for (size_t i = 0; i < k && !m; i++) {
			if (out[i]->msg->id == rows[k]->msg->msg->id)
				m = msg_ref(out[i]->msg);
		}
		out[k] = rcpt_out(rows[k], m ? m : msg_bare(rows[k]->msg));
	}
	free(rows);
	return out;
}

struct blob *
table_body(uint64_t msg)
{
	const struct msg_row *m = msg_find(msg);

	return m ? blob_new(blob_str(m->msg->body)) : NULL;
}

static struct had_row *
had_find(const char *domain)
{
	for (struct list *l = hads.next; l != &hads; l = l->next) {
		struct had_row *d = CONTAINER_OF(l, struct had_row, node);

		if (strcmp(d->e.domain, domain) == 0)
			return d;
	}
	return NULL;
}

static int
had_cmp(const void *a, const void *b)
{
	return strcmp(((const struct had_entry *)a)->domain,
	    ((const struct had_entry *)b)->domain);
}

struct had_entry *
table_had(
    unsigned shard, unsigned shards, const char *after, size_t limit, size_t *n)
{
	struct had_entry *out = NULL;

	*n = 0;
	for (struct list *l = hads.next; l != &hads; l = l->next) {
		const struct had_row *d = CONTAINER_OF(l, struct had_row, node);

		if (msg_bucket(str_of(d->e.domain)) % shards != shard ||
		    strcmp(d->e.domain, after) <= 0)
			continue;
		out = xrealloc(out, (*n + 1) * sizeof(*out));
		out[(*n)++] = d->e;
	}
	if (*n > 0)
		qsort(out, *n, sizeof(*out), had_cmp);
	if (*n > limit)
		*n = limit;
	return out;
}

void
table_had_put(const struct had_entry *e)
{
	struct had_row *d = had_find(e->domain);

	if (!d) {
		d = xcalloc(1, sizeof(*d));
		list_init(&d->node);
		list_push(&hads, &d->node);
	}
	d->e = *e;
}

void
table_had_drop(const char *domain)
{
	struct had_row *d = had_find(domain);

	if (!d)
		return;
	list_remove(&d->node);
	free(d);
}

/* ---- for expectations ---- */

size_t
fake_store_rows(void)
{
	size_t n = 0;

	for (struct list *l = rcpts.next; l != &rcpts; l = l->next)
		n++;
	return n;
}

const struct store_row *
fake_store_row(const char *addr, struct store_row *out)
{
	for (struct list *l = rcpts.next; l != &rcpts; l = l->next) {
		const struct rcpt_row *r = CONTAINER_OF(
		    l, struct rcpt_row, node);

		if (strcmp(r->r.addr, addr) != 0)
			continue;
		memset(out, 0, sizeof(*out));
		out->msg = r->msg->msg->id;
		out->rcpt = r->r.id;
		out->next_try = r->r.next_try;
		out->tries = r->r.tries;
		memcpy(out->dsn, r->dsn, sizeof(out->dsn));
		memcpy(out->rule, r->rule, sizeof(out->rule));
		memcpy(out->reply, r->reply, sizeof(out->reply));
		return out;
	}
	return NULL;
}

bool
fake_store_dane(const char *domain)
{
	const struct had_row *d = had_find(domain);

	return d && d->e.dane;
}

void
table_end(void)
{
	struct list *n;

	while ((n = list_pop(&rcpts)) != NULL)
		free(CONTAINER_OF(n, struct rcpt_row, node));
	while (!list_empty(&msgs))
		msg_drop(CONTAINER_OF(msgs.next, struct msg_row, node));
	table_sts_end();
	while ((n = list_pop(&hads)) != NULL)
		free(CONTAINER_OF(n, struct had_row, node));
	last_id = 0;
}
