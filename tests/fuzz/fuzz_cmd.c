/*
 * One line of an SMTP client. What is understood must be canonical: sent back
 * as a command it is understood in the same way; and what is not printable is
 * never accepted.
 */
#include "config.h"

#include "relay/smtp/cmd.h"

#include "relay/smtp/addr.h"
#include "tests/fuzz/fuzz.h"

static bool
same(const struct cmd *a, const struct cmd *b)
{
	return a->verb == b->verb && a->problem == b->problem &&
	    a->params == b->params && a->eightbit == b->eightbit &&
	    a->size == b->size && strcmp(a->helo, b->helo) == 0 &&
	    strcmp(a->addr, b->addr) == 0 && strcmp(a->domain, b->domain) == 0;
}

static void
check_values(const struct cmd *c)
{
	bool envelope = c->verb == CMD_MAIL || c->verb == CMD_RCPT;
	char addr[ADDR_MAX], domain[DOMAIN_MAX];

	FUZZ_CHECK(fuzz_is_printable(str_of(c->helo), ""));
	FUZZ_CHECK(fuzz_is_printable(str_of(c->addr), ""));
	FUZZ_CHECK(fuzz_is_printable(str_of(c->domain), ""));
	FUZZ_CHECK(str_find(str_of(c->helo), ' ') == strlen(c->helo));
	FUZZ_CHECK(c->verb == CMD_MAIL || (!c->eightbit && c->size == 0));
	FUZZ_CHECK(envelope || (!c->params && c->addr[0] == '\0'));
	if (c->problem != CMD_FINE || !envelope)
		return;
	if (c->addr[0] == '\0') {
		FUZZ_CHECK(c->verb == CMD_MAIL && c->domain[0] == '\0');
		return;
	}
	FUZZ_CHECK(addr_parse_mailbox(str_of(c->addr), addr, domain) == 0);
	FUZZ_CHECK(strcmp(addr, c->addr) == 0);
	FUZZ_CHECK(strcmp(domain, c->domain) == 0);
	FUZZ_CHECK(c->verb == CMD_RCPT || c->domain[0] != '\0');
}

/* The command that c says, built and parsed again. */
static void
check_again(const struct cmd *c)
{
	struct cmd again;
	struct buf b;

	if (c->problem != CMD_FINE)
		return;
	buf_init(&b, 4096);
	if (c->verb == CMD_HELO || c->verb == CMD_EHLO) {
		buf_addf(&b, "%s %s", cmd_verb_str(c->verb), c->helo);
	} else if (c->verb == CMD_MAIL) {
		buf_addf(&b, "MAIL FROM:<%s>", c->addr);
		if (c->size > 0)
			buf_addf(&b, " SIZE=%llu", (unsigned long long)c->size);
		if (c->eightbit)
			buf_add_cstr(&b, " BODY=8BITMIME");
		else if (c->params && c->size == 0)
			buf_add_cstr(&b, " BODY=7BIT");
	} else if (c->verb == CMD_RCPT) {
		buf_addf(&b, "RCPT TO:<%s>", c->addr);
	}
	if (b.n > 0) {
		FUZZ_CHECK(!b.full);
		cmd_parse(buf_str(&b), &again);
		FUZZ_CHECK(same(c, &again));
	}
	buf_clear(&b);
}

/* Neither blanks at the end nor the case of the verb count. */
static void
check_variants(struct str line, const struct cmd *c)
{
	struct cmd again;
	struct buf b;
	size_t i;

	buf_init(&b, line.n + 2);
	buf_add_str(&b, line);
	buf_add_cstr(&b, " \t");
	cmd_parse(buf_str(&b), &again);
	FUZZ_CHECK(same(c, &again));
	buf_truncate(&b, line.n);
	for (i = 0; i < b.n && str_is_alpha(b.p[i]); i++)
		b.p[i] = (char)(b.p[i] ^ 0x20);
	cmd_parse(buf_str(&b), &again);
	FUZZ_CHECK(same(c, &again));
	buf_clear(&b);
}

static void
check_refusal(struct str line, const struct cmd *c)
{
	for (int esmtp = 0; esmtp < 2; esmtp++) {
		const char *text = NULL;
		int code = cmd_refusal(c, esmtp, &text);

		FUZZ_CHECK(code == 0 || (code >= 500 && code <= 599));
		FUZZ_CHECK(code == 0 || (text && text[0] == '5'));
		FUZZ_CHECK(code != 0 || c->problem == CMD_FINE);
		FUZZ_CHECK(code != 0 || esmtp || !c->params);
		/* Control characters get no command through. */
		if (!fuzz_is_printable(line, "\t")) {
			bool high = false;

			for (size_t i = 0; i < line.n; i++)
				high |= (unsigned char)line.p[i] >= 0x80;
			FUZZ_CHECK(high || code != 0);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = str_n((const char *)data, size);
	struct cmd c;

	memset(&c, 0xff, sizeof(c));
	cmd_parse(line, &c);
	FUZZ_CHECK((unsigned)c.verb <= CMD_UNKNOWN);
	FUZZ_CHECK((unsigned)c.problem <= CMD_UNKNOWN_PARAM);
	check_values(&c);
	check_again(&c);
	check_variants(line, &c);
	check_refusal(line, &c);
	return 0;
}
