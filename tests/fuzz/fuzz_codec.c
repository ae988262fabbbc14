/*
 * Numbers, durations, sizes, hex and base64. What is decoded is encoded back
 * to what it was; any bytes go through both encodings unchanged; a decoder
 * that fails leaves its buffer as it was.
 */
#include "config.h"

#include "relay/base/codec.h"

#include <inttypes.h>

#include "tests/fuzz/fuzz.h"

#define BYTES (1u << 20)

static struct str
without_zeros(struct str s)
{
	while (s.n > 1 && s.p[0] == '0')
		s = str_skip(s, 1);
	return s;
}

static void
check_numbers(struct str s, uint64_t max)
{
	char text[32];
	uint64_t u = 7;
	int64_t i = 7;
	int err = codec_u64(s, max, &u);

	FUZZ_CHECK(
	    err == 0 || ((err == ERR_SYNTAX || err == ERR_RANGE) && u == 7));
	if (!err) {
		FUZZ_CHECK(u <= max);
		(void)snprintf(text, sizeof(text), "%" PRIu64, u);
		FUZZ_CHECK(str_eq(without_zeros(s), str_of(text)));
	}
	err = codec_i64(s, -100, INT64_MAX, &i);
	if (!err) {
		FUZZ_CHECK(i >= -100);
		FUZZ_CHECK(i < 0 || codec_u64(s, INT64_MAX, &u) != 0 ||
		    u == (uint64_t)i);
	}
	err = codec_i64(s, INT64_MIN, INT64_MAX, &i);
	if (!err && i < 0) {
		(void)snprintf(text, sizeof(text), "%" PRId64, i);
		FUZZ_CHECK(
		    str_eq(without_zeros(str_skip(s, 1)), str_of(text + 1)));
	}
}

static void
check_units(struct str s)
{
	char text[40];
	uint64_t u, size, again;
	int64_t ms, back;
	bool number = codec_u64(s, UINT64_MAX, &u) == 0;

	if (codec_duration_ms(s, &ms) == 0) {
		FUZZ_CHECK(ms >= 0);
		(void)snprintf(text, sizeof(text), "%" PRId64 "ms", ms);
		FUZZ_CHECK(codec_duration_ms(str_of(text), &back) == 0);
		FUZZ_CHECK(ms == back);
		FUZZ_CHECK(!number || (uint64_t)ms == u * 1000);
	}
	if (codec_size(s, &size) == 0) {
		(void)snprintf(text, sizeof(text), "%" PRIu64, size);
		FUZZ_CHECK(codec_size(str_of(text), &again) == 0);
		FUZZ_CHECK(size == again && (!number || size == u));
	}
}

static void
check_hex(struct str s)
{
	struct buf text, bytes;

	buf_init(&text, BYTES);
	buf_init(&bytes, BYTES);
	buf_add_cstr(&bytes, "before");
	if (codec_unhex(s, &bytes) == 0) {
		FUZZ_CHECK(2 * (bytes.n - 6) == s.n);
		codec_hex(&text, bytes.p + 6, bytes.n - 6);
		FUZZ_CHECK(str_eq_ci(buf_str(&text), s));
	} else {
		FUZZ_CHECK(str_eq(buf_str(&bytes), STR("before")));
	}
	buf_reset(&text);
	buf_reset(&bytes);
	codec_hex(&text, s.p, s.n);
	FUZZ_CHECK(codec_unhex(buf_str(&text), &bytes) == 0);
	FUZZ_CHECK(str_eq(buf_str(&bytes), s));
	buf_clear(&text);
	buf_clear(&bytes);
}

static void
check_base64(struct str s)
{
	struct buf text, bytes;

	buf_init(&text, BYTES);
	buf_init(&bytes, BYTES);
	buf_add_cstr(&bytes, "before");
	if (codec_unbase64(s, &bytes) == 0) {
		codec_base64(&text, bytes.p + 6, bytes.n - 6);
		/* Each value has one text. */
		FUZZ_CHECK(str_eq(buf_str(&text), s));
	} else {
		FUZZ_CHECK(str_eq(buf_str(&bytes), STR("before")));
	}
	buf_reset(&text);
	buf_reset(&bytes);
	codec_base64(&text, s.p, s.n);
	FUZZ_CHECK(text.n == (s.n + 2) / 3 * 4);
	FUZZ_CHECK(codec_unbase64(buf_str(&text), &bytes) == 0);
	FUZZ_CHECK(str_eq(buf_str(&bytes), s));
	buf_clear(&text);
	buf_clear(&bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);

	check_numbers(s, UINT64_MAX);
	check_numbers(s, 65535);
	check_units(s);
	check_hex(s);
	check_base64(s);
	return 0;
}
