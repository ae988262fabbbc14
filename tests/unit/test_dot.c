/* Dot transparency both ways (SMTP-01, 02, 03). */
#include "config.h"

#include "relay/smtp/dot.h"

#include "relay/base/rng.h"
#include "tests/unit/t.h"

static void
stuff(struct str in, size_t piece, struct buf *out)
{
	struct dot_out d;

	dot_out_init(&d);
	while (in.n > 0) {
		struct str part = str_n(in.p, in.n < piece ? in.n : piece);

		dot_out_feed(&d, part, out);
		in = str_skip(in, part.n);
	}
	dot_out_end(&d, out);
}

static void
test_out(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
	    {"", ".\r\n"},
	    {"a\r\n", "a\r\n.\r\n"},
	    {"a", "a\r\n.\r\n"},
	    {".\r\n", "..\r\n.\r\n"},
	    {"..\r\n.a\r\na.\r\n", "...\r\n..a\r\na.\r\n.\r\n"},
	    {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
	    {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
	    {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
	    {"a\r", "a\r\n.\r\n"},
	    {"a\r\r\n", "a\r\n\r\n.\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		for (size_t piece = 1; piece < 20; piece++) {
			struct buf out;

			buf_init(&out, 1000);
			stuff(str_of(cases[i].in), piece, &out);
			t_is(cases[i].in, buf_str(&out), cases[i].want);
			buf_clear(&out);
		}
	}
}

static void
test_in(void **state)
{
	static const struct {
		const char *in;
		enum dot_in_state got;
		bool bare;
		const char *body;
		size_t left;
	} cases[] = {
	    {".\r\n", DOT_END, false, "", 0},
	    {"a\r\n.\r\nQUIT\r\n", DOT_END, false, "a\r\n", 6},
	    {"a\r\n..\r\n.\r\n", DOT_END, false, "a\r\n.\r\n", 0},
	    {".a\r\n.\r\n", DOT_END, false, "a\r\n", 0},
	    {"a\r\n.", DOT_MORE, false, "a\r\n", 0},
	    {"a\r\n.\r", DOT_MORE, false, "a\r\n", 0},
	    {"a\n.\n", DOT_MORE, true, "a\n.\n", 0},
	    {"a\n.\r\n", DOT_MORE, true, "a\n.\r\n", 0},
	    {"a\r.\r", DOT_MORE, true, "a\r.\r", 0},
	    {"a\r\n.\n", DOT_MORE, true, NULL, 0},
	    {"a\r\n.\rx", DOT_MORE, true, NULL, 0},
	    {"a\r\n.\r\r\n", DOT_MORE, true, NULL, 0},
	    {"a\r\r\n.\r\n", DOT_END, true, NULL, 0},
	    {"\n.\r\nx", DOT_MORE, true, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		for (size_t piece = 1; piece < 20; piece++) {
			enum dot_in_state got = DOT_MORE;
			struct str in = str_of(cases[i].in);
			struct dot_in d;
			struct buf out;

			buf_init(&out, 1000);
			dot_in_init(&d);
			while (in.n > 0 && got == DOT_MORE) {
				size_t n = in.n < piece ? in.n : piece, used;

				got = dot_in_feed(
				    &d, str_n(in.p, n), &out, &used);
				in = str_skip(in, used);
			}
			t_int(cases[i].in, got, cases[i].got);
			t_bool(cases[i].in, d.bare, cases[i].bare);
			t_int(
			    cases[i].in, (int64_t)in.n, (int64_t)cases[i].left);
			if (cases[i].body)
				t_is(cases[i].in, buf_str(&out), cases[i].body);
			buf_clear(&out);
		}
	}
}

/* What goes out comes in again, with CRLF ends. */
static void
test_round_trip(void **state)
{
	static const char *const words[] = {"\r\n", ".", "a", "..", "\r\n."};
	struct rng r;

	(void)state;
	rng_init_seed(&r, 7);
	for (int round = 0; round < 5000; round++) {
		struct buf body, wire, back;
		struct dot_in d;
		size_t used;

		buf_init(&body, 1000);
		buf_init(&wire, 4000);
		buf_init(&back, 4000);
		for (uint32_t i = rng_below(&r, 20); i > 0; i--)
			buf_add_cstr(
			    &body, words[rng_below(&r, T_COUNT(words))]);
		buf_add_cstr(&body, "\r\n");
		stuff(buf_str(&body), 1 + rng_below(&r, 9), &wire);
		dot_in_init(&d);
		t_int("end", dot_in_feed(&d, buf_str(&wire), &back, &used),
		    DOT_END);
		t_int("all", (int64_t)used, (int64_t)wire.n);
		t_bool("clean", d.bare, false);
		t_str("body", buf_str(&back), buf_str(&body));
		buf_clear(&body);
		buf_clear(&wire);
		buf_clear(&back);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_out),
	    cmocka_unit_test(test_in),
	    cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
