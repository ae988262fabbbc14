/* Commands of an SMTP client: RFC 5321 4.1.1, 1870, 6152. Pure. */
#ifndef RELAY_SMTP_CMD_H
#define RELAY_SMTP_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/base/domain.h"
#include "relay/base/str.h"
#include "relay/model/msg.h"

#define CMD_VERB_LIST(X) \
	X(CMD_HELO, "HELO") \
	X(CMD_EHLO, "EHLO") \
	X(CMD_MAIL, "MAIL") \
	X(CMD_RCPT, "RCPT") \
	X(CMD_DATA, "DATA") \
	X(CMD_RSET, "RSET") \
	X(CMD_NOOP, "NOOP") \
	X(CMD_QUIT, "QUIT") \
	X(CMD_VRFY, "VRFY") \
	X(CMD_EXPN, "EXPN") \
	X(CMD_HELP, "HELP") \
	X(CMD_STARTTLS, "STARTTLS") \
	X(CMD_AUTH, "AUTH") \
	X(CMD_BDAT, "BDAT") \
	X(CMD_HTTP, "HTTP") /* any method of a web client */ \
	X(CMD_UNKNOWN, "unknown")

enum cmd_verb {
#define CMD_ENUM_(id, text) id,
	CMD_VERB_LIST(CMD_ENUM_)
#undef CMD_ENUM_
};
const char *cmd_verb_str(enum cmd_verb v);

/* What is wrong with the arguments. */
enum cmd_problem {
	CMD_FINE,
	CMD_BAD_SYNTAX, /* arguments missing, too many or not understood */
	CMD_BAD_ADDR, /* path of MAIL or RCPT */
	CMD_NOT_ASCII, /* an address that needs SMTPUTF8 */
	CMD_BAD_PARAM, /* a known parameter with a value we can't read */
	CMD_UNKNOWN_PARAM /* a parameter that we do not offer */
};

struct cmd {
	enum cmd_verb verb;
	enum cmd_problem problem;
	bool params; /* MAIL or RCPT carried some */
	bool eightbit; /* BODY=8BITMIME */
	uint64_t size; /* SIZE=, bytes; 0: not said */
	char helo[DOMAIN_MAX + 8];
	char addr[ADDR_MAX]; /* canonical; "" is the null sender */
	char domain[DOMAIN_MAX]; /* of addr: see addr_parse_path */
};

/* line: without CRLF. Always fills out. */
void cmd_parse(struct str line, struct cmd *out);
/*
 * The reply to arguments that are wrong: its code, and its text with enhanced
 * code in *text; 0 when they are fine. esmtp: the client said EHLO, without
 * which there are no parameters.
 */
int cmd_refusal(const struct cmd *c, bool esmtp, const char **text);

#endif
