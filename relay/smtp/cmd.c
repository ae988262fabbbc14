/*
 * Command grammar of the receiving side. White space behind a verb, behind the
 * colon of MAIL FROM: and RCPT TO: and at the end is tolerated, nothing else;
 * no spelling of a command is guessed. Parameters that were not offered are
 * errors (RFC 5321 4.1.1.11: 555).
 */
#include "config.h"

#include "relay/smtp/cmd.h"

#include <stdio.h>

#include "relay/base/codec.h"
#include "relay/smtp/addr.h"

static const char *const verb_names[] = {
#define CMD_NAME_(id, text) text,
    CMD_VERB_LIST(CMD_NAME_)
#undef CMD_NAME_
};

/* A browser that was made to talk to us must not get a command through. */
static const char *const http_methods[] = {"GET", "POST", "PUT", "HEAD",
    "CONNECT", "OPTIONS", "DELETE", "TRACE", "PATCH", "PRI"};

const char *
cmd_verb_str(enum cmd_verb v)
{
	return verb_names[v];
}

static enum cmd_verb
find_verb(struct str s)
{
	size_t i;

	for (i = 0; i < sizeof(http_methods) / sizeof(http_methods[0]); i++) {
		if (str_eq_ci(s, str_of(http_methods[i])))
			return CMD_HTTP;
	}
	for (int v = CMD_HELO; v < CMD_HTTP; v++) {
		if (str_eq_ci(s, str_of(verb_names[v])))
			return (enum cmd_verb)v;
	}
	return CMD_UNKNOWN;
}

static bool
has_bad_bytes(struct str s, bool *high)
{
	bool bad = false;

	*high = false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80)
			*high = true;
		else if ((c < 0x20 && c != '\t') || c == 0x7f)
			bad = true;
	}
	return bad;
}

/* One argument of printable characters: a name or an address literal, but
 * clients call themselves anything. */
static enum cmd_problem
parse_helo(struct str args, struct cmd *out)
{
	if (args.n == 0 || args.n >= sizeof(out->helo))
		return CMD_BAD_SYNTAX;
	for (size_t i = 0; i < args.n; i++) {
		if (args.p[i] <= ' ' || args.p[i] > '~')
			return CMD_BAD_SYNTAX;
	}
	snprintf(out->helo, sizeof(out->helo), "%.*s", STR_FMT(args));
	return CMD_FINE;
}

/* esmtp-param of MAIL, RFC 1870 3, RFC 6152 2. */
static enum cmd_problem
mail_param(struct str key, struct str value, struct cmd *out)
{
	if (str_eq_ci(key, STR("SIZE"))) {
		/* RFC 1870 3: 1 to 20 digits */
		if (value.n > 20)
			return CMD_BAD_PARAM;
		switch (codec_u64(value, UINT64_MAX, &out->size)) {
		case 0:
			return CMD_FINE;
		case ERR_RANGE:
			out->size = UINT64_MAX;
			return CMD_FINE;
		default:
			return CMD_BAD_PARAM;
		}
	}
	if (str_eq_ci(key, STR("BODY"))) {
		out->eightbit = str_eq_ci(value, STR("8BITMIME"));
		return out->eightbit || str_eq_ci(value, STR("7BIT"))
		    ? CMD_FINE
		    : CMD_BAD_PARAM;
	}
	return CMD_UNKNOWN_PARAM;
}

static enum cmd_problem
parse_params(struct str rest, struct cmd *out)
{
	struct str word;

	while (str_cut(&rest, ' ', &word)) {
		enum cmd_problem problem = CMD_UNKNOWN_PARAM;
		size_t eq = str_find(word, '=');

		if (word.n == 0)
			continue;
		out->params = true;
		if (out->verb == CMD_MAIL)
			problem = mail_param(
			    str_n(word.p, eq), str_skip(word, eq + 1), out);
		if (problem != CMD_FINE)
			return problem;
	}
	return CMD_FINE;
}

/* "FROM:<path> params" and "TO:<path> params", RFC 5321 4.1.1.2, 4.1.1.3. */
static enum cmd_problem
parse_envelope(struct str args, bool high, struct cmd *out)
{
	bool mail = out->verb == CMD_MAIL;
	struct str word = mail ? STR("FROM:") : STR("TO:");
	size_t used;

	if (!str_starts_ci(args, word))
		return CMD_BAD_SYNTAX;
	args = str_trim(str_skip(args, word.n));
	if (addr_parse_path(args, mail, out->addr, out->domain, &used))
		return high ? CMD_NOT_ASCII : CMD_BAD_ADDR;
	args = str_skip(args, used);
	if (args.n > 0 && args.p[0] != ' ')
		return CMD_BAD_ADDR;
	/* A reverse-path has a domain or is empty. */
	if (mail && out->addr[0] != '\0' && out->domain[0] == '\0')
		return CMD_BAD_ADDR;
	return parse_params(args, out);
}

void
cmd_parse(struct str line, struct cmd *out)
{
	struct str args, verb;
	size_t n = 0;
	bool high;

	*out = (struct cmd){.verb = CMD_UNKNOWN};
	while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
		n++;
	verb = str_n(line.p, n);
	args = str_trim(str_skip(line, n));
	out->verb = find_verb(verb);
	if (has_bad_bytes(line, &high)) {
		out->problem = CMD_BAD_SYNTAX;
		return;
	}
	switch (out->verb) {
	case CMD_HELO:
	case CMD_EHLO:
		out->problem = parse_helo(args, out);
		break;
	case CMD_MAIL:
	case CMD_RCPT:
		out->problem = parse_envelope(args, high, out);
		break;
	case CMD_DATA:
	case CMD_RSET:
	case CMD_QUIT:
	case CMD_STARTTLS:
		/* RFC 5321 4.1.1.4, .5, .10: these take none. */
		if (args.n > 0)
			out->problem = CMD_BAD_SYNTAX;
		break;
	case CMD_VRFY:
	case CMD_EXPN:
		if (args.n == 0)
			out->problem = CMD_BAD_SYNTAX;
		break;
	case CMD_NOOP:
	case CMD_HELP:
	case CMD_AUTH:
	case CMD_BDAT:
	case CMD_HTTP:
	case CMD_UNKNOWN:
		break;
	}
}

int
cmd_refusal(const struct cmd *c, bool esmtp, const char **text)
{
	enum cmd_problem problem = c->problem;

	/* Parameters come with EHLO only: RFC 5321 4.1.1.11 */
	if (problem == CMD_FINE && c->params && !esmtp)
		problem = CMD_UNKNOWN_PARAM;
	switch (problem) {
	case CMD_FINE:
		break;
	case CMD_BAD_SYNTAX:
		*text = "5.5.4 Syntax error in arguments";
		return 501;
	case CMD_BAD_ADDR:
		*text = c->verb == CMD_MAIL
		    ? "5.1.7 Bad sender address syntax"
		    : "5.1.3 Bad recipient address syntax";
		return 501;
	case CMD_NOT_ASCII:
		/* RFC 6531 3.5 */
		*text = "5.6.7 Address needs SMTPUTF8, which is not offered";
		return 553;
	case CMD_BAD_PARAM:
		*text = "5.5.4 Bad value of a parameter";
		return 501;
	case CMD_UNKNOWN_PARAM:
		*text = "5.5.4 Parameter not offered";
		return 555;
	}
	return 0;
}
