/* A TLSA record as zone files write it, RFC 6698 2.2. Pure. */
#ifndef DANE_TLSA_TEXT_H
#define DANE_TLSA_TEXT_H

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/rr.h"

/*
 * "3 1 1 12ab..." : three numbers of 0 to 255 and hex of either case, in which
 * blanks may stand. Says nothing about use: see tlsa_usable. out->data is
 * owned by the caller (free). ERR_SYNTAX, ERR_TOOBIG (RR_TLSA_MAX) with *what,
 * static.
 */
NODISCARD int tlsa_text_parse(
    struct str s, struct rr_tlsa *out, const char **what);

#endif
