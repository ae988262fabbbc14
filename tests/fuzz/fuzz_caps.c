/*
 * The lines of a reply to EHLO. A keyword is offered when a line but the
 * first begins with it, whatever the case and whatever else stands there.
 */
#include "config.h"

#include "relay/smtp/caps.h"

#include "tests/fuzz/fuzz.h"

static bool
offers(struct str text, const char *keyword)
{
	struct str line, word;

	(void)str_cut(&text, '\n', &line);
	while (str_cut(&text, '\n', &line)) {
		line = str_trim(line);
		word = str_n(line.p, str_find(line, ' '));
		if (str_eq_ci(word, str_of(keyword)))
			return true;
	}
	return false;
}

static void
parse(struct str text, struct caps *out)
{
	struct reply r;

	reply_init(&r);
	r.code = 250;
	buf_add_str(&r.text, text);
	memset(out, 0xff, sizeof(*out));
	caps_parse(&r, out);
	reply_clear(&r);
}

static void
check_same(const struct caps *a, const struct caps *b)
{
	FUZZ_CHECK(a->pipelining == b->pipelining && a->size == b->size);
	FUZZ_CHECK(a->eightbit == b->eightbit && a->starttls == b->starttls);
	FUZZ_CHECK(a->smtputf8 == b->smtputf8 && a->dsn == b->dsn);
	FUZZ_CHECK(a->requiretls == b->requiretls);
	FUZZ_CHECK(a->chunking == b->chunking && a->enhanced == b->enhanced);
	FUZZ_CHECK(a->size_max == b->size_max);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct caps c, other;
	char *flipped = fuzz_exact(text);

	parse(text, &c);
	FUZZ_CHECK(c.pipelining == offers(text, "PIPELINING"));
	FUZZ_CHECK(c.size == offers(text, "SIZE"));
	FUZZ_CHECK(c.eightbit == offers(text, "8BITMIME"));
	FUZZ_CHECK(c.starttls == offers(text, "STARTTLS"));
	FUZZ_CHECK(c.enhanced == offers(text, "ENHANCEDSTATUSCODES"));
	FUZZ_CHECK(c.chunking == offers(text, "CHUNKING"));
	FUZZ_CHECK(c.dsn == offers(text, "DSN"));
	FUZZ_CHECK(c.smtputf8 == offers(text, "SMTPUTF8"));
	FUZZ_CHECK(c.requiretls == offers(text, "REQUIRETLS"));
	FUZZ_CHECK(c.size || c.size_max == 0);
	for (size_t i = 0; i < size; i++) {
		if (str_is_alpha(flipped[i]))
			flipped[i] = (char)(flipped[i] ^ 0x20);
	}
	parse(str_n(flipped, size), &other);
	check_same(&c, &other);
	free(flipped);
	return 0;
}
