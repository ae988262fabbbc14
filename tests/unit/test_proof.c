/* What a receipt says of a host: all of it from plan, verdict and session. */
#include "config.h"

#include "relay/base/buf.h"
#include "relay/decide/proof.h"
#include "sts/sts_state.h"
#include "tests/unit/t.h"

struct host {
	struct tls_plan plan;
	enum mx_security mx;
	const struct sts_verdict *sts;
};

static void
make(const struct host *h, const struct outcome *o, struct receipt_proof *out)
{
	proof_make(&(struct proof_in){.host = "mx1.a.example",
		       .port = 25,
		       .mx = h->mx,
		       .plan = &h->plan,
		       .sts = h->sts,
		       .outcome = o},
	    out);
}

static void
host_init(struct host *h)
{
	memset(h, 0, sizeof(*h));
	tls_plan_init(&h->plan);
	h->mx = MX_SECURE;
}

static void
sent(struct outcome *o, enum tls_policy_by by, const char *rule)
{
	outcome_init(o, OUT_SENT);
	o->by = by;
	o->rule = rule;
	snprintf(o->mx, sizeof(o->mx), "mx1.a.example");
	snprintf(o->addr, sizeof(o->addr), "192.0.2.1");
}

static void
sent_tls(struct outcome *o)
{
	o->tls.established = true;
	o->tls.has_cert = true;
	snprintf(o->tls.version, sizeof(o->tls.version), "TLSv1.3");
	snprintf(o->tls.cipher, sizeof(o->tls.cipher), "CIPHER");
	memset(o->tls.cert_sha256, 0xab, TLS_SHA256);
	memset(o->tls.spki_sha256, 0xcd, TLS_SHA256);
}

static void
add_record(struct host *h, size_t len)
{
	struct tls_plan *p = &h->plan;

	p->tlsa = xrealloc(p->tlsa, (p->n_tlsa + 1) * sizeof(*p->tlsa));
	p->tlsa[p->n_tlsa] = (struct rr_tlsa){
	    3, 1, 1, (uint16_t)len, xcalloc(1, len)};
	p->n_tlsa++;
	p->n_dane_names = 1;
	snprintf(p->dane_names[0], DOMAIN_MAX, "mx1.a.example");
}

static void
test_dane(void **state)
{
	struct host h;
	struct outcome o;
	struct receipt_proof p;

	(void)state;
	host_init(&h);
	h.plan.level = TLS_DANE;
	add_record(&h, 2);
	add_record(&h, 1);
	sent(&o, TLS_BY_DANE, "DANE-11");
	sent_tls(&o);
	o.tls.proof = TLS_PROOF_DANE_EE;
	snprintf(o.tls.tlsa, sizeof(o.tls.tlsa), "3 1 1 0000");
	make(&h, &o, &p);
	t_cstr("mx", p.mx, "mx1.a.example");
	t_cstr("addr", p.addr, "192.0.2.1");
	t_int("port", p.port, 25);
	t_cstr("policy", p.policy, "dane");
	t_cstr("rule", p.rule, "DANE-11");
	t_cstr("level", p.level, "dane");
	t_cstr("MX set", p.mx_set, "secure");
	t_cstr("proof", p.proof, "dane-ee");
	t_cstr("tls", p.tls, "TLSv1.3");
	t_cstr("cipher", p.cipher, "CIPHER");
	t_int("flags", p.flags, RECEIPT_CERT);
	t_int("certificate", p.cert[31], 0xab);
	t_int("key", p.spki[0], 0xcd);
	t_cstr("matched", p.tlsa, "3 1 1 0000");
	t_cstr("set", p.tlsa_set,
	    "_25._tcp.mx1.a.example. TLSA 3 1 1 0000\n"
	    "_25._tcp.mx1.a.example. TLSA 3 1 1 00\n");
	t_cstr("MTA-STS was not asked", p.sts, "");
	t_cstr("no text", p.sts_text, NULL);
	receipt_proof_clear(&p);
	tls_plan_clear(&h.plan);
}

