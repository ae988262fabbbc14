/*
 * From failed recipients to a queued notification. It is sent from <> and
 * marked MSG_DSN, so that it can never give rise to another one (RFC 5321
 * 4.5.5, QUE-07). What was tagged REQUIRETLS comes back as headers only and
 * needs no tag of its own (RFC 8689 5, RTLS-08).
 */
#include "config.h"

#include "relay/bounce/bounce.h"

#include <stdio.h>
#include <string.h>

#include "relay/smtp/addr.h"
#include "relay/smtp/header.h"

/* Above what dsn_build makes of any input: texts, headers, original. */
#define BOUNCE_MAX ((size_t)64 << 20)

int
bounce_make(const struct dsn_in *in, struct msg **msg, struct rcpt_in *to)
{
	struct rcpt_in r = {0};
	struct buf body;
	struct msg *m;

	if (in->n == 0 || !dsn_wanted(in->msg, 0))
		return ERR_NOTFOUND;
	if (addr_parse_mailbox(str_of(in->msg->sender), r.addr, r.next_hop) ||
	    r.next_hop[0] == '\0')
		return ERR_NOTFOUND;
	buf_init(&body, BOUNCE_MAX);
	dsn_build(in, &body);
	m = msg_new();
	m->arrived = in->now;
	m->flags = MSG_DSN;
	if (header_is_8bit(buf_str(&body)))
		m->flags |= MSG_8BIT;
	m->size = body.n;
	snprintf(m->client, sizeof(m->client), "local");
	m->body = blob_take(&body);
	buf_clear(&body);
	*msg = m;
	*to = r;
	return 0;
}
