/* DANE-53: a session is judged by a plan that is only looked at. It stands
 * whatever that says, proves nothing, and the word is that of a handshake. */
#include "config.h"

#include "tests/adapt/tls_world.h"

/* level, chain, tlsa and names are those of the audited plan. */
static const struct {
	struct tcase c;
	int max; /* TLS of the server, 0: any */
} cases[] = {
    {{"EE", TLS_DANE, {SELF_BAD}, {{3, 1, 1, SELF_BAD}}, {NULL}, TLS_OK, 0}, 0},
    {{"EE of another key", TLS_DANE, {GOOD}, {{3, 1, 1, SELF}}, {NULL},
	 TLS_TLSA_MISMATCH, 0},
	0},
    {{"DANE-40 good by PKIX is no help", TLS_DANE, {GOOD, ROOT},
	 {{3, 0, 1, FOREIGN}}, {NULL}, TLS_TLSA_MISMATCH, 0},
	0},
    {{"TA", TLS_DANE, {GOOD_SUB, SUB, ROOT}, {{2, 0, 1, ROOT}}, {NULL}, TLS_OK,
	 0},
	0},
    {{"DANE-41 TA, another name", TLS_DANE, {FOREIGN, ROOT}, {{2, 0, 1, ROOT}},
	 {NULL}, TLS_HOST_MISMATCH, 0},
	0},
    {{"DANE-42 TA, the second name", TLS_DANE, {DOMAIN_NAMED, ROOT},
	 {{2, 0, 1, ROOT}}, {MX, DOMAIN}, TLS_OK, 0},
	0},
    {{"TA, expired", TLS_DANE, {EXPIRED, ROOT}, {{2, 0, 1, ROOT}}, {NULL},
	 TLS_EXPIRED, 0},
	0},
    {{"DANE, TLS 1.2", TLS_DANE, {SELF}, {{3, 1, 1, SELF}}, {NULL}, TLS_OK, 0},
	TLS1_2_VERSION},
    {{"DANE-51 DANE, TLS 1.1", TLS_DANE, {SELF}, {{3, 1, 1, SELF}}, {NULL},
	 TLS_HANDSHAKE, 0},
	TLS1_1_VERSION},
    {{"PKIX", TLS_PKIX, {GOOD}, {{0}}, {NULL}, TLS_OK, 0}, 0},
    {{"PKIX, another name", TLS_PKIX, {FOREIGN}, {{0}}, {NULL},
	 TLS_HOST_MISMATCH, 0},
	0},
    {{"PKIX, nobody's", TLS_PKIX, {SELF}, {{0}}, {NULL}, TLS_NOT_TRUSTED, 0},
	0},
    {{"PKIX, expired", TLS_PKIX, {EXPIRED}, {{0}}, {NULL}, TLS_EXPIRED, 0}, 0},
    {{"PKIX, weak key", TLS_PKIX, {WEAK}, {{0}}, {NULL}, TLS_NOT_TRUSTED, 0},
	0},
    {{"PKIX, CN only", TLS_PKIX, {CN_ONLY}, {{0}}, {NULL}, TLS_HOST_MISMATCH,
	 0},
	0},
    {{"both", TLS_DANE_PKIX, {GOOD}, {{3, 1, 1, GOOD}}, {NULL}, TLS_OK, 0}, 0},
    {{"both, PKIX alone", TLS_DANE_PKIX, {GOOD}, {{3, 1, 1, SELF}}, {NULL},
	 TLS_TLSA_MISMATCH, 0},
	0},
    {{"both, DANE alone", TLS_DANE_PKIX, {FOREIGN}, {{3, 1, 1, FOREIGN}},
	 {NULL}, TLS_HOST_MISMATCH, 0},
	0},
    {{"encrypt", TLS_ENCRYPT, {SELF_BAD}, {{0}}, {NULL}, TLS_OK, 0}, 0},
    {{"encrypt, TLS 1.1", TLS_ENCRYPT, {SELF_BAD}, {{0}}, {NULL}, TLS_HANDSHAKE,
	 0},
	TLS1_1_VERSION},
    {{"nothing asked", TLS_OPPORTUNISTIC, {SELF_BAD}, {{0}}, {NULL}, TLS_OK, 0},
	TLS1_1_VERSION},
};

static void
run(struct world *w, const struct tcase *c, int max)
{
	struct tls_plan p, would;
	struct tls_engine *e = NULL;
	const struct tls_result *r;
	struct pki_server s;

	make_plan(w, c, &would);
	would.min = TLS_V1_2;
	tls_plan_init(&p);
	p.min = TLS_V1_0;
	snprintf(p.sni, sizeof(p.sni), "%s", MX);
	tls_plan_set_audit(&p, &would);
	start_server(w, c->chain, max, &s);
	t_err(c->name, tls_engine_new(w->ctx, &p, &e), 0);
	tls_plan_clear(&p);
	carry(e, &s);
	r = tls_engine_result(e);
	t_bool(c->name, r->established, true);
	t_bool(c->name, r->verified, false);
	t_cstr(c->name, tls_proof_str(r->proof), "none");
	t_cstr(c->name, tls_failure_str(r->failure), "ok");
	t_cstr(c->name, tls_failure_str(r->would), tls_failure_str(c->want));
	t_cstr(c->name, tls_failure_str(r->audit), "ok");
	t_bool(c->name, s.done, true);
	t_err(c->name, tls_engine_write(e, "mail", 4), 0);
	tls_engine_free(e);
	pki_server_stop(&s);
}

static void
test_audit(void **state)
{
	for (size_t i = 0; i < T_COUNT(cases); i++)
		run(world_of(state), &cases[i].c, cases[i].max);
}

/* A plan that nothing can fulfil fails as such, not as fine. */
static void
test_hopeless(void **state)
{
	static const struct tcase c = {"no record that counts", TLS_DANE,
	    {SELF}, {{1, 1, 1, SELF}}, {NULL}, TLS_TLSA_MISMATCH, 0};

	run(world_of(state), &c, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_hopeless),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
