/*
 * TLSA records: which are usable, and digest agility. What is picked is
 * usable, there once, and picked again from itself; something usable is never
 * picked away to nothing.
 */
#include "config.h"

#include "dane/tlsa.h"

#include "relay/base/err.h"
#include "tests/fuzz/fuzz.h"

#define RECORDS 16

static struct rr_set *
take_records(struct fuzz_in *in)
{
	size_t n = fuzz_take_byte(in) % (RECORDS + 1);
	struct rr_set *s = rr_set_new(RR_TLSA, n);

	for (size_t i = 0; i < n; i++) {
		uint8_t usage = fuzz_take_byte(in), selector, mtype;
		size_t len;

		selector = fuzz_take_byte(in);
		mtype = fuzz_take_byte(in);
		/* Mostly what fits, so that records are usable at all. */
		len = fuzz_take_byte(in);
		if (len == 0)
			len = mtype == 1 ? 32 : 64;
		rr_set_tlsa(s, i, usage % 5, selector % 3, mtype % 4,
		    fuzz_take(in, len));
	}
	return s;
}

static bool
same(const struct rr_tlsa *a, const struct rr_tlsa *b)
{
	return a->usage == b->usage && a->selector == b->selector &&
	    a->mtype == b->mtype && a->len == b->len &&
	    memcmp(a->data, b->data, a->len) == 0;
}

static bool
same_kind(const struct rr_tlsa *a, const struct rr_tlsa *b)
{
	return a->usage == b->usage && a->selector == b->selector;
}

static void
check_picked(const struct rr_set *s, const struct rr_tlsa *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		FUZZ_CHECK(tlsa_usable(&v[i]));
		FUZZ_CHECK(v[i].usage == 2 || v[i].usage == 3);
		for (size_t k = 0; k < s->n; k++)
			found |= same(&s->u.tlsa[k], &v[i]);
		FUZZ_CHECK(found);
		for (size_t k = 0; k < i; k++) {
			bool kind = same_kind(&v[k], &v[i]);

			FUZZ_CHECK(!same(&v[k], &v[i]));
			/* RFC 7671 9: one digest for each kind */
			FUZZ_CHECK(!kind || v[k].mtype == 0 ||
			    v[i].mtype == 0 || v[k].mtype == v[i].mtype);
		}
	}
}

/* Each kind that had something usable still has, and its strongest digest. */
static void
check_kept(const struct rr_set *s, const struct rr_tlsa *v, size_t n)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct rr_tlsa *t = &s->u.tlsa[i];
		bool found = false;

		if (!tlsa_usable(t))
			continue;
		for (size_t k = 0; k < n; k++) {
			if (!same_kind(&v[k], t))
				continue;
			FUZZ_CHECK(v[k].mtype == 0 || v[k].mtype >= t->mtype);
			found |= t->mtype != 0 || same(&v[k], t);
		}
		FUZZ_CHECK(found);
	}
}

static void
check_name(struct str base)
{
	char text[DOMAIN_MAX], name[DOMAIN_MAX] = "same";
	int err;

	fuzz_text(text, sizeof(text), base);
	err = tlsa_name(65535, text, name);
	FUZZ_CHECK(err == 0 || err == ERR_TOOBIG);
	if (err)
		FUZZ_CHECK(strcmp(name, "same") == 0);
	else
		FUZZ_CHECK(str_starts(str_of(name), STR("_65535._tcp.")) &&
		    str_ends_ci(str_of(name), str_of(text)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct rr_set *s = take_records(&in);
	struct rr_tlsa *v, *again;
	size_t n, m;
	struct buf b;

	tlsa_select(s->u.tlsa, s->n, &v, &n);
	FUZZ_CHECK(n <= s->n && (n > 0) == (v != NULL));
	check_picked(s, v, n);
	check_kept(s, v, n);
	tlsa_select(v, n, &again, &m);
	FUZZ_CHECK(n == m);
	for (size_t i = 0; i < n; i++)
		FUZZ_CHECK(same(&v[i], &again[i]));
	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < n; i++)
		rr_tlsa_text(&b, &v[i]);
	FUZZ_CHECK(fuzz_is_printable(buf_str(&b), ""));
	buf_clear(&b);
	rr_tlsa_free(again, m);
	rr_tlsa_free(v, n);
	rr_set_unref(s);
	check_name(fuzz_rest(&in));
	return 0;
}
