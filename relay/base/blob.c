/*
 * Immutable, atomically counted bytes. The bytes are written before the blob
 * is handed to anybody and never again; only the count changes.
 */
#include "config.h"

#include "relay/base/blob.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "relay/base/err.h"

struct blob {
	atomic_size_t count;
	char *p;
	size_t n;
};

/* take_p: n bytes from malloc. */
static struct blob *
make(char *take_p, size_t n)
{
	struct blob *b = xmalloc(sizeof(*b));

	atomic_init(&b->count, 1);
	b->p = take_p;
	b->n = n;
	return b;
}

struct blob *
blob_new(struct str bytes)
{
	return make(str_dup(bytes), bytes.n);
}

struct blob *
blob_take(struct buf *take_b)
{
	size_t n = take_b->n;

	/* A body may stay in memory for long: give back what growing left. */
	return make(xrealloc(buf_take(take_b), n + 1), n);
}

struct blob *
blob_ref(struct blob *b)
{
	/* Relaxed: who calls has a count already. */
	if (atomic_fetch_add_explicit(&b->count, 1, memory_order_relaxed) == 0)
		BUG("blob is gone");
	return b;
}

void
blob_unref(struct blob *b)
{
	size_t former;

	if (!b)
		return;
	/* All that other threads did with the bytes comes before free(). */
	former = atomic_fetch_sub_explicit(&b->count, 1, memory_order_acq_rel);
	if (former == 0)
		BUG("blob is gone");
	if (former == 1) {
		free(b->p);
		free(b);
	}
}

struct str
blob_str(const struct blob *b)
{
	return str_n(b->p, b->n);
}
