/*
 * A resolver on loopback for tests, driven by the test's own loop: the first
 * label of the name that is asked says how it behaves. UDP and TCP.
 *
 *	good insecure nodata nx servfail bogus refused notimp drop droponce
 *	forged wrongq big tc short garbage cname loop empty nosoa
 *	tcdrop
 */
#ifndef TESTS_ADAPT_FAKEDNS_H
#define TESTS_ADAPT_FAKEDNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/model/options.h"

struct fakedns;

/* uv_loop: a uv_loop_t. family: 4 or 6. NULL when there is no such loopback
 * address. */
struct fakedns *fakedns_new(void *uv_loop, unsigned family);
struct opt_addr_port fakedns_addr(const struct fakedns *f);
/* From now on no answer has AD: it does not validate. */
void fakedns_no_ad(struct fakedns *f);
/* Questions that came by UDP. */
unsigned fakedns_asked(const struct fakedns *f);
/* Closes the sockets at once; memory goes with the loop's next rounds. */
void fakedns_free(struct fakedns *f);

#endif