/* A host may publish records of 16 KB: the receipt stays small. */
static void
test_cut(void **state)
{
	struct host h;
	struct outcome o;
	struct receipt_proof p;
	size_t n;

	(void)state;
	host_init(&h);
	sent(&o, TLS_BY_DANE, "DANE-11");
	for (int i = 0; i < 9; i++)
		add_record(&h, 500);
	make(&h, &o, &p);
	n = strlen(p.tlsa_set);
	t_bool("bounded", n <= RECEIPT_TEXT_MAX, true);
	t_bool("most of it", n > RECEIPT_TEXT_MAX - 1200, true);
	t_cstr("cut behind a line", p.tlsa_set + n - 7, "00\n...\n");
	receipt_proof_clear(&p);
	tls_plan_clear(&h.plan);
}

static void
verdict(struct sts_verdict *v, enum sts_source source, enum sts_mode mode)
{
	memset(v, 0, sizeof(*v));
	v->source = source;
	v->policy.mode = mode;
	v->policy.max_age = 86400;
	v->policy.n_mx = 2;
	v->policy.mx = xcalloc(2, DOMAIN_MAX);
	snprintf(v->policy.mx[0], DOMAIN_MAX, "other.example");
	snprintf(v->policy.mx[1], DOMAIN_MAX, "*.a.example");
	snprintf(v->id, sizeof(v->id), "2026");
}

static void
test_sts(void **state)
{
	struct host h;
	struct sts_verdict v;
	struct outcome o;
	struct receipt_proof p;

	(void)state;
	host_init(&h);
	verdict(&v, STS_CACHED, STS_MODE_ENFORCE);
	h.plan.level = TLS_PKIX;
	h.mx = MX_INSECURE;
	h.sts = &v;
	sent(&o, TLS_BY_STS, "STS-29");
	sent_tls(&o);
	o.tls.proof = TLS_PROOF_PKIX;
	make(&h, &o, &p);
	t_cstr("policy", p.policy, "sts");
	t_cstr("MX set", p.mx_set, "insecure");
	t_cstr("source", p.sts, "cached");
	t_cstr("mode", p.sts_mode, "enforce");
	t_cstr("id", p.sts_id, "2026");
	t_cstr("STS-34 pattern", p.sts_mx, "*.a.example");
	t_cstr("no audit", p.sts_audit, "");
	t_cstr("text", p.sts_text,
	    "version: STSv1\nmode: enforce\nmx: other.example\n"
	    "mx: *.a.example\nmax_age: 86400\n");
	t_cstr("no records", p.tlsa_set, NULL);
	receipt_proof_clear(&p);

	/* STS-32: what the certificate was worth is said, not acted on. */
	v.policy.mode = STS_MODE_TESTING;
	h.plan.audit_pkix = true;
	o.tls.audit = TLS_HOST_MISMATCH;
	make(&h, &o, &p);
	t_cstr("STS-32", p.sts_audit, "certificate-host-mismatch");
	receipt_proof_clear(&p);
	sts_policy_clear(&v.policy);
}

static void
test_clear(void **state)
{
	struct host h;
	struct sts_verdict v;
	struct outcome o;
	struct receipt_proof p;

	(void)state;
	host_init(&h);
	memset(&v, 0, sizeof(v));
	v.source = STS_NO_POLICY;
	h.sts = &v;
	sent(&o, TLS_BY_NONE, "DANE-13");
	o.clear_fallback = true;
	o.mx_insecure = true;
	make(&h, &o, &p);
	t_cstr("policy", p.policy, "none");
	t_cstr("proof", p.proof, "none");
	t_cstr("in clear", p.tls, "");
	t_cstr("in clear", p.cipher, "");
	t_int("flags", p.flags, RECEIPT_FALLBACK | RECEIPT_MX_INSECURE);
	t_cstr("asked, and there is none", p.sts, "no-policy");
	t_cstr("no text", p.sts_text, NULL);
	receipt_proof_clear(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dane),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_sts),
	    cmocka_unit_test(test_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
