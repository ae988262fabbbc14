/*
 * MX hosts by address. Each speaks SMTP as it should, until told otherwise:
 * a rule says what it does at a stage instead.
 */
#ifndef TESTS_FAKE_FAKE_PEER_H
#define TESTS_FAKE_FAKE_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/list.h"
#include "relay/model/rr.h"
#include "tests/fake/fake_net.h"

enum fake_peer_state {
	FAKE_PEER_UP,
	FAKE_PEER_REFUSING, /* no port open */
	FAKE_PEER_UNREACHABLE,
	FAKE_PEER_SILENT /* no answer to a connection */
};

enum fake_act {
	FAKE_ACT_REPLY, /* text, each "\n" begins a line */
	FAKE_ACT_DROP, /* closes */
	FAKE_ACT_RESET,
	FAKE_ACT_STALL, /* says nothing any more */
	FAKE_ACT_REPLY_DROP, /* replies, then closes */
	FAKE_ACT_FLOOD, /* text as a line, thousands of times */
	FAKE_ACT_DRIP /* text as a line every ten seconds, for ever */
};

struct fake_rule {
	struct list node;
	char stage[16]; /* connect ehlo helo starttls mail rcpt data eod quit */
	char about[128]; /* part of the command's line; "" any */
	enum fake_act act;
	char *text;
	int left; /* times; < 0 always */
	int64_t after_ms; /* comes so late */
};

struct fake_mail {
	struct list node;
	bool tls;
	char from[256];
	struct buf rcpts; /* "a@b c@d" */
	struct buf data;
};

struct fake_peer {
	struct list node;
	struct rr_addr addr;
	enum fake_peer_state state;
	struct fake_cert cert;
	bool starttls;
	bool forbid_clear, forbid_mail; /* a MAIL in clear, any MAIL: fails */
	struct list rules, mails;
	struct buf clear, inside; /* all that came, by how it came */
	unsigned connections, sessions; /* that came, that are open */
	unsigned most; /* sessions at a time so far */
	char caps[256]; /* EHLO keywords, "" the usual ones */
};

/* The host at addr, made when it is not there: up, with STARTTLS. */
struct fake_peer *fake_peer_get(const struct rr_addr *addr);
/* Replaces the rule for the same stage and about; text NULL: none again. */
struct fake_rule *fake_peer_rule(struct fake_peer *p, const char *stage,
    const char *about, enum fake_act act, const char *text, int times);
void fake_peer_unrule(struct fake_peer *p, const char *stage);
void fake_peers_end(void);

#endif
