/* relay/base/codec: numbers, hex and base64 as text. */
#include "config.h"

#include "relay/base/codec.h"
#include "tests/unit/t.h"

static void
test_u64(void **state)
{
	static const struct {
		const char *in;
		uint64_t max;
		int want_err;
		uint64_t want;
	} cases[] = {
	    {"0", 0, 0, 0},
	    {"007", 9, 0, 7},
	    {"25", 25, 0, 25},
	    {"26", 25, ERR_RANGE, 0},
	    {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX, ERR_RANGE, 0},
	    {"99999999999999999999999", UINT64_MAX, ERR_RANGE, 0},
	    {"99999999999999999999999x", UINT64_MAX, ERR_SYNTAX, 0},
	    {"", 9, ERR_SYNTAX, 0},
	    {"-1", 9, ERR_SYNTAX, 0},
	    {"+1", 9, ERR_SYNTAX, 0},
	    {" 1", 9, ERR_SYNTAX, 0},
	    {"1 ", 9, ERR_SYNTAX, 0},
	    {"0x1", 9, ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		uint64_t out = 77;

		t_err(cases[i].in,
		    codec_u64(str_of(cases[i].in), cases[i].max, &out),
		    cases[i].want_err);
		t_bool(cases[i].in,
		    out == (cases[i].want_err ? 77 : cases[i].want), true);
	}
}

static void
test_i64(void **state)
{
	static const struct {
		const char *in;
		int64_t min, max;
		int want_err;
		int64_t want;
	} cases[] = {
	    {"5", 0, 9, 0, 5},
	    {"-5", -9, 9, 0, -5},
	    {"-0", -9, 9, 0, 0},
	    {"-5", 0, 9, ERR_RANGE, 0},
	    {"3", 4, 9, ERR_RANGE, 0},
	    {"10", 4, 9, ERR_RANGE, 0},
	    {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
	    {"9223372036854775808", INT64_MIN, INT64_MAX, ERR_RANGE, 0},
	    {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
	    {"-9223372036854775809", INT64_MIN, INT64_MAX, ERR_RANGE, 0},
	    {"-", -9, 9, ERR_SYNTAX, 0},
	    {"--1", -9, 9, ERR_SYNTAX, 0},
	    {"", -9, 9, ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int64_t out = 77;

		t_err(cases[i].in,
		    codec_i64(
			str_of(cases[i].in), cases[i].min, cases[i].max, &out),
		    cases[i].want_err);
		t_int(cases[i].in, out, cases[i].want_err ? 77 : cases[i].want);
	}
}

static void
test_duration(void **state)
{
	static const struct {
		const char *in;
		int want_err;
		int64_t want;
	} cases[] = {
	    {"0", 0, 0},
	    {"30", 0, 30000},
	    {"10ms", 0, 10},
	    {"30s", 0, 30000},
	    {"5m", 0, 300000},
	    {"1h", 0, 3600000},
	    {"5d", 0, 432000000},
	    {"2w", 0, 1209600000},
	    {"9223372036854775807ms", 0, INT64_MAX},
	    {"9223372036854775808ms", ERR_RANGE, 0},
	    {"9223372036854776", ERR_RANGE, 0},
	    {"99999999999999999999w", ERR_RANGE, 0},
	    {"", ERR_SYNTAX, 0},
	    {"s", ERR_SYNTAX, 0},
	    {"5M", ERR_SYNTAX, 0},
	    {"5 m", ERR_SYNTAX, 0},
	    {"5min", ERR_SYNTAX, 0},
	    {"1h30m", ERR_SYNTAX, 0},
	    {"1.5h", ERR_SYNTAX, 0},
	    {"-1s", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		int64_t out = 77;

		t_err(cases[i].in, codec_duration_ms(str_of(cases[i].in), &out),
		    cases[i].want_err);
		t_int(cases[i].in, out, cases[i].want_err ? 77 : cases[i].want);
	}
}

static void
test_size(void **state)
{
	static const struct {
		const char *in;
		int want_err;
		uint64_t want;
	} cases[] = {
	    {"512", 0, 512},
	    {"64k", 0, 65536},
	    {"64K", 0, 65536},
	    {"50M", 0, 52428800},
	    {"2G", 0, 2147483648U},
	    {"17179869183G", 0, 18446744072635809792U},
	    {"17179869184G", ERR_RANGE, 0},
	    {"", ERR_SYNTAX, 0},
	    {"k", ERR_SYNTAX, 0},
	    {"1T", ERR_SYNTAX, 0},
	    {"1kB", ERR_SYNTAX, 0},
	    {"1 k", ERR_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		uint64_t out = 77;

		t_err(cases[i].in, codec_size(str_of(cases[i].in), &out),
		    cases[i].want_err);
		t_bool(cases[i].in,
		    out == (cases[i].want_err ? 77 : cases[i].want), true);
	}
}

static void
test_hex(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		int want_err;
		struct str want;
	} cases[] = {
	    {"", 9, 0, {"", 0}},
	    {"00ff", 9, 0, {"\0\xff", 2}},
	    {"aBcD", 9, 0, {"\xab\xcd", 2}},
	    {"a", 9, ERR_SYNTAX, {"", 0}},
	    {"abc", 9, ERR_SYNTAX, {"", 0}},
	    {"ag", 9, ERR_SYNTAX, {"", 0}},
	    {"00 0", 9, ERR_SYNTAX, {"", 0}},
	    {"0011", 4, ERR_TOOBIG, {"", 0}},
	};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		buf_init(&b, cases[i].max);
		buf_add_cstr(&b, "pre");
		t_err(cases[i].in, codec_unhex(str_of(cases[i].in), &b),
		    cases[i].want_err);
		t_str(cases[i].in, str_skip(buf_str(&b), 3), cases[i].want);
		t_bool(cases[i].in, str_starts(buf_str(&b), STR("pre")), true);
		buf_clear(&b);
	}
	buf_init(&b, 100);
	codec_hex(&b, "\x00\x7f\x80\xfe", 4);
	t_is("encode", buf_str(&b), "007f80fe");
	buf_clear(&b);
}

static void
test_base64(void **state)
{
	/* RFC 4648 10 */
	static const struct {
		const char *plain, *text;
	} cases[] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	    {"\xfb\xff\xfe", "+//+"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct buf b;

		buf_init(&b, 100);
		codec_base64(&b, cases[i].plain, strlen(cases[i].plain));
		t_is(cases[i].plain, buf_str(&b), cases[i].text);
		buf_reset(&b);
		t_err(cases[i].text, codec_unbase64(str_of(cases[i].text), &b),
		    0);
		t_is(cases[i].text, buf_str(&b), cases[i].plain);
		buf_clear(&b);
	}
}

static void
test_base64_errors(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		int want;
	} cases[] = {
	    {"Z", 99, ERR_SYNTAX},
	    {"Zg", 99, ERR_SYNTAX},
	    {"Zg=", 99, ERR_SYNTAX},
	    {"Z===", 99, ERR_SYNTAX},
	    {"====", 99, ERR_SYNTAX},
	    {"Zg==Zg==", 99, ERR_SYNTAX},
	    {"Zm=v", 99, ERR_SYNTAX},
	    {"Zh==", 99, ERR_SYNTAX}, /* bits that are left over */
	    {"Zm9=", 99, ERR_SYNTAX},
	    {"Zm 9", 99, ERR_SYNTAX},
	    {"Zm9v\r\n", 99, ERR_SYNTAX},
	    {"Zm9v\r\n\r\n", 99, ERR_SYNTAX},
	    {"-_8=", 99, ERR_SYNTAX},
	    {"Zm9vZm9v", 8, ERR_TOOBIG},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct buf b;

		buf_init(&b, cases[i].max);
		buf_add_cstr(&b, "pre");
		t_err(cases[i].in, codec_unbase64(str_of(cases[i].in), &b),
		    cases[i].want);
		t_is(cases[i].in, buf_str(&b), "pre");
		buf_clear(&b);
	}
}

static void
test_round_trip(void **state)
{
	unsigned char in[256];
	struct buf text, back;

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	buf_init(&text, 1000);
	buf_init(&back, 1000);
	for (size_t n = 0; n <= sizeof(in); n++) {
		struct str want = str_n((const char *)in, n);

		codec_base64(&text, in, n);
		t_err("base64", codec_unbase64(buf_str(&text), &back), 0);
		t_str("base64", buf_str(&back), want);
		buf_reset(&text);
		buf_reset(&back);
		codec_hex(&text, in, n);
		t_err("hex", codec_unhex(buf_str(&text), &back), 0);
		t_str("hex", buf_str(&back), want);
		buf_reset(&text);
		buf_reset(&back);
	}
	buf_clear(&text);
	buf_clear(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_u64),
	    cmocka_unit_test(test_i64),
	    cmocka_unit_test(test_duration),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_hex),
	    cmocka_unit_test(test_base64),
	    cmocka_unit_test(test_base64_errors),
	    cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
