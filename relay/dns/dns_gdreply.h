/* A getdns response to plain values; the one place that knows its dicts. */
#ifndef RELAY_DNS_DNS_GDREPLY_H
#define RELAY_DNS_DNS_GDREPLY_H

#include "relay/base/arena.h"
#include "relay/base/err.h"
#include "relay/dns/rdata.h"

struct getdns_dict;

/*
 * Reads the one reply of resp. Records live in a; strings are borrowed from
 * resp or live in a. Never looks at getdns's own status fields, which call a
 * failure "insecure" (RESOLVER.md B8). ERR_NOTFOUND: not exactly one reply;
 * ERR_SYNTAX: no header or question.
 */
NODISCARD int dns_gdreply_read(
    struct getdns_dict *resp, struct arena *a, struct rdata_reply *out);

#endif
