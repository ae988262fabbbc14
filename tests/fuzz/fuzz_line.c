/*
 * Lines that end in CRLF and nothing else. The first byte is the limit of a
 * line. Fed byte for byte and at once, the same lines come out; and they are
 * those between the CRLFs of the input, but for the bad ones.
 */
#include "config.h"

#include "relay/smtp/line.h"

#include "tests/fuzz/fuzz.h"

/* What came out: good lines as they are, "\n" behind each, "!" for bad. */
struct taken {
	struct buf out, in;
	size_t max;
	bool skipping;
};

static void
take_all(struct taken *t)
{
	for (;;) {
		struct str line, s = buf_str(&t->in);
		size_t used = 0;
		int err;

		if (t->skipping) {
			err = line_skip(s, &used);
			FUZZ_CHECK(err == 0 || err == ERR_MORE);
			FUZZ_CHECK(used <= s.n);
			buf_shift(&t->in, used);
			if (err)
				return;
			t->skipping = false;
			continue;
		}
		err = line_cut(s, t->max, &line, &used);
		if (err == ERR_MORE) {
			FUZZ_CHECK(s.n < t->max);
			return;
		}
		FUZZ_CHECK(used <= s.n);
		if (!err) {
			FUZZ_CHECK(used == line.n + 2 && used <= t->max);
			buf_add_str(&t->out, line);
		} else {
			FUZZ_CHECK(err == ERR_SYNTAX || err == ERR_TOOBIG);
			buf_add_char(&t->out, '!');
			t->skipping = true;
		}
		buf_add_char(&t->out, '\n');
		buf_shift(&t->in, used);
	}
}

static void
feed(struct taken *t, struct str s, size_t max, size_t piece)
{
	memset(t, 0, sizeof(*t));
	t->max = max;
	buf_init(&t->out, 1u << 20);
	buf_init(&t->in, 1u << 20);
	while (s.n > 0) {
		size_t n = piece < s.n ? piece : s.n;

		buf_add(&t->in, s.p, n);
		take_all(t);
		s = str_skip(s, n);
	}
	buf_clear(&t->in);
}

static bool
is_bad(struct str line, size_t max)
{
	return line.n + 2 > max || str_find(line, '\r') < line.n ||
	    str_find(line, '\n') < line.n;
}

/* Whole lines by another way: from CRLF to CRLF. */
static void
expect(struct str s, size_t max, struct buf *out)
{
	size_t i = 0;

	while (i + 1 < s.n) {
		if (s.p[i] != '\r' || s.p[i + 1] != '\n') {
			i++;
			continue;
		}
		if (is_bad(str_n(s.p, i), max))
			buf_add_char(out, '!');
		else
			buf_add(out, s.p, i);
		buf_add_char(out, '\n');
		s = str_skip(s, i + 2);
		i = 0;
	}
	/* What has no end may be bad already. */
	if (s.n >= max || (s.n > 0 && is_bad(str_n(s.p, s.n - 1), s.n + 2)) ||
	    (s.n > 0 && s.p[s.n - 1] == '\n'))
		buf_add_cstr(out, "!\n");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	size_t max = fuzz_take_byte(&in) % 64 + 3;
	struct str s = fuzz_rest(&in);
	struct taken a, b;
	struct buf want;

	buf_init(&want, 1u << 20);
	feed(&a, s, max, s.n);
	feed(&b, s, max, 1);
	FUZZ_CHECK(str_eq(buf_str(&a.out), buf_str(&b.out)));
	expect(s, max, &want);
	FUZZ_CHECK(str_eq(buf_str(&a.out), buf_str(&want)));
	buf_clear(&want);
	buf_clear(&a.out);
	buf_clear(&b.out);
	return 0;
}
