/* One entry a recipient of a message; see the header. */
#include "config.h"

#include "tests/fake/fake_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/model/msg.h"
#include "tests/fake/fake.h"

struct copy {
	struct list node;
	bool seen; /* the relay heard the 250 */
	const bool *same; /* that of the copy whose reply was for this too */
	unsigned epoch; /* crashes before */
};

struct entry {
	struct list node;
	char token[128], addr[ADDR_MAX];
	uint64_t msg;
	unsigned stored, left, finals; /* rows, and delivery lines */
	bool sent; /* by the final line */
	char fate; /* in the store; 0: it is still there */
	struct list copies;
};

struct promise {
	struct list node;
	char token[128];
};

static struct list entries = {&entries, &entries};
static struct list promises = {&promises, &promises};
static unsigned epoch, n_lost, n_crashed;
static bool may_lack;

void
book_begin(void)
{
	epoch = n_lost = n_crashed = 0;
	may_lack = false;
}

void
book_end(void)
{
	struct list *n, *c;

	while ((n = list_pop(&entries)) != NULL) {
		struct entry *e = CONTAINER_OF(n, struct entry, node);

		while ((c = list_pop(&e->copies)) != NULL)
			free(CONTAINER_OF(c, struct copy, node));
		free(e);
	}
	while ((n = list_pop(&promises)) != NULL)
		free(CONTAINER_OF(n, struct promise, node));
}

static bool
field(struct str line, struct str name, char out[128])
{
	struct str v;

	if (!str_starts_ci(line, name))
		return false;
	v = str_trim(str_skip(line, name.n));
	snprintf(out, 128, "%.*s", STR_FMT(v));
	return true;
}

void
book_token(struct str mail, char out[128])
{
	char id[128] = "";
	struct str line;

	out[0] = '\0';
	while (str_cut(&mail, '\n', &line)) {
		if (str_trim(line).n == 0)
			break;
		if (field(line, STR("X-Token:"), out))
			return;
		(void)field(line, STR("Message-ID:"), id);
	}
	snprintf(out, 128, "%s", id);
}

static struct entry *
entry_get(const char *token, const char *addr)
{
	struct list *n;
	struct entry *e;

	for (n = entries.next; n != &entries; n = n->next) {
		e = CONTAINER_OF(n, struct entry, node);
		if (strcmp(e->token, token) == 0 && strcmp(e->addr, addr) == 0)
			return e;
	}
	e = xcalloc(1, sizeof(*e));
	snprintf(e->token, sizeof(e->token), "%s", token);
	snprintf(e->addr, sizeof(e->addr), "%s", addr);
	list_init(&e->node);
	list_init(&e->copies);
	list_push(&entries, &e->node);
	return e;
}

void
book_promised(const char *token)
{
	struct promise *p = xcalloc(1, sizeof(*p));
	bool stored = false;

	list_init(&p->node);
	snprintf(p->token, sizeof(p->token), "%s", token);
	list_push(&promises, &p->node);
	for (struct list *n = entries.next; n != &entries; n = n->next)
		stored = stored ||
		    strcmp(CONTAINER_OF(n, struct entry, node)->token, token) ==
			0;
	if (!stored)
		fake_fail("QUE-01: %s got its 250 before it was stored", token);
}

void
book_stored(const char *token, const char *addr, uint64_t msg)
{
	struct entry *e = entry_get(token, addr);

	e->msg = msg;
	e->stored++;
}

void
book_left(const char *token, const char *addr, char fate)
{
	struct entry *e = entry_get(token, addr);
	const struct copy *last;

	e->fate = fate;
	if (++e->left > e->stored)
		fake_fail("QUE-08: %s of %s left the queue twice", addr, token);
	if (fate == '2' && list_empty(&e->copies))
		fake_fail(
		    "QUE-08: %s of %s is lost: sent to nobody", addr, token);
	if (fate == '2' || list_empty(&e->copies))
		return;
	last = CONTAINER_OF(e->copies.prev, struct copy, node);
	if (*last->same && last->epoch == epoch)
		fake_fail("QUE-08: %s of %s was taken and counts as failed",
		    addr, token);
}

