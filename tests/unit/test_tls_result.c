/* Names of results: RFC 8460 4.3 wants these exact words. */
#include "config.h"

#include "relay/model/tls_result.h"
#include "tests/unit/t.h"

static void
test_names(void **state)
{
	(void)state;
	t_cstr("proof", tls_proof_str(TLS_PROOF_NONE), "none");
	t_cstr("proof", tls_proof_str(TLS_PROOF_DANE_EE), "dane-ee");
	t_cstr("proof", tls_proof_str(TLS_PROOF_DANE_TA), "dane-ta");
	t_cstr("proof", tls_proof_str(TLS_PROOF_PKIX), "pkix");
	t_cstr("RFC 8460", tls_failure_str(TLS_NO_STARTTLS),
	    "starttls-not-supported");
	t_cstr("RFC 8460", tls_failure_str(TLS_HOST_MISMATCH),
	    "certificate-host-mismatch");
	t_cstr("RFC 8460", tls_failure_str(TLS_EXPIRED), "certificate-expired");
	t_cstr("RFC 8460", tls_failure_str(TLS_NOT_TRUSTED),
	    "certificate-not-trusted");
	t_cstr("RFC 8460", tls_failure_str(TLS_TLSA_MISMATCH),
	    "validation-failure");
	t_cstr("other", tls_failure_str(TLS_OK), "ok");
	t_cstr("other", tls_failure_str(TLS_HANDSHAKE), "handshake-failure");
	t_cstr("other", tls_failure_str(TLS_PROTOCOL), "protocol-error");
	t_cstr("unknown", tls_failure_str((enum tls_failure)99), "?");
	t_cstr("unknown", tls_proof_str((enum tls_proof)99), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
