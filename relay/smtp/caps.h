/* What a server offers: its reply to EHLO, RFC 5321 4.1.1.1. Pure. */
#ifndef RELAY_SMTP_CAPS_H
#define RELAY_SMTP_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "relay/smtp/reply.h"

struct caps {
	bool pipelining, size, eightbit, starttls, enhanced, chunking, dsn,
	    smtputf8, requiretls;
	uint64_t size_max; /* bytes of a message; 0: no limit was named */
};

void caps_init(struct caps *c);
/*
 * Reads the lines behind the first. Unknown keywords and parameters that make
 * no sense are passed over.
 */
void caps_parse(const struct reply *ehlo, struct caps *out);

#endif
