/*
 * Messages, recipients, queue ids, buckets. A struct msg is shared by shards,
 * so its count is atomic; all else in it is written before it is shared.
 */
#include "config.h"

#include "relay/model/msg.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

#define QID_CHARS 13 /* of 5 bits: 65, the first one holds 4 */

/* Crockford's base 32: no I, L, O, U, so that ids survive being read out. */
static const char qid_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct msg *
msg_new(void)
{
	struct msg *m = xcalloc(1, sizeof(*m));

	atomic_init(&m->refs, 1);
	return m;
}

struct msg *
msg_ref(struct msg *m)
{
	/* Relaxed: who calls has a count already. */
	if (atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed) == 0)
		BUG("msg is gone");
	return m;
}

void
msg_unref(struct msg *m)
{
	unsigned former;

	if (!m)
		return;
	/* All that other threads did with it comes before free(). */
	former = atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel);
	if (former == 0)
		BUG("msg is gone");
	if (former > 1)
		return;
	if (m->account)
		metrics_add(
		    m->account, METRIC_BODY_BYTES, -(int64_t)m->accounted);
	blob_unref(m->body);
	free(m);
}

uint64_t
msg_pick_id(int64_t now, struct rng *rng)
{
	uint32_t low;

	rng_fill(rng, &low, sizeof(low));
	return ((uint64_t)now & 0xffffffffu) << 31 | (low & 0x7fffffffu);
}

void
msg_qid(uint64_t id, char out[MSG_QID_MAX])
{
	for (size_t i = QID_CHARS; i-- > 0; id >>= 5)
		out[i] = qid_digits[id & 31];
	out[QID_CHARS] = '\0';
}

/* Value of one character, or -1. Lower case and the letters that look like
 * digits are taken, as Crockford has it. */
static int
qid_value(char c)
{
	const char *at;

	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	at = c ? strchr(qid_digits, c) : NULL;
	return at ? (int)(at - qid_digits) : -1;
}

int
msg_qid_parse(struct str s, uint64_t *id)
{
	uint64_t x = 0;

	if (s.n != QID_CHARS)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n; i++) {
		int v = qid_value(s.p[i]);

		if (v < 0 || (i == 0 && v > 15))
			return ERR_SYNTAX;
		x = x << 5 | (unsigned)v;
	}
	*id = x;
	return 0;
}

void
rcpt_free(struct rcpt *r)
{
	if (!r)
		return;
	msg_unref(r->msg);
	free(r);
}

/*
 * FNV-1a, 64 bits, folded. The number is stored with the destination and
 * means the same on every machine and in every version: never change it.
 */
uint32_t
msg_bucket(struct str next_hop)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < next_hop.n; i++) {
		h ^= (unsigned char)str_lower(next_hop.p[i]);
		h *= 0x100000001b3u;
	}
	h ^= h >> 32;
	h ^= h >> 16;
	return (uint32_t)(h % MSG_BUCKETS);
}
