/*
 * Which TLSA records count. Everything that SMTP can't use is dropped here,
 * before OpenSSL sees it: SSL_dane_tlsa_add() accepts usages 0 and 1, and
 * would then authenticate by them.
 *
 * RFC 6698 4.1, RFC 7671 4, 9, RFC 7672 3.1.
 */
#include "config.h"

#include "dane/tlsa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/err.h"

enum { USAGE_TA = 2, USAGE_EE = 3 };
enum { SEL_CERT = 0, SEL_SPKI = 1 };
enum { MATCH_FULL = 0, MATCH_SHA256 = 1, MATCH_SHA512 = 2 };

/*
 * True when the bytes are one DER SEQUENCE and nothing else, the outside of
 * every certificate and public key: a record that isn't can match nothing.
 */
static bool
is_der_sequence(const uint8_t *p, size_t n)
{
	size_t len, head = 2;

	if (n < 2 || p[0] != 0x30)
		return false;
	len = p[1];
	if (len >= 0x80) {
		size_t k = len & 0x7f;

		if (k < 1 || k > 2 || n < 2 + k)
			return false;
		len = k == 1 ? p[2] : (size_t)p[2] << 8 | p[3];
		head += k;
	}
	return len > 0 && n == head + len;
}

bool
tlsa_usable(const struct rr_tlsa *t)
{
	/* RFC 7672 3.1.3: PKIX-TA(0) and PKIX-EE(1) are not for SMTP. */
	if (t->usage != USAGE_TA && t->usage != USAGE_EE)
		return false;
	if (t->selector != SEL_CERT && t->selector != SEL_SPKI)
		return false;
	switch (t->mtype) {
	case MATCH_FULL:
		return is_der_sequence(t->data, t->len);
	case MATCH_SHA256:
		return t->len == 32;
	case MATCH_SHA512:
		return t->len == 64;
	default:
		return false;
	}
}

/* Is there a usable record with a stronger digest of the same kind? */
static bool
is_outdone(const struct rr_tlsa *in, size_t n, const struct rr_tlsa *t)
{
	if (t->mtype == MATCH_FULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (in[i].usage == t->usage && in[i].selector == t->selector &&
		    in[i].mtype > t->mtype && tlsa_usable(&in[i]))
			return true;
	}
	return false;
}

static bool
is_same(const struct rr_tlsa *a, const struct rr_tlsa *b)
{
	return a->usage == b->usage && a->selector == b->selector &&
	    a->mtype == b->mtype && a->len == b->len &&
	    memcmp(a->data, b->data, a->len) == 0;
}

void
tlsa_select(
    const struct rr_tlsa *in, size_t n, struct rr_tlsa **out, size_t *n_out)
{
	struct rr_tlsa *pick = n ? xcalloc(n, sizeof(*pick)) : NULL;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = false;

		if (!tlsa_usable(&in[i]))
			continue;
		/* RFC 7671 9: digest algorithm agility */
		if (is_outdone(in, n, &in[i]))
			continue;
		for (size_t j = 0; j < used && !again; j++)
			again = is_same(&pick[j], &in[i]);
		if (!again)
			pick[used++] = in[i];
	}
	*out = used ? rr_tlsa_dup(pick, used) : NULL;
	*n_out = used;
	free(pick);
}

int
tlsa_name(unsigned port, const char *base, char out[DOMAIN_MAX])
{
	char text[DOMAIN_MAX + 16];

	/* RFC 7672 2.2.3: the port that is really used */
	int n = snprintf(text, sizeof(text), "_%u._tcp.%s", port, base);

	if (n < 0 || n >= DOMAIN_MAX)
		return ERR_TOOBIG;
	memcpy(out, text, (size_t)n + 1);
	return 0;
}
