/*
 * The reasons of tlsa_usable and tlsa_select in words. Only they decide; what
 * is looked for here is why they decided so.
 */
#include "config.h"

#include "dane/tlsa_why.h"

#include <stdbool.h>
#include <string.h>

#include "dane/tlsa.h"

enum { USAGE_TA = 2, USAGE_EE = 3, SELECTOR_MAX = 1, MTYPE_MAX = 2 };

static const struct tlsa_why pkix_usage = {
    "DANE-38", "usages 0 and 1 are not used for SMTP"};
static const struct tlsa_why unknown_usage = {"DANE-39", "unknown usage"};
static const struct tlsa_why unknown_selector = {"DANE-39", "unknown selector"};
static const struct tlsa_why unknown_mtype = {
    "DANE-39", "unknown matching type"};
static const struct tlsa_why bad_data = {
    "DANE-39", "the data have not the length of this digest"};
static const struct tlsa_why bad_full = {
    "DANE-39", "the data are no certificate and no key"};
static const struct tlsa_why weaker = {
    "DANE-47", "there is one with a stronger digest"};

static const struct tlsa_why *
why_unusable(const struct rr_tlsa *t)
{
	if (t->usage < USAGE_TA)
		return &pkix_usage;
	if (t->usage > USAGE_EE)
		return &unknown_usage;
	if (t->selector > SELECTOR_MAX)
		return &unknown_selector;
	if (t->mtype > MTYPE_MAX)
		return &unknown_mtype;
	return t->mtype == 0 ? &bad_full : &bad_data;
}

static bool
is_same(const struct rr_tlsa *a, const struct rr_tlsa *b)
{
	return a->usage == b->usage && a->selector == b->selector &&
	    a->mtype == b->mtype && a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

const struct tlsa_why *
tlsa_why(const struct rr_tlsa *t, const struct rr_tlsa *used, size_t n)
{
	if (!tlsa_usable(t))
		return why_unusable(t);
	for (size_t i = 0; i < n; i++) {
		if (is_same(t, &used[i]))
			return NULL;
	}
	return &weaker;
}
