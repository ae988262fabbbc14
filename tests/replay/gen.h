/*
 * Scenarios by chance: from a seed the text of a world and of what happens in
 * it. The generator is an oracle: it says in "forbid" and "finally" lines what
 * must not happen and what must, from the RFCs and in a few lines of its own,
 * and only where that is certain.
 */
#ifndef TESTS_REPLAY_GEN_H
#define TESTS_REPLAY_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay/base/buf.h"
#include "relay/base/rng.h"
#include "tests/replay/scn.h"

/* Fills text and what else a run of it takes: the faults, the jitter. */
void gen_scenario(uint64_t seed, struct buf *text, struct play_opts *o);

/* ---- between gen.c and gen_world.c ---- */

#define GEN_DOMAINS 6
#define GEN_HOSTS 3
#define GEN_ADDR 64

enum gen_tlsa {
	GEN_TLSA_NONE,
	GEN_TLSA_EE, /* the key of the certificate */
	GEN_TLSA_TWO, /* a key of tomorrow, and that of the certificate */
	GEN_TLSA_TA, /* its authority */
	GEN_TLSA_WRONG, /* a key that nobody has */
	GEN_TLSA_WRONG_TA,
	GEN_TLSA_UNUSABLE, /* PKIX-TA, PKIX-EE only */
	GEN_TLSA_BROKEN, /* the lookup fails */
	GEN_TLSAS
};

enum gen_sts { GEN_STS_NONE, GEN_STS_TESTING, GEN_STS_ENFORCE };

enum gen_site {
	GEN_SITE_NONE,
	GEN_SITE_DANE,
	GEN_SITE_STS,
	GEN_SITE_VERIFIED,
	GEN_SITE_ENCRYPTED,
	GEN_SITE_OPPORTUNISTIC,
	GEN_SITE_AUDIT,
	GEN_SITES
};

enum gen_kind {
	GEN_MX,
	GEN_NO_MX, /* the domain is its own host */
	GEN_LITERAL, /* an address in brackets */
	GEN_NULL_MX,
	GEN_NO_DOMAIN,
	GEN_BAD_MX /* the lookup always fails */
};

struct gen_host {
	char name[96], addr[2][GEN_ADDR];
	size_t n_addrs; /* 0: none */
	unsigned pref;
	bool secure; /* its zone is signed */
	enum gen_tlsa tlsa;
	bool starttls, broken, trusted, expired, named, in_sts;
	unsigned tls; /* minor version that it speaks at most */
	bool forbid_mail, forbid_clear; /* for certain */
	bool well; /* it gets mail for certain when nothing is in the way */
};

struct gen_domain {
	char name[64];
	enum gen_kind kind;
	bool secure;
	enum gen_sts sts;
	enum gen_site site;
	struct gen_host hosts[GEN_HOSTS];
	size_t n_hosts;
	bool may_bounce; /* somebody said 5yz, or the like */
};

struct gen {
	struct rng rng;
	struct buf *out;
	struct gen_domain domains[GEN_DOMAINS]; /* the first: of senders */
	size_t n_domains;
	bool calm; /* nothing in the way of MTA-STS: what it says is certain */
	bool untrusted; /* there may be a time without validation */
	bool insecure_mx; /* the setting */
	bool crowd; /* more recipients than fit in memory, or on a page */
	bool big; /* more bytes than fit in memory */
	unsigned workers;
	int64_t now_s, lifetime_s; /* of the story, of a message */
	unsigned messages;
};

unsigned gen_below(struct gen *g, unsigned n);
bool gen_chance(struct gen *g, unsigned percent);

/* Picks domains and hosts, and writes them with what is forbidden. */
void gen_world(struct gen *g);
void gen_mx(struct gen *g, const struct gen_domain *d);
void gen_addr(struct gen *g, const struct gen_host *h);
void gen_tlsa(struct gen *g, const struct gen_host *h);
void gen_sts(struct gen *g, const struct gen_domain *d);
/* Mail to it never counts as sent; it gets it for certain in the end. */
bool gen_never(const struct gen_domain *d);
bool gen_well(const struct gen_domain *d);

#endif
