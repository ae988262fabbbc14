/*
 * Dots, both ways. A body that is stuffed and read again is the body with its
 * line ends put right; stuffed, it ends nowhere but at its end. Raw input ends
 * at its first CRLF.CRLF and nowhere else. Pieces make no difference.
 */
#include "config.h"

#include "relay/smtp/dot.h"

#include "tests/fuzz/fuzz.h"

#define BYTES (1u << 20)

static void
stuff(struct str s, size_t piece, struct buf *out)
{
	struct dot_out d;

	dot_out_init(&d);
	while (s.n > 0) {
		size_t n = piece < s.n ? piece : s.n;

		dot_out_feed(&d, str_n(s.p, n), out);
		s = str_skip(s, n);
	}
	dot_out_end(&d, out);
}

/* Bytes used up to the end of data, or 0 when there is none. */
static size_t
unstuff(struct str s, size_t piece, struct buf *out, bool *bare)
{
	struct dot_in d;
	size_t at = 0;

	dot_in_init(&d);
	*bare = false;
	while (at < s.n) {
		size_t n = piece < s.n - at ? piece : s.n - at, used = 0;
		enum dot_in_state got = dot_in_feed(
		    &d, str_n(s.p + at, n), out, &used);

		FUZZ_CHECK(used <= n && (got == DOT_END || used == n));
		at += used;
		*bare = d.bare;
		if (got == DOT_END)
			return at;
	}
	return 0;
}

/* The body as it must arrive: CRLF ends, the last line too. */
static void
put_right(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' || s.p[i] == '\n') {
			buf_add_cstr(out, "\r\n");
			i += s.p[i] == '\r' && i + 1 < s.n &&
			    s.p[i + 1] == '\n';
		} else {
			buf_add_char(out, s.p[i]);
		}
	}
	if (out->n > 0 && out->p[out->n - 1] != '\n')
		buf_add_cstr(out, "\r\n");
}

static void
check_out(struct str body)
{
	struct buf a, b, back, want;
	bool bare;

	buf_init(&a, BYTES);
	buf_init(&b, BYTES);
	buf_init(&back, BYTES);
	buf_init(&want, BYTES);
	stuff(body, body.n, &a);
	stuff(body, 1, &b);
	FUZZ_CHECK(str_eq(buf_str(&a), buf_str(&b)));
	FUZZ_CHECK(unstuff(buf_str(&a), 7, &back, &bare) == a.n);
	FUZZ_CHECK(!bare);
	put_right(body, &want);
	FUZZ_CHECK(str_eq(buf_str(&back), buf_str(&want)));
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&back);
	buf_clear(&want);
}

/* Where the data end by the rule of RFC 5321 4.1.1.4; 0: nowhere. */
static size_t
end_of(struct str s)
{
	if (str_starts(s, STR(".\r\n")))
		return 3;
	for (size_t i = 0; i + 5 <= s.n; i++) {
		if (str_starts(str_skip(s, i), STR("\r\n.\r\n")))
			return i + 5;
	}
	return 0;
}

static void
check_in(struct str raw)
{
	struct buf a, b;
	bool bare, other;
	size_t end = end_of(raw);

	buf_init(&a, BYTES);
	buf_init(&b, BYTES);
	FUZZ_CHECK(unstuff(raw, raw.n, &a, &bare) == end);
	FUZZ_CHECK(unstuff(raw, 1, &b, &other) == end);
	FUZZ_CHECK(bare == other && str_eq(buf_str(&a), buf_str(&b)));
	FUZZ_CHECK(a.n <= raw.n);
	/* What has no bare CR or LF is unchanged when it goes out again. */
	if (end > 0 && !bare) {
		buf_reset(&b);
		stuff(buf_str(&a), 5, &b);
		buf_reset(&a);
		FUZZ_CHECK(unstuff(buf_str(&b), b.n, &a, &bare) == b.n);
		FUZZ_CHECK(!bare && b.n <= end + a.n + 3);
	}
	buf_clear(&a);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);

	check_out(s);
	check_in(s);
	return 0;
}
