/*
 * What the engine accepts and refuses, against a real server side over
 * memory: RFC 7672 3 and RFC 8461 4.2 as a table of plans and chains.
 */
#include "config.h"

#include <time.h>

#include "relay/tls/tls_offline.h"
#include "tests/adapt/tls_cases.h"
#include "tests/unit/t.h"

#define EE TLS_PROOF_DANE_EE
#define TA TLS_PROOF_DANE_TA

static const struct tcase cases[] = {
    /* DANE-EE */
    {.name = "DANE-11 3 1 1", TLS_DANE, {GOOD}, {{3, 1, 1, GOOD}}, .proof = EE},
    {.name = "3 0 1", TLS_DANE, {GOOD}, {{3, 0, 1, GOOD}}, .proof = EE},
    {.name = "3 1 2", TLS_DANE, {GOOD}, {{3, 1, 2, GOOD}}, .proof = EE},
    {.name = "3 0 0", TLS_DANE, {GOOD}, {{3, 0, 0, GOOD}}, .proof = EE},
    {.name = "3 1 0", TLS_DANE, {GOOD}, {{3, 1, 0, GOOD}}, .proof = EE},
    {.name = "DANE-33 DANE-34 expired, other name",
	TLS_DANE,
	{SELF_BAD},
	{{3, 1, 1, SELF_BAD}},
	.proof = EE},
    {.name = "DANE-34 expired, issued",
	TLS_DANE,
	{EXPIRED},
	{{3, 1, 1, EXPIRED}},
	.proof = EE},
    {.name = "DANE-34 not yet valid",
	TLS_DANE,
	{EARLY},
	{{3, 0, 2, EARLY}},
	.proof = EE},
    {.name = "one of two matches",
	TLS_DANE,
	{GOOD},
	{{3, 1, 1, SELF}, {3, 1, 1, GOOD}},
	.proof = EE},
    {.name = "DANE-40 no match",
	TLS_DANE,
	{GOOD},
	{{3, 1, 1, SELF}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "DANE-40 no match, publicly trusted",
	TLS_DANE,
	{GOOD, ROOT},
	{{3, 1, 1, FOREIGN}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "the record is for the issuer's key",
	TLS_DANE,
	{GOOD, ROOT},
	{{3, 1, 1, ROOT}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "3 0 1 with the digest of the key of another",
	TLS_DANE,
	{SELF},
	{{3, 0, 1, GOOD}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "DANE-47 only the stronger digest counts",
	TLS_DANE,
	{GOOD},
	{{3, 1, 1, GOOD}, {3, 1, 2, SELF}},
	.want = TLS_TLSA_MISMATCH},

    /* Records that must not count */
    {.name = "DANE-38 usage 1 does not help",
	TLS_DANE,
	{GOOD, ROOT},
	{{1, 1, 1, GOOD}, {3, 1, 1, SELF}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "DANE-38 usage 0 does not help",
	TLS_DANE,
	{GOOD, ROOT},
	{{0, 1, 1, ROOT}, {3, 1, 1, SELF}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "DANE-38 nor does it harm",
	TLS_DANE,
	{GOOD, ROOT},
	{{0, 1, 1, SELF}, {3, 1, 1, GOOD}},
	.proof = EE},

    /* MTA-STS */
    {.name = "STS-35 good", TLS_PKIX, {GOOD, ROOT}, .proof = TLS_PROOF_PKIX},
    {.name = "STS-35 root not presented",
	TLS_PKIX,
	{GOOD},
	.proof = TLS_PROOF_PKIX},
    {.name = "STS-35 intermediate",
	TLS_PKIX,
	{GOOD_SUB, SUB},
	.proof = TLS_PROOF_PKIX},
    {.name = "STS-35 intermediate left out",
	TLS_PKIX,
	{GOOD_SUB},
	.want = TLS_NOT_TRUSTED},
    {.name = "STS-35 wildcard", TLS_PKIX, {WILD}, .proof = TLS_PROOF_PKIX},
    {.name = "STS-35 untrusted root",
	TLS_PKIX,
	{GOOD_OLD_ROOT, ROOT_OLD},
	.want = TLS_NOT_TRUSTED},
    {.name = "STS-35 self-signed", TLS_PKIX, {SELF}, .want = TLS_NOT_TRUSTED},
    {.name = "STS-35 expired", TLS_PKIX, {EXPIRED}, .want = TLS_EXPIRED},
    {.name = "STS-35 not yet valid", TLS_PKIX, {EARLY}, .want = TLS_EXPIRED},
    {.name = "STS-35 other name",
	TLS_PKIX,
	{FOREIGN},
	.want = TLS_HOST_MISMATCH},
    {.name = "STS-35 policy domain is not the host",
	TLS_PKIX,
	{DOMAIN_NAMED},
	.want = TLS_HOST_MISMATCH},
    {.name = "STS-35 CN only", TLS_PKIX, {CN_ONLY}, .want = TLS_HOST_MISMATCH},
    {.name = "STS-35 CN beside another DNS-ID",
	TLS_PKIX,
	{CN_OTHER_SAN},
	.want = TLS_HOST_MISMATCH},
    {.name = "STS-35 partial wildcard",
	TLS_PKIX,
	{PARTIAL},
	.want = TLS_HOST_MISMATCH},
    {.name = "STS-37 weak key", TLS_PKIX, {WEAK}, .want = TLS_NOT_TRUSTED},
    {.name = "STS-35 TLSA does not replace PKIX",
	TLS_PKIX,
	{SELF},
	{{3, 1, 1, SELF}},
	.want = TLS_NOT_TRUSTED},

    /* Both */
    {.name = "both hold, EE",
	TLS_DANE_PKIX,
	{GOOD},
	{{3, 1, 1, GOOD}},
	.proof = EE},
    {.name = "both hold, TA",
	TLS_DANE_PKIX,
	{GOOD_SUB, SUB},
	{{2, 1, 1, SUB}},
	.proof = TA},
    {.name = "DANE fails, PKIX holds",
	TLS_DANE_PKIX,
	{GOOD},
	{{3, 1, 1, SELF}},
	.want = TLS_TLSA_MISMATCH},
    {.name = "DANE holds, untrusted",
	TLS_DANE_PKIX,
	{SELF},
	{{3, 1, 1, SELF}},
	.want = TLS_NOT_TRUSTED},
    {.name = "DANE holds, expired",
	TLS_DANE_PKIX,
	{EXPIRED},
	{{3, 1, 1, EXPIRED}},
	.want = TLS_EXPIRED},
    {.name = "DANE holds, other name",
	TLS_DANE_PKIX,
	{FOREIGN},
	{{3, 1, 1, FOREIGN}},
	.want = TLS_HOST_MISMATCH},
    {.name = "DANE-TA holds by another name",
	TLS_DANE_PKIX,
	{DOMAIN_NAMED, ROOT},
	{{2, 1, 1, ROOT}},
	{MX, DOMAIN},
	.want = TLS_HOST_MISMATCH},
    {.name = "DANE-TA holds, CN only",
	TLS_DANE_PKIX,
	{CN_ONLY, ROOT},
	{{2, 1, 1, ROOT}},
	.want = TLS_HOST_MISMATCH},
    {.name = "2 0 0 makes no public trust",
	TLS_DANE_PKIX,
	{GOOD_NARROW},
	{{2, 0, 0, ROOT_NARROW}},
	.want = TLS_NOT_TRUSTED},
    {.name = "both fail",
	TLS_DANE_PKIX,
	{SELF},
	{{3, 1, 1, GOOD}},
	.want = TLS_TLSA_MISMATCH},

    /* Nobody authenticated */
    {.name = "DANE-12 encrypt, self-signed", TLS_ENCRYPT, {SELF_BAD}},
    {.name = "encrypt, weak key", TLS_ENCRYPT, {WEAK}},
    {.name = "opportunistic, self-signed", TLS_OPPORTUNISTIC, {SELF_BAD}},
    {.name = "opportunistic, good: nothing is claimed",
	TLS_OPPORTUNISTIC,
	{GOOD, ROOT}},
};

static void
test_table(void **state)
{
	run_handshakes(world_of(state), cases, T_COUNT(cases));
}

static void
test_refused_in_1_2(void **state)
{
	run_refused_in_1_2(world_of(state), cases, T_COUNT(cases));
}

static void
test_offline(void **state)
{
	run_offline(world_of(state), cases, T_COUNT(cases));
}

/* STS-32: testing is looked at and never acted on. */
static void
test_audit(void **state)
{
	struct world *w = world_of(state);
	static const struct {
		struct tcase c;
		enum tls_failure audit;
		int max;
	} v[] = {
	    {{.name = "STS-32 good", TLS_OPPORTUNISTIC, {GOOD, ROOT}}, TLS_OK,
		0},
	    {{.name = "STS-32 no root presented", TLS_OPPORTUNISTIC, {GOOD}},
		TLS_OK, 0},
	    {{.name = "STS-32 intermediate",
		 TLS_OPPORTUNISTIC,
		 {GOOD_SUB, SUB}},
		TLS_OK, 0},
	    {{.name = "STS-32 name", TLS_OPPORTUNISTIC, {FOREIGN}},
		TLS_HOST_MISMATCH, 0},
	    {{.name = "STS-32 CN only", TLS_OPPORTUNISTIC, {CN_ONLY}},
		TLS_HOST_MISMATCH, 0},
	    {{.name = "STS-32 partial", TLS_OPPORTUNISTIC, {PARTIAL}},
		TLS_HOST_MISMATCH, 0},
	    {{.name = "STS-32 untrusted", TLS_OPPORTUNISTIC, {SELF}},
		TLS_NOT_TRUSTED, 0},
	    {{.name = "STS-32 expired", TLS_OPPORTUNISTIC, {EXPIRED}},
		TLS_EXPIRED, 0},
	    {{.name = "STS-32 weak key", TLS_OPPORTUNISTIC, {WEAK}},
		TLS_NOT_TRUSTED, 0},
	    {{.name = "STS-32 old TLS", TLS_OPPORTUNISTIC, {GOOD}},
		TLS_HANDSHAKE, TLS1_1_VERSION},
	    {{.name = "STS-32 beside DANE",
		 TLS_DANE,
		 {SELF},
		 {{3, 1, 1, SELF}},
		 .proof = EE},
		TLS_NOT_TRUSTED, 0},
	    {{.name = "STS-32 encrypt", TLS_ENCRYPT, {FOREIGN}},
		TLS_HOST_MISMATCH, 0},
	};

	for (size_t i = 0; i < T_COUNT(v); i++) {
		struct tls_engine *e = NULL;
		struct pki_server s;
		struct tls_plan p;

		make_plan(w, &v[i].c, &p);
		p.audit_pkix = true;
		start_server(w, v[i].c.chain, v[i].max, &s);
		t_err(v[i].c.name, tls_engine_new(w->ctx, &p, &e), 0);
		tls_plan_clear(&p);
		carry(e, &s);
		if (!v[i].max)
			check_success(&v[i].c, e, &s);
		t_bool(v[i].c.name, tls_engine_result(e)->established, true);
		t_cstr(v[i].c.name,
		    tls_failure_str(tls_engine_result(e)->audit),
		    tls_failure_str(v[i].audit));
		tls_engine_free(e);
		pki_server_stop(&s);
	}
}

static void
test_offline_time(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {.name = "DANE-35 at its time",
	    TLS_DANE,
	    {EXPIRED, ROOT},
	    {{2, 1, 1, ROOT}}};
	const int64_t now = (int64_t)time(NULL);
	struct tls_result r;
	struct tls_plan p;
	struct buf pem;

	make_plan(w, &c, &p);
	chain_pem(w, &c, &pem);
	t_err(
	    c.name, tls_offline_verify(w->ctx, &p, buf_str(&pem), now, &r), 0);
	t_cstr(c.name, tls_failure_str(r.failure), "certificate-expired");
	t_err(c.name,
	    tls_offline_verify(
		w->ctx, &p, buf_str(&pem), now - 5 * PKI_DAY, &r),
	    0);
	t_cstr(c.name, tls_failure_str(r.failure), "ok");
	tls_plan_clear(&p);
	buf_clear(&pem);
}

static void
test_offline_errors(void **state)
{
	struct world *w = world_of(state);
	static const struct tcase c = {
	    .name = "x", TLS_DANE, {GOOD}, {{3, 1, 1, GOOD}}};
	static const struct tcase unusable = {
	    .name = "DANE-38", TLS_DANE, {GOOD}, {{1, 1, 1, GOOD}}};
	struct tls_result r;
	struct tls_plan p;
	struct buf pem;

	make_plan(w, &c, &p);
	chain_pem(w, &c, &pem);
	t_err("empty", tls_offline_verify(w->ctx, &p, STR(""), -1, &r),
	    ERR_SYNTAX);
	t_err("no PEM", tls_offline_verify(w->ctx, &p, STR("x\n"), -1, &r),
	    ERR_SYNTAX);
	t_err("cut",
	    tls_offline_verify(w->ctx, &p, str_n(pem.p, pem.n - 40), -1, &r),
	    ERR_SYNTAX);
	buf_add_cstr(&pem,
	    "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n");
	t_err("a broken second one",
	    tls_offline_verify(w->ctx, &p, buf_str(&pem), -1, &r), ERR_SYNTAX);
	t_bool("verified", r.verified, false);
	tls_plan_clear(&p);
	make_plan(w, &unusable, &p);
	t_err("unusable", tls_offline_verify(w->ctx, &p, buf_str(&pem), -1, &r),
	    ERR_TLS);
	t_bool("verified", r.verified, false);
	tls_plan_clear(&p);
	buf_clear(&pem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_refused_in_1_2),
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_offline),
	    cmocka_unit_test(test_offline_time),
	    cmocka_unit_test(test_offline_errors),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
