/*
 * Numbers, hex and base64 as text. Everything is strict: the whole text or
 * an error, no blanks, no sign where none is asked for, no locale. A decoder
 * that fails leaves the buffer with the contents it had.
 */
#include "config.h"

#include "relay/base/codec.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t
count_digits(struct str s)
{
	size_t n = 0;

	while (n < s.n && str_is_digit(s.p[n]))
		n++;
	return n;
}

int
codec_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || count_digits(s) != s.n)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)(s.p[i] - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return ERR_RANGE;
		v = v * 10 + digit;
	}
	if (v > max)
		return ERR_RANGE;
	*out = v;
	return 0;
}

int
codec_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t limit = (uint64_t)INT64_MAX + (minus ? 1 : 0);
	uint64_t u;
	int64_t v;
	int err;

	err = codec_u64(minus ? str_skip(s, 1) : s, limit, &u);
	if (err)
		return err;
	if (!minus)
		v = (int64_t)u;
	else
		v = u > INT64_MAX ? INT64_MIN : -(int64_t)u;
	if (v < min || v > max)
		return ERR_RANGE;
	*out = v;
	return 0;
}

/* number * factor <= max, or ERR_RANGE. */
static NODISCARD int
scaled(struct str number, uint64_t factor, uint64_t max, uint64_t *out)
{
	uint64_t v;
	int err = codec_u64(number, max / factor, &v);

	if (err)
		return err;
	*out = v * factor;
	return 0;
}

int
codec_duration_ms(struct str s, int64_t *out)
{
	static const struct {
		struct str name;
		uint64_t ms;
	} units[] = {
	    {{"ms", 2}, 1},
	    {{"", 0}, 1000},
	    {{"s", 1}, 1000},
	    {{"m", 1}, 60 * 1000},
	    {{"h", 1}, 3600 * 1000},
	    {{"d", 1}, 24 * 3600 * 1000},
	    {{"w", 1}, 7 * 24 * 3600 * 1000},
	};
	size_t n = count_digits(s);
	struct str unit = str_skip(s, n);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t v;
		int err;

		if (!str_eq(unit, units[i].name))
			continue;
		err = scaled(str_n(s.p, n), units[i].ms, INT64_MAX, &v);
		if (err)
			return err;
		*out = (int64_t)v;
		return 0;
	}
	return ERR_SYNTAX;
}

int
codec_size(struct str s, uint64_t *out)
{
	size_t n = count_digits(s);
	uint64_t factor;

	if (s.n == n) {
		factor = 1;
	} else if (s.n == n + 1) {
		switch (str_lower(s.p[n])) {
		case 'k':
			factor = UINT64_C(1) << 10;
			break;
		case 'm':
			factor = UINT64_C(1) << 20;
			break;
		case 'g':
			factor = UINT64_C(1) << 30;
			break;
		default:
			return ERR_SYNTAX;
		}
	} else {
		return ERR_SYNTAX;
	}
	return scaled(str_n(s.p, n), factor, UINT64_MAX, out);
}

void
codec_hex(struct buf *b, const void *p, size_t n)
{
	const uint8_t *in = p;

	for (size_t i = 0; i < n; i++) {
		char two[2] = {hex_digits[in[i] >> 4], hex_digits[in[i] & 15]};

		buf_add(b, two, sizeof(two));
	}
}

/* 0 to 15, or -1. */
static int
hex_value(char c)
{
	if (str_is_digit(c))
		return c - '0';
	c = str_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
codec_unhex(struct str s, struct buf *b)
{
	size_t start = b->n;
	int err = 0;

	if (s.n % 2 != 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n && !err; i += 2) {
		int hi = hex_value(s.p[i]), lo = hex_value(s.p[i + 1]);

		if (hi < 0 || lo < 0)
			err = ERR_SYNTAX;
		else
			err = buf_add_char(b, (char)(hi << 4 | lo));
	}
	if (err)
		buf_truncate(b, start);
	return err;
}

void
codec_base64(struct buf *b, const void *p, size_t n)
{
	const uint8_t *in = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)in[i] << 16;
		char four[4];

		if (have > 1)
			v |= (uint32_t)in[i + 1] << 8;
		if (have > 2)
			v |= in[i + 2];
		four[0] = base64_digits[v >> 18];
		four[1] = base64_digits[v >> 12 & 63];
		four[2] = have > 1 ? base64_digits[v >> 6 & 63] : '=';
		four[3] = have > 2 ? base64_digits[v & 63] : '=';
		buf_add(b, four, sizeof(four));
	}
}

/* 0 to 63, or -1. */
static int
base64_value(char c)
{
	const char *at = memchr(base64_digits, c, 64);

	return at ? (int)(at - base64_digits) : -1;
}

/*
 * Four digits, the last pad of which are "=", to 3 - pad bytes. Bits left
 * over must be 0 (RFC 4648 3.5), so that each value has one text.
 */
static NODISCARD int
unbase64_four(const char *in, unsigned pad, struct buf *b)
{
	uint32_t v = 0;
	char three[3];

	for (unsigned i = 0; i < 4; i++) {
		int digit = i < 4 - pad ? base64_value(in[i]) : 0;

		if (digit < 0)
			return ERR_SYNTAX;
		v = v << 6 | (uint32_t)digit;
	}
	if ((v & ((UINT32_C(1) << 8 * pad) - 1)) != 0)
		return ERR_SYNTAX;
	three[0] = (char)(v >> 16);
	three[1] = (char)(v >> 8 & 0xff);
	three[2] = (char)(v & 0xff);
	return buf_add(b, three, 3 - pad);
}

int
codec_unbase64(struct str s, struct buf *b)
{
	size_t start = b->n;
	int err = 0;

	if (s.n % 4 != 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n && !err; i += 4) {
		unsigned pad = 0;

		if (i + 4 == s.n && s.p[i + 3] == '=')
			pad = s.p[i + 2] == '=' ? 2 : 1;
		err = unbase64_four(s.p + i, pad, b);
	}
	if (err)
		buf_truncate(b, start);
	return err;
}
