/*
 * A receipt says what was in force when the message went out, so it is taken
 * from what the session obeyed and showed: the plan, the answer of MTA-STS
 * that the host was judged by, the result of the handshake. Nothing is looked
 * up again.
 */
#include "config.h"

#include "relay/decide/proof.h"

#include <stdio.h>
#include <string.h>

#include "relay/base/buf.h"
#include "sts/sts_policy.h"
#include "sts/sts_state.h"

/* Takes the text of b, cut at the end of a line where it is too long. */
static char *
take_text(struct buf *b)
{
	static const char cut[] = "...\n";
	size_t n = RECEIPT_TEXT_MAX - sizeof(cut);

	if (b->n > RECEIPT_TEXT_MAX) {
		while (n > 0 && b->p[n - 1] != '\n')
			n--;
		buf_truncate(b, n);
		(void)buf_add_cstr(b, cut);
	}
	return buf_take(b);
}

/* RFC 6698 2.2, 3: the records as a zone file has them. */
static void
add_tlsa(const struct proof_in *in, struct receipt_proof *out)
{
	const struct tls_plan *plan = in->plan;
	struct buf b;

	if (plan->n_tlsa == 0 || plan->n_dane_names == 0)
		return;
	/* Each may be long; what does not fit is dropped from the end. */
	buf_init(&b, 4 * (size_t)RECEIPT_TEXT_MAX);
	for (size_t i = 0; i < plan->n_tlsa; i++) {
		(void)buf_addf(
		    &b, "_%u._tcp.%s. TLSA ", in->port, plan->dane_names[0]);
		rr_tlsa_text(&b, &plan->tlsa[i]);
		(void)buf_add_char(&b, '\n');
	}
	out->tlsa_set = take_text(&b);
}

static void
add_sts(const struct proof_in *in, struct receipt_proof *out)
{
	const struct tls_result *t = &in->outcome->tls;
	const struct sts_verdict *v = in->sts;
	const char *pattern;
	struct buf b;

	if (!v)
		return;
	snprintf(out->sts, sizeof(out->sts), "%s", sts_source_str(v->source));
	if (v->source != STS_FRESH && v->source != STS_CACHED)
		return;
	snprintf(out->sts_mode, sizeof(out->sts_mode), "%s",
	    sts_mode_str(v->policy.mode));
	memcpy(out->sts_id, v->id, sizeof(out->sts_id));
	pattern = sts_policy_pattern(&v->policy, in->host);
	snprintf(
	    out->sts_mx, sizeof(out->sts_mx), "%s", pattern ? pattern : "");
	if (in->plan->audit_pkix && t->established)
		snprintf(out->sts_audit, sizeof(out->sts_audit), "%s",
		    tls_failure_str(t->audit));
	buf_init(&b, 16 * (size_t)STS_BODY_MAX);
	sts_policy_text(&v->policy, &b);
	out->sts_text = take_text(&b);
}

static void
add_tls(const struct tls_result *t, struct receipt_proof *out)
{
	snprintf(out->proof, sizeof(out->proof), "%s", tls_proof_str(t->proof));
	if (!t->established)
		return;
	memcpy(out->tls, t->version, sizeof(out->tls));
	memcpy(out->cipher, t->cipher, sizeof(out->cipher));
	memcpy(out->tlsa, t->tlsa, sizeof(out->tlsa));
	if (!t->has_cert)
		return;
	out->flags |= RECEIPT_CERT;
	memcpy(out->cert, t->cert_sha256, sizeof(out->cert));
	memcpy(out->spki, t->spki_sha256, sizeof(out->spki));
}

void
proof_make(const struct proof_in *in, struct receipt_proof *out)
{
	const struct outcome *o = in->outcome;

	memset(out, 0, sizeof(*out));
	memcpy(out->mx, o->mx, sizeof(out->mx));
	memcpy(out->addr, o->addr, sizeof(out->addr));
	out->port = in->port;
	if (o->mx_insecure)
		out->flags |= RECEIPT_MX_INSECURE;
	if (o->clear_fallback)
		out->flags |= RECEIPT_FALLBACK;
	snprintf(
	    out->policy, sizeof(out->policy), "%s", tls_policy_by_str(o->by));
	snprintf(out->rule, sizeof(out->rule), "%s", o->rule);
	snprintf(out->level, sizeof(out->level), "%s",
	    tls_level_str(in->plan->level));
	snprintf(
	    out->mx_set, sizeof(out->mx_set), "%s", mx_security_str(in->mx));
	add_tls(&o->tls, out);
	add_tlsa(in, out);
	add_sts(in, out);
}
