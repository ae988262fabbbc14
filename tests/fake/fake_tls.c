/*
 * TLS without cryptography: a certificate is what it claims, a TLSA record
 * matches by the name of a key. relay/tls/tls_ctx.h for who only holds one.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/base/buf.h"
#include "relay/base/domain.h"
#include "relay/base/map.h"
#include "relay/tls/tls_ctx.h"
#include "tests/fake/fake_net.h"

struct tls_ctx {
	int unused;
};

int
tls_ctx_new(const struct tls_ctx_opts *o, struct tls_ctx **out, char text[160])
{
	(void)o;
	text[0] = '\0';
	*out = xcalloc(1, sizeof(**out));
	return 0;
}

void
tls_ctx_free(struct tls_ctx *c)
{
	free(c);
}

size_t
fake_tlsa_data(
    const char *name, unsigned selector, unsigned mtype, char out[64])
{
	static const size_t sizes[] = {20, 32, 64};
	uint8_t seed[16] = {(uint8_t)selector, (uint8_t)mtype};
	size_t n = sizes[mtype < 3 ? mtype : 1];

	memset(out, 0, 64);
	for (size_t i = 0; i < n; i += 8) {
		uint64_t h;

		seed[2] = (uint8_t)i;
		h = map_hash(seed, name, strlen(name));
		memcpy(out + i, &h, n - i < 8 ? n - i : 8);
	}
	return n;
}

static bool
is_of(const struct rr_tlsa *t, const char *name)
{
	char data[64];
	size_t n = fake_tlsa_data(name, t->selector, t->mtype, data);

	return name[0] != '\0' && t->len == n && memcmp(t->data, data, n) == 0;
}

static bool
has_name(const struct fake_cert *cert, const char *name)
{
	for (size_t i = 0; i < cert->n_names; i++) {
		struct str have = str_of(cert->names[i]);
		struct str want = str_of(name);

		if (domain_eq(have, want))
			return true;
		if (str_starts(have, STR("*.")) &&
		    str_find(want, '.') < want.n &&
		    domain_eq(str_skip(have, 2),
			str_skip(want, str_find(want, '.') + 1)))
			return true;
	}
	return false;
}

static enum tls_failure
check_pkix(const char *name, const struct fake_cert *cert)
{
	if (!cert->trusted)
		return TLS_NOT_TRUSTED;
	if (cert->expired)
		return TLS_EXPIRED;
	return has_name(cert, name) ? TLS_OK : TLS_HOST_MISMATCH;
}

/* RFC 7672 3.1: DANE-EE looks at nothing but the key. */
static enum tls_failure
check_dane(const struct tls_plan *p, const struct fake_cert *cert,
    enum tls_proof *proof)
{
	bool ta = false, named = false;

	for (size_t i = 0; i < p->n_tlsa; i++) {
		if (p->tlsa[i].usage == 3 && is_of(&p->tlsa[i], cert->key)) {
			*proof = TLS_PROOF_DANE_EE;
			return TLS_OK;
		}
		if (p->tlsa[i].usage == 2 && is_of(&p->tlsa[i], cert->ta))
			ta = true;
	}
	if (!ta)
		return TLS_TLSA_MISMATCH;
	for (size_t i = 0; i < p->n_dane_names; i++)
		named = named || has_name(cert, p->dane_names[i]);
	if (!named)
		return TLS_HOST_MISMATCH;
	if (cert->expired)
		return TLS_EXPIRED;
	*proof = TLS_PROOF_DANE_TA;
	return TLS_OK;
}

static enum tls_failure
check_level(const struct tls_plan *p, const struct fake_cert *cert,
    enum tls_proof *proof)
{
	enum tls_failure f = TLS_OK;

	switch (p->level) {
	case TLS_OPPORTUNISTIC:
	case TLS_ENCRYPT:
		break;
	case TLS_PKIX:
		f = check_pkix(p->pkix_name, cert);
		*proof = TLS_PROOF_PKIX;
		break;
	case TLS_DANE:
		f = check_dane(p, cert, proof);
		break;
	case TLS_DANE_PKIX:
		f = check_dane(p, cert, proof);
		if (f == TLS_OK)
			f = check_pkix(p->pkix_name, cert);
		break;
	}
	return f;
}

void
fake_tls_verify(const struct tls_plan *plan, const struct fake_cert *cert,
    struct tls_result *out)
{
	enum tls_proof proof = TLS_PROOF_NONE;

	memset(out, 0, sizeof(*out));
	out->depth = -1;
	if (!cert || cert->broken || cert->version < plan->min) {
		out->failure = TLS_HANDSHAKE;
		snprintf(out->text, sizeof(out->text), "handshake failed");
		return;
	}
	out->failure = check_level(plan, cert, &proof);
	if (out->failure != TLS_OK) {
		snprintf(out->text, sizeof(out->text), "%s",
		    tls_failure_str(out->failure));
		return;
	}
	out->established = true;
	out->verified = proof != TLS_PROOF_NONE;
	out->proof = proof;
	if (plan->audit_pkix)
		out->audit = check_pkix(plan->pkix_name, cert);
	if (plan->audit && cert->version < plan->audit->min)
		out->would = TLS_HANDSHAKE;
	else if (plan->audit)
		out->would = check_level(plan->audit, cert, &proof);
	snprintf(out->version, sizeof(out->version), "TLSv1.%u",
	    ((unsigned)cert->version - TLS_V1_0) & 3);
	snprintf(out->cipher, sizeof(out->cipher), "FAKE_CIPHER");
}
