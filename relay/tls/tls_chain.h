/* A chain of certificates as values: who, until when, which TLSA data. */
#ifndef RELAY_TLS_TLS_CHAIN_H
#define RELAY_TLS_TLS_CHAIN_H

#include <stddef.h>

#include "relay/base/err.h"
#include "relay/base/str.h"
#include "relay/model/explain_conn.h"

/*
 * pem: certificates as tls_engine_chain gives them. Writes at most max, in
 * their order; returns how many. What can't be read ends the list.
 */
size_t tls_chain_read(struct str pem, struct explain_cert *out, size_t max);
/*
 * Place of the first certificate of pem that has the data of t (RFC 6698
 * 2.1), -1: none. Says nothing about names, dates or trust.
 */
int tls_chain_match(struct str pem, const struct rr_tlsa *t);

#endif