bool *
book_taken(const char *token, const char *addr)
{
	struct entry *e = entry_get(token, addr);
	struct copy *c = xcalloc(1, sizeof(*c));
	struct copy *last;

	list_init(&c->node);
	c->epoch = epoch;
	c->same = &c->seen;
	if (!list_empty(&e->copies)) {
		last = CONTAINER_OF(e->copies.prev, struct copy, node);
		if (!*last->same)
			n_lost++;
		else if (last->epoch != epoch && e->left < e->stored)
			n_crashed++;
		else
			fake_fail("QUE-08: %s got %s twice", addr, token);
	}
	list_push(&e->copies, &c->node);
	return &c->seen;
}

bool
book_has_copy(const char *token, const char *addr)
{
	const struct entry *e = entry_get(token, addr);

	for (struct list *n = e->copies.next; n != &e->copies; n = n->next) {
		const struct copy *c = CONTAINER_OF(n, struct copy, node);

		if (*c->same && c->epoch == epoch)
			return true;
	}
	return false;
}

void
book_logged(uint64_t msg, const char *addr, const char *status)
{
	struct list *n;

	if (strcmp(status, "deferred") == 0)
		return;
	for (n = entries.next; n != &entries; n = n->next) {
		struct entry *e = CONTAINER_OF(n, struct entry, node);

		if (e->msg != msg || strcmp(e->addr, addr) != 0)
			continue;
		if (++e->finals > 1)
			fake_fail("QUE-08: two fates of %s: %s", addr, status);
		e->sent = strcmp(status, "sent") == 0;
		if (e->left < e->stored)
			fake_fail("%s is %s before the commit", addr, status);
		if (e->sent && list_empty(&e->copies))
			fake_fail("QUE-08: %s is lost: sent to nobody", addr);
	}
}

void
book_crashed(void)
{
	epoch++;
	/* It may come between commit and line. */
	may_lack = true;
}

void
book_lines_may_lack(void)
{
	may_lack = true;
}

void
book_same(bool *copy, bool *first)
{
	CONTAINER_OF(copy, struct copy, seen)->same = first;
}

static bool
is_promised(const char *token)
{
	for (struct list *n = promises.next; n != &promises; n = n->next)
		if (strcmp(CONTAINER_OF(n, struct promise, node)->token,
			token) == 0)
			return true;
	return false;
}

size_t
book_open(void)
{
	size_t open = 0;

	for (struct list *n = entries.next; n != &entries; n = n->next) {
		const struct entry *e = CONTAINER_OF(n, struct entry, node);

		open += e->stored - e->left;
	}
	return open;
}

void
book_check(void)
{
	struct list *n;

	for (n = entries.next; n != &entries; n = n->next) {
		const struct entry *e = CONTAINER_OF(n, struct entry, node);

		if (is_promised(e->token) && e->stored != 1)
			fake_fail("QUE-01: %s of %s was stored %u times",
			    e->addr, e->token, e->stored);
		if (e->left < e->stored)
			continue;
		if (e->finals == 0 && !may_lack)
			fake_fail("%s of %s left without a delivery line",
			    e->addr, e->token);
	}
}

static bool
is_like(const struct entry *e, const char *suffix)
{
	return e->stored > 0 && str_ends_ci(str_of(e->addr), str_of(suffix));
}

static const char *
fate_str(const struct entry *e)
{
	if (e->left < e->stored)
		return "waiting";
	return e->fate == '2' ? "sent" : e->fate == '5' ? "bounced" : "expired";
}

const char *
book_misfit(const char *suffix, const char *words, const char **fate)
{
	for (struct list *n = entries.next; n != &entries; n = n->next) {
		const struct entry *e = CONTAINER_OF(n, struct entry, node);
		struct str rest = str_of(words), word;
		bool fits = !is_like(e, suffix);

		*fate = fate_str(e);
		while (!fits && str_cut(&rest, '|', &word))
			fits = str_eq(word, str_of(*fate));
		if (!fits)
			return e->addr;
	}
	return NULL;
}

bool
book_any_copy(const char *suffix)
{
	for (struct list *n = entries.next; n != &entries; n = n->next) {
		const struct entry *e = CONTAINER_OF(n, struct entry, node);

		if (is_like(e, suffix) && !list_empty(&e->copies))
			return true;
	}
	return false;
}

void
book_copies(unsigned *lost, unsigned *crashed)
{
	*lost = n_lost;
	*crashed = n_crashed;
}
