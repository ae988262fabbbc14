/*
 * Header lines of HTTP responses. Whatever is taken says in at most one way
 * where the body ends, and the limits hold; the media type is lower case and
 * has no parameters.
 */
#include "config.h"

#include "relay/net/http_head.h"

#include "tests/fuzz/fuzz.h"

/* A plain reading of a line that was taken, for comparison. */
struct seen {
	bool length, coding;
	char value[24];
};

static void
look(struct seen *seen, struct str line)
{
	struct str value;

	if (str_starts(line, STR("HTTP/"))) {
		memset(seen, 0, sizeof(*seen));
		return;
	}
	if (str_starts_ci(line, STR("transfer-encoding:")))
		seen->coding = true;
	if (str_starts_ci(line, STR("content-length:"))) {
		value = str_trim(str_skip(line, 15));
		FUZZ_CHECK(value.n > 0);
		for (size_t i = 0; i < value.n; i++)
			FUZZ_CHECK(str_is_digit(value.p[i]));
		while (value.n > 1 && *value.p == '0')
			value = str_skip(value, 1);
		FUZZ_CHECK(value.n < sizeof(seen->value));
		FUZZ_CHECK(!seen->length || str_eq(value, str_of(seen->value)));
		fuzz_text(seen->value, sizeof(seen->value), value);
		seen->length = true;
	}
	FUZZ_CHECK(!seen->length || !seen->coding);
}

static void
check_type(struct str s)
{
	char from[64], to[16];

	fuzz_text(from, sizeof(from), s);
	http_head_type(from, to, sizeof(to));
	FUZZ_CHECK(strlen(to) < sizeof(to) && strlen(to) <= strlen(from));
	for (const char *p = to; *p; p++)
		FUZZ_CHECK(*p != ';' && !(*p >= 'A' && *p <= 'Z'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	struct http_head h = {.bytes = 0};
	struct seen seen = {.length = false};
	size_t bytes = 0, lines = 0;

	check_type(str_n((const char *)data, size));
	while (in.n > 0) {
		struct str line = fuzz_take_until(&in, '\n');
		char *copy = fuzz_exact(line);
		int err = http_head_line(&h, copy, line.n);

		free(copy);
		bytes += line.n;
		lines++;
		FUZZ_CHECK((err == ERR_TOOBIG) ==
		    (bytes > HTTP_HEAD_BYTES || lines > HTTP_HEAD_LINES));
		if (err) {
			FUZZ_CHECK(err == ERR_TOOBIG || err == ERR_SYNTAX);
			return 0;
		}
		look(&seen, line);
	}
	return 0;
}
