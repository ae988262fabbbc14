/* Mailbox grammar of RFC 5321 4.1.2 (and paths), canonical form. */
#ifndef RELAY_SMTP_ADDR_H
#define RELAY_SMTP_ADDR_H

#include <stdbool.h>
#include <stddef.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/msg.h"

/*
 * "<...>" at the front of s to a canonical mailbox in out (source route
 * dropped, domain lower case in A-labels, local part as is, quoted only when
 * it must be). "<>" gives "" when null_ok. *used: bytes. With domain != NULL
 * the part behind "@" is copied there ("[192.0.2.1]" for literals; "" for
 * <postmaster> without domain; an IPv6 literal gives "[2001:db8::1]" there and
 * keeps its tag in out). ERR_SYNTAX, ERR_TOOBIG (RFC 5321 4.5.3.1; the local
 * part alone has no limit of its own).
 */
NODISCARD int addr_parse_path(struct str s, bool null_ok, char out[ADDR_MAX],
    char domain[DOMAIN_MAX], size_t *used);
/* The same for a bare mailbox, the whole of s. */
NODISCARD int addr_parse_mailbox(
    struct str s, char out[ADDR_MAX], char domain[DOMAIN_MAX]);
/* Part behind the last "@"; empty when there is none. */
struct str addr_domain(const char *mailbox);

#endif
