/*
 * Passes questions on to another struct dns and tells somebody of each answer
 * before the asker gets it. Pure.
 */
#ifndef RELAY_DNS_DNS_TAP_H
#define RELAY_DNS_DNS_TAP_H

#include "relay/dns/dns.h"

/* set: borrowed; NULL when the asker gave the question up. */
typedef void dns_tap_fn(
    void *arg, const char *name, enum rr_type type, const struct rr_set *set);

/* upstream must outlive it. Questions are asked by dns_ask as of any other. */
struct dns *dns_tap_new(struct dns *upstream, dns_tap_fn *fn, void *arg);
/* No question may be under way. NULL is fine. */
void dns_tap_free(struct dns *d);

#endif
