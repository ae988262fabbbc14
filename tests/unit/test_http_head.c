/* Header lines of HTTP responses: where a body ends is said once. */
#include "config.h"

#include "tests/unit/t.h"

#include "relay/net/http_head.h"

static const struct {
	const char *name;
	const char *lines[6];
	int err; /* of the last line */
} cases[] = {
    {"plain", {"HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n", "\r\n"}, 0},
    {"twice the same", {"Content-Length: 5\r\n", "content-length:5"}, 0},
    {"the same number", {"Content-Length: 5\r\n", "Content-Length: 05"}, 0},
    {"HTTP-01 two lengths",
	{"Content-Length: 5\r\n", "X: y\r\n", "Content-Length: 6\r\n"},
	ERR_SYNTAX},
    {"HTTP-01 a list", {"Content-Length: 5, 5\r\n"}, ERR_SYNTAX},
    {"HTTP-01 a sign", {"Content-Length: +5\r\n"}, ERR_SYNTAX},
    {"HTTP-01 minus", {"Content-Length: -5\r\n"}, ERR_SYNTAX},
    {"HTTP-01 no number", {"Content-Length:\r\n"}, ERR_SYNTAX},
    {"HTTP-01 hex", {"Content-Length: 0x5\r\n"}, ERR_SYNTAX},
    {"HTTP-01 beyond numbers", {"Content-Length: 9223372036854775808\r\n"},
	ERR_SYNTAX},
    {"HTTP-01 space before the colon",
	{"Content-Length: 5\r\n", "Content-Length : 6\r\n"}, ERR_SYNTAX},
    {"HTTP-01 length, then chunks",
	{"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"},
	ERR_SYNTAX},
    {"HTTP-01 chunks, then length",
	{"transfer-encoding: chunked\r\n", "Content-Length: 5\r\n"},
	ERR_SYNTAX},
    {"HTTP-01 a length goes on", {"Content-Length: 5\r\n", " 6\r\n"},
	ERR_SYNTAX},
    {"HTTP-01 chunks go on", {"Transfer-Encoding: x\r\n", "\tchunked\r\n"},
	ERR_SYNTAX},
    {"others may go on", {"Content-Length: 5\r\n", "X: y\r\n", " z\r\n"}, 0},
    {"HTTP-03 each response anew",
	{"HTTP/1.1 103 x\r\n", "Content-Length: 5\r\n", "\r\n",
	    "HTTP/1.1 200 OK\r\n", "Content-Length: 6\r\n"},
	0},
    {"no field", {"X\r\n"}, 0},
    {"HTTP-01 no colon", {"Content-Length\r\n"}, ERR_SYNTAX},
    {"nothing", {""}, 0},
};

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < T_COUNT(cases); i++) {
		struct http_head h = {.bytes = 0};
		int err = 0;

		for (size_t l = 0; cases[i].lines[l]; l++) {
			t_err(cases[i].name, err, 0);
			err = http_head_line(
			    &h, cases[i].lines[l], strlen(cases[i].lines[l]));
		}
		t_err(cases[i].name, err, cases[i].err);
	}
}

/* HTTP-04: bytes and lines are bounded, over all responses. */
static void
test_limits(void **state)
{
	static char big[HTTP_HEAD_BYTES + 1];
	struct http_head h = {.bytes = 0};

	(void)state;
	memset(big, 'x', sizeof(big));
	t_err("HTTP-04 full", http_head_line(&h, big, sizeof(big) - 1), 0);
	t_err("HTTP-04 one more", http_head_line(&h, "x", 1), ERR_TOOBIG);
	h = (struct http_head){.bytes = 0};
	for (int i = 0; i < HTTP_HEAD_LINES; i++)
		t_err("HTTP-04 lines",
		    http_head_line(&h, i % 3 ? "a: b\r\n" : "HTTP/1.1 103\r\n",
			i % 3 ? 6 : 14),
		    0);
	t_err("HTTP-04 too many", http_head_line(&h, "a: b", 4), ERR_TOOBIG);
}

static void
test_type(void **state)
{
	static const struct {
		const char *from, *want;
	} types[] = {
	    {"text/plain", "text/plain"},
	    {"Text/PLAIN ; charset=x", "text/plain"},
	    {"  text/plain;", "text/plain"},
	    {"text/plainest-of-all", "text/plaine"},
	    {";text/plain", ""},
	    {"", ""},
	    {NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < T_COUNT(types); i++) {
		char to[12];

		http_head_type(types[i].from, to, sizeof(to));
		t_cstr("STS-09", to, types[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
