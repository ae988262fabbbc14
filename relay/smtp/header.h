/* Reading and writing message header fields, as little as a relay needs. */
#ifndef RELAY_SMTP_HEADER_H
#define RELAY_SMTP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/str.h"
#include "relay/model/sink.h"

#define HEADER_MAX (256u * 1024u) /* bytes of headers that are looked at */

/* Header block of a message: up to and with the last header line, without the
 * empty line. */
struct str header_block(struct str msg);
/* Number of Received fields: SMTP-20. */
size_t header_count(struct str msg, const char *name);
/* Is any byte of it above 0x7f? Headers and body: RFC 6152 3. */
bool header_is_8bit(struct str msg);
/* First value (folded lines joined by one space) of a field into out; false
 * when it is not there. */
bool header_get(struct str msg, const char *name, struct buf *out);
/*
 * Our Received field with CRLF at the end: RFC 5321 4.4. for_addr may be NULL
 * (more than one recipient). now: seconds since 1970. Lines <= 78 where they
 * can be.
 */
void header_received(struct buf *out, const struct sink_client *client,
    const char *hostname, const char *qid, const char *for_addr, int64_t now);

#endif
