/* Nothing leaves in clear or unproven where the plan forbids it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "relay/deliver/gate.h"

static const enum tls_level levels[] = {
    TLS_OPPORTUNISTIC, TLS_ENCRYPT, TLS_PKIX, TLS_DANE, TLS_DANE_PKIX};
static const enum tls_fail fails[] = {
    TLS_FAIL_NEXT, TLS_FAIL_DEFER, TLS_FAIL_CLEAR};

/* Said once more, from the rules and not from the code. */
static bool
want_may(const struct tls_plan *p, bool clear, const struct tls_result *t)
{
	bool proven = t->established && t->verified;
	bool plain = clear || !t->established;

	if (plain) /* RFC 7672 2.2, RFC 8461 5: only opportunistic TLS */
		return p->level == TLS_OPPORTUNISTIC && !p->requiretls &&
		    (clear ? p->on_tls_failure : p->on_no_starttls) ==
		    TLS_FAIL_CLEAR;
	return proven || p->level == TLS_OPPORTUNISTIC ||
	    p->level == TLS_ENCRYPT;
}

/* DANE-11, DANE-12, DANE-31, STS-29: whole product. */
static void
test_may_mail_product(void **state)
{
	struct tls_plan p;
	struct tls_result t;
	unsigned i, clear, n = 0;

	(void)state;
	for (i = 0; i < 5 * 3 * 3 * 2 * 2 * 2; i++) {
		tls_plan_init(&p);
		memset(&t, 0, sizeof(t));
		p.level = levels[i % 5];
		p.on_no_starttls = fails[i / 5 % 3];
		p.on_tls_failure = fails[i / 15 % 3];
		p.requiretls = i / 45 % 2;
		t.established = i / 90 % 2;
		t.verified = i / 180 % 2 && t.established;
		for (clear = 0; clear < 2; clear++, n++)
			if (gate_may_mail(&p, clear, &t) !=
			    want_may(&p, clear, &t))
				fail_msg("case %u clear %u: got %d", i, clear,
				    gate_may_mail(&p, clear, &t));
	}
	assert_int_equal(n, 720);
}

/* The session is never told to stay in clear unless that would be let out. */
static void
test_client_tls_agrees(void **state)
{
	struct tls_result none;
	struct tls_plan p;
	unsigned i, clear;

	(void)state;
	memset(&none, 0, sizeof(none));
	for (i = 0; i < 5 * 3 * 3 * 2; i++) {
		tls_plan_init(&p);
		p.level = levels[i % 5];
		p.on_no_starttls = fails[i / 5 % 3];
		p.on_tls_failure = fails[i / 15 % 3];
		p.requiretls = i / 45 % 2;
		for (clear = 0; clear < 2; clear++) {
			enum client_tls got = gate_client_tls(&p, clear);

			if (got != CLIENT_TLS_MUST)
				assert_true(gate_may_mail(
				    &p, got == CLIENT_TLS_NONE, &none));
			if (p.level != TLS_OPPORTUNISTIC || p.requiretls)
				assert_int_equal(got, CLIENT_TLS_MUST);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_may_mail_product),
	    cmocka_unit_test(test_client_tls_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
