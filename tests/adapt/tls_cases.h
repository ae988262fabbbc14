/* A table of struct tcase, gone through in each way that a plan is used. */
#ifndef TESTS_ADAPT_TLS_CASES_H
#define TESTS_ADAPT_TLS_CASES_H

#include "relay/tls/tls_offline.h"
#include "tests/adapt/tls_world.h"

static inline void
run_handshakes(struct world *w, const struct tcase *cases, size_t n_cases)
{
	for (size_t i = 0; i < n_cases; i++) {
		const struct tcase *c = &cases[i];
		struct tls_engine *e = NULL;
		struct pki_server s;
		struct tls_plan p;

		make_plan(w, c, &p);
		start_server(w, c->chain, 0, &s);
		t_err(c->name, tls_engine_new(w->ctx, &p, &e), 0);
		tls_plan_clear(&p);
		t_err(c->name, tls_engine_handshake(e), ERR_MORE);
		t_err(c->name, tls_engine_write(e, "mail", 4), ERR_TLS);
		carry(e, &s);
		if (c->want == TLS_OK)
			check_success(c, e, &s);
		else
			check_failure(c, e, &s);
		tls_engine_free(e);
		pki_server_stop(&s);
	}
}

/* TLS 1.2 verifies in another place of the handshake than 1.3. */
static inline void
run_refused_in_1_2(struct world *w, const struct tcase *cases, size_t n_cases)
{
	for (size_t i = 0; i < n_cases; i++) {
		const struct tcase *c = &cases[i];
		struct tls_engine *e = NULL;
		struct pki_server s;
		struct tls_plan p;

		if (c->want == TLS_OK)
			continue;
		make_plan(w, c, &p);
		start_server(w, c->chain, TLS1_2_VERSION, &s);
		t_err(c->name, tls_engine_new(w->ctx, &p, &e), 0);
		tls_plan_clear(&p);
		carry(e, &s);
		check_failure(c, e, &s);
		tls_engine_free(e);
		pki_server_stop(&s);
	}
}

/* Judged without a connection, each case ends the same. */
static inline void
run_offline(struct world *w, const struct tcase *cases, size_t n_cases)
{
	for (size_t i = 0; i < n_cases; i++) {
		const struct tcase *c = &cases[i];
		struct tls_result r;
		struct tls_plan p;
		struct buf pem;

		if (c->level != TLS_DANE && c->level != TLS_PKIX)
			continue;
		make_plan(w, c, &p);
		chain_pem(w, c, &pem);
		t_err(c->name,
		    tls_offline_verify(w->ctx, &p, buf_str(&pem), -1, &r), 0);
		t_cstr(c->name, tls_failure_str(r.failure),
		    tls_failure_str(c->want));
		t_cstr(
		    c->name, tls_proof_str(r.proof), tls_proof_str(c->proof));
		t_bool(c->name, r.verified, c->want == TLS_OK);
		t_bool(c->name, r.established, false);
		t_bool(c->name, r.depth >= 0,
		    c->want == TLS_OK && c->level == TLS_DANE);
		tls_plan_clear(&p);
		buf_clear(&pem);
	}
}

#endif
