/*
 * Replies of an SMTP server. A reply is found in the same place however much
 * of what follows is there, and what was read of it, written as a reply
 * again, reads the same.
 */
#include "config.h"

#include "relay/smtp/reply.h"

#include "relay/smtp/caps.h"
#include "relay/smtp/ecode.h"
#include "tests/fuzz/fuzz.h"

#define PREFIX_MAX 600 /* bytes of a reply that is tried at each length */

/* No prefix of a whole reply is one, or wrong. */
static void
check_prefixes(struct str s, size_t used)
{
	struct reply r;
	size_t n;

	reply_init(&r);
	for (size_t i = 0; i < used; i++) {
		if (used > PREFIX_MAX && i > PREFIX_MAX / 2 &&
		    i + PREFIX_MAX / 2 < used)
			continue;
		FUZZ_CHECK(reply_parse(str_n(s.p, i), &r, &n) == ERR_MORE);
	}
	FUZZ_CHECK(reply_parse(str_n(s.p, used), &r, &n) == 0 && n == used);
	reply_clear(&r);
}

static void
check_again(const struct reply *r)
{
	struct str rest = buf_str(&r->text), line = {NULL, 0};
	struct reply again;
	struct buf b;
	size_t used;
	bool more = true;

	buf_init(&b, 4u * REPLY_TEXT_MAX);
	reply_init(&again);
	while (more) {
		size_t n = str_find(rest, '\n');

		line = str_n(rest.p, n);
		more = n < rest.n;
		rest = str_skip(rest, n + 1);
		buf_addf(&b, "%d%c", r->code, more ? '-' : ' ');
		buf_add_str(&b, line);
		buf_add_cstr(&b, "\r\n");
	}
	/* CR in place of none may be too much. */
	if (b.n <= REPLY_TEXT_MAX) {
		int err = reply_parse(buf_str(&b), &again, &used);

		if (err != ERR_TOOBIG) {
			FUZZ_CHECK(err == 0 && used == b.n);
			FUZZ_CHECK(again.code == r->code);
			FUZZ_CHECK(
			    str_eq(buf_str(&again.text), buf_str(&r->text)));
		}
	}
	reply_clear(&again);
	buf_clear(&b);
}

static void
check_line(const struct reply *r)
{
	struct str dsn = reply_dsn(r);
	struct ecode e;
	struct buf b;
	size_t used;

	FUZZ_CHECK(dsn.n == 0 ||
	    (ecode_parse(dsn, &e, &used) == 0 && used == dsn.n &&
		e.cls == (unsigned)reply_class(r)));
	buf_init(&b, 4u * REPLY_TEXT_MAX);
	reply_line(r, &b);
	FUZZ_CHECK(!b.full && b.n >= 3);
	/* One line, and a C string holds all of it. */
	FUZZ_CHECK(strlen(b.p) == b.n);
	FUZZ_CHECK(str_find(buf_str(&b), '\n') == b.n);
	FUZZ_CHECK(str_find(buf_str(&b), '\r') == b.n);
	buf_clear(&b);
}

/* RFC 5321 4.2.1: the code on every line is the same. */
static void
check_codes(struct str s, int code)
{
	struct str line;
	char text[8];

	(void)snprintf(text, sizeof(text), "%d", code);
	while (str_cut(&s, '\n', &line))
		FUZZ_CHECK(str_starts(line, str_of(text)));
}

static void
check_reply(struct str s, const struct reply *r, size_t used)
{
	struct reply copy;
	struct caps c;

	FUZZ_CHECK(used > 0 && used <= s.n && used <= REPLY_TEXT_MAX);
	FUZZ_CHECK(s.p[used - 1] == '\n');
	FUZZ_CHECK(r->code >= 200 && r->code <= 599);
	FUZZ_CHECK(r->text.n < used && !r->text.full);
	FUZZ_CHECK(str_find(buf_str(&r->text), '\r') == r->text.n);
	check_codes(str_n(s.p, used), r->code);
	check_prefixes(s, used);
	check_again(r);
	check_line(r);
	caps_parse(r, &c);
	reply_init(&copy);
	reply_copy(&copy, r);
	FUZZ_CHECK(copy.code == r->code);
	FUZZ_CHECK(str_eq(buf_str(&copy.text), buf_str(&r->text)));
	reply_clear(&copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = str_n((const char *)data, size);
	struct reply r;
	size_t used = 0;
	int err;

	reply_init(&r);
	while ((err = reply_parse(s, &r, &used)) == 0) {
		check_reply(s, &r, used);
		s = str_skip(s, used);
	}
	FUZZ_CHECK(err == ERR_MORE || err == ERR_SYNTAX || err == ERR_TOOBIG);
	/* What waits for more is bounded (SMTP-28). */
	FUZZ_CHECK(err != ERR_MORE || s.n < REPLY_TEXT_MAX + REPLY_LINE_MAX);
	reply_clear(&r);
	return 0;
}
